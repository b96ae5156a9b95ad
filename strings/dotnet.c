// SPDX-License-Identifier: Apache-2.0
//
// .NET. Data only. Connection strings are lists of name=value as DbConnectionStringBuilder reads
// them: a value in double quotes may hold anything, a double quote being doubled.
#include "strings/client.h"

#include "base/defs.h"

#define ACCOUNT "User ID=$user;Password=$password$?database{;Database=$database$}$tls"
#define PROGRAM(NAMESPACE)                                                                         \
    "using " NAMESPACE ";\n\n"                                                                     \
    "using var conn = new MySqlConnection($json(string));\n"                                       \
    "conn.Open();\n"                                                                               \
    "using var select = new MySqlCommand(\"SELECT 1\", conn);\n"                                   \
    "var one = select.ExecuteScalar();\n"                                                          \
    "using var length = new MySqlCommand(\"SELECT LENGTH(@value)\", conn);\n"                      \
    "length.Parameters.AddWithValue(\"@value\", new string('x', 65536));\n"                        \
    "length.Prepare();\n"                                                                          \
    "Console.WriteLine($$\"{one} {length.ExecuteScalar()}\");"

static const struct string_client clients[] = {
    {
        .id = "mysqlconnector",
        .also = "dotnet csharp mysqlconnector-net",
        .name = "MySqlConnector",
        .language = ".NET",
        .kind = STRING_DRIVER,
        .encoding = ENCODING_ADO,
        .tcp = "Server=$raw(host);Port=$port;" ACCOUNT,
        .socket = "Server=$socket;ConnectionProtocol=Unix;" ACCOUNT,
        .tls = {
            [STRING_TLS_OFF] = { .piece = ";SslMode=None;AllowPublicKeyRetrieval=True" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ";SslMode=VerifyFull;SslCa=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = ";SslMode=VerifyCA;SslCa=$ca" },
        },
        .notes = "A comma in Server makes a list of servers.\n"
                 "ConnectionIdleTimeout is 180 s, below the 350 s of private endpoints.",
        .example = PROGRAM("MySqlConnector"),
    },
    {
        .id = "mysql-data",
        .also = "mysql.data connector-net",
        .name = "MySQL Connector/NET",
        .language = ".NET",
        .kind = STRING_DRIVER,
        .encoding = ENCODING_ADO,
        .tcp = "Server=$raw(host);Port=$port;" ACCOUNT,
        .socket = "Server=$socket;Protocol=unix;" ACCOUNT,
        .tls = {
            [STRING_TLS_OFF] = { .piece = ";SslMode=Disabled;AllowPublicKeyRetrieval=True" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ";SslMode=VerifyFull;SslCa=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = ";SslMode=VerifyCA;SslCa=$ca" },
        },
        .notes = "Of the package MySql.Data. SslMode=Disabled was None before 8.0.28.",
        .example = PROGRAM("MySql.Data.MySqlClient"),
    },
    {
        .id = "ef-core",
        .also = "pomelo efcore entity-framework",
        .name = "EF Core, appsettings.json",
        .language = ".NET",
        .kind = STRING_ORM,
        .encoding = ENCODING_ADO,
        .tcp = "Server=$raw(host);Port=$port;" ACCOUNT,
        .socket = "Server=$socket;ConnectionProtocol=Unix;" ACCOUNT,
        .tls = {
            [STRING_TLS_OFF] = { .piece = ";SslMode=None;AllowPublicKeyRetrieval=True" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ";SslMode=VerifyFull;SslCa=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = ";SslMode=VerifyCA;SslCa=$ca" },
        },
        .notes = "Of Pomelo, over MySqlConnector. In appsettings.json every \\ and \" of it is escaped "
                 "once more; in the environment, ConnectionStrings__Default, it is not.",
    },
};

const struct string_shelf dotnet_shelf = { clients, ARRAY_LEN(clients) };
