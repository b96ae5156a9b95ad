// SPDX-License-Identifier: Apache-2.0
//
// C, C++, ODBC, Perl, R, Julia, Swift, Elixir. Data only.
#include "strings/client.h"

#include "base/defs.h"

#define NO_VERIFY_CA                                                                               \
    "it checks the certificate's name as well, or nothing at all: use verify-identity"
#define DBI_ENDS "a value of a DBI data source ends there and cannot be quoted"

// The value of a DSN that stands in a Perl literal; user and password are arguments.
static const struct string_limit dbi_limits[] = {
    { STRING_DATABASE, ";", DBI_ENDS },
    { STRING_SOCKET, ";", DBI_ENDS },
    { STRING_CA, ";", DBI_ENDS },
    { 0 },
};

#define C_CONNECT(HOST, PORT, SOCKET)                                                              \
    "mysql_options(db, MYSQL_SET_CHARSET_NAME, \"utf8mb4\");$tls\n"                                \
    "mysql_real_connect(db, " HOST ", $user, $password, "                                          \
    "$?database{$database$}$!database{NULL$}, " PORT ", " SOCKET ", 0);"

#define C_PROGRAM                                                                                  \
    "#include <mysql.h>\n"                                                                         \
    "#include <stdio.h>\n"                                                                         \
    "#include <string.h>\n\n"                                                                      \
    "int main(void)\n"                                                                             \
    "{\n"                                                                                          \
    "    static char value[65536];\n"                                                              \
    "    long long one = 0, size = 0;\n"                                                           \
    "    unsigned long length = sizeof(value);\n"                                                  \
    "    MYSQL *db = mysql_init(NULL);\n"                                                          \
    "    $string\n"                                                                                \
    "    if (mysql_errno(db) || mysql_query(db, \"SELECT 1\")) {\n"                                \
    "        fprintf(stderr, \"%s\\n\", mysql_error(db));\n"                                       \
    "        return 1;\n"                                                                          \
    "    }\n"                                                                                      \
    "    MYSQL_RES *result = mysql_store_result(db);\n"                                            \
    "    sscanf(mysql_fetch_row(result)[0], \"%lld\", &one);\n"                                    \
    "    mysql_free_result(result);\n\n"                                                           \
    "    const char *text = \"SELECT LENGTH(?)\";\n"                                               \
    "    MYSQL_STMT *query = mysql_stmt_init(db);\n"                                               \
    "    MYSQL_BIND in, out;\n"                                                                    \
    "    memset(value, 'x', sizeof(value));\n"                                                     \
    "    memset(&in, 0, sizeof(in));\n"                                                            \
    "    memset(&out, 0, sizeof(out));\n"                                                          \
    "    in.buffer_type = MYSQL_TYPE_STRING;\n"                                                    \
    "    in.buffer = value;\n"                                                                     \
    "    in.buffer_length = length;\n"                                                             \
    "    in.length = &length;\n"                                                                   \
    "    out.buffer_type = MYSQL_TYPE_LONGLONG;\n"                                                 \
    "    out.buffer = &size;\n"                                                                    \
    "    if (mysql_stmt_prepare(query, text, strlen(text)) || mysql_stmt_bind_param(query, &in) "  \
    "||\n"                                                                                         \
    "        mysql_stmt_execute(query) || mysql_stmt_bind_result(query, &out) ||\n"                \
    "        mysql_stmt_fetch(query)) {\n"                                                         \
    "        fprintf(stderr, \"%s\\n\", mysql_stmt_error(query));\n"                               \
    "        return 1;\n"                                                                          \
    "    }\n"                                                                                      \
    "    printf(\"%lld %lld\\n\", one, size);\n"                                                   \
    "    mysql_stmt_close(query);\n"                                                               \
    "    mysql_close(db);\n"                                                                       \
    "    return 0;\n"                                                                              \
    "}"

