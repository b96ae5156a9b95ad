// SPDX-License-Identifier: Apache-2.0
//
// JavaScript's drivers: mysql2 with an options object and with a URL for programs that take one
// from their environment, and the others. Data only. mysql2's URL is read by WHATWG URL and
// decodeURIComponent; every query value that parses as JSON is taken as JSON
// (lib/connection_config.js).
#include "strings/client.h"

#include "base/defs.h"

#define ACCOUNT "user: $user, password: $password$?database{, database: $database$}$tls })"
#define NO_IPV6 "it looks the host up with its brackets: use an IPv4 address, a name, or `mysql2`"
#define NO_IP_IDENTITY                                                                             \
    "it cannot check a certificate against an IP address: use the name, or verify only the CA"
// {"rejectUnauthorized":true,"verifyIdentity":true}
#define URL_REJECT "ssl=%7B%22rejectUnauthorized%22%3Atrue"
#define URL_SETUP "export NODE_EXTRA_CA_CERTS=$shell(ca)"
#define READ_CA "ca: require(\"fs\").readFileSync($ca)"

// What a connection with callbacks, and what one with promises does.
#define CALLBACK_QUERIES(CALL)                                                                     \
    "conn.query(\"SELECT 1 AS one\", (failure, rows) => {\n"                                       \
    "  if (failure) throw failure;\n"                                                              \
    "  conn." CALL "(\"SELECT LENGTH(?) AS size\", [\"x\".repeat(65536)], (failure, sizes) => {\n" \
    "    if (failure) throw failure;\n"                                                            \
    "    console.log(Number(rows[0].one), Number(sizes[0].size));\n"                               \
    "    conn.end();\n"                                                                            \
    "  });\n"                                                                                      \
    "});"

static const struct string_limit url_limits[] = {
    { STRING_HOST, ":", NO_IPV6 },
    { 0 },
};

static const struct string_client clients[] = {
    {
        .id = "mysql2",
        .also = "nodemysql2 node_mysql2 node",
        .name = "mysql2",
        .language = "Node.js",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_JSON,
        .tcp = "mysql.createConnection({ host: $host, port: $port, " ACCOUNT,
        .socket = "mysql.createConnection({ socketPath: $socket, " ACCOUNT,
        .no_ip_identity = NO_IP_IDENTITY,
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", ssl: { ca: fs.readFileSync($ca)"
                                                      ", rejectUnauthorized: true"
                                                      ", verifyIdentity: true }" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", ssl: { ca: fs.readFileSync($ca)"
                                                ", rejectUnauthorized: true"
                                                ", verifyIdentity: false }" },
        },
        .notes = "Before 3.0 verifyIdentity is not known and the name is not checked.\n"
                 "rejectUnauthorized alone does not check the name.",
        .example = "const fs = require(\"fs\");\n"
                   "const mysql = require(\"mysql2\");\n\n"
                   "const conn = $string;\n" CALLBACK_QUERIES("execute"),
    },
    {
        .id = "mysql2-url",
        .also = "node-url serverlessjs",
        .name = "mysql2 with a URL",
        .language = "Node.js",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = "mysql://$user:$password@$authority/$?database{$database$}$tls",
        .socket = "mysql://$user:$password@localhost/$?database{$database$}?socketPath=$socket",
        .no_ip_identity = NO_IP_IDENTITY,
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?" URL_REJECT
                                                      "%2C%22verifyIdentity%22%3Atrue%7D",
                                             .setup = URL_SETUP },
            [STRING_TLS_VERIFY_CA] = { .piece = "?" URL_REJECT "%7D", .setup = URL_SETUP },
        },
        .limits = url_limits,
        .notes = "Before 3.0 verifyIdentity is not known and the name is not checked.\n"
                 "A URL cannot name a CA file: Node reads it from NODE_EXTRA_CA_CERTS at start.\n"
                 "TiDB Cloud's serverless driver speaks HTTP, which Dedicated clusters do not: use this.",
        .example = "const mysql = require(\"mysql2\");\n\n"
                   "const conn = mysql.createConnection(\"$string\");\n" CALLBACK_QUERIES("execute"),
    },
    {
        .id = "mysqljs",
        .also = "node-mysql",
        .name = "mysql (mysqljs)",
        .language = "Node.js",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_JSON,
        .tcp = "mysql.createConnection({ host: $host, port: $port, " ACCOUNT,
        .socket = "mysql.createConnection({ socketPath: $socket, " ACCOUNT,
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .why_not = "it does not check the certificate's name: "
                                                        "verify only the CA, or use mysql2" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", ssl: { " READ_CA " }" },
        },
        .notes = "It knows mysql_native_password only, and has no prepared statements: use mysql2.",
        .example = "const mysql = require(\"mysql\");\n\n"
                   "const conn = $string;\n" CALLBACK_QUERIES("query"),
    },
    {
        .id = "mariadb-node",
        .also = "nodemariadb mariadb-connector-nodejs",
        .name = "MariaDB Connector/Node.js",
        .language = "Node.js",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_JSON,
        .tcp = "mariadb.createConnection({ host: $host, port: $port, " ACCOUNT,
        .socket = "mariadb.createConnection({ socketPath: $socket, " ACCOUNT,
        .no_ip_identity = NO_IP_IDENTITY,
        .tls = {
            [STRING_TLS_OFF] = { .piece = ", ssl: false, allowPublicKeyRetrieval: true" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", ssl: { " READ_CA " }" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", ssl: { " READ_CA
                                                ", checkServerIdentity: () => undefined }" },
        },
        .notes = "The error for a URL that it cannot read holds the whole URL, with the password: "
                 "prefer the object.",
        .example = "const mariadb = require(\"mariadb\");\n\n"
                   "async function main() {\n"
                   "  const conn = await $string;\n"
                   "  const rows = await conn.query(\"SELECT 1 AS one\");\n"
                   "  const sizes = await conn.execute(\"SELECT LENGTH(?) AS size\", [\"x\".repeat(65536)]);\n"
                   "  console.log(Number(rows[0].one), Number(sizes[0].size));\n"
                   "  await conn.end();\n"
                   "}\n\n"
                   "main();",
    },
    {
        .id = "bun",
        .also = "bun-sql",
        .name = "Bun.SQL",
        .language = "Bun",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_JSON,
        .tcp = "new SQL({ adapter: \"mysql\", hostname: $host, port: $port, username: $user, "
               "password: $password$?database{, database: $database$}$tls })",
        .socket = "new SQL({ adapter: \"mysql\", path: $socket, username: $user, "
                  "password: $password$?database{, database: $database$}$tls })",
        .no_ip_identity = NO_IP_IDENTITY,
        .tls = {
            [STRING_TLS_OFF] = { .piece = ", tls: false, allowPublicKeyRetrieval: true" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", tls: { ca: Bun.file($ca)"
                                                      ", rejectUnauthorized: true }" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", tls: { ca: Bun.file($ca)"
                                                ", rejectUnauthorized: true"
                                                ", checkServerIdentity: () => undefined }" },
        },
        .notes = "MySQL from Bun 1.2.21 on.",
        .example = "import { SQL } from \"bun\";\n\n"
                   "const sql = $string;\n"
                   "const [row] = await sql`SELECT 1 AS one`;\n"
                   "const [size] = await sql`SELECT LENGTH($${\"x\".repeat(65536)}) AS size`;\n"
                   "console.log(Number(row.one), Number(size.size));\n"
                   "await sql.close();",
    },
};

const struct string_shelf node_shelf = { clients, ARRAY_LEN(clients) };
