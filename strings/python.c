// SPDX-License-Identifier: Apache-2.0
//
// Python's drivers: expressions that open a connection. Data only.
#include "strings/client.h"

#include "base/defs.h"

#define ACCOUNT "user=$user, password=$pybytes(password)$?database{, database=$database$}$tls)"
#define ACCOUNT_TEXT "user=$user, password=$password$?database{, database=$database$}$tls)"
#define LATIN_NOTE                                                                                 \
    "A password given as str is sent as Latin-1: if it is not ASCII, it must be turned "
#define SHA2_NOTE "caching_sha2_password without TLS needs the package `cryptography`."
// An SSLContext that verifies the issuer, and the name as well or not.
#define CONTEXT_SETUP                                                                              \
    "import ssl\n"                                                                                 \
    "context = ssl.create_default_context(cafile=$ca)"
#define CONTEXT_CA_SETUP CONTEXT_SETUP "\ncontext.check_hostname = False"

#define DBAPI_QUERIES(PARAMETERS)                                                                  \
    "cursor = conn.cursor(" PARAMETERS ")\n"                                                       \
    "cursor.execute(\"SELECT 1\")\n"                                                               \
    "one = cursor.fetchone()[0]\n"                                                                 \
    "cursor.execute(\"SELECT LENGTH(%s)\", (\"x\" * 65536,))\n"                                    \
    "print(one, cursor.fetchone()[0])"

#define ASYNC_QUERIES                                                                              \
    "import asyncio\n\n"                                                                           \
    "$?setup{$setup\n\n$}"                                                                         \
    "async def main():\n"                                                                          \
    "    conn = await $string\n"                                                                   \
    "    async with conn.cursor() as cursor:\n"                                                    \
    "        await cursor.execute(\"SELECT 1\")\n"                                                 \
    "        one = (await cursor.fetchone())[0]\n"                                                 \
    "        await cursor.execute(\"SELECT LENGTH(%s)\", (\"x\" * 65536,))\n"                      \
    "        print(one, (await cursor.fetchone())[0])\n"                                           \
    "    conn.close()\n\n"                                                                         \
    "asyncio.run(main())"

static const struct string_client clients[] = {
    {
        .id = "pymysql",
        .also = "pythonpymysql python",
        .name = "PyMySQL",
        .language = "Python",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PYTHON,
        .tcp = "pymysql.connect(host=$host, port=$port, " ACCOUNT,
        .socket = "pymysql.connect(unix_socket=$socket, " ACCOUNT,
        .tls = {
            [STRING_TLS_OFF] = { .piece = ", ssl_disabled=True" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", ssl_ca=$ca, ssl_verify_cert=True"
                                                      ", ssl_verify_identity=True" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", ssl_ca=$ca, ssl_verify_cert=True"
                                                ", ssl_verify_identity=False" },
        },
        .notes = LATIN_NOTE "into bytes (\"…\".encode()).\n"
                 "1.0 and earlier go on in plaintext, whatever is asked, when the server offers no TLS.\n"
                 SHA2_NOTE,
        .example = "import pymysql\n\nconn = $string\n" DBAPI_QUERIES(""),
    },
    {
        .id = "mysqlclient",
        .also = "pythonmysqlclient python_mysqlclient mysqldb libmysqlclient-python",
        .name = "mysqlclient",
        .language = "Python",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PYTHON,
        .tcp = "MySQLdb.connect(host=$host, port=$port, " ACCOUNT_TEXT,
        .socket = "MySQLdb.connect(unix_socket=$socket, " ACCOUNT_TEXT,
        .tls = {
            [STRING_TLS_OFF] = { .piece = ", ssl_mode=\"DISABLED\"" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", ssl_mode=\"VERIFY_IDENTITY\""
                                                      ", ssl={\"ca\": $ca}" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", ssl_mode=\"VERIFY_CA\", ssl={\"ca\": $ca}" },
        },
        .notes = "host=\"localhost\" would mean the unix socket.\n"
                 "Built with MariaDB's library it takes VERIFY_CA for VERIFY_IDENTITY.",
        .example = "import MySQLdb\n\nconn = $string\n" DBAPI_QUERIES(""),
    },
    {
        .id = "mysql-connector-python",
        .also = "pythonmysqlconnector mysql_connector_python",
        .name = "MySQL Connector/Python",
        .language = "Python",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PYTHON,
        .tcp = "mysql.connector.connect(host=$host, port=$port, " ACCOUNT_TEXT,
        .socket = "mysql.connector.connect(unix_socket=$socket, " ACCOUNT_TEXT,
        .tls = {
            [STRING_TLS_OFF] = { .piece = ", ssl_disabled=True" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", ssl_ca=$ca, ssl_verify_cert=True"
                                                      ", ssl_verify_identity=True" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", ssl_ca=$ca, ssl_verify_cert=True" },
        },
        .notes = "In C or in Python (use_pure=True), whichever is installed.",
        .example = "import mysql.connector\n\nconn = $string\n" DBAPI_QUERIES("prepared=True"),
    },
    {
        .id = "aiomysql",
        .also = "",
        .name = "aiomysql",
        .language = "Python",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PYTHON,
        .tcp = "aiomysql.connect(host=$host, port=$port, user=$user, "
               "password=$pylatin(password)$?database{, db=$database$}$tls)",
        .socket = "aiomysql.connect(unix_socket=$socket, user=$user, "
                  "password=$pylatin(password)$?database{, db=$database$}$tls)",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", ssl=context", .setup = CONTEXT_SETUP },
            [STRING_TLS_VERIFY_CA] = { .piece = ", ssl=context", .setup = CONTEXT_CA_SETUP },
        },
        .notes = LATIN_NOTE "into its bytes as Latin-1 (\"…\".encode().decode(\"latin1\")).\n"
                 "It goes on in plaintext, whatever is asked, when the server offers no TLS.\n"
                 SHA2_NOTE,
        .example = "import aiomysql\n" ASYNC_QUERIES,
    },
    {
        .id = "asyncmy",
        .also = "",
        .name = "asyncmy",
        .language = "Python",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PYTHON,
        .tcp = "asyncmy.connect(host=$host, port=$port, user=$user, "
               "password=$pylatin(password)$?database{, database=$database$}$tls)",
        .socket = "asyncmy.connect(unix_socket=$socket, user=$user, "
                  "password=$pylatin(password)$?database{, database=$database$}$tls)",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", ssl=context", .setup = CONTEXT_SETUP },
            [STRING_TLS_VERIFY_CA] = { .piece = ", ssl=context", .setup = CONTEXT_CA_SETUP },
        },
        .notes = LATIN_NOTE "into its bytes as Latin-1 (\"…\".encode().decode(\"latin1\")).\n"
                 SHA2_NOTE,
        .example = "import asyncmy\n" ASYNC_QUERIES,
    },
};

const struct string_shelf python_shelf = { clients, ARRAY_LEN(clients) };
