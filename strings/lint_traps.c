// SPDX-License-Identifier: Apache-2.0
//
// What the parameters of each driver mean for TLS, and the traps that depend on parameters. Data
// only; lint_rules.c says how a row is read. The first row of a TLS list that holds counts.
#include "strings/lint_macros.h"
#include "strings/lint_rows.h"

const struct lint_rule lint_no_rules[] = { END };

const struct lint_rule lint_tls_ssl_mode[] = {
    MODES("ssl-mode", "ssl-ca"),
    MODES("ssl_mode", "ssl_ca"),
    MODES("sslmode", "sslca"),
    MODES("tls_mode", "tls_ca"),
    UNVERIFIED("ssl-ca", "ssl-ca", "ssl-ca without ssl-mode verifies nothing",
        "itself write ssl-mode=VERIFY_IDENTITY", "ssl-mode=VERIFY_IDENTITY", "ssl-mode=VERIFY_CA"),
    UNVERIFIED("ssl_ca", "ssl_ca", "ssl_ca without ssl_mode verifies nothing",
        "itself write ssl_mode=VERIFY_IDENTITY", "ssl_mode=VERIFY_IDENTITY", "ssl_mode=VERIFY_CA"),
    UNVERIFIED("sslca", "sslca", "sslca without ssl_mode verifies nothing",
        "itself write ssl_mode=verify_identity", "ssl_mode=verify_identity", "ssl_mode=verify_ca"),
    { "!@host=loopback @host", LINT_TLS_CLIENT, LINT_WARNING, "tls-preferred", NULL,
        "nothing is said about TLS", "by itself it asks for TLS; " FALLS_BACK, NULL },
    END,
};

const struct lint_rule lint_tls_command[] = {
    { .when = "skip-ssl", .tls = LINT_TLS_OFF },
    MODES("ssl-mode", "ssl-ca"),
    { "ssl-ca !ssl-mode", LINT_TLS_CA, LINT_WARNING, "tls-ca-only", "ssl-ca",
        "ssl-ca alone verifies the issuer, not the name", "write ssl-mode=VERIFY_IDENTITY too",
        NULL },
    END,
};

const struct lint_rule lint_tls_mariadb[] = {
    { .when = "skip-ssl", .tls = LINT_TLS_OFF },
    { .when = "ssl=0|off|false", .tls = LINT_TLS_OFF },
    { .when = "disable-ssl", .tls = LINT_TLS_OFF },
    UNVERIFIED("skip-ssl-verify-server-cert", "skip-ssl-verify-server-cert",
        "the certificate is not verified", "itself write ssl-verify-server-cert",
        "-skip-ssl-verify-server-cert ssl-verify-server-cert",
        "-skip-ssl-verify-server-cert ssl-verify-server-cert"),
    { .when = "ssl-verify-server-cert", .tls = LINT_TLS_IDENTITY },
    UNVERIFIED("ssl-ca", "ssl-ca", "ssl-ca alone verifies nothing before MariaDB 11.4",
        "itself write ssl-verify-server-cert", "ssl-verify-server-cert", NULL),
    UNVERIFIED("ssl", "ssl", "ssl alone verifies nothing before MariaDB 11.4",
        "itself write ssl-verify-server-cert and ssl-ca", "ssl-verify-server-cert", NULL),
    UNVERIFIED("ssl-mode", "ssl-mode", "MariaDB's programs have no ssl-mode",
        "itself write ssl-verify-server-cert", "-ssl-mode ssl-verify-server-cert", "-ssl-mode"),
    END,
};

const struct lint_rule lint_tls_file[] = {
    MODES("ssl-mode", "ssl-ca"),
    { .when = "skip-ssl", .tls = LINT_TLS_OFF },
    { .when = "ssl-verify-server-cert", .tls = LINT_TLS_IDENTITY },
    { "ssl-ca", LINT_TLS_CA, LINT_WARNING, "tls-ca-only", "ssl-ca",
        "ssl-ca alone does not verify the name",
        "write ssl-mode=VERIFY_IDENTITY for MySQL's programs, ssl-verify-server-cert for MariaDB's",
        NULL },
    END,
};

