// SPDX-License-Identifier: Apache-2.0
//
// JDBC drivers, and what takes their URL in code. Data only.
#include "strings/client.h"

#include "base/defs.h"

#define MARIADB_PLAIN "its URL is read without decoding, so a value ends there"
#define MARIADB_ADDRESS "it looks for address lists in the whole URL"

// Neither driver decodes a URL like the other: Connector/J passes every value through
// java.net.URLDecoder (ConnectionUrlParser), MariaDB's takes them as they stand (Configuration).
static const struct string_limit mariadb_limits[] = {
    { STRING_PASSWORD, "&", MARIADB_PLAIN ": pass the password by java.util.Properties" },
    { STRING_USER, "&", MARIADB_PLAIN ": pass the user by java.util.Properties" },
    { STRING_DATABASE, "?", MARIADB_PLAIN },
    { STRING_CA, "&", MARIADB_PLAIN },
    { STRING_SOCKET, "&", MARIADB_PLAIN },
    { STRING_PASSWORD, "address=(", MARIADB_ADDRESS ": pass the password by java.util.Properties" },
    { STRING_USER, "address=(", MARIADB_ADDRESS ": pass the user by java.util.Properties" },
    { STRING_DATABASE, "address=(", MARIADB_ADDRESS },
    { STRING_CA, "address=(", MARIADB_ADDRESS },
    { STRING_SOCKET, "address=(", MARIADB_ADDRESS },
    { 0 },
};

// The trust store holds certificates only; its password keeps nothing secret, but Connector/J
// cannot open a store without one.
#define TRUST_STORE                                                                                \
    "&trustCertificateKeyStoreUrl=file:$fileurl(ca).p12&trustCertificateKeyStoreType=PKCS12"       \
    "&trustCertificateKeyStorePassword=changeit"
#define TRUST_STORE_SETUP                                                                          \
    "keytool -importcert -noprompt -alias tidb -file $shell(ca) -keystore $shell(ca).p12"          \
    " -storetype PKCS12 -storepass changeit"

// MariaDB Connector/J 2 (Debian 12's libmariadb-java) ignores sslMode without a word and goes on in
// plaintext; version 3 takes both spellings to mean the same.
#define MARIADB_2_TLS "&useSsl=true"

