// SPDX-License-Identifier: Apache-2.0
//
// Rust. Data only. All take a URL and decode user and password; sqlx and Diesel do not decode the
// database.
#include "strings/client.h"

#include "base/defs.h"

#define URL "mysql://$user:$password@$authority/$?database{$plain(database)$}"
#define URL_SOCKET "mysql://$user:$password@localhost/$?database{$plain(database)$}"
#define SQLX_TLS                                                                                   \
    {                                                                                              \
        [STRING_TLS_OFF] = { .piece = "?ssl-mode=DISABLED" },                                      \
        [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?ssl-mode=VERIFY_IDENTITY&ssl-ca=$ca" },        \
        [STRING_TLS_VERIFY_CA] = { .piece = "?ssl-mode=VERIFY_CA&ssl-ca=$ca" },                    \
    }
// Their URLs cannot name a CA file: that is said in code, around the URL.
#define MYSQL_OPTIONS(MORE)                                                                        \
    "let tls = mysql::SslOpts::default()\n"                                                        \
    "    .with_root_cert_path(Some(std::path::Path::new($braces(ca))))" MORE ";\n"                 \
    "let opts = mysql::OptsBuilder::from_opts(mysql::Opts::from_url(url)?).ssl_opts(tls);"
#define ASYNC_OPTIONS(MORE)                                                                        \
    "let tls = mysql_async::SslOpts::default()\n"                                                  \
    "    .with_root_certs(vec![std::path::Path::new($braces(ca)).into()])\n"                       \
    "    .with_disable_built_in_roots(true)" MORE ";\n"                                            \
    "let opts = mysql_async::OptsBuilder::from_opts(mysql_async::Opts::from_url(url)?)"            \
    ".ssl_opts(tls);"
#define ANY_NAME "\n    .with_danger_skip_domain_validation(true)"

#define TOKIO "// cargo add tokio --features macros,rt-multi-thread\n\n"

static const struct string_client clients[] = {
    {
        .id = "sqlx",
        .also = "rust_sqlx",
        .name = "SQLx",
        .language = "Rust",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = URL "$tls",
        .socket = URL_SOCKET "?socket=$socket&ssl-mode=DISABLED",
        .tls = SQLX_TLS,
        .notes = "By itself it goes on in plaintext when the server offers no TLS (PREFERRED).\n"
                 "caching_sha2_password without TLS needs its feature mysql-rsa.",
        .example = "// cargo add sqlx --features mysql,runtime-tokio,tls-native-tls\n" TOKIO
                   "use sqlx::{Connection, MySqlConnection};\n\n"
                   "#[tokio::main]\n"
                   "async fn main() -> Result<(), sqlx::Error> {\n"
                   "    let mut conn = MySqlConnection::connect($braces(string)).await?;\n"
                   "    let one: i64 = sqlx::query_scalar(\"SELECT 1\").fetch_one(&mut conn).await?;\n"
                   "    let size: i64 = sqlx::query_scalar(\"SELECT LENGTH(?)\")\n"
                   "        .bind(\"x\".repeat(65536))\n"
                   "        .fetch_one(&mut conn)\n"
                   "        .await?;\n"
                   "    println!(\"{one} {size}\");\n"
                   "    Ok(())\n"
                   "}",
    },
    {
        .id = "seaorm",
        .also = "sea-orm",
        .name = "SeaORM",
        .language = "Rust",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = URL "$tls",
        .socket = URL_SOCKET "?socket=$socket&ssl-mode=DISABLED",
        .tls = SQLX_TLS,
        .notes = "Over SQLx.",
        .example = "// cargo add sea-orm --features sqlx-mysql,runtime-tokio-native-tls\n" TOKIO
                   "use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};\n\n"
                   "#[tokio::main]\n"
                   "async fn main() -> Result<(), sea_orm::DbErr> {\n"
                   "    let db = Database::connect($braces(string)).await?;\n"
                   "    let one = Statement::from_string(DbBackend::MySql, \"SELECT 1 AS n\");\n"
                   "    let one: i64 = db.query_one_raw(one).await?.unwrap().try_get(\"\", \"n\")?;\n"
                   "    let size = Statement::from_sql_and_values(\n"
                   "        DbBackend::MySql,\n"
                   "        \"SELECT LENGTH(?) AS n\",\n"
                   "        [\"x\".repeat(65536).into()],\n"
                   "    );\n"
                   "    let size: i64 = db.query_one_raw(size).await?.unwrap().try_get(\"\", \"n\")?;\n"
                   "    println!(\"{one} {size}\");\n"
                   "    Ok(())\n"
                   "}",
    },
    {
        .id = "rust-mysql",
        .also = "rust_mysql",
        .name = "mysql crate",
        .language = "Rust",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = "mysql://$user:$password@$authority/$?database{$database$}?prefer_socket=false",
        .socket = "mysql://$user:$password@localhost/$?database{$database$}?socket=$socket",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "", .setup = MYSQL_OPTIONS("") },
            [STRING_TLS_VERIFY_CA] = { .piece = "", .setup = MYSQL_OPTIONS(ANY_NAME) },
        },
        .notes = "Without prefer_socket=false it asks a server on this machine for its unix socket and "
                 "goes there, past the proxy.\n"
                 "The URL alone says nothing of TLS: without the options it goes in plaintext.",
        .example = "// cargo add mysql --features native-tls\n\n"
                   "use mysql::prelude::*;\n\n"
                   "fn main() -> Result<(), mysql::Error> {\n"
                   "    let url = $braces(string);\n"
                   "$?ca{$setup\n    let mut conn = mysql::Conn::new(opts)?;\n$}"
                   "$!ca{    let mut conn = mysql::Conn::new(url)?;\n$}"
                   "    let one: i64 = conn.query_first(\"SELECT 1\")?.unwrap();\n"
                   "    let value = \"x\".repeat(65536);\n"
                   "    let size: i64 = conn.exec_first(\"SELECT LENGTH(?)\", (value,))?.unwrap();\n"
                   "    println!(\"{one} {size}\");\n"
                   "    Ok(())\n"
                   "}",
    },
    {
        .id = "mysql-async",
        .also = "mysql_async",
        .name = "mysql_async",
        .language = "Rust",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = "mysql://$user:$password@$authority/$?database{$database$}?prefer_socket=false$tls",
        .socket = "mysql://$user:$password@localhost/$?database{$database$}?socket=$socket",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "&require_ssl=true", .setup = ASYNC_OPTIONS("") },
            [STRING_TLS_VERIFY_CA] = { .piece = "&require_ssl=true&verify_identity=false", .setup = ASYNC_OPTIONS(ANY_NAME) },
        },
        .notes = "Without prefer_socket=false it asks a server on this machine for its unix socket and "
                 "goes there, past the proxy.",
        .example = "// cargo add mysql_async --features native-tls-tls\n" TOKIO
                   "use mysql_async::prelude::*;\n\n"
                   "#[tokio::main]\n"
                   "async fn main() -> Result<(), mysql_async::Error> {\n"
                   "    let url = $braces(string);\n"
                   "$?ca{$setup\n    let mut conn = mysql_async::Conn::new(opts).await?;\n$}"
                   "$!ca{    let mut conn = mysql_async::Conn::from_url(url).await?;\n$}"
                   "    let one: Option<i64> = conn.query_first(\"SELECT 1\").await?;\n"
                   "    let value = \"x\".repeat(65536);\n"
                   "    let size: Option<i64> = conn.exec_first(\"SELECT LENGTH(?)\", (value,)).await?;\n"
                   "    println!(\"{} {}\", one.unwrap(), size.unwrap());\n"
                   "    conn.disconnect().await\n"
                   "}",
    },
    {
        .id = "diesel",
        .also = "",
        .name = "Diesel",
        .language = "Rust",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = URL "$tls",
        .socket = URL_SOCKET "?unix_socket=$socket&ssl_mode=DISABLED",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "?ssl_mode=DISABLED" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?ssl_mode=VERIFY_IDENTITY&ssl_ca=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "?ssl_mode=VERIFY_CA&ssl_ca=$ca" },
        },
        .notes = "Over libmysqlclient. The scheme must be mysql, and a unix socket's host localhost.\n"
                 "Built with MariaDB's library, as on Debian, it has no ssl_mode: it does not check the "
                 "certificate's name, nor insist on TLS.",
        .example = "// cargo add diesel --features mysql\n\n"
                   "use diesel::prelude::*;\n"
                   "use diesel::sql_types::{BigInt, Text};\n\n"
                   "#[derive(QueryableByName)]\n"
                   "struct Row {\n"
                   "    #[diesel(sql_type = BigInt)]\n"
                   "    n: i64,\n"
                   "}\n\n"
                   "fn main() {\n"
                   "    let mut conn = MysqlConnection::establish($braces(string)).unwrap();\n"
                   "    let one: Row = diesel::sql_query(\"SELECT 1 AS n\").get_result(&mut conn).unwrap();\n"
                   "    let size: Row = diesel::sql_query(\"SELECT LENGTH(?) AS n\")\n"
                   "        .bind::<Text, _>(\"x\".repeat(65536))\n"
                   "        .get_result(&mut conn)\n"
                   "        .unwrap();\n"
                   "    println!(\"{} {}\", one.n, size.n);\n"
                   "}",
    },
};

const struct string_shelf rust_shelf = { clients, ARRAY_LEN(clients) };