// Of a JSON object in the query: lib/connection_config.js.
const struct lint_rule lint_tls_mysql2[] = {
    UNVERIFIED("ssl.rejectUnauthorized=false", "ssl", "rejectUnauthorized is false",
        "itself leave it out and add verifyIdentity",
        "ssl={\"rejectUnauthorized\":true,\"verifyIdentity\":true}",
        "ssl={\"rejectUnauthorized\":true}"),
    { .when = "ssl.verifyIdentity=true", .tls = LINT_TLS_IDENTITY },
    { "ssl.rejectUnauthorized=true", LINT_TLS_CA, LINT_WARNING, NOT_VERIFIED, "ssl",
        "rejectUnauthorized alone does not check the name",
        "any certificate of the same authority passes, whatever its name; to the cluster itself "
        "add "
        "\"verifyIdentity\":true",
        NULL },
    { "ssl={}", LINT_TLS_CA, LINT_WARNING, NOT_VERIFIED, "ssl", "the name is not checked",
        "to the cluster itself add \"verifyIdentity\":true", NULL },
    { "ssl=false", LINT_TLS_OFF, LINT_WARNING, NULL, NULL, NULL, NULL, NULL },
    { "ssl.ca", LINT_TLS_CA, LINT_WARNING, NOT_VERIFIED, "ssl", "the name is not checked",
        "to the cluster itself add \"verifyIdentity\":true", NULL },
    { "ssl !ssl.minVersion", LINT_TLS_CLIENT, LINT_ERROR, "tls-profile", "ssl",
        "ssl is neither an object of JSON nor the name of a profile",
        "the driver refuses it; write ssl={\"rejectUnauthorized\":true,\"verifyIdentity\":true}, "
        "percent-encoded",
        "ssl={\"rejectUnauthorized\":true}" },
    { "sslmode", LINT_TLS_CLIENT, LINT_ERROR, NOT_VERIFIED, "sslmode",
        "this driver has no sslmode: the connection is not encrypted", "its parameter is ssl",
        "-sslmode" },
    { "ssl-mode", LINT_TLS_CLIENT, LINT_ERROR, NOT_VERIFIED, "ssl-mode",
        "this driver has no ssl-mode: the connection is not encrypted", "its parameter is ssl",
        "-ssl-mode" },
    { .when = "!ssl", .tls = LINT_TLS_OFF },
    END,
};

// In a URL ssl is a text for either version of Sequelize, and the driver takes a text for the name
// of one of its own profiles.
const struct lint_rule lint_tls_sequelize[] = {
    { "ssl", LINT_TLS_CLIENT, LINT_ERROR, "tls-profile", "ssl", "ssl in the URL is a text",
        "the driver takes it for the name of a profile and refuses it; give dialectOptions: { ssl: "
        "{ ca, rejectUnauthorized: true, verifyIdentity: true } } beside the URL",
        "-ssl" },
    { .when = "!ssl", .tls = LINT_TLS_OFF },
    END,
};

const struct lint_rule lint_tls_mariadb_node[] = {
    { .when = "ssl=true", .tls = LINT_TLS_IDENTITY },
    { .when = "ssl=false", .tls = LINT_TLS_OFF },
    { "ssl", LINT_TLS_CLIENT, LINT_ERROR, "tls-profile", "ssl",
        "in a URL ssl is only true or false", "give the object as an option of its own",
        "ssl=true" },
    END,
};

const struct lint_rule lint_tls_prisma[] = {
    { .when = "sslaccept=strict", .tls = LINT_TLS_IDENTITY },
    UNVERIFIED("sslcert", "sslcert", "sslcert without sslaccept=strict verifies nothing",
        "itself write sslaccept=strict: accept_invalid_certs is what Prisma does by itself",
        "sslaccept=strict", "sslaccept=strict"),
    UNVERIFIED("sslaccept=accept_invalid_certs", "sslaccept", "sslaccept accepts every certificate",
        "itself write sslaccept=strict", "sslaccept=strict", "sslaccept=strict"),
    { "!@host=loopback @host", LINT_TLS_CLIENT, LINT_WARNING, NOT_VERIFIED, NULL,
        "without sslaccept=strict Prisma accepts every certificate",
        "accept_invalid_certs is its default, and a server without TLS is taken as well", NULL },
    END,
};

