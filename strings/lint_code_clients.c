// SPDX-License-Identifier: Apache-2.0
//
// The clients whose strings are source code, or files that are read like it: the language, which
// arguments mean what, the parameters that they know, what those mean for TLS. Data only.
#include "strings/lint_code.h"

#include "base/defs.h"

#include <string.h>

// mysql2: lib/connection_config.js, validOptions.
#define MYSQL2                                                                                     \
    "authPlugins authSwitchHandler bigNumberStrings charset charsetNumber compress "               \
    "connectAttributes connectTimeout database dateStrings debug decimalNumbers enableKeepAlive "  \
    "flags host insecureAuth infileStreamFactory isServer keepAliveInitialDelay localAddress "     \
    "maxPreparedStatements multipleStatements namedPlaceholders nestTables password password1 "    \
    "password2 password3 passwordSha1 pool port queryFormat rowsAsArray socketPath ssl stream "    \
    "stringifyObjects supportBigNumbers timezone trace typeCast uri user disableEval "             \
    "enableCleartextPlugin connectionLimit maxIdle idleTimeout Promise queueLimit "                \
    "resetOnRelease waitForConnections jsonStrings gracefulEnd"
// mysqljs/mysql: Readme.md, "Connection options" and "Pool options".
#define MYSQLJS                                                                                    \
    "host port localAddress socketPath user password database charset timezone connectTimeout "    \
    "stringifyObjects insecureAuth typeCast queryFormat supportBigNumbers bigNumberStrings "       \
    "dateStrings debug trace localInfile multipleStatements flags ssl acquireTimeout "             \
    "waitForConnections connectionLimit queueLimit"
// PyMySQL: pymysql/connections.py, Connection.__init__.
#define PYMYSQL                                                                                    \
    "user password host database unix_socket port charset collation sql_mode read_default_file "   \
    "conv use_unicode client_flag cursorclass init_command connect_timeout read_default_group "    \
    "autocommit local_infile max_allowed_packet defer_connect auth_plugin_map read_timeout "       \
    "write_timeout bind_address binary_prefix program_name server_public_key ssl ssl_ca ssl_cert " \
    "ssl_disabled ssl_key ssl_key_password ssl_verify_cert ssl_verify_identity compress "          \
    "named_pipe passwd db"
// mysqlclient: src/MySQLdb/connections.py and _mysql.c, _mysql_ConnectionObject_Initialize.
#define MYSQLCLIENT                                                                                \
    "host user password passwd database db port unix_socket conv connect_timeout compress "        \
    "named_pipe init_command read_default_file read_default_group cursorclass use_unicode "        \
    "charset collation auth_plugin sql_mode client_flag multi_statements ssl_mode ssl "            \
    "local_infile autocommit binary_prefix read_timeout write_timeout server_public_key_path"
// MySQL Connector/Python: mysql/connector/constants.py, DEFAULT_CONFIGURATION, and what
// abstracts.py and pooling.py take before it.
#define CONNECTOR_PYTHON                                                                           \
    "database user password password1 password2 password3 host port unix_socket use_unicode "      \
    "charset collation converter_class converter_str_fallback autocommit time_zone sql_mode "      \
    "get_warnings raise_on_warnings connection_timeout read_timeout write_timeout client_flags "   \
    "compress buffered raw ssl_ca ssl_cert ssl_key ssl_verify_cert ssl_verify_identity "           \
    "ssl_cipher tls_ciphersuites ssl_disabled tls_versions passwd db connect_timeout dsn "         \
    "force_ipv6 auth_plugin allow_local_infile allow_local_infile_in_path consume_results "        \
    "conn_attrs dns_srv use_pure krb_service_principal oci_config_file oci_config_profile "        \
    "webauthn_callback fido_callback kerberos_auth_mode init_command openid_token_file "           \
    "pool_name pool_size pool_reset_session failover option_files option_groups"
