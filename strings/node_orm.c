// SPDX-License-Identifier: Apache-2.0
//
// JavaScript's ORMs and query builders, most of them over mysql2. Data only.
#include "strings/client.h"

#include "base/defs.h"

#define NO_IP_IDENTITY                                                                             \
    "it cannot check a certificate against an IP address: use the name, or verify only the CA"
#define READ_CA "ca: require(\"fs\").readFileSync($ca)"
#define SSL ", ssl: { " READ_CA ", rejectUnauthorized: true, verifyIdentity: true }"
#define SSL_CA ", ssl: { " READ_CA ", rejectUnauthorized: true, verifyIdentity: false }"
#define ACCOUNT "user: $user, password: $password$?database{, database: $database$}$tls }"
#define TCP "{ host: $host, port: $port, " ACCOUNT
#define SOCKET "{ socketPath: $socket, " ACCOUNT
#define TLS                                                                                        \
    {                                                                                              \
        [STRING_TLS_VERIFY_IDENTITY] = { .piece = SSL }, [STRING_TLS_VERIFY_CA] = {                \
            .piece = SSL_CA                                                                        \
        }                                                                                          \
    }
#define MYSQL2_NOTE "Over mysql2, whose options these are."

#define MAIN(BODY) "async function main() {\n" BODY "}\n\nmain();"
#define SHOW "  console.log(Number(rows[0].one), Number(sizes[0].size));\n"

// @directus/env: text up to the first colon that is one of these says what the rest is cast to.
#define DIRECTUS_CAST "it takes that for a type to cast to: use DB_PASSWORD_FILE"
static const struct string_limit directus_limits[] = {
    { STRING_PASSWORD, "string:", DIRECTUS_CAST },
    { STRING_PASSWORD, "number:", DIRECTUS_CAST },
    { STRING_PASSWORD, "regex:", DIRECTUS_CAST },
    { STRING_PASSWORD, "array:", DIRECTUS_CAST },
    { STRING_PASSWORD, "json:", DIRECTUS_CAST },
    { STRING_PASSWORD, "boolean:", DIRECTUS_CAST },
    { 0 },
};