#define SSL_DISABLED                                                                               \
    { "ssl_disabled=false|0|no", LINT_TLS_OFF, LINT_ERROR, "truthy", "ssl_disabled",               \
        "ssl_disabled is on, whatever its value",                                                  \
        "in a URL it is a text, and a text is true; leave it out", "-ssl_disabled" },              \
    {                                                                                              \
        .when = "ssl_disabled", .tls = LINT_TLS_OFF                                                \
    }
#define LOSES_CA                                                                                   \
    "SQLAlchemy makes of ssl_ca an object ssl, and PyMySQL makes another one of what starts with " \
    "ssl_verify, without the CA; ssl_ca alone verifies the certificate and its name"
#define LOSES(PARAMETER)                                                                           \
    {                                                                                              \
        "ssl_ca " PARAMETER, LINT_TLS_UNVERIFIED, LINT_ERROR, NOT_VERIFIED, PARAMETER,             \
            PARAMETER " beside ssl_ca loses the CA", LOSES_CA,                                     \
            "-ssl_verify_cert -ssl_verify_identity"                                                \
    }

// SQLAlchemy (dialects/mysql/mysqldb.py, create_connect_args) before PyMySQL (connections.py).
const struct lint_rule lint_tls_sqlalchemy[] = {
    SSL_DISABLED,
    LOSES("ssl_verify_cert"),
    LOSES("ssl_verify_identity"),
    { .when = "ssl_ca ssl_check_hostname=false|0|no", .tls = LINT_TLS_CA },
    { .when = "ssl_ca", .tls = LINT_TLS_IDENTITY },
    { "ssl_verify_identity", LINT_TLS_UNVERIFIED, LINT_ERROR, NOT_VERIFIED, "ssl_verify_identity",
        "ssl_verify_identity without ssl_ca checks no name",
        "the driver checks a name only against a CA file; write ssl_ca alone", NULL },
    { "ssl_verify_cert", LINT_TLS_UNVERIFIED, LINT_ERROR, NOT_VERIFIED, "ssl_verify_cert",
        "ssl_verify_cert without ssl_ca",
        "the cluster's CA is private, and the name is not checked; write ssl_ca alone", NULL },
    END,
};

// mysql-connector-python: any text is true.
const struct lint_rule lint_tls_connector_python[] = {
    SSL_DISABLED,
    { "ssl_verify_identity=false|0|no", LINT_TLS_CUSTOM, LINT_ERROR, "truthy",
        "ssl_verify_identity", "ssl_verify_identity is on, whatever its value",
        "in a URL it is a text, and a text is true; leave it out", "-ssl_verify_identity" },
    { .when = "ssl_ca ssl_verify_cert ssl_verify_identity", .tls = LINT_TLS_IDENTITY },
    { .when = "ssl_ca ssl_verify_cert", .tls = LINT_TLS_CA },
    UNVERIFIED("ssl_ca", "ssl_ca", "ssl_ca without ssl_verify_cert verifies nothing",
        "itself write ssl_verify_cert=true and ssl_verify_identity=true",
        "ssl_verify_cert=true ssl_verify_identity=true", "ssl_verify_cert=true"),
    END,
};

const struct lint_rule lint_tls_connector_j[] = {
    MODES("sslMode", ""),
    { .when = "verifyServerCertificate=true", .tls = LINT_TLS_CA },
    { .when = "useSSL=false", .tls = LINT_TLS_OFF },
    UNVERIFIED("useSSL=true", "useSSL", "useSSL=true does not verify the server",
        "itself write sslMode=VERIFY_IDENTITY", "-useSSL -requireSSL sslMode=VERIFY_IDENTITY",
        "-useSSL -requireSSL sslMode=VERIFY_CA"),
    UNVERIFIED("requireSSL=true", "requireSSL", "requireSSL=true does not verify the server",
        "itself write sslMode=VERIFY_IDENTITY", "-requireSSL sslMode=VERIFY_IDENTITY",
        "-requireSSL sslMode=VERIFY_CA"),
    END,
};