// aiomysql: aiomysql/connection.py, connect; asyncmy: asyncmy/connection.pyx, connect.
#define AIOMYSQL                                                                                   \
    "host user password db port unix_socket charset sql_mode read_default_file conv use_unicode "  \
    "client_flag cursorclass init_command connect_timeout read_default_group autocommit echo "     \
    "local_infile loop ssl auth_plugin program_name server_public_key minsize maxsize "            \
    "pool_recycle"
#define ASYNCMY                                                                                    \
    "user password host database db unix_socket port charset sql_mode read_default_file conv "     \
    "use_unicode client_flag cursor_cls init_command connect_timeout read_default_group "          \
    "autocommit local_infile max_allowed_packet auth_plugin_map read_timeout bind_address "        \
    "binary_prefix program_name server_public_key echo ssl minsize maxsize pool_recycle"

#define NODE_CALLS                                                                                 \
    "drizzle:url;knex:url;createConnection:url;createPool:url;PrismaMariaDb:url;SQL:url;"          \
    "DataSource:url"
#define JDBC_CALLS                                                                                 \
    "getConnection:url user password;using:url user password;connect:url;option:@name @value;"     \
    "setProperty:@name @value;put:@name @value;addDataSourceProperty:@name @value"
#define MYSQLI_CALLS                                                                               \
    "real_connect:host user password database port socket flags;"                                  \
    "mysqli_real_connect:- host user password database port socket flags;"                         \
    "mysqli:host user password database port socket;"                                              \
    "mysqli_connect:host user password database port socket;"                                      \
    "ssl_set:ssl_key ssl_cert ssl_ca ssl_capath ssl_cipher;"                                       \
    "options:@name @value;define:@name @value"
#define C_CALLS                                                                                    \
    "mysql_real_connect:- host user password database port socket flags;"                          \
    "mysql_options:- @name @value;"                                                                \
    "mysql_ssl_set:- ssl_key ssl_cert ssl_ca ssl_capath ssl_cipher;connect:url user password"

#define SQLALCHEMY_CALLS                                                                           \
    "create_engine:url;create_async_engine:url;create:- username password host port database -"

#define CLIENT(IDS, FLAGS, KNOWN, TLS, TRAPS)                                                      \
    {                                                                                              \
        .ids = (IDS), .read = lint_read_code, .write = lint_write_row, .flags = (FLAGS),           \
        .known = (KNOWN), .tls = (TLS), .traps = (TRAPS)                                           \
    }
#define NODE(IDS, FLAGS, KNOWN, TLS, TRAPS, NAMES)                                                 \
    {                                                                                              \
        CLIENT(IDS, FLAGS, KNOWN, TLS, TRAPS), LANGUAGE_JS, NAMES, NODE_CALLS, NULL, 0             \
    }

