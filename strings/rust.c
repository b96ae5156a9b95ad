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
#define ROOTS_NEEDED                                                                               \
    "its URL cannot name a CA file: set SslOpts with root certificates in code, or let the proxy " \
    "speak TLS to the cluster"

static const struct string_client clients[] = {
    {
        .id = "sqlx",
        .also = "rust_sqlx",
        .name = "SQLx",
        .language = "Rust",
        .kind = STRING_DRIVER,
        .encoding = ENCODING_PERCENT,
        .tcp = URL "$tls",
        .socket = URL_SOCKET "?socket=$socket&ssl-mode=DISABLED",
        .tls = SQLX_TLS,
        .notes = "By itself it goes on in plaintext when the server offers no TLS (PREFERRED).",
        .example = "use sqlx::{Connection, MySqlConnection};\n\n"
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
        .encoding = ENCODING_PERCENT,
        .tcp = URL "$tls",
        .socket = URL_SOCKET "?socket=$socket&ssl-mode=DISABLED",
        .tls = SQLX_TLS,
        .notes = "Over SQLx.",
        .example = "use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};\n\n"
                   "#[tokio::main]\n"
                   "async fn main() -> Result<(), sea_orm::DbErr> {\n"
                   "    let db = Database::connect($braces(string)).await?;\n"
                   "    let one = Statement::from_string(DbBackend::MySql, \"SELECT 1 AS n\");\n"
                   "    let one: i64 = db.query_one(one).await?.unwrap().try_get(\"\", \"n\")?;\n"
                   "    let size = Statement::from_sql_and_values(\n"
                   "        DbBackend::MySql,\n"
                   "        \"SELECT LENGTH(?) AS n\",\n"
                   "        [\"x\".repeat(65536).into()],\n"
                   "    );\n"
                   "    let size: i64 = db.query_one(size).await?.unwrap().try_get(\"\", \"n\")?;\n"
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
        .encoding = ENCODING_PERCENT,
        .tcp = "mysql://$user:$password@$authority/$?database{$database$}?prefer_socket=false",
        .socket = "mysql://$user:$password@localhost/$?database{$database$}?socket=$socket",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .why_not = ROOTS_NEEDED },
            [STRING_TLS_VERIFY_CA] = { .why_not = ROOTS_NEEDED },
        },
        .notes = "Without prefer_socket=false it asks a server on this machine for its unix socket and "
                 "goes there, past the proxy.",
        .example = "use mysql::prelude::*;\n\n"
                   "fn main() -> Result<(), mysql::Error> {\n"
                   "    let mut conn = mysql::Conn::new($braces(string))?;\n"
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
        .encoding = ENCODING_PERCENT,
        .tcp = "mysql://$user:$password@$authority/$?database{$database$}?prefer_socket=false",
        .socket = "mysql://$user:$password@localhost/$?database{$database$}?socket=$socket",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .why_not = ROOTS_NEEDED },
            [STRING_TLS_VERIFY_CA] = { .why_not = ROOTS_NEEDED },
        },
        .notes = "Without prefer_socket=false it asks a server on this machine for its unix socket and "
                 "goes there, past the proxy.",
        .example = "use mysql_async::prelude::*;\n\n"
                   "#[tokio::main]\n"
                   "async fn main() -> Result<(), mysql_async::Error> {\n"
                   "    let mut conn = mysql_async::Conn::from_url($braces(string)).await?;\n"
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
        .encoding = ENCODING_PERCENT,
        .tcp = URL "$tls",
        .socket = URL_SOCKET "?unix_socket=$socket&ssl_mode=DISABLED",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "?ssl_mode=DISABLED" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?ssl_mode=VERIFY_IDENTITY&ssl_ca=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "?ssl_mode=VERIFY_CA&ssl_ca=$ca" },
        },
        .notes = "Over libmysqlclient. The scheme must be mysql, and a unix socket's host localhost.",
        .example = "use diesel::prelude::*;\n"
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