const struct lint_rule lint_trap_connector_j[] = {
    { "@tls=client @host=loopback !allowPublicKeyRetrieval=true !serverRSAPublicKeyFile", 0,
        LINT_WARNING, "public-key", NULL, "no allowPublicKeyRetrieval=true", LEG_IS_PLAIN,
        "allowPublicKeyRetrieval=true" },
    { "@tls=off !allowPublicKeyRetrieval=true !serverRSAPublicKeyFile", 0, LINT_WARNING,
        "public-key", NULL, "no allowPublicKeyRetrieval=true",
        "without TLS a user of caching_sha2_password is refused: Public Key Retrieval is not "
        "allowed",
        "allowPublicKeyRetrieval=true" },
    END,
};

// The scheme of Knex's URL is the name of its client: lib/knex-builder/internal/config-resolver.js.
const struct lint_rule lint_trap_knex[] = {
    { "@scheme=mysql !client=mysql2", 0, LINT_WARNING, "knex-client", NULL,
        "the URL's scheme names the driver mysql",
        "that one knows mysql_native_password only; give client: \"mysql2\" beside the URL. A URL "
        "that Knex cannot read it takes for a file of SQLite",
        NULL },
    END,
};

const struct lint_rule lint_trap_spring[] = {
    IDLE_CUT("spring.datasource.hikari.max-lifetime>349999 "
             "!spring.datasource.hikari.keepalive-time",
        "spring.datasource.hikari.max-lifetime", "no spring.datasource.hikari.keepalive-time",
        "set it to 120000"),
    END,
};

const struct lint_rule lint_trap_aws_wrapper[] = {
    { "!wrapperPlugins", 0, LINT_WARNING, "wrapper-plugins", NULL, "no wrapperPlugins=",
        "by itself the wrapper looks for Aurora's topology behind the name; an empty list turns "
        "that "
        "off",
        "wrapperPlugins=" },
    { "@tls=off !allowPublicKeyRetrieval=true !serverRSAPublicKeyFile", 0, LINT_WARNING,
        "public-key", NULL, "no allowPublicKeyRetrieval=true",
        "without TLS a user of caching_sha2_password is refused: Public Key Retrieval is not "
        "allowed",
        "allowPublicKeyRetrieval=true" },
    END,
};

// MariaDB Connector/J 3: export/SslMode.java; Configuration.java, handleLegacySslSettings: useSsl
// wins over sslMode, and the two others are looked at beside useSsl alone.
const struct lint_rule lint_tls_mariadb_j[] = {
    UNVERIFIED("useSsl=true|1| trustServerCertificate=true|1|", "trustServerCertificate",
        "trustServerCertificate=true accepts every certificate", "itself write sslMode=verify-full",
        "-useSsl -trustServerCertificate sslMode=verify-full",
        "-useSsl -trustServerCertificate sslMode=verify-ca"),
    { .when = "useSsl=true|1| disableSslHostnameVerification=true|1|", .tls = LINT_TLS_CA },
    { .when = "useSsl=true|1|", .tls = LINT_TLS_IDENTITY },
    { .when = "sslMode=disable|DISABLED|0|false", .tls = LINT_TLS_OFF },
    UNVERIFIED("sslMode=trust|REQUIRED", "sslMode", "sslMode=trust does not verify the server",
        "itself write sslMode=verify-full", "sslMode=verify-full", "sslMode=verify-ca"),
    { .when = "sslMode=verify-ca|VERIFY_CA", .tls = LINT_TLS_CA },
    { .when = "sslMode=verify-full|VERIFY_FULL|VERIFY_IDENTITY|1|true", .tls = LINT_TLS_IDENTITY },
    { "sslMode", LINT_TLS_CLIENT, LINT_ERROR, "tls-profile", "sslMode",
        "sslMode has a value that this driver does not know",
        "it refuses the URL; it knows disable, trust, verify-ca and verify-full",
        "sslMode=verify-full" },
    { "trustServerCertificate", LINT_TLS_OFF, LINT_ERROR, NOT_VERIFIED, "trustServerCertificate",
        "trustServerCertificate alone does not turn TLS on",
        "it is looked at beside useSsl only: the connection is in plaintext; write "
        "sslMode=verify-full",
        "-trustServerCertificate sslMode=verify-full" },
    { .when = "!sslMode", .tls = LINT_TLS_OFF },
    END,
};

