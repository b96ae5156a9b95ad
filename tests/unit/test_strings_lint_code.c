// SPDX-License-Identifier: Apache-2.0
//
// The traps of connections that are opened in source code, and of files with a syntax of their own:
// known texts and what the languages and drivers make of them (named in strings/code_tokens.c and
// above the lists of strings/lint_code_traps.c). Every password here holds the word HUNTER, which
// no report may show.
#include "lint_reports.h"

#include "base/defs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define E LINT_ERROR
#define W LINT_WARNING
#define NODE "mysql.createConnection({ host: \"127.0.0.1\", port: 4000, user: \"app\", password: "
#define NODE_FAR                                                                                   \
    "mysql.createConnection({ host: \"db.example\", port: 4000, user: \"app\", password: "         \
    "\"HUNTER\""
#define MARIADB                                                                                    \
    "mariadb.createConnection({ host: \"db.example\", port: 4000, user: \"app\", password: "       \
    "\"HUNTER\""
#define PY "pymysql.connect(host=\"127.0.0.1\", port=4000, user=\"app\", password="
#define PY_FAR "pymysql.connect(host=\"db.example\", port=4000, user=\"app\", password=\"HUNTER\""
#define MYSQLDB "MySQLdb.connect(host=\"127.0.0.1\", port=4000, user=\"app\", password="
#define GEM "Mysql2::Client.new(host: '127.0.0.1', port: 4000, username: 'app', password: "
#define GEM_FAR                                                                                    \
    "Mysql2::Client.new(host: 'db.example', port: 4000, username: 'app', password: 'HUNTER'"
#define PHP(PASSWORD) "$db = new mysqli('127.0.0.1', 'app', " PASSWORD ", 'shop', 4000);"
#define C(PASSWORD)                                                                                \
    "mysql_real_connect(db, \"127.0.0.1\", \"app\", " PASSWORD ", \"shop\", 4000, NULL, 0);"
#define JULIA(PASSWORD)                                                                            \
    "DBInterface.connect(MySQL.Connection, \"127.0.0.1\", \"app\", " PASSWORD "; port = 4000)"
#define HCL "locals {\n  tidb = {\n    host = \"127.0.0.1\"\n    port = 4000\n    user = \"app\"\n"
#define TOML "host = \"127.0.0.1\"\nport = 4000\nuser = \"app\"\n"
#define ECS(PASSWORD)                                                                              \
    "\"environment\": [ { \"name\": \"DB_HOST\", \"value\": \"127.0.0.1\" }, { \"name\": "         \
    "\"DB_PORT\", \"value\": \"4000\" }, { \"name\": \"DB_PASSWORD\", \"value\": " PASSWORD " } ]"
#define UNIT "[Service]\nEnvironment=DB_HOST=127.0.0.1 DB_PORT=4000 DB_USERNAME=app\n"
#define GRAFANA                                                                                    \
    "datasources:\n  - name: tidb\n    url: 127.0.0.1:4000\n    user: app\n    secureJsonData:\n " \
    "     password: "
#define DBT                                                                                        \
    "tidb:\n  outputs:\n    dev:\n      server: 127.0.0.1\n      port: 4000\n      username: "     \
    "app\n      schema: shop\n      password: "
#define JDBC "jdbc:mysql://127.0.0.1:4000/shop?sslMode=DISABLED&allowPublicKeyRetrieval=true"
#define DUCKDB(PASSWORD)                                                                           \
    "CREATE SECRET t (TYPE mysql, HOST '127.0.0.1', PORT 4000, USER 'app', PASSWORD " PASSWORD ")" \
    ";"