#define JDBC_TLS                                                                                   \
    {                                                                                              \
        [STRING_TLS_OFF] = { .piece = "?sslMode=DISABLED&allowPublicKeyRetrieval=true" },          \
        [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?sslMode=VERIFY_IDENTITY" TRUST_STORE,          \
            .setup = TRUST_STORE_SETUP },                                                          \
        [STRING_TLS_VERIFY_CA] = { .piece = "?sslMode=VERIFY_CA" TRUST_STORE,                      \
            .setup = TRUST_STORE_SETUP },                                                          \
    }
#define NO_SOCKET "it has no unix sockets of its own: use the TCP listener"
// A URL inside of a literal: what is percent-encoded needs no more than the quotes.
#define JDBC_LITERAL "\"jdbc:mysql://$authority/$?database{$percent(database)$}$tls\""

#define MAIN(BODY)                                                                                 \
    "import java.sql.*;\n\n"                                                                       \
    "public class Main {\n"                                                                        \
    "    public static void main(String[] args) throws Exception {\n" BODY                         \
    "            ResultSet one = conn.createStatement().executeQuery(\"SELECT 1\");\n"             \
    "            PreparedStatement length = conn.prepareStatement(\"SELECT LENGTH(?)\");\n"        \
    "            length.setString(1, \"x\".repeat(65536));\n"                                      \
    "            ResultSet size = length.executeQuery();\n"                                        \
    "            one.next();\n"                                                                    \
    "            size.next();\n"                                                                   \
    "            System.out.println(one.getInt(1) + \" \" + size.getInt(1));\n"                    \
    "        }\n"                                                                                  \
    "    }\n"                                                                                      \
    "}"
#define BY_URL                                                                                     \
    MAIN("        String url = $octal(string);\n"                                                  \
         "        try (Connection conn = DriverManager.getConnection(url)) {\n")

static const struct string_client clients[] = {
    {
        .id = "jdbc",
        .also = "mysqlconnectorj mysql_connector_java connector-j",
        .name = "MySQL Connector/J",
        .language = "Java",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = "jdbc:mysql://$authority/$?database{$database$}?user=$user&password=$password$tls",
        .no_socket = NO_SOCKET,
        .tls = {
            [STRING_TLS_OFF] = { .piece = "&sslMode=DISABLED&allowPublicKeyRetrieval=true" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "&sslMode=VERIFY_IDENTITY" TRUST_STORE,
                                             .setup = TRUST_STORE_SETUP },
            [STRING_TLS_VERIFY_CA] = { .piece = "&sslMode=VERIFY_CA" TRUST_STORE,
                                       .setup = TRUST_STORE_SETUP },
        },
        .notes = "Values are URL-decoded: + becomes a blank, a lone % is an error.\n"
                 "It reads Java key stores only, no PEM: import the CA first.\n"
                 "In XML write every & as &amp;.",
        .example = BY_URL,
    },
    {
        .id = "jdbc-mariadb",
        .also = "mariadbconnectorj mariadb-java",
        .name = "MariaDB Connector/J",
        .language = "Java",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_RAW,
        .tcp = "jdbc:mariadb://$authority/$?database{$database$}?user=$user&password=$password$tls",
        .socket = "jdbc:mariadb://localhost/$?database{$database$}"
                  "?localSocket=$socket&user=$user&password=$password$tls",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "&sslMode=disable&allowPublicKeyRetrieval=true" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "&sslMode=verify-full" MARIADB_2_TLS
                                                      "&serverSslCert=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "&sslMode=verify-ca" MARIADB_2_TLS
                                                "&disableSslHostnameVerification=true"
                                                "&serverSslCert=$ca" },
        },
        .limits = mariadb_limits,
        .notes = "It does not decode its URL: values stand in it as they are.\n"
                 "A unix socket needs the library net.java.dev.jna:jna-platform in the class path.\n"
                 "In XML write every & as &amp;.",
        .example = BY_URL,
    },
    {
        .id = "jdbc-aws",
        .also = "aws-jdbc-wrapper aws-advanced-jdbc-wrapper",
        .name = "AWS Advanced JDBC wrapper",
        .language = "Java",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = "jdbc:aws-wrapper:mysql://$authority/$?database{$database$}?user=$user&password=$password"
               "&wrapperPlugins=$tls",
        .no_socket = NO_SOCKET,
        .tls = {
            [STRING_TLS_OFF] = { .piece = "&sslMode=DISABLED&allowPublicKeyRetrieval=true" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "&sslMode=VERIFY_IDENTITY" TRUST_STORE,
                                             .setup = TRUST_STORE_SETUP },
            [STRING_TLS_VERIFY_CA] = { .piece = "&sslMode=VERIFY_CA" TRUST_STORE,
                                       .setup = TRUST_STORE_SETUP },
        },
        .notes = "An empty wrapperPlugins turns off what looks for Aurora's topology.",
        .example = BY_URL,
    },
    {
        .id = "hikari",
        .also = "hikaricp",
        .name = "HikariCP",
        .language = "Java",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_OCTAL,
        .tcp = "config.setJdbcUrl(" JDBC_LITERAL ");\n"
               "config.setUsername($user);\n"
               "config.setPassword($password);\n"
               "config.setKeepaliveTime(120000);",
        .no_socket = NO_SOCKET,
        .tls = JDBC_TLS,
        .notes = "Over Connector/J. keepaliveTime keeps idle connections alive: private endpoints drop "
                 "what is idle for 350 seconds.",
        .example = "import com.zaxxer.hikari.*;\n"
            MAIN("        HikariConfig config = new HikariConfig();\n"
                 "$string\n"
                 "        try (HikariDataSource pool = new HikariDataSource(config);\n"
                 "             Connection conn = pool.getConnection()) {\n"),
    },
    {
        .id = "jooq",
        .also = "",
        .name = "jOOQ",
        .language = "Java",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_OCTAL,
        .tcp = "DSL.using(" JDBC_LITERAL ", $user, $password)",
        .no_socket = NO_SOCKET,
        .tls = JDBC_TLS,
        .notes = "Over Connector/J. The password is an argument: nothing decodes it.",
        .example = "import org.jooq.CloseableDSLContext;\n"
                   "import org.jooq.impl.DSL;\n\n"
                   "public class Main {\n"
                   "    public static void main(String[] args) {\n"
                   "        try (CloseableDSLContext db = $string) {\n"
                   "            Object one = db.fetchValue(\"SELECT 1\");\n"
                   "            Object size = db.fetchValue(\"SELECT LENGTH(?)\", \"x\".repeat(65536));\n"
                   "            System.out.println(one + \" \" + size);\n"
                   "        }\n"
                   "    }\n"
                   "}",
    },
    {
        .id = "exposed",
        .also = "ktor",
        .name = "Exposed",
        .language = "Kotlin",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_DOLLAR,
        .tcp = "Database.connect(" JDBC_LITERAL ", user = $user, password = $password)",
        .no_socket = NO_SOCKET,
        .tls = JDBC_TLS,
        .notes = "Over Connector/J. In Kotlin a $ starts a variable: it is written \\$.\n"
                 "Before 1.0 its packages have no v1 in their names.",
        .example = "import org.jetbrains.exposed.v1.core.TextColumnType\n"
                   "import org.jetbrains.exposed.v1.jdbc.Database\n"
                   "import org.jetbrains.exposed.v1.jdbc.transactions.transaction\n\n"
                   "fun main() {\n"
                   "    $string\n"
                   "    transaction {\n"
                   "        val one = exec(\"SELECT 1\") { it.next(); it.getInt(1) }\n"
                   "        val text = listOf(TextColumnType() to \"x\".repeat(65536))\n"
                   "        val size = exec(\"SELECT LENGTH(?)\", text) { it.next(); it.getInt(1) }\n"
                   "        println(\"$$one $$size\")\n"
                   "    }\n"
                   "}",
    },
    {
        .id = "spark",
        .also = "pyspark",
        .name = "Apache Spark (PySpark)",
        .language = "Python",
        .kind = STRING_TOOL,
        .encoding = ENCODING_PYTHON,
        .tcp = "spark.read.format(\"jdbc\").option(\"url\", " JDBC_LITERAL
               ").option(\"user\", $user).option(\"password\", $password)",
        .no_socket = NO_SOCKET,
        .tls = JDBC_TLS,
        .notes = "Over Connector/J, which every executor needs, and the trust store too.",
    },
    {
        .id = "r2dbc",
        .also = "r2dbc-mysql",
        .name = "R2DBC (io.asyncer)",
        .language = "Java",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = "r2dbc:mysql://$user:$password@$authority/$?database{$database$}$tls",
        .no_socket = "its URL has no unix sockets: use ConnectionFactoryOptions",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "?sslMode=DISABLED" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?sslMode=VERIFY_IDENTITY&sslCa=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "?sslMode=VERIFY_CA&sslCa=$ca" },
        },
        .notes = "It reads PEM. user, password and host may not stand in the query.\n"
                 "caching_sha2_password needs TLS, to the proxy too: it does not ask for the RSA key.",
        .example = "import io.r2dbc.spi.*;\n"
                   "import reactor.core.publisher.Mono;\n\n"
                   "public class Main {\n"
                   "    static Mono<Integer> number(Statement statement) {\n"
                   "        return Mono.from(statement.execute())\n"
                   "            .flatMap(result -> Mono.from(result.map(row -> row.get(0, Integer.class))));\n"
                   "    }\n\n"
                   "    public static void main(String[] args) {\n"
                   "        ConnectionFactory factory = ConnectionFactories.get($octal(string));\n"
                   "        Connection conn = Mono.from(factory.create()).block();\n"
                   "        Statement length = conn.createStatement(\"SELECT LENGTH(?)\");\n"
                   "        int one = number(conn.createStatement(\"SELECT 1\")).block();\n"
                   "        int size = number(length.bind(0, \"x\".repeat(65536))).block();\n"
                   "        System.out.println(one + \" \" + size);\n"
                   "        Mono.from(conn.close()).block();\n"
                   "    }\n"
                   "}",
    },
};

const struct string_shelf jvm_shelf = { clients, ARRAY_LEN(clients) };