const struct lint_rule lint_trap_mariadb_j[] = {
    { "@scheme=jdbc:mysql !permitMysqlScheme", 0, LINT_ERROR, "scheme", NULL,
        "jdbc:mysql: without permitMysqlScheme", "this driver leaves it to Connector/J",
        "permitMysqlScheme" },
    { "@tls=off !allowPublicKeyRetrieval=true !serverRsaPublicKeyFile", 0, LINT_WARNING,
        "public-key", NULL, "no allowPublicKeyRetrieval=true",
        "without TLS a user of caching_sha2_password is refused: RSA public key is not available",
        "allowPublicKeyRetrieval=true" },
    END,
};

const struct lint_rule lint_tls_go[] = {
    { .when = "tls=false", .tls = LINT_TLS_OFF },
    { .when = "tls=true", .tls = LINT_TLS_IDENTITY },
    { "tls=skip-verify", LINT_TLS_UNVERIFIED, LINT_ERROR, NOT_VERIFIED, "tls",
        "tls=skip-verify accepts every certificate",
        ANYBODY "itself register a tls.Config with the CA and write its name, or tls=true",
        "tls=true" },
    { "tls=preferred", LINT_TLS_CLIENT, LINT_WARNING, NOT_VERIFIED, "tls",
        "tls=preferred does not insist on TLS", FALLS_BACK, NULL },
    { .when = "tls", .tls = LINT_TLS_CUSTOM },
    { .when = "!tls", .tls = LINT_TLS_OFF },
    END,
};

const struct lint_rule lint_tls_rust[] = {
    { .when = "require_ssl=false", .tls = LINT_TLS_OFF },
    UNVERIFIED("verify_ca=false", "verify_ca", "verify_ca=false accepts every certificate",
        "itself leave it out", "-verify_ca", "-verify_ca verify_identity=false"),
    { .when = "require_ssl=true verify_identity=false", .tls = LINT_TLS_CA },
    { .when = "require_ssl=true", .tls = LINT_TLS_IDENTITY },
    { "!@host=loopback @host", LINT_TLS_CLIENT, LINT_WARNING, "tls-preferred", NULL,
        "nothing is said about TLS", "without require_ssl=true the connection is in plaintext",
        NULL },
    END,
};

const struct lint_rule lint_trap_rust[] = {
    { "@host=loopback !prefer_socket=false", 0, LINT_ERROR, "prefer-socket", "prefer_socket",
        "no prefer_socket=false",
        "on this machine the crate asks the server for its unix socket and connects there: past "
        "the "
        "proxy, to a path that is the server's (TiDB says /tmp/tidb-4000.sock)",
        "prefer_socket=false" },
    END,
};

const struct lint_rule lint_tls_ado[] = {
    { .when = "SslMode=None|Disabled", .tls = LINT_TLS_OFF },
    { .when = "SslMode=VerifyFull", .tls = LINT_TLS_IDENTITY },
    { .when = "SslMode=VerifyCA", .tls = LINT_TLS_CA },
    UNVERIFIED("SslMode=Required", "SslMode", "SslMode=Required does not verify the server",
        "itself write SslMode=VerifyFull", "SslMode=VerifyFull", "SslMode=VerifyCA"),
    { "!@host=loopback @host", LINT_TLS_CLIENT, LINT_WARNING, "tls-preferred", NULL,
        "nothing is said about TLS", "Preferred is the default: " FALLS_BACK, NULL },
    END,
};