// clang-format off
static const struct lint_trap traps[] = {
    // A quote of the language in the password; a backslash before the last quote.
    { "mysql2", NODE "\"HUNT\"ER\" })", "quote", E, 85, NODE "\"<PASSWORD>\"" },
    { "mysql2", NODE "\"HUNT\"\", ER\" })", "quote", E, 85, NODE "\"<PASSWORD>\"" },
    { "mysql2", NODE "'HUNT'ER', database: 'shop' })", "quote", E, 85, "database: \"shop\"" },
    { "mysql2", NODE "\"HUNTER\\\", database: \"shop\" })", "backslash", E, 88, "database: \"shop\"" },
    { "pymysql", PY "'HUNT'ER', database='shop')", "quote", E, 0, "database=\"shop\"" },
    { "mysqli", PHP("'HUNT'ER'"), "quote", E, 0, "'<PASSWORD>', 'shop', 4000" },
    { "mysqli", PHP("'HUNT','ER'"), "quote", E, 0, "'<PASSWORD>', 'shop', 4000" },
    { "mysql2-gem", GEM "'HUNT'ER')", "quote", E, 0, NULL },
    { "libmysqlclient", C("\"HUNT\"ER\""), "quote", E, 0, NULL },
    { "duckdb", DUCKDB("'HUNT'ER'"), "quote", E, 0, NULL },
    { "json", "{\"host\":\"127.0.0.1\",\"port\":4000,\"user\":\"a\",\"password\":\"HUNT\"ER\"}", "quote", E, 0, NULL },
    { "toml", TOML "password = \"HUNT\"ER\"", "quote", E, 0, NULL },
    { "powershell", "$env:DB_HOST = '127.0.0.1'\n$env:DB_PORT = '4000'\n$env:DB_PASSWORD = 'HUNT'ER'", "quote", E, 0, "'<PASSWORD>'" },
    { "mysql2", NODE "\"HUNT\"ER })", "syntax", E, 0, NULL },
    // What a language makes of a pasted backslash.
    { "mysql2", NODE "\"HUNT\\dER\" })", "backslash", E, 85, NULL },
    { "mysql2", NODE "\"HUNT\\tER\" })", "escape", E, 85, NULL },
    { "pymysql", PY "\"HUNT\\tER\")", "escape", E, 0, NULL },
    { "pymysql", PY "\"HUNT\\nER\")", "escape", E, 0, NULL },
    { "pymysql", PY "\"HUNT\\101ER\")", "escape", E, 0, NULL },
    { "pymysql", PY "\"HUNT\\dER\")", "backslash", W, 0, NULL },
    { "mysqli", PHP("\"HUNT\\tER\""), "escape", E, 0, NULL },
    { "mysql2-gem", GEM "\"HUNT\\tER\")", "escape", E, 0, NULL },
    { "libmysqlclient", C("\"HUNT\\dER\""), "backslash", E, 0, NULL },
    { "hikari", "config.setJdbcUrl(\"" JDBC "\");\nconfig.setPassword(\"HUNT\\dER\");", "backslash", E, 0, NULL },
    { "rmariadb", "dbConnect(RMariaDB::MariaDB(), host = \"127.0.0.1\", port = 4000, username = \"app\", password = \"HUNT\\dER\")", "backslash", E, 0, NULL },
    { "toml", TOML "password = \"HUNT\\dER\"", "backslash", E, 0, NULL },
    { "lightning", "[tidb]\n" TOML "password = \"HUNT\\tER\"", "escape", E, 0, NULL },
    { "json", "{\"host\":\"127.0.0.1\",\"port\":4000,\"user\":\"a\",\"password\":\"HUNT\\dER\"}", "backslash", E, 0, NULL },
    { "vscode", "{\"driver\":\"TiDB\",\"server\":\"127.0.0.1\",\"port\":4000,\"username\":\"a\",\"password\":\"HUNT\\dER\"}", "backslash", E, 0, NULL },
    { "mysql2", NODE "\"HUNT\nER\" })", "line-end", E, 0, NULL },
    // What a language puts in place of $name, ${…}, #{…}.
    { "mysqli", PHP("\"HUN$TER\""), "expansion", E, 0, NULL },
    { "wordpress", "define('DB_HOST', '127.0.0.1:4000');\ndefine('DB_USER', 'app');\ndefine('DB_PASSWORD', \"HUN$TER\");", "expansion", E, 27, NULL },
    { "mysql2", NODE "`HUN${TER}` })", "expansion", E, 84, NULL },
    { "mysql2-gem", GEM "\"HUN#{TER}\")", "expansion", E, 0, NULL },
    { "julia", JULIA("\"HUN$TER\""), "expansion", E, 0, "<PASSWORD>" },
    { "exposed", "Database.connect(\"" JDBC "\", user = \"app\", password = \"HUN$TER\")", "expansion", E, 0, NULL },
    { "swift", "MySQLConfiguration(hostname: \"127.0.0.1\", port: 4000, username: \"app\", password: \"HUN\\(TER)\", database: nil, tlsConfiguration: nil)", "expansion", E, 0, NULL },
    { "myxql", "MyXQL.start_link(protocol: :tcp, hostname: \"127.0.0.1\", port: 4000, username: \"app\", password: \"HUN#{TER}\", ssl: false)", "expansion", E, 0, NULL },
    { "terraform", HCL "    password = \"HUN${TER}\"\n  }\n}", "expansion", E, 20, NULL },
    { "terraform", HCL "    password = \"HUN%{TER}\"\n  }\n}", "expansion", E, 20, NULL },
    { "powershell", "$env:DB_HOST = '127.0.0.1'\n$env:DB_PORT = '4000'\n$env:DB_PASSWORD = \"HUN$TER\"", "expansion", E, 24, NULL },
    { "grafana", GRAFANA "HUN$TER", "expansion", E, 20, "password: '<PASSWORD>'" },
    { "grafana", GRAFANA "'HUN$1TER'", "expansion", E, 21, NULL },
    { "dbt", DBT "'HUN{{TER'", "template", E, 21, NULL },
    { "liquibase", "url: " JDBC "\nusername: app\npassword: HUN${TER", "template", E, 14, NULL },
    { "kafka-connect", "connection.url=" JDBC "\nconnection.user=app\nconnection.password=HUN\\TER", "backslash", E, 0, NULL },
    { "flyway", "export FLYWAY_URL='" JDBC "'\nexport FLYWAY_USER=app\nexport FLYWAY_PASSWORD=HUN$TER", "expansion", E, 0, "FLYWAY_PASSWORD='<PASSWORD>'" },
    // localhost, ports, sockets.
    { "mysqlclient", "MySQLdb.connect(host=\"localhost\", port=4000, user=\"app\", password=\"HUNTER\", ssl_mode=\"DISABLED\")", "localhost", E, 22, "host=\"127.0.0.1\"" },
    { "django", "DATABASES = {\"default\": {\"HOST\": \"localhost\", \"PORT\": 4000, \"USER\": \"a\", \"PASSWORD\": \"HUNTER\", \"OPTIONS\": {\"ssl_mode\": \"DISABLED\"}}}", "localhost", E, 0, "\"HOST\": \"127.0.0.1\"" },
    { "mysqli", "$db = new mysqli('localhost', 'app', 'HUNTER', 'shop', 4000);", "localhost", E, 0, "'127.0.0.1'" },
    { "wordpress", "define('DB_HOST', 'localhost:4000');\ndefine('DB_USER', 'app');\ndefine('DB_PASSWORD', 'HUNTER');", "localhost", E, 0, "'127.0.0.1:4000'" },
    { "mysql2-gem", "Mysql2::Client.new(host: 'localhost', port: 4000, username: 'app', password: 'HUNTER', ssl_mode: :disabled)", "localhost", E, 0, NULL },
    { "libmysqlclient", "mysql_real_connect(db, \"localhost\", \"app\", \"HUNTER\", \"shop\", 4000, NULL, 0);", "localhost", E, 0, NULL },
    { "mariadb-c", "mysql_real_connect(db, \"localhost\", \"app\", \"HUNTER\", \"shop\", 4000, NULL, 0);", "localhost", E, 0, NULL },
    { "rmariadb", "dbConnect(RMariaDB::MariaDB(), host = \"localhost\", port = 4000, username = \"app\", password = \"HUNTER\")", "localhost", E, 0, NULL },
    { "julia", "DBInterface.connect(MySQL.Connection, \"localhost\", \"app\", \"HUNTER\"; port = 4000)", "localhost", E, 0, NULL },
    { "mysql2", "mysql.createConnection({ host: \"localhost\", port: 4000, user: \"app\", password: \"HUNTER\" })", "localhost", W, 32, "\"127.0.0.1\"" },
    { "mysql2", "mysql.createConnection({ host: \"127.0.0.1\", user: \"app\", password: \"HUNTER\" })", "no-port", E, 0, "port: 4000" },
    { "pymysql", "pymysql.connect(host=\"127.0.0.1\", user=\"app\", password=\"HUNTER\")", "no-port", E, 0, "port=4000" },
    { "pymysql", "pymysql.connect(host=\"127.0.0.1\", port=\"4000\", user=\"app\", password=\"HUNTER\")", "port-text", E, 0, "port=4000" },
    { "mysqlclient", "MySQLdb.connect(host=\"127.0.0.1\", port=\"4000\", user=\"app\", password=\"HUNTER\", ssl_mode=\"DISABLED\")", "port-text", E, 0, "port=4000" },
    { "mysql2", "mysql.createConnection({ host: \"/run/x.sock\", port: 4000, user: \"app\", password: \"HUNTER\" })", "socket-host", E, 32, NULL },
    { "json", "{\"host\":\"db.example\",\"port\":10080,\"user\":\"a\",\"password\":\"HUNTER\"}", "wrong-port", E, 0, NULL },
    // TLS that is not what it seems.
    { "mysql2", NODE_FAR " })", "tls-off", W, 0, NULL },
    { "mysql2", NODE_FAR ", ssl: {} })", "tls-unverified", W, 0, "verifyIdentity: true" },
    { "mysql2", NODE_FAR ", ssl: { rejectUnauthorized: true } })", "tls-unverified", W, 0, "verifyIdentity: true" },
    { "mysql2", NODE_FAR ", ssl: { ca: fs.readFileSync(\"c.pem\") } })", "tls-unverified", W, 0, "verifyIdentity: true" },
    { "mysql2", NODE_FAR ", ssl: { rejectUnauthorized: false } })", "tls-unverified", E, 0, "verifyIdentity: true" },
    { "drizzle", "drizzle({ connection: { host: \"db.example\", port: 4000, user: \"a\", password: \"HUNTER\", ssl: { rejectUnauthorized: false } } })", "tls-unverified", E, 0, "verifyIdentity: true" },
    { "sequelize", "new Sequelize(\"shop\", \"app\", \"HUNTER\", { dialect: \"mysql\", host: \"db.example\", port: 4000, dialectOptions: { ssl: { rejectUnauthorized: false } } })", "tls-unverified", E, 0, "verifyIdentity: true" },
    { "mysql2", NODE_FAR ", ssl: true })", "tls-profile", E, 0, NULL },
    { "mysqljs", NODE_FAR ", ssl: { rejectUnauthorized: false } })", "tls-unverified", E, 0, NULL },
    { "mariadb-node", MARIADB ", ssl: { rejectUnauthorized: false } })", "tls-unverified", E, 0, NULL },
    { "mariadb-node", "mariadb.createConnection({ host: \"127.0.0.1\", port: 4000, user: \"app\", password: \"HUNTER\" })", "public-key", W, 0, "allowPublicKeyRetrieval: true" },
    { "bun", "new SQL({ adapter: \"mysql\", hostname: \"db.example\", port: 4000, username: \"a\", password: \"HUNTER\", tls: { rejectUnauthorized: false } })", "tls-unverified", E, 0, NULL },
    { "pymysql", PY_FAR ")", "tls-off", W, 0, NULL },
    { "pymysql", PY_FAR ", ssl_disabled=True)", "tls-off", W, 0, NULL },
    { "pymysql", PY_FAR ", ssl={})", "tls-unverified", E, 0, NULL },
    { "pymysql", PY_FAR ", ssl_ca=\"c.pem\")", "tls-unverified", E, 0, "ssl_ca=\"c.pem\", ssl_verify_cert=True, ssl_verify_identity=True" },
    { "pymysql", PY_FAR ", ssl_verify_identity=True)", "tls-unverified", E, 0, NULL },
    { "pymysql", PY_FAR ", ssl_ca=\"c.pem\", ssl_verify_cert=\"False\")", "truthy", E, 0, NULL },
    { "mysqlclient", "MySQLdb.connect(host=\"db.example\", port=4000, user=\"a\", password=\"HUNTER\", ssl={\"ca\": \"c.pem\"})", "tls-unverified", E, 0, "ssl_mode=\"VERIFY_IDENTITY\", ssl={\"ca\": \"c.pem\"}" },
    { "mysqlclient", "MySQLdb.connect(host=\"db.example\", port=4000, user=\"a\", password=\"HUNTER\")", "tls-preferred", W, 0, NULL },
    { "mysql-connector-python", "mysql.connector.connect(host=\"db.example\", port=4000, user=\"a\", password=\"HUNTER\", ssl_ca=\"c.pem\")", "tls-unverified", E, 0, "ssl_verify_identity=True" },
    { "aiomysql", "aiomysql.connect(host=\"db.example\", port=4000, user=\"a\", password=\"HUNTER\", ssl=True)", "tls-profile", E, 0, NULL },
    { "django", "DATABASES = {\"default\": {\"HOST\": \"db.example\", \"PORT\": 4000, \"USER\": \"a\", \"PASSWORD\": \"HUNTER\", \"OPTIONS\": {\"ssl\": {\"ca\": \"c.pem\"}}}}", "tls-unverified", E, 0, "VERIFY_IDENTITY" },
    { "mysqli", "$db->options(MYSQLI_OPT_SSL_VERIFY_SERVER_CERT, false);\n$db->real_connect('db.example', 'a', 'HUNTER', 'shop', 4000, null, MYSQLI_CLIENT_SSL);", "tls-unverified", E, 0, "MYSQLI_OPT_SSL_VERIFY_SERVER_CERT, true" },
    { "mysqli", "$db->real_connect('db.example', 'a', 'HUNTER', 'shop', 4000, null, MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT);", "tls-unverified", E, 0, NULL },
    { "mysql2-gem", GEM_FAR ")", "tls-preferred", W, 0, NULL },
    { "mysql2-gem", GEM_FAR ", sslca: 'c.pem')", "tls-unverified", E, 0, "ssl_mode: :verify_identity" },
    { "mysql2-gem", GEM_FAR ", ssl_mode: :required)", "tls-unverified", E, 0, "ssl_mode: :verify_identity" },
    { "trilogy", "Trilogy.new(host: 'db.example', port: 4000, username: 'a', password: 'HUNTER', ssl: true)", "tls-unverified", E, 0, "SSL_VERIFY_IDENTITY" },
    { "libmysqlclient", "mysql_options(db, MYSQL_OPT_SSL_MODE, &(enum mysql_ssl_mode){SSL_MODE_REQUIRED});\nmysql_real_connect(db, \"db.example\", \"a\", \"HUNTER\", NULL, 4000, NULL, 0);", "tls-unverified", E, 0, "SSL_MODE_VERIFY_IDENTITY" },
    { "libmysqlclient", "mysql_options(db, MYSQL_OPT_SSL_MODE, &(enum mysql_ssl_mode){SSL_MODE_DISABLED});\nmysql_real_connect(db, \"127.0.0.1\", \"a\", \"HUNTER\", NULL, 4000, NULL, 0);", "public-key", W, 0, "MYSQL_OPT_GET_SERVER_PUBLIC_KEY" },
    { "mariadb-c", "mysql_real_connect(db, \"127.0.0.1\", \"a\", \"HUNTER\", NULL, 4000, NULL, 0);", "tls-demanded", W, 0, NULL },
    { "connector-cpp", "options[\"hostName\"] = \"db.example\";\noptions[\"port\"] = 4000;\noptions[\"userName\"] = \"a\";\noptions[\"password\"] = \"HUNTER\";\noptions[OPT_SSL_MODE] = sql::SSL_MODE_REQUIRED;", "tls-preferred", W, 0, NULL },
    { "julia", "DBInterface.connect(MySQL.Connection, \"db.example\", \"a\", \"HUNTER\"; port = 4000, ssl_ca = \"c.pem\")", "tls-unverified", E, 0, "ssl_verify_server_cert = true" },
    { "myxql", "MyXQL.start_link(hostname: \"db.example\", port: 4000, username: \"a\", password: \"HUNTER\", ssl: true)", "tls-unverified", E, 0, "verify: :verify_peer" },
    { "ecto", "config :my_app, MyApp.Repo, hostname: \"db.example\", port: 4000, username: \"a\", password: \"HUNTER\", ssl: [verify: :verify_none]", "tls-unverified", E, 0, "verify: :verify_peer" },
    { "duckdb", "CREATE SECRET t (TYPE mysql, HOST 'db.example', PORT 4000, USER 'a', PASSWORD 'HUNTER', SSL_MODE 'required');", "tls-unverified", E, 0, "'verify_identity'" },
    { "lightning", "[tidb]\nhost = \"db.example\"\nport = 4000\nuser = \"a\"\npassword = \"HUNTER\"\ntls = \"skip-verify\"", "tls-unverified", E, 0, "\"cluster\"" },
    { "grafana", "datasources:\n  - url: db.example:4000\n    user: app\n    jsonData:\n      tlsSkipVerify: true\n    secureJsonData:\n      password: HUNTER", "tls-unverified", E, 0, NULL },
    { "workbench", "Hostname  db.example\nPort  4000\nUsername  app\nPassword  HUNTER\nUse SSL  Require", "tls-unverified", E, 0, "Require and Verify Identity" },
    { "metabase", "Host  db.example\nPort  4000\nUsername  app\nPassword  HUNTER\nJDBC options  trustServerCertificate=true", "tls-unverified", E, 0, "sslMode=verify-full" },
    { "dbeaver", "URL  jdbc:mysql://db.example:4000/shop?useSSL=true\nUsername  app\nPassword  HUNTER", "tls-unverified", E, 0, "sslMode=VERIFY_IDENTITY" },
    { "datagrip", "User  app\nPassword  HUNTER\nURL  jdbc:mysql://127.0.0.1:4000/shop?sslMode=VERIFY_IDENTITY", "tls-identity", E, 0, NULL },
    { "hikari", "config.setJdbcUrl(\"jdbc:mysql://db.example/shop?useSSL=true\");\nconfig.setUsername(\"a\");\nconfig.setPassword(\"HUNTER\");", "tls-unverified", E, 0, "db.example:4000/shop?sslMode=VERIFY_IDENTITY" },
    { "jooq", "DSL.using(\"jdbc:mysql://127.0.0.1:4000/shop?sslMode=DISABLED\", \"app\", \"HUNTER\")", "public-key", W, 0, "allowPublicKeyRetrieval=true" },
    { "spark", "spark.read.format(\"jdbc\").option(\"url\", \"jdbc:mysql://a,b:4000/shop\").option(\"user\", \"app\").option(\"password\", \"HUNTER\")", "host-list", E, 0, NULL },
    // Names that a client does not have.
    { "mysql2", "mysql.createConnection({ host: \"127.0.0.1\", port: 4000, username: \"app\", password: \"HUNTER\" })", "unknown-parameter", W, 57, "user: \"app\"" },
    { "mysql2", NODE "\"HUNTER\", databse: \"shop\" })", "unknown-parameter", W, 0, NULL },
    { "pymysql", PY "\"HUNTER\", ssl_verify=True)", "unknown-parameter", E, 0, NULL },
    { "mysqlclient", MYSQLDB "\"HUNTER\", ssl_mode=\"DISABLED\", ssl_ca=\"c.pem\")", "unknown-parameter", E, 0, NULL },
    // Passwords that a client reads as something else, or that others read.
    { "pymysql", PY "\"HUNTER\u00e9\")", "latin-1", E, 0, NULL },
    { "aiomysql", "aiomysql.connect(host=\"127.0.0.1\", port=4000, user=\"a\", password=\"HUNTER\u00e9\")", "latin-1", E, 0, NULL },
    { "lightning", "[tidb]\n" TOML "password = \"HUNTER!\"\ntls = \"false\"", "base64", W, 0, NULL },
    { "vscode", "{\"driver\":\"TiDB\",\"server\":\"127.0.0.1\",\"port\":4000,\"username\":\"a\",\"password\":\"HUNTER\"}", "plain-secret", E, 0, "\"askForPassword\": true" },
    { "ecs", ECS("\"HUNTER\""), "plain-secret", E, 0, "\"secrets\"" },
    { "terraform", HCL "    password = \"HUNTER\"\n  }\n}", "plain-secret", E, 0, "var.db_password" },
    { "systemd-credential", UNIT "Environment=DB_PASSWORD=HUNTER", "plain-secret", E, 0, "LoadCredential=" },
    { "systemd-credential", UNIT "Environment=\"DB_DATABASE=50%x\"\nLoadCredential=db_password:/x", "specifier", E, 0, NULL },
    { "login-path", "mysql_config_editor set --login-path=tidb --host=localhost --port=4000 --user=app --password\nmysql --login-path=tidb --ssl-mode=DISABLED", "localhost", E, 0, "--host=127.0.0.1" },
    { "login-path", "[client]\nuser = \"app\"\npassword = *****\nhost = \"localhost\"\nport = 4000", "localhost", E, 0, "--host=127.0.0.1" },
    { "pdo", "new PDO(\"mysql:host=127.0.0.1;port=4000;dbname=shop\", \"app\", \"HUN$TER\");", "expansion", E, 0, "'<PASSWORD>'" },
    { "pdo", "new PDO('mysql:host=127.0.0.1;port=4000;dbname=shop', 'app', 'HUNT'ER');", "quote", E, 0, "'<PASSWORD>'" },
    { "pdo", "new PDO('mysql:host=db.example;port=4000', 'app', 'HUNTER', [PDO::MYSQL_ATTR_SSL_CA => 'c', PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT => false]);", "tls-unverified", E, 0, NULL },
    { "dbd-mysql", "DBI->connect(\"dbi:mysql:host=127.0.0.1;port=4000\", 'app', \"HUNT@ER\")", "expansion", E, 0, NULL },
    { "sqlalchemy", "create_engine(\"mysql+pymysql://app:HUNT@ER@127.0.0.1:4000/shop\")", "raw-special", E, 0, "://app:<PASSWORD>@127.0.0.1:4000/shop" },
    { "knex", "knex({ client: \"mysql2\", connection: \"mysql://app:HUNT/ER@127.0.0.1:4000/shop\" })", "raw-special", E, 0, NULL },
    { "drizzle", "drizzle(\"mysql://app:HUNT/ER@127.0.0.1:4000/shop\")", "raw-special", E, 0, NULL },
    { "connector-cpp", "driver->connect(\"tcp://localhost:4000\", \"app\", \"HUNTER\");", "localhost", E, 0, "127.0.0.1" },
    { "libmysqlclient", C("\"HUNTER\""), "public-key", W, 0, NULL },
    { "django", "DATABASES = {\"default\": {\"HOST\": \"127.0.0.1\", \"PORT\": 4000, \"USER\": \"a\", \"PASSWORD\": \"HUNTER\", \"CONN_MAX_AGE\": 600, \"OPTIONS\": {\"ssl_mode\": \"DISABLED\"}}}", "idle-cut", W, 0, NULL },
    { "duckdb", "ATTACH 'host=127.0.0.1 port=4000 user=app passwd=HUN TER' AS t (TYPE mysql);", "blank", E, 54, NULL },
};
// clang-format on

