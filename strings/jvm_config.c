// SPDX-License-Identifier: Apache-2.0
//
// Frameworks and programs of the JVM that read Connector/J's URL, the user and the password from
// files. Data only.
#include "strings/client.h"

#include "base/defs.h"

#define TRUST(AND)                                                                                 \
    AND "trustCertificateKeyStoreUrl=file:$fileurl(ca).p12" AND                                    \
        "trustCertificateKeyStoreType=PKCS12" AND "trustCertificateKeyStorePassword=changeit"
#define TRUST_SETUP                                                                                \
    "keytool -importcert -noprompt -alias tidb -file $shell(ca) -keystore $shell(ca).p12"          \
    " -storetype PKCS12 -storepass changeit"
#define TLS(AND)                                                                                   \
    {                                                                                              \
        [STRING_TLS_OFF] = { .piece = "?sslMode=DISABLED" AND "allowPublicKeyRetrieval=true" },    \
        [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?sslMode=VERIFY_IDENTITY" TRUST(AND),           \
            .setup = TRUST_SETUP },                                                                \
        [STRING_TLS_VERIFY_CA] = { .piece = "?sslMode=VERIFY_CA" TRUST(AND),                       \
            .setup = TRUST_SETUP },                                                                \
    }
#define URL "jdbc:mysql://$authority/$?database{$percent(database)$}$tls"
#define NO_SOCKET "Connector/J has no unix sockets of its own: use the TCP listener"

#define PLACEHOLDER "it takes ${ for a placeholder: set the password in the environment"
#define PLACEHOLDER_USER "it takes ${ for a placeholder"

static const struct string_limit limits[] = {
    { STRING_PASSWORD, "${", PLACEHOLDER },
    { STRING_USER, "${", PLACEHOLDER_USER },
    { 0 },
};

#define FLYWAY_RESOLVER "it takes ${ for a name to be resolved"
static const struct string_limit flyway_limits[] = {
    { STRING_PASSWORD, "${", FLYWAY_RESOLVER ": set the password in code" },
    { STRING_USER, "${", FLYWAY_RESOLVER },
    { 0 },
};

static const struct string_limit quarkus_limits[] = {
    { STRING_PASSWORD, "$",
        "it takes $ for an expression: set the password by a credentials provider" },
    { STRING_USER, "$", "it takes $ for an expression" },
    { STRING_PASSWORD, "\\", "it takes a backslash for an escape in expressions" },
    { STRING_USER, "\\", "it takes a backslash for an escape in expressions" },
    { 0 },
};

#define SPRING(FILE)                                                                               \
    "// Its settings are in " FILE " of the directory in which it runs: what tidblink dsn\n"       \
    "// prints without --example.\n"                                                               \
    "import org.springframework.boot.Banner;\n"                                                    \
    "import org.springframework.boot.autoconfigure.EnableAutoConfiguration;\n"                     \
    "import org.springframework.boot.builder.SpringApplicationBuilder;\n"                          \
    "import org.springframework.jdbc.core.JdbcTemplate;\n\n"                                       \
    "@EnableAutoConfiguration\n"                                                                   \
    "public class Main {\n"                                                                        \
    "    public static void main(String[] args) {\n"                                               \
    "        var builder = new "                                                                   \
    "SpringApplicationBuilder(Main.class).bannerMode(Banner.Mode.OFF);\n"                          \
    "        try (var app = builder.run(args)) {\n"                                                \
    "            JdbcTemplate db = app.getBean(JdbcTemplate.class);\n"                             \
    "            Integer one = db.queryForObject(\"SELECT 1\", Integer.class);\n"                  \
    "            String text = \"x\".repeat(65536);\n"                                             \
    "            Integer size = db.queryForObject(\"SELECT LENGTH(?)\", Integer.class, text);\n"   \
    "            System.out.println(one + \" \" + size);\n"                                        \
    "        }\n"                                                                                  \
    "    }\n"                                                                                      \
    "}"

static const struct string_client clients[] = {
    {
        .id = "spring-boot",
        .also = "spring_boot spring",
        .name = "Spring Boot, .properties",
        .language = "Java",
        .kind = STRING_FRAMEWORK,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PROPERTIES,
        .tcp = "spring.datasource.url=" URL "\n"
               "spring.datasource.username=$user\n"
               "spring.datasource.password=$password\n"
               "spring.datasource.hikari.keepalive-time=120000",
        .no_socket = NO_SOCKET,
        .tls = TLS("&"),
        .limits = limits,
        .notes =
            "The password is a property of its own: nothing percent-decodes it.\n"
            "keepalive-time keeps idle connections alive: private endpoints drop what is idle for "
            "350 seconds.",
        .example = SPRING("application.properties"),
    },
    {
        .id = "spring-boot-yaml",
        .also = "spring-yaml",
        .name = "Spring Boot, YAML",
        .language = "Java",
        .kind = STRING_FRAMEWORK,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_YAML,
        .tcp = "spring:\n"
               "  datasource:\n"
               "    url: '" URL "'\n"
               "    username: $user\n"
               "    password: $password\n"
               "    hikari:\n"
               "      keepalive-time: 120000",
        .no_socket = NO_SOCKET,
        .tls = TLS("&"),
        .limits = limits,
        .notes = "Quotes matter: without them a # starts a comment and yes is a truth.",
        .example = SPRING("application.yaml"),
    },
    {
        .id = "hibernate",
        .also = "jpa",
        .name = "Hibernate, XML",
        .language = "Java",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_XML,
        .tcp = "<property name=\"hibernate.connection.url\">" URL "</property>\n"
               "<property name=\"hibernate.connection.username\">$user</property>\n"
               "<property name=\"hibernate.connection.password\">$password</property>\n"
               "<property "
               "name=\"hibernate.dialect\">org.hibernate.community.dialect.TiDBDialect</property>",
        .no_socket = NO_SOCKET,
        .tls = TLS("&amp;"),
        .trims = "it trims what stands between the tags",
        .notes =
            "In persistence.xml the value is an attribute: <property name=\"…\" value=\"…\"/>.\n"
            "TiDBDialect is in hibernate-community-dialects.",
        .example =
            "// What tidblink dsn prints without --example stands in the <session-factory> of\n"
            "// hibernate.cfg.xml, in the directory in which this runs.\n"
            "import java.io.File;\n"
            "import org.hibernate.*;\n"
            "import org.hibernate.cfg.Configuration;\n\n"
            "public class Main {\n"
            "    public static void main(String[] args) {\n"
            "        Configuration config = new Configuration().configure(new "
            "File(\"hibernate.cfg.xml\"));\n"
            "        try (SessionFactory factory = config.buildSessionFactory();\n"
            "             Session session = factory.openSession()) {\n"
            "            var one = session.createNativeQuery(\"SELECT 1\", Integer.class);\n"
            "            var size = session.createNativeQuery(\"SELECT LENGTH(?)\", "
            "Integer.class);\n"
            "            size.setParameter(1, \"x\".repeat(65536));\n"
            "            System.out.println(one.getSingleResult() + \" \" + "
            "size.getSingleResult());\n"
            "        }\n"
            "    }\n"
            "}",
    },
    {
        .id = "mybatis",
        .also = "",
        .name = "MyBatis, XML",
        .language = "Java",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_XML,
        .tcp = "<dataSource type=\"POOLED\">\n"
               "  <property name=\"driver\" value=\"com.mysql.cj.jdbc.Driver\"/>\n"
               "  <property name=\"url\" value=\"" URL "\"/>\n"
               "  <property name=\"username\" value=\"$user\"/>\n"
               "  <property name=\"password\" value=\"$password\"/>\n"
               "</dataSource>",
        .no_socket = NO_SOCKET,
        .tls = TLS("&amp;"),
        .limits = limits,
        .notes = "In XML every & is &amp;. poolPingQuery keeps idle connections alive.",
        .example = "// What tidblink dsn prints without --example stands in an <environment> of\n"
                   "// mybatis-config.xml, in the directory in which this runs.\n"
                   "import java.io.FileReader;\n"
                   "import org.apache.ibatis.annotations.Select;\n"
                   "import org.apache.ibatis.session.*;\n\n"
                   "public class Main {\n"
                   "    public interface Numbers {\n"
                   "        @Select(\"SELECT 1\")\n"
                   "        int one();\n\n"
                   "        @Select(\"SELECT LENGTH(#{text})\")\n"
                   "        int size(String text);\n"
                   "    }\n\n"
                   "    public static void main(String[] args) throws Exception {\n"
                   "        var factory = new SqlSessionFactoryBuilder().build(new "
                   "FileReader(\"mybatis-config.xml\"));\n"
                   "        factory.getConfiguration().addMapper(Numbers.class);\n"
                   "        try (SqlSession session = factory.openSession()) {\n"
                   "            Numbers numbers = session.getMapper(Numbers.class);\n"
                   "            System.out.println(numbers.one() + \" \" + "
                   "numbers.size(\"x\".repeat(65536)));\n"
                   "        }\n"
                   "    }\n"
                   "}",
    },
    {
        .id = "quarkus",
        .also = "micronaut",
        .name = "Quarkus, .properties",
        .language = "Java",
        .kind = STRING_FRAMEWORK,
        .encoding = ENCODING_PROPERTIES,
        .tcp = "quarkus.datasource.db-kind=mysql\n"
               "quarkus.datasource.jdbc.url=" URL "\n"
               "quarkus.datasource.username=$user\n"
               "quarkus.datasource.password=$password",
        .no_socket = NO_SOCKET,
        .tls = TLS("&"),
        .limits = quarkus_limits,
        .notes = "The password is a property of its own: nothing percent-decodes it.",
    },
    {
        .id = "flyway",
        .also = "",
        .name = "Flyway, environment",
        .language = "Java",
        .kind = STRING_TOOL,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_SHELL,
        .tcp = "export FLYWAY_URL='" URL "'\n"
               "export FLYWAY_USER=$user\n"
               "export FLYWAY_PASSWORD=$password",
        .no_socket = NO_SOCKET,
        .tls = TLS("&"),
        .limits = flyway_limits,
        .trims = "it trims its settings",
        .notes = "flyway.conf has no escapes: a backslash stands for itself there, and what a line "
                 "cannot hold cannot be written. In code: Flyway.configure().envVars().",
    },
    {
        .id = "liquibase",
        .also = "",
        .name = "Liquibase, .properties",
        .language = "Java",
        .kind = STRING_TOOL,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PROPERTIES,
        .tcp = "url: " URL "\n"
               "username: $user\n"
               "password: $password",
        .no_socket = NO_SOCKET,
        .tls = TLS("&"),
        .limits = limits,
        .notes =
            "LIQUIBASE_COMMAND_PASSWORD in the environment keeps the password out of the file.",
    },
    {
        .id = "kafka-connect",
        .also = "jdbc-sink",
        .name = "Kafka Connect JDBC",
        .language = "Java",
        .kind = STRING_TOOL,
        .encoding = ENCODING_PROPERTIES,
        .tcp = "connection.url=" URL "\n"
               "connection.user=$user\n"
               "connection.password=$password",
        .no_socket = NO_SOCKET,
        .tls = TLS("&"),
        .limits = limits,
        .notes = "${file:…} of a FileConfigProvider keeps the password out of the file.",
    },
};

const struct string_shelf jvm_config_shelf = { clients, ARRAY_LEN(clients) };
