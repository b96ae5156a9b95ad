// SPDX-License-Identifier: Apache-2.0
//
// Programs written in Go that migrate schemas. Data only. Those that take a URL decode it; goose
// gives its text to go-sql-driver as it is.
#include "strings/client.h"

#include "base/defs.h"

#define NO_VERIFY_CA "crypto/tls checks the name as well: use verify-identity"
#define GO_ROOTS "export SSL_CERT_FILE=$shell(ca)"
#define ROOTS_NOTE                                                                                 \
    "tls=true trusts the system's authorities: SSL_CERT_FILE names another file of them."

static const struct string_limit goose_limits[] = {
    { STRING_USER, ":", "its DSN ends the user there" },
    { STRING_SOCKET, "@", "its DSN looks for the last '@' in front of the database" },
    { 0 },
};

static const struct string_client clients[] = {
    {
        .id = "golang-migrate",
        .also = "migrate",
        .name = "golang-migrate",
        .language = "Go",
        .kind = STRING_TOOL,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = "mysql://$user:$password@tcp($authority)/$?database{$database$}?multiStatements=true$tls",
        .socket = "mysql://$user:$password@unix($raw(socket))/$?database{$database$}?multiStatements=true$tls",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "&tls=migrate&x-tls-ca=$ca" },
            [STRING_TLS_VERIFY_CA] = { .why_not = NO_VERIFY_CA },
        },
        .limits = goose_limits + 1,
        .notes = "A DSN of go-sql-driver behind mysql://, but user and password are decoded.",
    },
    {
        .id = "goose",
        .also = "",
        .name = "goose",
        .language = "Go",
        .kind = STRING_TOOL,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_SHELL_PART,
        .tcp = "export GOOSE_DRIVER=mysql GOOSE_DBSTRING='$user:$password@tcp($authority)/"
               "$?database{$percent(database)$}?parseTime=true$tls'",
        .socket = "export GOOSE_DRIVER=mysql GOOSE_DBSTRING='$user:$password@unix($socket)/"
                  "$?database{$percent(database)$}?parseTime=true$tls'",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "&tls=true", .setup = GO_ROOTS },
            [STRING_TLS_VERIFY_CA] = { .why_not = NO_VERIFY_CA },
        },
        .limits = goose_limits,
        .notes = "The password is not decoded: it stands in the DSN as it is.\n" ROOTS_NOTE,
    },
    {
        .id = "atlas",
        .also = "",
        .name = "Atlas",
        .language = "Go",
        .kind = STRING_TOOL,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = "mysql://$user:$password@$authority/$?database{$database$}$tls",
        .no_socket = "its URL for unix sockets has no place for every path: use the TCP listener",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?tls=true", .setup = GO_ROOTS },
            [STRING_TLS_VERIFY_CA] = { .why_not = NO_VERIFY_CA },
        },
        .notes = "With a database it looks at that one only, without at all of them.\n" ROOTS_NOTE,
    },
    {
        .id = "dbmate",
        .also = "",
        .name = "dbmate",
        .language = "Go",
        .kind = STRING_TOOL,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = "export DATABASE_URL='mysql://$user:$password@$authority/$?database{$database$}$tls'",
        .socket = "export DATABASE_URL='mysql://$user:$password@/$?database{$database$}?socket=$socket'",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?tls=true", .setup = GO_ROOTS },
            [STRING_TLS_VERIFY_CA] = { .why_not = NO_VERIFY_CA },
        },
        .notes = "It needs a database. " ROOTS_NOTE,
    },
};

const struct string_shelf go_tools_shelf = { clients, ARRAY_LEN(clients) };