static void test_each_trap_is_found(void **state)
{
    lint_traps_are_found(traps, ARRAY_LEN(traps));
}

static void test_a_corrected_text_has_no_error(void **state)
{
    assert_true(lint_traps_are_corrected(traps, ARRAY_LEN(traps)) > 60);
}

// A value that the running program has is no fault, and no field.
static void test_an_expression_is_said_to_be_one(void **state)
{
    static const struct {
        const char *client, *text;
        unsigned expressions;
    } texts[] = {
        { "mysql2", NODE "process.env.PASSWORD })", LINT_PASSWORD },
        { "mysql2", NODE "`${secret}` })", LINT_PASSWORD },
        { "mysql2", NODE "\"a\" + b })", LINT_PASSWORD },
        { "pymysql", PY "os.environ[\"PASSWORD\"])", LINT_PASSWORD },
        { "pymysql",
            "pymysql.connect(host=HOST, port=int(os.environ[\"P\"]), user=\"a\", password=PW)",
            LINT_HOST | LINT_PORT | LINT_PASSWORD },
        { "mysql2-gem", GEM "ENV.fetch('PASSWORD'), ssl_mode: :disabled)", LINT_PASSWORD },
        { "mysqli", PHP("getenv('PASSWORD')"), LINT_PASSWORD },
        { "mysqli", PHP("$_ENV['PASSWORD']"), LINT_PASSWORD },
        { "libmysqlclient", C("getenv(\"PASSWORD\")"), LINT_PASSWORD },
        { "terraform", HCL "    password = var.db_password\n  }\n}", LINT_PASSWORD },
        { "terraform", HCL "    password = \"${var.db_password}\"\n  }\n}", LINT_PASSWORD },
        { "grafana", GRAFANA "${TIDB_PASSWORD}", LINT_PASSWORD },
        { "grafana", GRAFANA "$TIDB_PASSWORD", LINT_PASSWORD },
        { "dbt", DBT "\"{{ env_var('DBT_PASSWORD') }}\"", LINT_PASSWORD },
        { "liquibase", "url: " JDBC "\nusername: app\npassword: ${TIDB_PASSWORD}", LINT_PASSWORD },
        { "spring-boot",
            "spring.datasource.url=" JDBC "\nspring.datasource.username=app\n"
            "spring.datasource.password=${TIDB_PASSWORD}",
            LINT_PASSWORD },
        { "systemd-credential", UNIT "LoadCredential=db_password:/x", LINT_PASSWORD },
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct lint_report *report = lint_report_of(texts[i].client, texts[i].text);
        if (report->expressions != texts[i].expressions || lint_has_error(report) ||
            !report->has_password)
            fail_msg("%s: expressions %u, finding %s\n%s", texts[i].client, report->expressions,
                report->finding_count ? report->findings[0].what : "none", texts[i].text);
        lint_free(report);
    }
}