#define PERL_PROGRAM                                                                               \
    "use strict;\n"                                                                                \
    "use warnings;\n"                                                                              \
    "use utf8;\n"                                                                                  \
    "use DBI;\n\n"                                                                                 \
    "my $$db = $string;\n"                                                                         \
    "my ($$one) = $$db->selectrow_array('SELECT 1');\n"                                            \
    "my ($$size) = $$db->selectrow_array('SELECT LENGTH(?)', undef, 'x' x 65536);\n"               \
    "print \"$$one $$size\\n\";"

#define ODBC_PROGRAM                                                                               \
    "import pyodbc\n\n"                                                                            \
    "conn = pyodbc.connect($python(string))\n"                                                     \
    "conn.setencoding(\"utf-8\")\n"                                                                \
    "cursor = conn.cursor()\n"                                                                     \
    "one = cursor.execute(\"SELECT 1\").fetchval()\n"                                              \
    "size = cursor.execute(\"SELECT LENGTH(?)\", \"x\" * 65536).fetchval()\n"                      \
    "print(one, size)"

#define ELIXIR_TLS(PEER) ", ssl: [cacertfile: $ca, verify: :verify_peer, " PEER "]"

static const struct string_client clients[] = {
    {
        .id = "libmysqlclient",
        .also = "c mysql-c",
        .name = "libmysqlclient",
        .language = "C",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_OCTAL,
        .tcp = C_CONNECT("$host", "$port", "NULL"),
        .socket = C_CONNECT("NULL", "0", "$socket"),
        .tls = {
            [STRING_TLS_OFF] = { .piece =
                "\nmysql_options(db, MYSQL_OPT_SSL_MODE, &(enum mysql_ssl_mode){SSL_MODE_DISABLED});"
                "\nmysql_options(db, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &(bool){true});" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece =
                "\nmysql_options(db, MYSQL_OPT_SSL_MODE, &(enum mysql_ssl_mode){SSL_MODE_VERIFY_IDENTITY});"
                "\nmysql_options(db, MYSQL_OPT_SSL_CA, $ca);" },
            [STRING_TLS_VERIFY_CA] = { .piece =
                "\nmysql_options(db, MYSQL_OPT_SSL_MODE, &(enum mysql_ssl_mode){SSL_MODE_VERIFY_CA});"
                "\nmysql_options(db, MYSQL_OPT_SSL_CA, $ca);" },
        },
        .notes = "For MySQL's library, 8.0 or later. Debian's libmysqlclient-dev is MariaDB's: use "
                 "`mariadb-c` there.\n"
                 "The host localhost would mean the unix socket.",
        .example = "#include <stdbool.h>\n" C_PROGRAM,
    },
    {
        .id = "mariadb-c",
        .also = "libmariadb connector-c",
        .name = "MariaDB Connector/C",
        .language = "C",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_OCTAL,
        .tcp = C_CONNECT("$host", "$port", "NULL"),
        .socket = C_CONNECT("NULL", "0", "$socket"),
        .tls = {
            [STRING_TLS_OFF] = { .piece =
                "\nmysql_options(db, MYSQL_OPT_SSL_ENFORCE, &(my_bool){0});"
                "\nmysql_options(db, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &(my_bool){0});" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece =
                "\nmysql_options(db, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &(my_bool){1});"
                "\nmysql_options(db, MYSQL_OPT_SSL_CA, $ca);" },
            [STRING_TLS_VERIFY_CA] = { .why_not = NO_VERIFY_CA },
        },
        .notes = "From 3.4 on it verifies the server's certificate by itself and fails without TLS "
                 "unless that is turned off.\n"
                 "The host localhost would mean the unix socket.",
        .example = C_PROGRAM,
    },
    {
        .id = "connector-cpp",
        .also = "mysql-connector-cpp cpp",
        .name = "MySQL Connector/C++ (JDBC)",
        .language = "C++",
        .kind = STRING_DRIVER,
        .encoding = ENCODING_OCTAL,
        .tcp = "sql::ConnectOptionsMap options{{OPT_HOSTNAME, $host}, {OPT_PORT, $port}, {OPT_USERNAME, "
               "$user}, {OPT_PASSWORD, $password}$?database{, {OPT_SCHEMA, $database}$}$tls};\n"
               "driver->connect(options);",
        .socket = "sql::ConnectOptionsMap options{{OPT_SOCKET, $socket}, {OPT_USERNAME, $user}, "
                  "{OPT_PASSWORD, $password}$?database{, {OPT_SCHEMA, $database}$}$tls};\n"
                  "driver->connect(options);",
        .tls = {
            [STRING_TLS_OFF] = { .piece = ", {OPT_SSL_MODE, sql::SSL_MODE_DISABLED}"
                                          ", {OPT_GET_SERVER_PUBLIC_KEY, true}" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece =
                ", {OPT_SSL_MODE, sql::SSL_MODE_VERIFY_IDENTITY}, {OPT_SSL_CA, $ca}" },
            [STRING_TLS_VERIFY_CA] = { .piece =
                ", {OPT_SSL_MODE, sql::SSL_MODE_VERIFY_CA}, {OPT_SSL_CA, $ca}" },
        },
        .notes = "The classic API: X DevAPI speaks another protocol, which TiDB does not.",
    },
    {
        .id = "odbc",
        .also = "mysql-odbc",
        .name = "MySQL Connector/ODBC",
        .language = "ODBC",
        .kind = STRING_DRIVER,
        .encoding = ENCODING_ODBC,
        .tcp = "DRIVER={MySQL ODBC 9.6 Unicode Driver};SERVER=$raw(host);PORT=$port;UID=$user;"
               "PWD=$password$?database{;DATABASE=$database$}$tls",
        .socket = "DRIVER={MySQL ODBC 9.6 Unicode Driver};SOCKET=$socket;UID=$user;PWD=$password"
                  "$?database{;DATABASE=$database$}$tls",
        .tls = {
            [STRING_TLS_OFF] = { .piece = ";SSLMODE=DISABLED;GET_SERVER_PUBLIC_KEY=1" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ";SSLMODE=VERIFY_IDENTITY;SSLCA=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = ";SSLMODE=VERIFY_CA;SSLCA=$ca" },
        },
        .notes = "DRIVER is the name in odbcinst.ini, with the version that is installed.\n"
                 "odbc.ini cannot hold ; or # in a value: use the string.",
        .example = ODBC_PROGRAM,
    },
    {
        .id = "odbc-mariadb",
        .also = "mariadb-odbc",
        .name = "MariaDB Connector/ODBC",
        .language = "ODBC",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_ODBC,
        .tcp = "DRIVER={MariaDB Unicode};SERVER=$raw(host);PORT=$port;UID=$user;PWD=$password"
               "$?database{;DATABASE=$database$}$tls",
        .socket = "DRIVER={MariaDB Unicode};SOCKET=$socket;UID=$user;PWD=$password"
                  "$?database{;DATABASE=$database$}$tls",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ";FORCETLS=1;SSLVERIFY=1;SSLCA=$ca" },
            [STRING_TLS_VERIFY_CA] = { .why_not = NO_VERIFY_CA },
        },
        .notes = "DRIVER is the name in odbcinst.ini.",
        .example = ODBC_PROGRAM,
    },
    {
        .id = "dbd-mariadb",
        .also = "perl perl-dbi",
        .name = "DBD::MariaDB",
        .language = "Perl",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_SINGLE,
        .tcp = "DBI->connect('dbi:MariaDB:host=$singlepart(host);port=$port"
               "$?database{;database=$singlepart(database)$}$tls', $user, $password, "
               "{ RaiseError => 1, mariadb_server_prepare => 1 })",
        .socket = "DBI->connect('dbi:MariaDB:mariadb_socket=$singlepart(socket)"
                  "$?database{;database=$singlepart(database)$}$tls', $user, $password, "
                  "{ RaiseError => 1, mariadb_server_prepare => 1 })",
        .tls = {
            [STRING_TLS_OFF] = { .piece = ";mariadb_ssl=0" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ";mariadb_ssl=1;mariadb_ssl_verify_server_cert=1"
                                                      ";mariadb_ssl_ca_file=$singlepart(ca)" },
            [STRING_TLS_VERIFY_CA] = { .why_not = NO_VERIFY_CA },
        },
        .limits = dbi_limits,
        .notes = "The password is an argument: nothing in it can break the data source.\n"
                 "It encodes user and password as UTF-8: say `use utf8` where the source is.",
        .example = PERL_PROGRAM,
    },
    {
        .id = "dbd-mysql",
        .also = "",
        .name = "DBD::mysql",
        .language = "Perl",
        .kind = STRING_DRIVER,
        .encoding = ENCODING_SINGLE,
        .tcp = "DBI->connect('dbi:mysql:host=$singlepart(host);port=$port"
               "$?database{;database=$singlepart(database)$}$tls', $user, $password, "
               "{ RaiseError => 1, mysql_server_prepare => 1 })",
        .socket = "DBI->connect('dbi:mysql:mysql_socket=$singlepart(socket)"
                  "$?database{;database=$singlepart(database)$}$tls', $user, $password, "
                  "{ RaiseError => 1, mysql_server_prepare => 1 })",
        .tls = {
            [STRING_TLS_OFF] = { .piece = ";mysql_ssl=0" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ";mysql_ssl=1;mysql_ssl_verify_server_cert=1"
                                                      ";mysql_ssl_ca_file=$singlepart(ca)" },
            [STRING_TLS_VERIFY_CA] = { .why_not = NO_VERIFY_CA },
        },
        .limits = dbi_limits,
        .notes = "The password is an argument: nothing in it can break the data source.\n"
                 "Built with MariaDB's library, as Debian builds it, it refuses mysql_ssl=1: use "
                 "`dbd-mariadb` there.",
        .example = PERL_PROGRAM,
    },
    {
        .id = "rmariadb",
        .also = "r",
        .name = "RMariaDB",
        .language = "R",
        .kind = STRING_DRIVER,
        .encoding = ENCODING_JSON,
        .tcp = "dbConnect(RMariaDB::MariaDB(), host = $host, port = $port, username = $user, "
               "password = $password$?database{, dbname = $database$}$tls)",
        .socket = "dbConnect(RMariaDB::MariaDB(), unix.socket = $socket, username = $user, "
                  "password = $password$?database{, dbname = $database$}$tls)",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .why_not = "it has no argument that verifies the name: let "
                                                        "the proxy speak TLS to the cluster" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", ssl.ca = $ca" },
        },
        .notes = "host = \"localhost\" would mean the unix socket.",
        .example = "library(DBI)\n\n"
                   "db <- $string\n"
                   "one <- dbGetQuery(db, \"SELECT 1 AS one\")$$one\n"
                   "value <- strrep(\"x\", 65536)\n"
                   "size <- dbGetQuery(db, \"SELECT LENGTH(?) AS size\", params = list(value))$$size\n"
                   "cat(as.integer(one), as.integer(size), fill = TRUE)",
    },
    {
        .id = "julia",
        .also = "mysql.jl",
        .name = "MySQL.jl",
        .language = "Julia",
        .kind = STRING_DRIVER,
        .encoding = ENCODING_DOLLAR,
        .tcp = "DBInterface.connect(MySQL.Connection, $host, $user, $password; port = $port"
               "$?database{, db = $database$}$tls)",
        .socket = "DBInterface.connect(MySQL.Connection, \"\", $user, $password; unix_socket = $socket"
                  "$?database{, db = $database$}$tls)",
        .tls = {
            [STRING_TLS_OFF] = { .piece = ", ssl_enforce = false" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", ssl_ca = $ca, ssl_enforce = true"
                                                      ", ssl_verify_server_cert = true" },
            [STRING_TLS_VERIFY_CA] = { .why_not = NO_VERIFY_CA },
        },
        .notes = "In Julia a $ starts a variable: it is written \\$.",
        .example = "using DBInterface, MySQL\n\n"
                   "db = $string\n"
                   "one = first(DBInterface.execute(db, \"SELECT 1 AS n\")).n\n"
                   "query = DBInterface.prepare(db, \"SELECT LENGTH(?) AS n\")\n"
                   "size = first(DBInterface.execute(query, [\"x\"^65536])).n\n"
                   "println(one, \" \", size)",
    },
    {
        .id = "swift",
        .also = "vapor mysql-kit",
        .name = "MySQLKit (Vapor)",
        .language = "Swift",
        .kind = STRING_FRAMEWORK,
        .encoding = ENCODING_BRACES,
        .tcp = "MySQLConfiguration(hostname: $host, port: $port, username: $user, password: $password, "
               "database: $?database{$database$}$!database{nil$}, tlsConfiguration: $tls"
               "$!ca{nil$})",
        .socket = "MySQLConfiguration(unixDomainSocketPath: $socket, username: $user, "
                  "password: $password, database: $?database{$database$}$!database{nil$})",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "tls",
                .setup = "var tls = TLSConfiguration.makeClientConfiguration()\n"
                         "tls.trustRoots = .file($ca)" },
            [STRING_TLS_VERIFY_CA] = { .piece = "tls",
                .setup = "var tls = TLSConfiguration.makeClientConfiguration()\n"
                         "tls.trustRoots = .file($ca)\n"
                         "tls.certificateVerification = .noHostnameVerification" },
        },
        .notes = "Without tlsConfiguration: nil it asks for TLS.",
    },
    {
        .id = "myxql",
        .also = "elixir",
        .name = "MyXQL",
        .language = "Elixir",
        .kind = STRING_DRIVER,
        .encoding = ENCODING_BRACES,
        .tcp = "MyXQL.start_link(protocol: :tcp, hostname: $host, port: $port, username: $user, "
               "password: $password$?database{, database: $database$}$tls)",
        .socket = "MyXQL.start_link(protocol: :socket, socket: $socket, username: $user, "
                  "password: $password$?database{, database: $database$}$tls)",
        .any_tls_name = true,
        .tls = {
            [STRING_TLS_OFF] = { .piece = ", ssl: false" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ELIXIR_TLS(
                "server_name_indication: String.to_charlist($tls_name)") },
            [STRING_TLS_VERIFY_CA] = { .piece = ELIXIR_TLS("server_name_indication: :disable") },
        },
        .notes = "Without hostname or protocol it takes the unix socket of MYSQL_UNIX_PORT.",
        .example = "Mix.install([:myxql])\n\n"
                   "{:ok, db} = $string\n"
                   "%MyXQL.Result{rows: [[one]]} = MyXQL.query!(db, \"SELECT 1\")\n"
                   "value = String.duplicate(\"x\", 65536)\n"
                   "%MyXQL.Result{rows: [[size]]} = MyXQL.query!(db, \"SELECT LENGTH(?)\", [value])\n"
                   "IO.puts(\"#{one} #{size}\")",
    },
    {
        .id = "ecto",
        .also = "phoenix",
        .name = "Ecto, in config",
        .language = "Elixir",
        .kind = STRING_ORM,
        .encoding = ENCODING_BRACES,
        .tcp = "config :my_app, MyApp.Repo, protocol: :tcp, hostname: $host, port: $port, "
               "username: $user, password: $password$?database{, database: $database$}$tls",
        .socket = "config :my_app, MyApp.Repo, protocol: :socket, socket: $socket, username: $user, "
                  "password: $password$?database{, database: $database$}$tls",
        .any_tls_name = true,
        .tls = {
            [STRING_TLS_OFF] = { .piece = ", ssl: false" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ELIXIR_TLS(
                "server_name_indication: String.to_charlist($tls_name)") },
            [STRING_TLS_VERIFY_CA] = { .piece = ELIXIR_TLS("server_name_indication: :disable") },
        },
        .notes = "Over MyXQL. Its url: splits the user's part at a colon before it decodes, in older "
                 "versions at every one: prefer the fields.",
    },
};

const struct string_shelf native_shelf = { clients, ARRAY_LEN(clients) };
