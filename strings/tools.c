// SPDX-License-Identifier: Apache-2.0
//
// Programs with windows or pages, and their configuration. Data only. Fields are pasted as they
// are, under the labels that the program shows.
#include "strings/client.h"

#include "base/defs.h"

#define JDBC "jdbc:mysql://$authority/$?database{$percent(database)$}$tls"
#define JDBC_TLS                                                                                   \
    {                                                                                              \
        [STRING_TLS_OFF] = { .piece = "?sslMode=DISABLED&allowPublicKeyRetrieval=true" },          \
        [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?sslMode=VERIFY_IDENTITY" TRUST_STORE,          \
            .setup = TRUST_SETUP },                                                                \
        [STRING_TLS_VERIFY_CA] = { .piece = "?sslMode=VERIFY_CA" TRUST_STORE,                      \
            .setup = TRUST_SETUP },                                                                \
    }
#define TRUST_STORE                                                                                \
    "&trustCertificateKeyStoreUrl=file:$fileurl(ca).p12&trustCertificateKeyStoreType=PKCS12"       \
    "&trustCertificateKeyStorePassword=changeit"
#define TRUST_SETUP                                                                                \
    "keytool -importcert -noprompt -alias tidb -file $shell(ca) -keystore $shell(ca).p12"          \
    " -storetype PKCS12 -storepass changeit"
#define NO_SOCKET_FIELD "its window has no field for a unix socket: use the TCP listener"
#define PASTE "Paste the values as they are."

static const struct string_client clients[] = {
    {
        .id = "dbeaver",
        .also = "",
        .name = "DBeaver",
        .language = "",
        .kind = STRING_TOOL,
        .proof = STRING_GUI,
        .encoding = ENCODING_LINE,
        .tcp = "URL       " JDBC "\n"
               "Username  $user\n"
               "Password  $password",
        .no_socket = NO_SOCKET_FIELD,
        .tls = JDBC_TLS,
        .notes = "Connect by: URL. " PASTE,
    },
    {
        .id = "datagrip",
        .also = "jetbrains intellij",
        .name = "DataGrip",
        .language = "",
        .kind = STRING_TOOL,
        .proof = STRING_GUI,
        .encoding = ENCODING_LINE,
        .tcp = "User      $user\n"
               "Password  $password\n"
               "URL       " JDBC,
        .no_socket = NO_SOCKET_FIELD,
        .tls = JDBC_TLS,
        .notes = PASTE " The SSH/SSL tab takes a PEM file as well.",
    },
    {
        .id = "workbench",
        .also = "mysql-workbench mysqlworkbench",
        .name = "MySQL Workbench",
        .language = "",
        .kind = STRING_TOOL,
        .proof = STRING_GUI,
        .encoding = ENCODING_LINE,
        .tcp = "Connection Method  Standard (TCP/IP)\n"
               "Hostname           $host\n"
               "Port               $port\n"
               "Username           $user\n"
               "Password           $password"
               "$?database{\nDefault Schema     $database$}$tls",
        .socket = "Connection Method  Local Socket/Pipe\n"
                  "Socket/Pipe Path   $socket\n"
                  "Username           $user\n"
                  "Password           $password"
                  "$?database{\nDefault Schema     $database$}$tls",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "\nUse SSL            No" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "\nUse SSL            Require and Verify Identity"
                                                      "\nSSL CA File        $ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "\nUse SSL            Require and Verify CA"
                                                "\nSSL CA File        $ca" },
        },
        .notes = PASTE,
    },
    {
        .id = "navicat",
        .also = "",
        .name = "Navicat",
        .language = "",
        .kind = STRING_TOOL,
        .proof = STRING_GUI,
        .encoding = ENCODING_LINE,
        .tcp = "Host              $host\n"
               "Port              $port\n"
               "User Name         $user\n"
               "Password          $password"
               "$?database{\nInitial Database  $database$}$tls",
        .no_socket = NO_SOCKET_FIELD,
        .tls = {
            [STRING_TLS_OFF] = { .piece = "\nUse SSL           off" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece =
                "\nUse SSL           on, Verify server certificate against CA\nCA Certificate    $ca" },
            [STRING_TLS_VERIFY_CA] = { .why_not = "its window has one choice that verifies, the "
                                                  "certificate and its name" },
        },
        .notes = PASTE,
    },
    {
        .id = "tableplus",
        .also = "",
        .name = "TablePlus",
        .language = "",
        .kind = STRING_TOOL,
        .proof = STRING_GUI,
        .encoding = ENCODING_LINE,
        .tcp = "Host      $host\n"
               "Port      $port\n"
               "User      $user\n"
               "Password  $password"
               "$?database{\nDatabase  $database$}$tls",
        .socket = "Socket    $socket\n"
                  "User      $user\n"
                  "Password  $password"
                  "$?database{\nDatabase  $database$}$tls",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "\nSSL mode  DISABLED" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "\nSSL mode  VERIFY_IDENTITY\nCA Cert   $ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "\nSSL mode  VERIFY_CA\nCA Cert   $ca" },
        },
        .notes = PASTE " Import from URL takes the string of `url`.",
    },
    {
        .id = "heidisql",
        .also = "",
        .name = "HeidiSQL",
        .language = "",
        .kind = STRING_TOOL,
        .proof = STRING_GUI,
        .encoding = ENCODING_LINE,
        .tcp = "Network type    MariaDB or MySQL (TCP/IP)\n"
               "Hostname / IP   $host\n"
               "User            $user\n"
               "Password        $password\n"
               "Port            $port"
               "$?database{\nDatabases       $database$}$tls",
        .no_socket = NO_SOCKET_FIELD,
        .tls = {
            [STRING_TLS_OFF] = { .piece = "\nUse SSL         off" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece =
                "\nUse SSL         on, verify certificate and host name\nCA certificate  $ca" },
            [STRING_TLS_VERIFY_CA] = { .piece =
                "\nUse SSL         on, verify certificate\nCA certificate  $ca" },
        },
        .notes = PASTE " A ; separates databases.",
    },
    {
        .id = "sequel-ace",
        .also = "sequelace sequel-pro",
        .name = "Sequel Ace",
        .language = "",
        .kind = STRING_TOOL,
        .proof = STRING_GUI,
        .encoding = ENCODING_LINE,
        .tcp = "Host         $host\n"
               "Username     $user\n"
               "Password     $password\n"
               "$?database{Database     $database\n$}"
               "Port         $port$tls",
        .socket = "Username     $user\n"
                  "Password     $password\n"
                  "$?database{Database     $database\n$}"
                  "Socket       $socket$tls",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "\nRequire SSL  off" },
            [STRING_TLS_VERIFY_IDENTITY] = { .why_not = "it verifies the issuer only: use verify-ca, or "
                                                        "let the proxy speak TLS to the cluster" },
            [STRING_TLS_VERIFY_CA] = { .piece = "\nRequire SSL  on\nCA Cert      $ca" },
        },
        .notes = PASTE,
    },
    {
        .id = "vscode",
        .also = "sqltools vs-code",
        .name = "VS Code (SQLTools)",
        .language = "",
        .kind = STRING_TOOL,
        .proof = STRING_GUI,
        .encoding = ENCODING_JSON,
        .tcp = "{ \"name\": \"tidb\", \"driver\": \"TiDB\", \"server\": $host, \"port\": $port, "
               "\"username\": $user, \"askForPassword\": true$?database{, \"database\": $database$}$tls }",
        .socket = "{ \"name\": \"tidb\", \"driver\": \"TiDB\", \"socketPath\": $socket, "
                  "\"username\": $user, \"askForPassword\": true$?database{, \"database\": $database$}$tls }",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .why_not = "it does not check the certificate's name: use "
                                                        "verify-ca, or let the proxy speak TLS" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", \"mysqlOptions\": { \"enableSsl\": \"Enabled\", "
                                                "\"ssl\": { \"ca\": $ca } }" },
        },
        .notes = "An entry of sqltools.connections. It asks for the password: settings.json is synced.",
    },
    {
        .id = "metabase",
        .also = "",
        .name = "Metabase",
        .language = "",
        .kind = STRING_TOOL,
        .proof = STRING_GUI,
        .encoding = ENCODING_LINE,
        .tcp = "Host                    $host\n"
               "Port                    $port\n"
               "$?database{Database name           $database\n$}"
               "Username                $user\n"
               "Password                $password$tls",
        .no_socket = NO_SOCKET_FIELD,
        .tls = {
            [STRING_TLS_OFF] = { .piece = "\nJDBC options            sslMode=disable"
                                          "&allowPublicKeyRetrieval=true" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "\nJDBC options            sslMode=verify-full"
                                                      "&serverSslCert=$percent(ca)" },
            [STRING_TLS_VERIFY_CA] = { .piece = "\nJDBC options            sslMode=verify-ca"
                                                "&serverSslCert=$percent(ca)" },
        },
        .notes = PASTE " Its driver is MariaDB Connector/J.",
    },
    {
        .id = "superset",
        .also = "",
        .name = "Apache Superset",
        .language = "",
        .kind = STRING_TOOL,
        .proof = STRING_GUI,
        .encoding = ENCODING_PERCENT,
        .tcp = "mysql+mysqldb://$user:$password@$authority/$?database{$database$}$tls",
        .socket = "mysql+mysqldb://$user:$password@localhost/$?database{$database$}"
                  "?unix_socket=$socket&ssl_mode=DISABLED",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "?ssl_mode=DISABLED" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?ssl_mode=VERIFY_IDENTITY&ssl_ca=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "?ssl_mode=VERIFY_CA&ssl_ca=$ca" },
        },
        .notes = "The SQLAlchemy URI. It is shown without the password afterwards.",
    },
    {
        .id = "grafana",
        .also = "",
        .name = "Grafana, provisioning",
        .language = "",
        .kind = STRING_TOOL,
        .encoding = ENCODING_YAML_DOLLAR,
        .tcp = "apiVersion: 1\n"
               "datasources:\n"
               "  - name: tidb\n"
               "    type: mysql\n"
               "    url: '$authority'\n"
               "    user: $user\n"
               "    jsonData:\n"
               "      maxIdleConns: 2\n"
               "$?database{      database: $database\n$}"
               "    secureJsonData:\n"
               "      password: $password",
        .socket = "apiVersion: 1\n"
                  "datasources:\n"
                  "  - name: tidb\n"
                  "    type: mysql\n"
                  "    url: $socket\n"
                  "    user: $user\n"
                  "    jsonData:\n"
                  "      maxIdleConns: 2\n"
                  "$?database{      database: $database\n$}"
                  "    secureJsonData:\n"
                  "      password: $password",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .why_not = "it takes the CA's text, not its path: paste it "
                                                        "in the data source's page, or let the proxy "
                                                        "speak TLS to the cluster" },
            [STRING_TLS_VERIFY_CA] = { .why_not = "it checks the name as well, or nothing at all" },
        },
        .notes = "Provisioning replaces $NAME: a dollar sign is written $$.",
    },
    {
        .id = "duckdb",
        .also = "",
        .name = "DuckDB, mysql extension",
        .language = "SQL",
        .kind = STRING_TOOL,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_SQL,
        .tcp = "CREATE SECRET tidb (TYPE mysql, HOST $host, PORT $port, USER $user, PASSWORD $password"
               "$?database{, DATABASE $database$}$tls);\n"
               "ATTACH '' AS tidb (TYPE mysql, SECRET tidb);",
        .socket = "CREATE SECRET tidb (TYPE mysql, SOCKET $socket, USER $user, PASSWORD $password"
                  "$?database{, DATABASE $database$}$tls);\n"
                  "ATTACH '' AS tidb (TYPE mysql, SECRET tidb);",
        .tls = {
            [STRING_TLS_OFF] = { .piece = ", SSL_MODE 'disabled'" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", SSL_MODE 'verify_identity', SSL_CA $ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", SSL_MODE 'verify_ca', SSL_CA $ca" },
        },
        .notes = "A secret carries any password; the words of ATTACH 'host=…' have quotes of their own.",
        .example =
            "INSTALL mysql;\n"
            "LOAD mysql;\n"
            "$string\n"
            "SELECT concat_ws(' ', one, size)\n"
            "FROM mysql_query('tidb', 'SELECT 1 AS one'),\n"
            "  mysql_query('tidb', 'SELECT LENGTH(?) AS size', params = row(repeat('x', 65536)));",
    },
};

const struct string_shelf tools_shelf = { clients, ARRAY_LEN(clients) };
