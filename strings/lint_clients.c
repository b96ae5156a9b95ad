// SPDX-License-Identifier: Apache-2.0
//
// Which reader a client's string needs, and how that one differs from the others of its family.
// Data only.
#include "strings/lint_rows.h"

#include "base/defs.h"

#include <string.h>

// Ruby's URI and Go's net/url refuse these raw in the user's part.
#define RUBY_REFUSES "@#[]?/ <>\"{}|\\^`"
#define GO_REFUSES "[] <>\"{}|\\^`"

#define CONNECTOR_J                                                                                \
    "sslMode useSSL requireSSL verifyServerCertificate trustCertificateKeyStoreUrl "               \
    "trustCertificateKeyStoreType trustCertificateKeyStorePassword clientCertificateKeyStoreUrl "  \
    "clientCertificateKeyStoreType clientCertificateKeyStorePassword tlsVersions tlsCiphersuites " \
    "fallbackToSystemTrustStore allowPublicKeyRetrieval serverRSAPublicKeyFile connectTimeout "    \
    "socketTimeout tcpKeepAlive tcpNoDelay useUnicode characterEncoding connectionCollation "      \
    "serverTimezone connectionTimeZone forceConnectionTimeZoneToSession useLegacyDatetimeCode "    \
    "zeroDateTimeBehavior rewriteBatchedStatements useServerPrepStmts cachePrepStmts "             \
    "prepStmtCacheSize prepStmtCacheSqlLimit useConfigs useLocalSessionState "                     \
    "maintainTimeStats cacheServerConfiguration cacheResultSetMetadata elideSetAutoCommits "       \
    "allowMultiQueries useCursorFetch defaultFetchSize useAffectedRows tinyInt1isBit "             \
    "autoReconnect failOverReadOnly maxReconnects allowLoadLocalInfile sessionVariables "          \
    "createDatabaseIfNotExist noAccessToProcedureBodies useInformationSchema "                     \
    "nullCatalogMeansCurrent "                                                                     \
    "nullDatabaseMeansCurrent databaseTerm useCompression logger profileSQL "                      \
    "dumpQueriesOnException "                                                                      \
    "useSSLv3 enabledTLSProtocols enabledSSLCipherSuites wrapperPlugins "                          \
    "defaultAuthenticationPlugin "                                                                 \
    "authenticationPlugins jdbcCompliantTruncation yearIsDateType useOldAliasMetadataBehavior "    \
    "socketFactory connectionAttributes maxAllowedPacket netTimeoutForStreamingResults paranoid "  \
    "characterSetResults passwordCharacterEncoding"
#define MARIADB_J                                                                                  \
    "sslMode useSsl trustServerCertificate disableSslHostnameVerification serverSslCert "          \
    "serverSslCertificate trustStore trustStorePassword trustStoreType keyStore keyStorePassword " \
    "keyStoreType enabledSslProtocolSuites enabledSslCipherSuites allowPublicKeyRetrieval "        \
    "serverRsaPublicKeyFile cachingRsaPublicKey permitMysqlScheme localSocket connectTimeout "     \
    "socketTimeout tcpKeepAlive autocommit useBulkStmts useCompression useServerPrepStmts "        \
    "cachePrepStmts prepStmtCacheSize allowMultiQueries rewriteBatchedStatements timezone "        \
    "connectionTimeZone sessionVariables allowLocalInfile maxAllowedPacket tinyInt1isBit "         \
    "useAffectedRows returnMultiValuesGeneratedIds transactionIsolation credentialType "           \
    "usePipelineAuth "                                                                             \
    "connectionAttributes useMysqlMetadata nullDatabaseMeansCurrent pool minPoolSize maxPoolSize"
#define ADO                                                                                        \
    "sslmode ssl_mode sslca ssl_ca sslcert sslkey cacertificatefile certificatefile "              \
    "certificatepassword tlsversion connectionprotocol connection_protocol protocol pipename "     \
    "allowpublickeyretrieval allow_public_key_retrieval serverrsapublickeyfile "                   \
    "connectiontimeout connection_timeout connect_timeout defaultcommandtimeout "                  \
    "default_command_timeout pooling connectionlifetime connection_lifetime connectionreset "      \
    "connectionidletimeout minimumpoolsize min_pool_size maximumpoolsize max_pool_size "           \
    "maxpoolsize "                                                                                 \
    "minpoolsize keepalive charset character_set allowuservariables allow_user_variables "         \
    "allowloadlocalinfile allowzerodatetime convertzerodatetime usecompression useaffectedrows "   \
    "guidformat oldguids treattinyasboolean persistsecurityinfo persist_security_info "            \
    "dnscheckinterval loadbalance serverredirectionmode cancellationtimeout applicationname "      \
    "autoenlist datetimekind ignorepreparation ignorecommandtransaction interactivesession "       \
    "noBackslashEscapes pipelining usexatransactions allowbatch logging ignore_prepare"