static const struct string_client clients[] = {
    {
        .id = "prisma",
        .also = "",
        .name = "Prisma to version 6",
        .language = "Node.js",
        .kind = STRING_ORM,
        .encoding = ENCODING_PERCENT,
        .tcp = "DATABASE_URL=\"mysql://$user$?password{:$password$}@$authority/$?database{$database$}$tls\"",
        .socket = "DATABASE_URL=\"mysql://$user$?password{:$password$}@localhost/$?database{$database$}?socket=$socket\"",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?sslaccept=strict&sslcert=$ca" },
            [STRING_TLS_VERIFY_CA] = { .why_not = "sslaccept=strict verifies the name as well, "
                                                  "anything else nothing: use verify-identity" },
        },
        .notes = "sslcert is the CA. Without sslaccept=strict it takes every certificate.\n"
                 "The URL needs a database. Its quotes in .env are for dotenv-expand, which finds no $ in it.",
    },
    {
        .id = "prisma-adapter",
        .also = "prisma7 prisma-7",
        .name = "Prisma 7 (adapter-mariadb)",
        .language = "Node.js",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_JSON,
        .tcp = "new PrismaMariaDb(" TCP ")",
        .socket = "new PrismaMariaDb(" SOCKET ")",
        .no_ip_identity = NO_IP_IDENTITY,
        .tls = {
            [STRING_TLS_OFF] = { .piece = ", ssl: false, allowPublicKeyRetrieval: true" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", ssl: { " READ_CA " }" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", ssl: { " READ_CA
                                                ", checkServerIdentity: () => undefined }" },
        },
        .notes = "Over MariaDB's connector, whose options these are.",
        .example = "const { PrismaMariaDb } = require(\"@prisma/adapter-mariadb\");\n"
                   "const { PrismaClient } = require(\"./generated\"); // output of prisma generate\n\n"
                   MAIN("  const adapter = $string;\n"
                        "  const db = new PrismaClient({ adapter });\n"
                        "  const rows = await db.$$queryRaw`SELECT 1 AS one`;\n"
                        "  const text = \"x\".repeat(65536);\n"
                        "  const sizes = await db.$$queryRaw`SELECT LENGTH($${text}) AS size`;\n"
                        SHOW
                        "  await db.$$disconnect();\n"),
    },
    {
        .id = "drizzle",
        .also = "drizzle-orm",
        .name = "Drizzle ORM",
        .language = "Node.js",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_JSON,
        .tcp = "drizzle({ connection: " TCP " })",
        .socket = "drizzle({ connection: " SOCKET " })",
        .no_ip_identity = NO_IP_IDENTITY,
        .tls = TLS,
        .notes = MYSQL2_NOTE,
        .example = "const { drizzle } = require(\"drizzle-orm/mysql2\");\n"
                   "const { sql } = require(\"drizzle-orm\");\n\n"
                   MAIN("  const db = $string;\n"
                        "  const [rows] = await db.execute(sql`SELECT 1 AS one`);\n"
                        "  const length = sql`SELECT LENGTH($${\"x\".repeat(65536)}) AS size`;\n"
                        "  const [sizes] = await db.execute(length);\n"
                        SHOW
                        "  await db.$$client.end();\n"),
    },
    {
        .id = "typeorm",
        .also = "",
        .name = "TypeORM",
        .language = "Node.js",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_JSON,
        .tcp = "new DataSource({ type: \"mysql\", host: $host, port: $port, username: $user, "
               "password: $password$?database{, database: $database$}$tls })",
        .socket = "new DataSource({ type: \"mysql\", socketPath: $socket, username: $user, "
                  "password: $password$?database{, database: $database$}$tls })",
        .no_ip_identity = NO_IP_IDENTITY,
        .tls = TLS,
        .notes = "It takes mysql2 or mysql, whichever is installed: only mysql2 knows verifyIdentity.\n"
                 "Its url drops every query parameter and breaks on IPv6 addresses: prefer the fields.",
        .example = "require(\"reflect-metadata\");\n"
                   "const { DataSource } = require(\"typeorm\");\n\n"
                   MAIN("  const source = await $string.initialize();\n"
                        "  const rows = await source.query(\"SELECT 1 AS one\");\n"
                        "  const sizes = await source.query(\"SELECT LENGTH(?) AS size\", [\"x\".repeat(65536)]);\n"
                        SHOW
                        "  await source.destroy();\n"),
    },
    {
        .id = "sequelize",
        .also = "sequelize_mysql2",
        .name = "Sequelize 6",
        .language = "Node.js",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_JSON,
        .tcp = "new Sequelize($?database{$database$}$!database{\"\"$}, $user, $password, "
               "{ dialect: \"mysql\", host: $host, port: $port$tls })",
        .socket = "new Sequelize($?database{$database$}$!database{\"\"$}, $user, $password, "
                  "{ dialect: \"mysql\", dialectOptions: { socketPath: $socket } })",
        .no_ip_identity = NO_IP_IDENTITY,
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", dialectOptions: { ssl: { " READ_CA
                                                      ", rejectUnauthorized: true"
                                                      ", verifyIdentity: true } }" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", dialectOptions: { ssl: { " READ_CA
                                                ", rejectUnauthorized: true } }" },
        },
        .notes = "Version 7's URL throws at parameters that it does not know: prefer the fields.",
        .example = "const { Sequelize, QueryTypes } = require(\"sequelize\");\n\n"
                   MAIN("  const db = $string;\n"
                        "  const type = QueryTypes.SELECT;\n"
                        "  const rows = await db.query(\"SELECT 1 AS one\", { type, logging: false });\n"
                        "  const bind = [\"x\".repeat(65536)];\n"
                        "  const length = \"SELECT LENGTH($$1) AS size\";\n"
                        "  const sizes = await db.query(length, { bind, type, logging: false });\n"
                        SHOW
                        "  await db.close();\n"),
    },
    {
        .id = "knex",
        .also = "objection strapi",
        .name = "Knex",
        .language = "Node.js",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_JSON,
        .tcp = "knex({ client: \"mysql2\", connection: " TCP " })",
        .socket = "knex({ client: \"mysql2\", connection: " SOCKET " })",
        .no_ip_identity = NO_IP_IDENTITY,
        .tls = TLS,
        .notes = "It does not decode a URL's database, and takes a URL that it cannot read for a file of "
                 "SQLite: prefer the object.",
        .example = "const knex = require(\"knex\");\n\n"
                   MAIN("  const db = $string;\n"
                        "  const [rows] = await db.raw(\"SELECT 1 AS one\");\n"
                        "  const [sizes] = await db.raw(\"SELECT LENGTH(?) AS size\", [\"x\".repeat(65536)]);\n"
                        SHOW
                        "  await db.destroy();\n"),
    },
    {
        .id = "kysely",
        .also = "",
        .name = "Kysely",
        .language = "Node.js",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_JSON,
        .tcp = "new Kysely({ dialect: new MysqlDialect({ pool: createPool(" TCP ") }) })",
        .socket = "new Kysely({ dialect: new MysqlDialect({ pool: createPool(" SOCKET ") }) })",
        .no_ip_identity = NO_IP_IDENTITY,
        .tls = TLS,
        .notes = MYSQL2_NOTE,
        .example = "const { createPool } = require(\"mysql2\");\n\n"
                   MAIN("  const { Kysely, MysqlDialect, sql } = await import(\"kysely\");\n"
                        "  const db = $string;\n"
                        "  const { rows } = await sql`SELECT 1 AS one`.execute(db);\n"
                        "  const length = sql`SELECT LENGTH($${\"x\".repeat(65536)}) AS size`;\n"
                        "  const { rows: sizes } = await length.execute(db);\n"
                        SHOW
                        "  await db.destroy();\n"),
    },
    {
        .id = "mikroorm",
        .also = "mikro-orm",
        .name = "MikroORM",
        .language = "Node.js",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_JSON,
        .tcp = "MikroORM.init({ host: $host, port: $port, user: $user, password: $password"
               "$?database{, dbName: $database$}$tls, entities: [], discovery: { warnWhenNoEntities: false } })",
        .socket = "MikroORM.init({ user: $user, password: $password$?database{, dbName: $database$}"
                  ", driverOptions: { connection: { socketPath: $socket } }, entities: []"
                  ", discovery: { warnWhenNoEntities: false } })",
        .no_ip_identity = NO_IP_IDENTITY,
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", driverOptions: { connection: { ssl: { " READ_CA
                                                      ", rejectUnauthorized: true"
                                                      ", verifyIdentity: true } } }" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", driverOptions: { connection: { ssl: { " READ_CA
                                                ", rejectUnauthorized: true } } }" },
        },
        .notes = "Of @mikro-orm/mysql, which is over mysql2. It needs a database.",
        .example = "const { MikroORM } = require(\"@mikro-orm/mysql\");\n\n"
                   MAIN("  const orm = await $string;\n"
                        "  const conn = orm.em.getConnection();\n"
                        "  const rows = await conn.execute(\"SELECT 1 AS one\");\n"
                        "  const sizes = await conn.execute(\"SELECT LENGTH(?) AS size\", [\"x\".repeat(65536)]);\n"
                        SHOW
                        "  await orm.close();\n"),
    },
    {
        .id = "directus",
        .also = "",
        .name = "Directus, in .env",
        .language = "Node.js",
        .kind = STRING_FRAMEWORK,
        .encoding = ENCODING_DOTENV,
        .tcp = "DB_CLIENT=mysql\n"
               "DB_HOST=$host\n"
               "DB_PORT=$port\n"
               "$?database{DB_DATABASE=$database\n$}"
               "DB_USER=$user\n"
               "DB_PASSWORD=$password$tls",
        .no_socket = "its settings name a host and a port only: use the TCP listener",
        .no_ip_identity = NO_IP_IDENTITY,
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "\nDB_SSL__CA_FILE=$ca"
                                                      "\nDB_SSL__REJECT_UNAUTHORIZED=true"
                                                      "\nDB_SSL__VERIFY_IDENTITY=true" },
            [STRING_TLS_VERIFY_CA] = { .piece = "\nDB_SSL__CA_FILE=$ca"
                                                "\nDB_SSL__REJECT_UNAUTHORIZED=true" },
        },
        .limits = directus_limits,
        .notes = "What DB_SSL__ begins are mysql2's options: without verifyIdentity it does not check the name.\n"
                 "DB_PASSWORD_FILE instead of DB_PASSWORD names a file that holds it.",
    },
};

const struct string_shelf node_orm_shelf = { clients, ARRAY_LEN(clients) };