const struct lint_rule lint_trap_ado[] = {
    { "@tls=off !AllowPublicKeyRetrieval=true", 0, LINT_WARNING, "public-key", NULL,
        "no AllowPublicKeyRetrieval=True",
        "without TLS a user of caching_sha2_password is refused: the server's key is not asked for",
        "AllowPublicKeyRetrieval=True" },
    { "@tls=client @host=loopback !AllowPublicKeyRetrieval=true !ServerRsaPublicKeyFile", 0,
        LINT_WARNING, "public-key", NULL, "no AllowPublicKeyRetrieval=True", LEG_IS_PLAIN,
        "AllowPublicKeyRetrieval=True" },
    IDLE_CUT("ConnectionIdleTimeout>349", "ConnectionIdleTimeout",
        "ConnectionIdleTimeout is above 350 seconds", "leave it out (180), or make it less"),
    END,
};

// MySQL Connector/ODBC: driver/connect.cc: from 8.0.3 on SSLVERIFY is not looked at, and an SSLMODE
// that it does not know neither.
const struct lint_rule lint_tls_odbc[] = {
    MODES("SSLMODE", "SSLCA"),
    MODES("SSL-MODE", "SSL-CA"),
    UNVERIFIED("SSLMODE", "SSLMODE", "SSLMODE has a value that this driver does not know",
        "itself write SSLMODE=VERIFY_IDENTITY", "SSLMODE=VERIFY_IDENTITY", "SSLMODE=VERIFY_CA"),
    UNVERIFIED("SSLVERIFY=1", "SSLVERIFY", "SSLVERIFY is not looked at since version 8",
        "itself write SSLMODE=VERIFY_IDENTITY", "-SSLVERIFY SSLMODE=VERIFY_IDENTITY",
        "-SSLVERIFY SSLMODE=VERIFY_CA"),
    UNVERIFIED("SSLCA", "SSLCA", "SSLCA alone verifies nothing",
        "itself write SSLMODE=VERIFY_IDENTITY", "SSLMODE=VERIFY_IDENTITY", "SSLMODE=VERIFY_CA"),
    UNVERIFIED("SSL-CA", "SSL-CA", "SSL-CA alone verifies nothing",
        "itself write SSL-MODE=VERIFY_IDENTITY", "SSL-MODE=VERIFY_IDENTITY", "SSL-MODE=VERIFY_CA"),
    END,
};

// MariaDB Connector/ODBC: ma_dsn.c; it has no SSLMODE.
const struct lint_rule lint_tls_odbc_mariadb[] = {
    { .when = "SSLVERIFY=1", .tls = LINT_TLS_IDENTITY },
    UNVERIFIED("SSLMODE", "SSLMODE", "MariaDB's driver has no SSLMODE",
        "itself write FORCETLS=1, SSLVERIFY=1 and SSLCA", "-SSLMODE FORCETLS=1 SSLVERIFY=1",
        "-SSLMODE"),
    UNVERIFIED("FORCETLS=1", "FORCETLS", "FORCETLS=1 alone verifies nothing before 3.2",
        "itself write SSLVERIFY=1 and SSLCA", "SSLVERIFY=1", NULL),
    UNVERIFIED("SSLCA", "SSLCA", "SSLCA alone verifies nothing before 3.2",
        "itself write FORCETLS=1 and SSLVERIFY=1", "FORCETLS=1 SSLVERIFY=1", NULL),
    { .when = "FORCETLS=0", .tls = LINT_TLS_OFF },
    END,
};

#define KEY_NEEDED                                                                                 \
    {                                                                                              \
        "@tls=off !get-server-public-key !server-public-key-path", 0, LINT_WARNING, "public-key",  \
            NULL, "no --get-server-public-key",                                                    \
            "without TLS a user of caching_sha2_password is refused: Authentication requires "     \
            "secure "                                                                              \
            "connection",                                                                          \
            "get-server-public-key"                                                                \
    }
#define HINTS_LOST                                                                                 \
    {                                                                                              \
        "!comments !skip-comments", 0, LINT_WARNING, "no-comments", NULL, "no --comments",         \
            "the program strips comments from statements, and TiDB's optimizer hints with them",   \
            "comments"                                                                             \
    }