static const struct lint_code_client clients[] = {
    NODE("mysql2 kysely", UNKNOWN_IGNORED, MYSQL2, lint_tls_mysql2_code, lint_no_rules, NULL),
    NODE("drizzle", UNKNOWN_IGNORED, MYSQL2, lint_tls_mysql2_code, lint_no_rules, "connection=url"),
    NODE("knex", 0, NULL, lint_tls_mysql2_code, lint_no_rules, "connection=url"),
    NODE("mikroorm", 0, NULL, lint_tls_mysql2_code, lint_no_rules, "clientUrl=url"),
    NODE("typeorm", 0, NULL, lint_tls_mysql2_code, lint_no_rules, NULL),
    { CLIENT("sequelize", 0, NULL, lint_tls_mysql2_code, lint_no_rules), LANGUAGE_JS, NULL,
        "Sequelize:database user password", NULL, 0 },
    NODE("mysqljs", UNKNOWN_IGNORED, MYSQLJS, lint_tls_mysqljs_code, lint_no_rules, NULL),
    NODE("mariadb-node prisma-adapter", 0, NULL, lint_tls_mariadb_code, lint_trap_mariadb_node,
        NULL),
    NODE("bun", 0, NULL, lint_tls_bun_code, lint_no_rules, "path=socket"),

    { CLIENT("pymysql", UNKNOWN_THROWS, PYMYSQL, lint_tls_pymysql_code, lint_no_rules),
        LANGUAGE_PYTHON, NULL, NULL, NULL, CODE_PORT_NUMBER | CODE_LATIN },
    { CLIENT("mysqlclient", UNKNOWN_THROWS | LOCALHOST_SOCKET, MYSQLCLIENT,
          lint_tls_mysqlclient_code, lint_no_rules),
        LANGUAGE_PYTHON, NULL,
        "connect:host user password database;Connect:host user password database", NULL,
        CODE_PORT_NUMBER },
    { CLIENT("mysql-connector-python", UNKNOWN_THROWS, CONNECTOR_PYTHON,
          lint_tls_connector_python_code, lint_no_rules),
        LANGUAGE_PYTHON, NULL, NULL, NULL, 0 },
    { CLIENT("aiomysql", UNKNOWN_THROWS, AIOMYSQL, lint_tls_context_code, lint_no_rules),
        LANGUAGE_PYTHON, NULL, "connect:host user password database;create_pool:-", NULL,
        CODE_LATIN },
    { CLIENT("asyncmy", UNKNOWN_THROWS, ASYNCMY, lint_tls_context_code, lint_no_rules),
        LANGUAGE_PYTHON, NULL, NULL, NULL, CODE_LATIN },
    { CLIENT("tortoise", 0, NULL, lint_tls_context_code, lint_no_rules), LANGUAGE_PYTHON, NULL,
        NULL, NULL, CODE_LATIN },
    { CLIENT("peewee", 0, NULL, lint_tls_pymysql_code, lint_no_rules), LANGUAGE_PYTHON, NULL,
        "MySQLDatabase:database;PooledMySQLDatabase:database", NULL,
        CODE_PORT_NUMBER | CODE_LATIN },
    { CLIENT("django", LOCALHOST_SOCKET | URL_HOST_PATH | NAMES_ANY_CASE, NULL,
          lint_tls_mysqlclient_code, lint_trap_django),
        LANGUAGE_PYTHON, "NAME=database", NULL, NULL, 0 },

    { CLIENT("pdo", LOCALHOST_SOCKET, NULL, lint_no_rules, lint_no_rules), LANGUAGE_PHP, NULL,
        "PDO:url user password -;connect:url user password -", NULL, 0 },
    { CLIENT("dbd-mariadb dbd-mysql", LOCALHOST_SOCKET, NULL, lint_no_rules, lint_no_rules),
        LANGUAGE_PERL, NULL, "connect:url user password -", NULL, 0 },
    { CLIENT("sqlalchemy-pymysql", 0, NULL, lint_tls_sqlalchemy, lint_no_rules), LANGUAGE_PYTHON,
        NULL, SQLALCHEMY_CALLS, NULL, 0 },
    { CLIENT("sqlalchemy-connector", 0, NULL, lint_tls_connector_python, lint_no_rules),
        LANGUAGE_PYTHON, NULL, SQLALCHEMY_CALLS, NULL, 0 },
    { CLIENT("sqlalchemy-mysqlclient superset", LOCALHOST_SOCKET, NULL, lint_tls_ssl_mode,
          lint_no_rules),
        LANGUAGE_PYTHON, NULL, SQLALCHEMY_CALLS, NULL, 0 },

    { CLIENT("mysqli", LOCALHOST_SOCKET, NULL, lint_tls_mysqli_code, lint_no_rules), LANGUAGE_PHP,
        NULL, MYSQLI_CALLS, NULL, 0 },
    { CLIENT("wordpress", LOCALHOST_SOCKET | NAMES_ANY_CASE, NULL, lint_tls_mysqli_code,
          lint_no_rules),
        LANGUAGE_PHP, "NAME=database", "define:@name @value", NULL, CODE_HOST_PORT },
    { CLIENT("mysql2-gem sequel", LOCALHOST_SOCKET, NULL, lint_tls_ruby_code, lint_no_rules),
        LANGUAGE_RUBY, NULL, NULL, NULL, 0 },
    { CLIENT("trilogy", 0, NULL, lint_tls_trilogy_code, lint_no_rules), LANGUAGE_RUBY, NULL, NULL,
        NULL, 0 },

    { CLIENT("libmysqlclient", LOCALHOST_SOCKET, NULL, lint_tls_c_code, lint_trap_c), LANGUAGE_C,
        NULL, C_CALLS, NULL, 0 },
    { CLIENT("mariadb-c", LOCALHOST_SOCKET, NULL, lint_tls_mariadb_c_code, lint_no_rules),
        LANGUAGE_C, NULL, C_CALLS, NULL, 0 },
    { CLIENT("connector-cpp", LOCALHOST_SOCKET | NAMES_ANY_CASE, NULL, lint_tls_cpp_code,
          lint_trap_cpp),
        LANGUAGE_C, "hostName=host userName=user schema=database", C_CALLS, NULL, 0 },
    { CLIENT("rmariadb", LOCALHOST_SOCKET, NULL, lint_tls_r_code, lint_no_rules), LANGUAGE_R, NULL,
        "dbConnect:-", NULL, 0 },
    { CLIENT("julia", LOCALHOST_SOCKET, NULL, lint_tls_julia_code, lint_no_rules), LANGUAGE_JULIA,
        NULL, "connect:- host user password", NULL, CODE_PORT_NUMBER },
    { CLIENT("swift", 0, NULL, lint_tls_swift_code, lint_no_rules), LANGUAGE_SWIFT, NULL,
        "MySQLConfiguration:url", NULL, CODE_PORT_NUMBER },
    { CLIENT("myxql ecto", 0, NULL, lint_tls_elixir_code, lint_no_rules), LANGUAGE_ELIXIR, NULL,
        NULL, NULL, 0 },

    { CLIENT("hikari jooq", 0, NULL, lint_no_rules, lint_no_rules), LANGUAGE_JAVA, NULL, JDBC_CALLS,
        NULL, 0 },
    { CLIENT("exposed", 0, NULL, lint_no_rules, lint_no_rules), LANGUAGE_KOTLIN, NULL, JDBC_CALLS,
        NULL, 0 },
    { CLIENT("spark", 0, NULL, lint_no_rules, lint_no_rules), LANGUAGE_SCALA, NULL, JDBC_CALLS,
        NULL, 0 },

    { CLIENT("duckdb", NAMES_ANY_CASE, NULL, lint_tls_duckdb_code, lint_no_rules), LANGUAGE_SQL,
        NULL, NULL, NULL, 0 },
    { CLIENT("vscode", 0, NULL, lint_tls_vscode_code, lint_no_rules), LANGUAGE_JSON, NULL, NULL,
        NULL, CODE_FILE },
    { CLIENT("json", NAMES_ANY_CASE, NULL, lint_no_rules, lint_no_rules), LANGUAGE_JSON, NULL, NULL,
        NULL, 0 },
    { CLIENT("toml", NAMES_ANY_CASE, NULL, lint_no_rules, lint_no_rules), LANGUAGE_TOML, NULL, NULL,
        NULL, 0 },
    { CLIENT("lightning", 0, NULL, lint_tls_lightning_code, lint_no_rules), LANGUAGE_TOML, NULL,
        NULL, NULL, CODE_BASE64 },
    { CLIENT("terraform", NAMES_ANY_CASE, NULL, lint_no_rules, lint_no_rules), LANGUAGE_HCL, NULL,
        NULL, NULL, CODE_FILE },
    { CLIENT("powershell", NAMES_ANY_CASE, NULL, lint_no_rules, lint_no_rules), LANGUAGE_POWERSHELL,
        NULL, NULL, NULL, 0 },
    { CLIENT("ecs", NAMES_ANY_CASE, NULL, lint_no_rules, lint_no_rules), LANGUAGE_JSON, NULL, NULL,
        NULL, CODE_PAIRS | CODE_FILE },
};

const struct lint_code_client *lint_code_find(const char *id)
{
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        if (lint_list_has(clients[i].client.ids, id, strlen(id)))
            return &clients[i];
    }
    return NULL;
}