// What else a program does says nothing about its connection.
static void test_a_whole_program_is_read(void **state)
{
    static const char program[] =
        "const fs = require(\"fs\"); // don't\n"
        "async function main() {\n"
        "  const db = drizzle({ connection: { host: \"127.0.0.1\", port: 4000, user: \"app\", "
        "password: \"HUNTER\" } });\n"
        "  const rows = await db.execute(sql`SELECT ${1} AS \"one\"`);\n"
        "}\n";
    struct lint_report *report = lint_report_of("drizzle", program);
    assert_false(report->is_misread);
    assert_string_equal(report->host, "127.0.0.1");
    assert_int_equal(report->port, 4000);
    assert_true(report->has_password);
    assert_int_equal(report->finding_count, 0);
    lint_free(report);
}

static void test_a_mistyped_name_gets_the_right_one(void **state)
{
    struct lint_report *report = lint_report_of("mysql2", NODE "\"HUNTER\", databse: \"shop\" })");
    const struct lint_finding *finding = lint_report_find(report, "unknown-parameter");
    assert_non_null(finding);
    assert_non_null(strstr(finding->what, "did you mean \"database\"?"));
    lint_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_trap_is_found),
        cmocka_unit_test(test_a_corrected_text_has_no_error),
        cmocka_unit_test(test_an_expression_is_said_to_be_one),
        cmocka_unit_test(test_a_whole_program_is_read),
        cmocka_unit_test(test_a_mistyped_name_gets_the_right_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