#define ODBC                                                                                       \
    "driver dsn sslmode sslca sslcert sslkey sslverify forcetls ssl_enforce charset option "       \
    "get_server_public_key rsakey default_auth no_ssps tls_version sslcipher stmt initstmt"
#define PDO "charset"
#define DBI                                                                                        \
    "mariadb_ssl mariadb_ssl_ca_file mariadb_ssl_verify_server_cert mysql_ssl mysql_ssl_ca_file "  \
    "mysql_ssl_verify_server_cert mysql_enable_utf8mb4 mysql_get_server_pubkey "                   \
    "mariadb_connect_timeout "                                                                     \
    "mysql_connect_timeout mysql_read_default_file mariadb_read_default_file"
#define SEQUELIZE                                                                                  \
    "ssl charset collate timezone connectTimeout socketPath compress multipleStatements "          \
    "supportBigNumbers bigNumberStrings dateStrings showWarnings"
#define SQLX                                                                                       \
    "ssl-mode sslmode ssl-ca sslca ssl-cert sslcert ssl-key sslkey charset collation socket "      \
    "statement-cache-capacity connection-attributes timezone"
#define DIESEL "unix_socket ssl_mode ssl_ca ssl_cert ssl_key"

static const struct lint_client clients[] = {
    { "url", lint_read_url, lint_write_url, CARRIER_NONE, LONE_PERCENT_OK | QUERY_PLUS,
        "mysql tidb", NULL, NULL, "socket", NULL, lint_tls_ssl_mode, lint_no_rules },
    { "mysql2-url mysql2 drizzle kysely mikroorm", lint_read_url, lint_write_url, CARRIER_NONE,
        URL_BRACKETS_STAY | QUERY_PLUS | QUERY_JSON, "mysql mysqlx mariadb", NULL, NULL,
        "socketPath", NULL, lint_tls_mysql2, lint_no_rules },
    { "knex", lint_read_url, lint_write_url, CARRIER_NONE,
        URL_BRACKETS_STAY | QUERY_PLUS | QUERY_JSON | URL_DB_PLAIN, "mysql mysql2 mariadb", NULL,
        NULL, "socketPath", NULL, lint_tls_mysql2, lint_no_rules },
    { "mysqljs", lint_read_url, lint_write_url, CARRIER_NONE, QUERY_PLUS | QUERY_JSON, "mysql",
        NULL, NULL, "socketPath", NULL, lint_tls_mysql2, lint_no_rules },
    { "sequelize", lint_read_url, lint_write_url, CARRIER_NONE,
        URL_BRACKETS_STAY | QUERY_PLUS | UNKNOWN_THROWS, "mysql mariadb", NULL, SEQUELIZE,
        "socketPath", NULL, lint_tls_mysql2, lint_no_rules },
    { "mariadb-node prisma-adapter", lint_read_url, lint_write_url, CARRIER_NONE,
        URL_SLASH_ENDS | URL_NO_IPV6 | NO_FRAGMENT, "mariadb mysql", NULL, NULL, "socketPath", NULL,
        lint_tls_mariadb_node, lint_no_rules },
    { "typeorm", lint_read_url, lint_write_url, CARRIER_NONE,
        URL_SLASH_ENDS | URL_NO_IPV6 | URL_DB_PLAIN | QUERY_DROPPED | NO_FRAGMENT, "mysql mariadb",
        NULL, NULL, NULL, NULL, lint_no_rules, lint_no_rules },
    { "prisma", lint_read_url, lint_write_url, CARRIER_EXPAND, QUERY_PLUS | LONE_PERCENT_OK,
        "mysql", NULL, NULL, "socket", NULL, lint_tls_prisma, lint_no_rules },
    { "bun", lint_read_url, lint_write_url, CARRIER_NONE, QUERY_PLUS, "mysql mysql2 mariadb", NULL,
        NULL, "path", NULL, lint_tls_ssl_mode, lint_no_rules },

    { "sqlalchemy-pymysql", lint_read_url, lint_write_url, CARRIER_NONE,
        URL_FIRST_AT | QUERY_PLUS | LONE_PERCENT_OK | NO_FRAGMENT, "mysql+pymysql", NULL, NULL,
        "unix_socket", NULL, lint_tls_sqlalchemy, lint_no_rules },
    { "sqlalchemy-connector", lint_read_url, lint_write_url, CARRIER_NONE,
        URL_FIRST_AT | QUERY_PLUS | LONE_PERCENT_OK | NO_FRAGMENT, "mysql+mysqlconnector", NULL,
        NULL, "unix_socket", NULL, lint_tls_connector_python, lint_no_rules },
    { "sqlalchemy-mysqlclient superset", lint_read_url, lint_write_url, CARRIER_NONE,
        URL_FIRST_AT | QUERY_PLUS | LONE_PERCENT_OK | NO_FRAGMENT | LOCALHOST_SOCKET,
        "mysql+mysqldb mysql", NULL, NULL, "unix_socket", NULL, lint_tls_ssl_mode, lint_no_rules },
    { "alembic", lint_read_url, lint_write_url, CARRIER_INI,
        URL_FIRST_AT | QUERY_PLUS | LONE_PERCENT_OK | NO_FRAGMENT | LOCALHOST_SOCKET,
        "mysql+mysqldb mysql+pymysql mysql", NULL, NULL, "unix_socket", NULL, lint_tls_ssl_mode,
        lint_no_rules },
    { "django-url", lint_read_url, lint_write_url, CARRIER_ENV,
        QUERY_PLUS | LONE_PERCENT_OK | URL_HOST_PATH | LOCALHOST_SOCKET,
        "mysql mysql2 mysqlgis mysql-connector", NULL, NULL, "unix_socket", NULL, lint_tls_ssl_mode,
        lint_no_rules },
    { "airflow", lint_read_url, lint_write_url, CARRIER_SHELL,
        QUERY_PLUS | LONE_PERCENT_OK | QUERY_JSON | LOCALHOST_SOCKET, "mysql", NULL, NULL,
        "unix_socket", NULL, lint_no_rules, lint_no_rules },
    { "peewee", lint_read_url, lint_write_url, CARRIER_NONE,
        URL_NO_DECODE | QUERY_PLUS | LONE_PERCENT_OK, "mysql mysql+pool", NULL, NULL, "unix_socket",
        NULL, lint_tls_ssl_mode, lint_no_rules },
    { "tortoise", lint_read_url, lint_write_url, CARRIER_NONE, QUERY_PLUS | LONE_PERCENT_OK,
        "mysql", NULL, NULL, "unix_socket", NULL, lint_no_rules, lint_no_rules },

    { "sqlx seaorm", lint_read_url, lint_write_url, CARRIER_NONE,
        QUERY_PLUS | LONE_PERCENT_OK | URL_DB_PLAIN | UNKNOWN_IGNORED, "mysql mariadb", NULL, SQLX,
        "socket", NULL, lint_tls_ssl_mode, lint_no_rules },
    { "rust-mysql mysql-async", lint_read_url, lint_write_url, CARRIER_NONE,
        QUERY_PLUS | LONE_PERCENT_OK, "mysql", NULL, NULL, "socket", NULL, lint_tls_rust,
        lint_trap_rust },
    { "diesel", lint_read_url, lint_write_url, CARRIER_NONE,
        QUERY_PLUS | LONE_PERCENT_OK | URL_DB_PLAIN | URL_ONE_SEGMENT | LOCALHOST_SOCKET |
            UNKNOWN_IGNORED,
        "mysql", NULL, DIESEL, "unix_socket", NULL, lint_tls_ssl_mode, lint_no_rules },

    { "symfony", lint_read_url, lint_write_url, CARRIER_PHP,
        QUERY_TWICE | LONE_PERCENT_OK | LOCALHOST_SOCKET, "mysql pdo-mysql mysqli mysql2", NULL,
        NULL, "unix_socket", NULL, lint_no_rules, lint_no_rules },
    { "rails-url", lint_read_url, lint_write_url, CARRIER_ENV, LOCALHOST_SOCKET, "mysql2 trilogy",
        RUBY_REFUSES, NULL, "socket", NULL, lint_tls_ssl_mode, lint_no_rules },
    { "sequel", lint_read_url, lint_write_url, CARRIER_NONE, LOCALHOST_SOCKET, "mysql2 trilogy",
        RUBY_REFUSES, NULL, "socket", NULL, lint_tls_ssl_mode, lint_no_rules },
    { "ecto myxql", lint_read_url, lint_write_url, CARRIER_NONE,
        URL_COLONS_CUT | URL_ONE_SEGMENT | QUERY_PLUS | WANTS_DATABASE, "ecto mysql", NULL, NULL,
        "socket", NULL, lint_tls_ecto, lint_no_rules },
    { "r2dbc", lint_read_url, lint_write_url, CARRIER_NONE, QUERY_PLUS,
        "r2dbc:mysql r2dbcs:mysql r2dbc:pool:mysql", RUBY_REFUSES, NULL, "unixSocket", NULL,
        lint_tls_r2dbc, lint_trap_r2dbc },

    { "mysqlsh", lint_read_url, lint_write_url, CARRIER_SHELL,
        QUERY_PLUS | LOCALHOST_SOCKET | URL_HOST_PATH, "mysql", GO_REFUSES, NULL, "socket", NULL,
        lint_tls_ssl_mode, lint_no_rules },
    { "usql", lint_read_url, lint_write_url, CARRIER_SHELL, QUERY_PLUS, "mysql tidb my mariadb",
        GO_REFUSES, NULL, "socket", NULL, lint_tls_go, lint_no_rules },
    { "ticdc", lint_read_url, lint_write_url, CARRIER_NONE, QUERY_PLUS,
        "tidb mysql mysql+ssl tidb+ssl", GO_REFUSES, NULL, NULL, NULL, lint_no_rules,
        lint_no_rules },
    { "atlas", lint_read_url, lint_write_url, CARRIER_NONE, QUERY_PLUS, "mysql maria tidb",
        GO_REFUSES, NULL, NULL, NULL, lint_tls_go, lint_no_rules },
    { "dbmate", lint_read_url, lint_write_url, CARRIER_SHELL, QUERY_PLUS, "mysql", GO_REFUSES, NULL,
        "socket", NULL, lint_tls_go, lint_no_rules },

    { "go gorm ent bun-go xorm", lint_read_go, lint_write_go, CARRIER_NONE, 0, NULL, NULL, NULL,
        NULL, NULL, lint_tls_go, lint_no_rules },
    { "goose", lint_read_go, lint_write_go, CARRIER_SHELL, 0, NULL, NULL, NULL, NULL, NULL,
        lint_tls_go, lint_no_rules },
    { "golang-migrate", lint_read_go, lint_write_go, CARRIER_NONE, 0, "mysql://", NULL, NULL, NULL,
        NULL, lint_tls_go, lint_no_rules },

    { "jdbc", lint_read_connector_j, lint_write_jdbc, CARRIER_NONE, QUERY_PLUS | NAMES_ANY_CASE,
        "jdbc:mysql jdbc:mysql+srv", NULL, CONNECTOR_J, NULL, NULL, lint_tls_connector_j,
        lint_trap_connector_j },
    { "jdbc-aws", lint_read_connector_j, lint_write_jdbc, CARRIER_NONE, QUERY_PLUS | NAMES_ANY_CASE,
        "jdbc:aws-wrapper:mysql", NULL, CONNECTOR_J, NULL, NULL, lint_tls_connector_j,
        lint_trap_aws_wrapper },
    { "jdbc-mariadb", lint_read_mariadb_j, lint_write_jdbc, CARRIER_NONE,
        QUERY_PLAIN | NAMES_ANY_CASE, "jdbc:mariadb", NULL, MARIADB_J, "localSocket", NULL,
        lint_tls_mariadb_j, lint_trap_mariadb_j },

    { "mysqlconnector mysql-data ef-core", lint_read_ado, lint_write_list, CARRIER_NONE,
        UNKNOWN_THROWS | NAMES_ANY_CASE, NULL, NULL, ADO, NULL, NULL, lint_tls_ado, lint_trap_ado },
    { "odbc odbc-mariadb", lint_read_odbc, lint_write_list, CARRIER_NONE,
        LOCALHOST_SOCKET | NAMES_ANY_CASE, NULL, NULL, ODBC, NULL, NULL, lint_tls_odbc,
        lint_no_rules },
    { "pdo", lint_read_pdo, lint_write_row, CARRIER_NONE, LOCALHOST_SOCKET, "mysql", NULL, PDO,
        NULL, NULL, lint_tls_php, lint_no_rules },
    { "dbd-mariadb dbd-mysql", lint_read_pdo, lint_write_row, CARRIER_NONE, LOCALHOST_SOCKET, "dbi",
        NULL, DBI, NULL, NULL, lint_tls_php, lint_no_rules },

    { "mysql", lint_read_command, lint_write_command, CARRIER_NONE, LOCALHOST_SOCKET, NULL, NULL,
        NULL, NULL, NULL, lint_tls_command, lint_trap_mysql },
    { "mysqldump", lint_read_command, lint_write_command, CARRIER_NONE, LOCALHOST_SOCKET, NULL,
        NULL, NULL, NULL, NULL, lint_tls_command, lint_trap_mysqldump },
    { "mariadb", lint_read_command, lint_write_command, CARRIER_NONE, LOCALHOST_SOCKET, NULL, NULL,
        NULL, NULL, NULL, lint_tls_mariadb, lint_trap_mariadb },
    { "mycli", lint_read_command, lint_write_command, CARRIER_NONE, LOCALHOST_SOCKET, NULL, NULL,
        NULL, NULL, NULL, lint_tls_file, lint_no_rules },
    { "my-cnf", lint_read_lines, lint_write_row, CARRIER_CNF, LOCALHOST_SOCKET, NULL, NULL, NULL,
        NULL, NULL, lint_tls_file, lint_trap_file },

    { "dotenv directus", lint_read_lines, lint_write_row, CARRIER_ENV, 0, NULL, NULL, NULL, NULL,
        NULL, lint_no_rules, lint_no_rules },
    { "dotenv-expand", lint_read_lines, lint_write_row, CARRIER_EXPAND, 0, NULL, NULL, NULL, NULL,
        NULL, lint_no_rules, lint_no_rules },
    { "dotenv-php laravel", lint_read_lines, lint_write_row, CARRIER_PHP, LOCALHOST_SOCKET, NULL,
        NULL, NULL, NULL, NULL, lint_tls_php, lint_no_rules },
    { "dotenv-python", lint_read_lines, lint_write_row, CARRIER_PYTHON, 0, NULL, NULL, NULL, NULL,
        NULL, lint_no_rules, lint_no_rules },
    { "docker-env", lint_read_lines, lint_write_row, CARRIER_DOCKER, 0, NULL, NULL, NULL, NULL,
        NULL, lint_no_rules, lint_no_rules },
    { "shell flyway", lint_read_lines, lint_write_row, CARRIER_SHELL, 0, NULL, NULL, NULL, NULL,
        NULL, lint_no_rules, lint_no_rules },
    { "systemd", lint_read_lines, lint_write_row, CARRIER_SYSTEMD, 0, NULL, NULL, NULL, NULL, NULL,
        lint_no_rules, lint_no_rules },
    { "params", lint_read_lines, lint_write_row, CARRIER_COLUMNS, 0, NULL, NULL, NULL, NULL, NULL,
        lint_no_rules, lint_no_rules },
    { "yaml kubernetes", lint_read_lines, lint_write_row, CARRIER_YAML, 0, NULL, NULL, NULL, NULL,
        NULL, lint_no_rules, lint_no_rules },
    { "compose", lint_read_lines, lint_write_row, CARRIER_YAML_DOLLAR, 0, NULL, NULL, NULL, NULL,
        NULL, lint_no_rules, lint_no_rules },
    { "rails rails-trilogy", lint_read_lines, lint_write_row, CARRIER_YAML, LOCALHOST_SOCKET, NULL,
        NULL, NULL, NULL, "<%", lint_tls_ssl_mode, lint_no_rules },
    { "spring-boot", lint_read_lines, lint_write_row, CARRIER_PROPERTIES, 0, NULL, NULL, NULL, NULL,
        "${", lint_no_rules, lint_no_rules },
    { "spring-boot-yaml", lint_read_lines, lint_write_row, CARRIER_YAML, 0, NULL, NULL, NULL, NULL,
        "${", lint_no_rules, lint_no_rules },
    { "properties", lint_read_lines, lint_write_row, CARRIER_PROPERTIES, 0, NULL, NULL, NULL, NULL,
        NULL, lint_no_rules, lint_no_rules },
    { "quarkus", lint_read_lines, lint_write_row, CARRIER_PROPERTIES, 0, NULL, NULL, NULL, NULL,
        "${", lint_no_rules, lint_no_rules },
    { "hibernate", lint_read_xml, lint_write_row, CARRIER_NONE, 0, NULL, NULL, NULL, NULL, NULL,
        lint_no_rules, lint_no_rules },
    { "mybatis", lint_read_xml, lint_write_row, CARRIER_NONE, 0, NULL, NULL, NULL, NULL, "${",
        lint_no_rules, lint_no_rules },
};

const struct lint_client *lint_client_find(const char *id)
{
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        if (lint_list_has(clients[i].ids, id, strlen(id)))
            return &clients[i];
    }
    return NULL;
}
