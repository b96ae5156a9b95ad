// SPDX-License-Identifier: Apache-2.0
//
// Node.js: mysql2 with an options object, and with a URL for programs that take one from their
// environment. Data only. The URL is read by WHATWG URL and decodeURIComponent; every query value
// that parses as JSON is taken as JSON (lib/connection_config.js).
#include "strings/client.h"

#include "base/defs.h"

#define ACCOUNT "user: $user, password: $password$?database{, database: $database$}$tls })"
#define NO_IPV6 "it looks the host up with its brackets: use an IPv4 address, a name, or `mysql2`"
#define NO_IP_IDENTITY                                                                             \
    "it cannot check a certificate against an IP address: use the name, or verify only the CA"
// {"rejectUnauthorized":true,"verifyIdentity":true}
#define URL_REJECT "ssl=%7B%22rejectUnauthorized%22%3Atrue"
#define URL_SETUP "export NODE_EXTRA_CA_CERTS=$shell(ca)"

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
    },
    {
        .id = "mysql2-url",
        .also = "node-url",
        .name = "mysql2 with a URL",
        .language = "Node.js",
        .kind = STRING_DRIVER,
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
                 "A URL cannot name a CA file: Node reads it from NODE_EXTRA_CA_CERTS at start.",
    },
};

const struct string_shelf node_shelf = { clients, ARRAY_LEN(clients) };