const struct lint_rule lint_trap_mysqldump[] = { KEY_NEEDED, END };
const struct lint_rule lint_trap_mysql[] = {
    KEY_NEEDED,
    { "@tls=client @host=loopback !get-server-public-key !server-public-key-path", 0, LINT_WARNING,
        "public-key", NULL, "no --get-server-public-key", LEG_IS_PLAIN, "get-server-public-key" },
    HINTS_LOST,
    END,
};
#define DEMANDS_TLS                                                                                \
    "from 11.4 on MariaDB's programs demand TLS, which the proxy's listener has only with "        \
    "client-tls: SSL is required, but the server does not support it"
#define TLS_DEMANDED                                                                               \
    { "@tls=client @host=loopback", 0, LINT_WARNING, "tls-demanded", NULL, "no --skip-ssl",        \
        DEMANDS_TLS, "skip-ssl" },                                                                 \
    {                                                                                              \
        "@tls=client @socket", 0, LINT_WARNING, "tls-demanded", NULL, "no --skip-ssl",             \
            DEMANDS_TLS, "skip-ssl"                                                                \
    }
const struct lint_rule lint_trap_file[] = { TLS_DEMANDED, END };
const struct lint_rule lint_trap_mariadb[] = {
    TLS_DEMANDED,
    HINTS_LOST,
    END,
};
const struct lint_rule lint_tls_ecto[] = {
    { "ssl=true", LINT_TLS_UNVERIFIED, LINT_WARNING, NOT_VERIFIED, "ssl",
        "ssl=true in the URL verifies nothing before OTP 26",
        "the certificate is verified with ssl: [cacertfile: ..., verify: :verify_peer] in the "
        "configuration",
        NULL },
    { .when = "ssl=false", .tls = LINT_TLS_OFF },
    END,
};

const struct lint_rule lint_tls_php[] = {
    UNVERIFIED("MYSQL_ATTR_SSL_VERIFY_SERVER_CERT=false", "MYSQL_ATTR_SSL_VERIFY_SERVER_CERT",
        "the certificate is not verified", "itself set it to true", NULL, NULL),
    UNVERIFIED("ATTR_SSL_VERIFY_SERVER_CERT=false", "ATTR_SSL_VERIFY_SERVER_CERT",
        "the certificate is not verified", "itself set it to true", NULL, NULL),
    { .when = "ATTR_SSL_CA", .tls = LINT_TLS_IDENTITY },
    { .when = "MYSQL_ATTR_SSL_CA", .tls = LINT_TLS_IDENTITY },
    { .when = "mariadb_ssl_verify_server_cert=1", .tls = LINT_TLS_IDENTITY },
    { .when = "mysql_ssl_verify_server_cert=1", .tls = LINT_TLS_IDENTITY },
    UNVERIFIED("mariadb_ssl=1", "mariadb_ssl", "mariadb_ssl=1 alone verifies nothing",
        "itself write mariadb_ssl_verify_server_cert=1 and mariadb_ssl_ca_file", NULL, NULL),
    UNVERIFIED("mysql_ssl=1", "mysql_ssl", "mysql_ssl=1 alone verifies nothing",
        "itself write mysql_ssl_verify_server_cert=1 and mysql_ssl_ca_file", NULL, NULL),
    END,
};

const struct lint_rule lint_tls_r2dbc[] = {
    MODES("sslMode", "sslCa"),
    { "@scheme=r2dbc:mysql !@host=loopback @host", LINT_TLS_CLIENT, LINT_WARNING, "tls-preferred",
        NULL, "nothing is said about TLS", "PREFERRED is the default: " FALLS_BACK, NULL },
    END,
};

#define FORBIDDEN(NAME)                                                                            \
    {                                                                                              \
        NAME, 0, LINT_ERROR, "forbidden-parameter", NAME, NAME " in the query",                    \
            "the SPI refuses it there: it stands in front of the path", "!"                        \
    }
const struct lint_rule lint_trap_r2dbc[] = {
    FORBIDDEN("user"),
    FORBIDDEN("password"),
    FORBIDDEN("host"),
    FORBIDDEN("port"),
    FORBIDDEN("database"),
    END,
};
