// SPDX-License-Identifier: Apache-2.0
//
// The traps of connection strings, one by one: known strings and what the clients' own parsers make
// of them, as their sources and manuals say (named in the readers). Every password here holds the
// word HUNTER, which no report may show.
#include "lint_reports.h"

#include "base/defs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define E LINT_ERROR
#define W LINT_WARNING
#define AT "@127.0.0.1:4000/shop"

// clang-format off
static const struct lint_trap traps[] = {
    // Raw characters in a URL's password: refused, or taken for the host.
    { "mysql2-url", "mysql://app:HUNT/ER" AT, "raw-special", E, 17, "mysql://app:<PASSWORD>" AT },
    { "mysql2-url", "mysql://app:HUNT?ER" AT, "raw-special", E, 17, "mysql://app:<PASSWORD>" AT },
    { "mysql2-url", "mysql://app:HUNT#ER" AT, "raw-special", E, 17, "mysql://app:<PASSWORD>" AT },
    { "mysql2-url", "mysql://app:HUNT@ER" AT, "raw-special", W, 17, "mysql://app:<PASSWORD>" AT },
    { "mysql2-url", "mysql://app:HUNT:ER" AT, "raw-special", W, 17, "mysql://app:<PASSWORD>" AT },
    { "mysql2-url", "mysql://app:HUNT[ER" AT, "raw-special", W, 17, NULL },
    { "mysql2-url", "mysql://app:HUNT ER" AT, "raw-special", W, 17, NULL },
    { "mysql2-url", "mysql://app:123/HUNTER" AT, "raw-special", E, 16, "mysql://app:<PASSWORD>" AT },
    { "sqlalchemy", "mysql+pymysql://app:HUNT@ER" AT, "raw-special", E, 25, "://app:<PASSWORD>" AT },
    { "sqlalchemy", "mysql+pymysql://app:HUNT/ER" AT, "raw-special", W, 25, "://app:<PASSWORD>" AT },
    { "typeorm", "mysql://app:HUNT/ER" AT, "raw-special", E, 17, "mysql://app:<PASSWORD>" AT },
    { "mariadb-node", "mariadb://app:HUNT/ER" AT, "raw-special", E, 19, NULL },
    { "django-url", "mysql://app:HUNT#ER" AT, "raw-special", E, 17, NULL },
    { "rails-url", "mysql2://app:HUNT@ER" AT, "raw-special", E, 18, NULL },
    { "rails-url", "DATABASE_URL=mysql2://app:HUNT[ER" AT, "raw-special", E, 31, NULL },
    { "symfony", "mysql://app:HUNT?ER" AT, "raw-special", E, 17, NULL },
    { "sqlx", "mysql://app:HUNT/ER" AT, "raw-special", E, 17, NULL },
    { "atlas", "mysql://app:HUNT ER" AT, "raw-special", E, 17, NULL },
    { "ecto", "ecto://app:HUNT:ER" AT, "raw-special", E, 16, NULL },
    { "jdbc", "jdbc:mysql://127.0.0.1:4000/shop?user=app&password=HUNT&ER", "raw-special", E, 57, NULL },
    { "jdbc", "jdbc:mysql://127.0.0.1:4000/shop?user=app&password=HUNT#ER", "fragment", E, 56, NULL },
    { "jdbc", "jdbc:mysql://app:HUNT/ER" AT, "raw-special", E, 22, "jdbc:mysql://127.0.0.1:4000/shop?user=app" },
    { "jdbc-mariadb", "jdbc:mariadb://127.0.0.1:4000/shop?user=app&password=HUNT&ER", "raw-special", E, 59, NULL },
    // Decoded, decoded as a form, not decoded.
    { "mysql2-url", "mysql://app:HUNT%ER" AT, "lone-percent", E, 17, NULL },
    { "jdbc", "jdbc:mysql://127.0.0.1:4000/?user=app&password=HUNT%ER", "lone-percent", E, 52, NULL },
    { "sqlalchemy", "mysql+pymysql://app:HUNT%ER" AT, "lone-percent", W, 25, NULL },
    { "url", "mysql://app:HUNTER%" AT, "lone-percent", W, 19, NULL },
    { "jdbc", "jdbc:mysql://127.0.0.1:4000/?user=app&password=HUNT+ER", "plus-blank", E, 52, NULL },
    { "sqlalchemy", "mysql+pymysql://app:x" AT "?ssl_ca=/etc/a+b.pem", "plus-blank", E, 0, NULL },
    { "go", "app:HUNT%40ER@tcp(127.0.0.1:4000)/shop", "not-decoded", W, 9, NULL },
    { "jdbc-mariadb", "jdbc:mariadb://127.0.0.1:4000/shop?user=app&password=HUNT%40ER", "not-decoded", W, 58, NULL },
    { "peewee", "mysql://app:HUNT%40ER" AT, "not-decoded", W, 13, NULL },
    { "go", "a%3Ab:HUNTER@tcp(127.0.0.1:4000)/shop", "user-colon", E, 1, NULL },
    { "go", "mysql:HUNTER" AT, "go-address", E, 0, "mysql:<PASSWORD>@tcp(127.0.0.1:4000)/shop" },
    { "sqlx", "mysql://app:x@127.0.0.1:4000/my%20shop", "database-encoded", E, 30, NULL },
    { "knex", "mysql://app:x@127.0.0.1:4000/my%20shop", "database-encoded", E, 30, NULL },
    { "typeorm", "mysql://app:x@127.0.0.1:4000/my%20shop", "database-encoded", E, 30, NULL },
    { "mysql2-url", "mysql://app:HUNT%FFER" AT, "not-utf8", E, 13, NULL },
    // localhost, sockets, addresses.
    { "mysql", "mysql -u app -h localhost -P 4000 -p --ssl-mode=DISABLED --get-server-public-key", "localhost", E, 17, "-h 127.0.0.1" },
    { "sqlalchemy-mysqlclient", "mysql+mysqldb://app:x@localhost:4000/shop", "localhost", E, 23, "@127.0.0.1:4000" },
    { "diesel", "mysql://app:x@localhost:4000/shop?ssl_mode=DISABLED", "localhost", E, 15, "@127.0.0.1:4000" },
    { "pdo", "mysql:host=localhost;port=4000;dbname=shop", "localhost", E, 12, NULL },
    { "go", "app:x@tcp(localhost:4000)/shop", "localhost", W, 11, "tcp(127.0.0.1:4000)" },
    { "mysql2-url", "mysql://app:x@%2Frun%2Fx.sock/shop", "socket-host", E, 15, NULL },
    { "mysqlconnector", "Server=/run/x.sock;User ID=app;Password=x", "socket-host", E, 8, NULL },
    { "my-cnf", "[client]\nhost=/run/x.sock\nport=4000\nuser=app\nskip-ssl", "socket-host", E, 6, NULL },
    { "mysql2-url", "mysql://app:x@[::1]:4000/shop", "ipv6", E, 15, NULL },
    { "typeorm", "mysql://app:x@[::1]:4000/shop", "ipv6", E, 15, NULL },
    { "rust-mysql", "mysql://app:x" AT, "prefer-socket", E, 0, "?prefer_socket=false" },
    { "mysql-async", "mysql://app:x" AT "?prefer_socket=true", "prefer-socket", E, 35, "?prefer_socket=false" },
    { "jdbc", "jdbc:mysql://a,b:4000/shop?user=app", "host-list", E, 15, NULL },
    { "mysqlconnector", "Server=a,b;Port=4000;User ID=app", "host-list", E, 9, NULL },
    { "jdbc-mariadb", "jdbc:mariadb://a,b:4000/shop?user=app", "host-list", E, 17, NULL },
    // Ports.
    { "mysql2-url", "mysql://app:x@db.example/shop", "no-port", E, 25, "@db.example:4000/" },
    { "go", "app:x@tcp(db.example)/shop", "no-port", E, 21, "tcp(db.example:4000)" },
    { "mysqlconnector", "Server=db.example;User ID=app", "no-port", E, 0, "Port=4000" },
    { "mysql", "mysql -u app -h db.example -p", "no-port", E, 0, "-P 4000" },
    { "url", "mysql://app:x@db.example:2379/", "wrong-port", E, 26, NULL },
    { "url", "mysql://app:x@db.example:20160/", "wrong-port", E, 26, NULL },
    { "mysqlsh", "mysql://app:x@db.example:33060/", "wrong-port", E, 26, NULL },
    // TLS that is not what it seems.
    { "mysql2-url", "mysql://app:x@db.example:4000/?ssl=%7B%22rejectUnauthorized%22%3Atrue%7D", "tls-unverified", W, 32, NULL },
    { "mysql2-url", "mysql://app:x@db.example:4000/?ssl={\"rejectUnauthorized\":false}", "tls-unverified", E, 32, "verifyIdentity" },
    { "mysql2-url", "mysql://app:x@db.example:4000/?ssl=true", "tls-profile", E, 32, NULL },
    { "prisma", "mysql://app:x@db.example:4000/shop?sslcert=../ca.pem", "tls-unverified", E, 36, "sslaccept=strict" },
    { "prisma", "mysql://app:x@db.example:4000/shop", "tls-unverified", W, 0, NULL },
    { "sqlalchemy", "mysql+pymysql://a:x@db.example:4000/?ssl_ca=c.pem&ssl_verify_cert=true", "tls-unverified", E, 51, "?ssl_ca=c.pem" },
    { "sqlalchemy-connector", "mysql+mysqlconnector://a:x@db.example:4000/?ssl_ca=c.pem", "tls-unverified", E, 45, "ssl_verify_identity=true" },
    { "sqlalchemy-connector", "mysql+mysqlconnector://a:x@db.example:4000/?ssl_disabled=false", "truthy", E, 45, NULL },
    { "rails-url", "mysql2://app:x@db.example:4000/shop", "tls-preferred", W, 0, NULL },
    { "rails-url", "mysql2://app:x@db.example:4000/shop?ssl_mode=preferred", "tls-unverified", W, 37, NULL },
    { "rails-url", "mysql2://app:x@db.example:4000/shop?ssl_mode=required", "tls-unverified", E, 37, "ssl_mode=VERIFY_IDENTITY" },
    { "jdbc", "jdbc:mysql://db.example:4000/shop?user=app&useSSL=true", "tls-unverified", E, 44, "sslMode=VERIFY_IDENTITY" },
    { "jdbc", "jdbc:mysql://db.example:4000/shop?user=app&sslMode=REQUIRED", "tls-unverified", E, 44, "sslMode=VERIFY_IDENTITY" },
    { "go", "app:x@tcp(db.example:4000)/shop?tls=skip-verify", "tls-unverified", E, 33, "tls=true" },
    { "mysqlconnector", "Server=db.example;Port=4000;User ID=a;Ssl Mode=Required", "tls-unverified", E, 39, "SslMode=VerifyFull" },
    { "odbc", "SERVER=db.example;PORT=4000;UID=a;SSLCA=/c.pem", "tls-unverified", E, 35, NULL },
    { "odbc", "SERVER=db.example;PORT=4000;UID=a;SSLVERIFY=1;SSLCA=/c.pem", "tls-unverified", E, 35, "SSLMODE=VERIFY_IDENTITY" },
    { "odbc", "SERVER=db.example;PORT=4000;UID=a;SSLMODE=VERIFY_FULL", "tls-unverified", E, 35, "SSLMODE=VERIFY_IDENTITY" },
    { "odbc-mariadb", "SERVER=db.example;PORT=4000;UID=a;SSLMODE=VERIFY_IDENTITY;SSLCA=/c.pem", "tls-unverified", E, 35, "SSLVERIFY=1" },
    { "jdbc-mariadb", "jdbc:mariadb://db.example:4000/shop?user=app&trustServerCertificate=true", "tls-unverified", E, 46, "sslMode=verify-full" },
    { "jdbc-mariadb", "jdbc:mariadb://db.example:4000/shop?user=app&useSsl=true&trustServerCertificate=true", "tls-unverified", E, 58, "sslMode=verify-full" },
    { "sequelize", "mysql://app:x@db.example:4000/shop?ssl=%7B%22rejectUnauthorized%22%3Atrue%7D", "tls-profile", E, 36, NULL },
    { "mariadb", "mariadb -u a -h db.example -P 4000 --ssl-ca=c.pem -p", "tls-unverified", E, 38, "--ssl-verify-server-cert" },
    { "r2dbc", "r2dbc:mysql://a:x@db.example:4000/shop?sslMode=required", "tls-unverified", E, 40, NULL },
    { "jdbc", "jdbc:mysql://127.0.0.1:4000/shop?user=app&sslMode=VERIFY_IDENTITY", "tls-identity", E, 14, NULL },
    { "sqlx", "mysql://app:x" AT "?ssl-mode=VERIFY_IDENTITY", "tls-identity", E, 15, NULL },
    { "mariadb", "mariadb -u app -h 127.0.0.1 -P 4000 -p", "tls-demanded", W, 0, "--skip-ssl" },
    { "my-cnf", "[client]\nhost=127.0.0.1\nport=4000\nuser=app", "tls-demanded", W, 0, "loose-skip-ssl" },
    { "jdbc", "jdbc:mysql://127.0.0.1:4000/shop?user=app&sslMode=DISABLED", "public-key", W, 0, "allowPublicKeyRetrieval=true" },
    { "jdbc-mariadb", "jdbc:mariadb://127.0.0.1:4000/shop?user=app&sslMode=disable", "public-key", W, 0, "allowPublicKeyRetrieval=true" },
    { "mysqlconnector", "Server=127.0.0.1;Port=4000;User ID=a;SslMode=None", "public-key", W, 0, "AllowPublicKeyRetrieval=True" },
    { "mysql", "mysql -u app -h 127.0.0.1 -P 4000 -p --ssl-mode=DISABLED", "public-key", W, 0, "--get-server-public-key" },
    // Parameters, schemes, paths.
    { "typeorm", "mysql://app:x" AT "?charset=utf8mb4", "dropped-parameter", E, 35, NULL },
    { "sequelize", "mysql://app:x" AT "?pool_max=5", "unknown-parameter", E, 35, NULL },
    { "jdbc", "jdbc:mysql://127.0.0.1:4000/shop?user=app&sslmode=DISABLED", "unknown-parameter", W, 43, NULL },
    { "jdbc-mariadb", "jdbc:mariadb://127.0.0.1:4000/shop?user=app&sslmod=disable", "unknown-parameter", W, 45, NULL },
    { "mysqlconnector", "Server=127.0.0.1;Port=4000;Sslmodus=None;User ID=a", "unknown-parameter", E, 28, NULL },
    { "mysql-data", "Server=127.0.0.1;Port=4000;DnsCheckInterval=5;User ID=a", "unknown-parameter", E, 28, NULL },
    { "sqlx", "mysql://app:x" AT "?sslMode=REQUIRED", "unknown-parameter", W, 35, NULL },
    { "diesel", "mysql://app:x@127.0.0.1:4000/shop/x", "path-segments", E, 34, NULL },
    { "ecto", "ecto://app:x@127.0.0.1:4000/shop/x", "path-segments", E, 33, NULL },
    { "ecto", "ecto://app:x@127.0.0.1:4000/", "no-database", E, 0, NULL },
    { "diesel", "mysql2://app:x" AT, "scheme", E, 1, "mysql://app" },
    { "mysqlsh", "mysqlx://app:x" AT, "scheme", E, 1, "mysql://app" },
    { "jdbc-mariadb", "jdbc:mysql://127.0.0.1:4000/shop?user=app", "scheme", E, 1, "jdbc:mariadb://" },
    { "rails-url", "mysql://app:x" AT, "scheme", E, 1, "mysql2://app" },
    { "r2dbc", "r2dbc:mysql://127.0.0.1:4000/shop?user=app", "forbidden-parameter", E, 35, NULL },
    { "jdbc-aws", "jdbc:aws-wrapper:mysql://127.0.0.1:4000/shop?user=app", "wrapper-plugins", W, 0, "wrapperPlugins=" },
    { "symfony", "mysql://app:x@localhost/shop?unix_socket=/run/a%2Bb.sock", "plus-blank", E, 48, NULL },
    // Command lines.
    { "mysql", "mysql -u app -h 127.0.0.1 -P 4000 -p", "no-comments", W, 0, "--comments" },
    { "mysql", "mysql -u app -h 127.0.0.1 -P 4000 -pHUNTER", "argv-password", E, 35, " -p" },
    { "mariadb", "mariadb -u app -h 127.0.0.1 -P 4000 --password=HUNTER --skip-ssl", "argv-password", E, 37, " -p" },
    { "mysql", "mysql -u app -h 127.0.0.1 -P 4000 -p HUNTER", "argv-password", E, 38, NULL },
    { "mysql", "mysql -u app -h 127.0.0.1 -P 4000 -p\"HUN$TER\"", "expansion", E, 41, NULL },
    // Files.
    { "my-cnf", "[client]\nhost=127.0.0.1\nport=4000\nskip-ssl\npassword=HUNT#ER", "comment", E, 14, NULL },
    { "prisma", "DATABASE_URL=mysql://app:123#HUNTER" AT, "comment", E, 29, NULL },
    { "dotenv", "DB_HOST=127.0.0.1\nDB_PORT=4000\nDB_PASSWORD=HUNT#ER", "comment", E, 17, NULL },
    { "laravel", "DB_HOST=127.0.0.1\nDB_PORT=4000\nDB_PASSWORD=HUNT#ER", "comment", E, 17, NULL },
    { "dotenv-expand", "DB_HOST=127.0.0.1\nDB_PORT=4000\nDB_PASSWORD='HUN$TER'", "expansion", E, 17, NULL },
    { "laravel", "DB_HOST=127.0.0.1\nDB_PORT=4000\nDB_PASSWORD=\"HUN${TER}\"", "expansion", E, 17, NULL },
    { "prisma", "DATABASE_URL=\"mysql://app:HUN$TER" AT "\"", "expansion", E, 30, NULL },
    { "compose", "services:\n  app:\n    environment:\n      DB_HOST: '127.0.0.1'\n      DB_PORT: '4000'\n      DB_PASSWORD: 'HUN$TER'", "expansion", E, 24, NULL },
    { "docker-env", "DB_HOST=127.0.0.1\nDB_PORT=4000\nDB_PASSWORD='HUNTER'", "quote", E, 13, NULL },
    { "alembic", "sqlalchemy.url = mysql+mysqldb://app:HUN%40TER" AT, "percent-ini", E, 41, NULL },
    { "hibernate", "<property name=\"hibernate.connection.url\">jdbc:mysql://127.0.0.1:4000/shop?user=a&password=HUNTER</property>", "ampersand-xml", E, 82, NULL },
    { "spring-boot", "spring.datasource.url=jdbc:mysql://127.0.0.1:4000/shop\nspring.datasource.password=HUN${TER", "template", E, 31, NULL },
    { "spring-boot", "spring.datasource.url=jdbc:mysql://127.0.0.1:4000/shop\nspring.datasource.password=HUN\\TER", "backslash", E, 0, NULL },
    { "rails", "production:\n  host: 127.0.0.1\n  port: 4000\n  password: 'HUN<%TER'", "template", E, 17, NULL },
    { "rails", "production:\n  host: 127.0.0.1\n  port: 4000\n  password: HUN #TER", "comment", E, 17, NULL },
    // Lists.
    { "mysqlconnector", "Server=127.0.0.1;Port=4000;User ID=a;Password=HUN;TER", "semicolon", E, 51, NULL },
    { "mysqlconnector", "Server=127.0.0.1;Port=4000;User ID=a;Password=HUN;TER=1", "semicolon", E, 51, NULL },
    { "mysqlconnector", "Server=127.0.0.1;Port=4000;User ID=a;Password=\"HUN\"TER\"", "quote", E, 51, NULL },
    { "mysqlconnector", "Server=127.0.0.1;Port=4000;User ID=a;Password='HUNTER", "quote", E, 47, NULL },
    { "odbc", "SERVER=127.0.0.1;PORT=4000;UID=a;PWD={HUN}TER}", "brace", E, 42, NULL },
    { "odbc", "SERVER=127.0.0.1;PORT=4000;UID=a;PWD=HUN;TER", "semicolon", E, 42, NULL },
    { "pdo", "mysql:host=127.0.0.1;port=4000;dbname=a;b", "semicolon", E, 41, NULL },
    { "dbd-mariadb", "dbi:MariaDB:host=127.0.0.1;port=4000;database=a;b", "semicolon", E, 49, NULL },
    // What the walk through the clients' habits added.
    { "datagrip", "jdbc:mysql://db.example:4000/shop?user=app&password=HUN+TER", "plus-blank", E, 0, NULL },
    { "my-cnf", "[client]\nhost=127.0.0.1\nport=4000\nskip-ssl\npassword=\"HUN\\tER\"", "escape", W, 14, NULL },
    { "my-cnf", "[client]\nhost=127.0.0.1\nport=4000\nskip-ssl\npassword=HUN\\tER", "escape", W, 13, NULL },
    { "mycli", "mycli mysql://app:HUNT/ER" AT, "raw-special", E, 23, NULL },
    { "mycli", "mycli mysql://app:HUNTER" AT, "argv-password", E, 0, NULL },
    { "usql", "usql mysql://app:HUNTER" AT, "argv-password", E, 0, NULL },
    { "mysqlsh", "mysqlsh --sql mysql://app:HUNTER" AT, "argv-password", E, 0, NULL },
    { "dbmate", "dbmate --url mysql://app:HUNTER" AT " up", "argv-password", E, 0, NULL },
    { "shell", "export MYSQL_HOST=127.0.0.1 MYSQL_TCP_PORT=4000 MYSQL_PWD=HUNTER", "mysql-pwd", W, 0, NULL },
    { "mysql", "mysql -u app -h 127.0.0.1 -P 4000 -p", "public-key", W, 0, "--get-server-public-key" },
    { "jdbc", "jdbc:mysql://127.0.0.1:4000/shop?user=app", "public-key", W, 0, "allowPublicKeyRetrieval=true" },
    { "mysqlconnector", "Server=127.0.0.1;Port=4000;User ID=a;SslMode=Preferred", "public-key", W, 0, "AllowPublicKeyRetrieval=True" },
    { "mysqlconnector", "Server=127.0.0.1;Port=4000;User ID=a;Password=HUNTER ;SslMode=None", "edge-blank", W, 53, NULL },
    { "mysqlconnector", "Server=127.0.0.1;Port=4000;User ID=a;SslMode=None;ConnectionIdleTimeout=600", "idle-cut", W, 51, NULL },
    { "knex", "mysql://app:x" AT, "knex-client", W, 0, NULL },
    { "tortoise", "mysql://app:HUNT%40ER" AT, "not-decoded", W, 13, NULL },
    { "mariadb-node", "mariadb://app:HUNT%40ER" AT, "not-decoded", W, 15, NULL },
    { "rails", "production:\n  host: 127.0.0.1\n  port: 4000\n  password: HUNT: ER", "quote", E, 17, NULL },
    { "yaml", "host: 127.0.0.1\nport: 4000\npassword: 0123", "yaml-type", E, 11, NULL },
    { "yaml", "host: 127.0.0.1\nport: 4000\npassword: yes", "yaml-type", E, 11, NULL },
    { "hibernate", "<property name=\"hibernate.connection.url\">jdbc:mysql://127.0.0.1:4000/shop</property>\n<property name=\"hibernate.connection.password\">HUNT<ER</property>", "less-xml", E, 52, NULL },
    { "mybatis", "<property name=\"url\" value=\"jdbc:mysql://127.0.0.1:4000/shop\"/>\n<property name=\"password\" value=\"HUNT\"ER\"/>", "quote", E, 0, NULL },
    { "dotenv", "DB_HOST=127.0.0.1\nDB_PORT=4000\nDB_PASSWORD=\"HUN\\nTER\"", "escape", E, 0, NULL },
    { "docker-env", "DB_HOST=127.0.0.1\nDB_PORT=4000\nDB_PASSWORD=HUNTER # x", "comment-kept", W, 0, NULL },
    { "laravel", "DB_HOST=127.0.0.1\nDB_PORT=4000\nDB_PASSWORD=HUN TER", "blank", E, 16, NULL },
    { "spring-boot", "spring.datasource.url=jdbc:mysql://127.0.0.1:4000/shop\nspring.datasource.password=HUN#{TER", "template", W, 31, NULL },
    { "spring-boot", "spring.datasource.url=jdbc:mysql://127.0.0.1:4000/shop\nspring.datasource.hikari.max-lifetime=1800000", "idle-cut", W, 0, NULL },
    { "kubernetes", "env:\n  - name: DB_HOST\n    value: 127.0.0.1\n  - name: DB_PORT\n    value: '4000'\n  - name: DB_PASSWORD\n    value: HUN$(TER)", "expansion", E, 15, NULL },
    { "kubernetes", "env:\n  - name: DB_HOST\n    value: 127.0.0.1\n  - name: DB_PORT\n    value: '4000'\n  - name: DB_PASSWORD\n    value: HUNTER", "plain-secret", E, 12, NULL },
};
// clang-format on

static void test_each_trap_is_found(void **state)
{
    lint_traps_are_found(traps, ARRAY_LEN(traps));
}

// Where everything wrong can be put right, nothing is wrong with what comes out.
static void test_a_corrected_string_has_no_error(void **state)
{
    assert_true(lint_traps_are_corrected(traps, ARRAY_LEN(traps)) > 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_trap_is_found),
        cmocka_unit_test(test_a_corrected_string_has_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
