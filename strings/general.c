// SPDX-License-Identifier: Apache-2.0
//
// Strings for no client in particular: plain parameters and the URL. Data only.
#include "strings/client.h"

#include "base/defs.h"

// The URL has MySQL's own spelling of the TLS options: dev.mysql.com, "Connecting to the Server
// Using URI-Like Strings or Key-Value Pairs".
static const struct string_client clients[] = {
    {
        .id = "params",
        .also = "general generalparams parameters",
        .name = "Parameters",
        .language = "",
        .kind = STRING_GENERAL,
        .encoding = ENCODING_LINE,
        .tcp = "HOST      $host\n"
               "PORT      $port\n"
               "USERNAME  $user\n"
               "PASSWORD  $password"
               "$?database{\nDATABASE  $database$}$tls",
        .socket = "SOCKET    $socket\n"
                  "USERNAME  $user\n"
                  "PASSWORD  $password"
                  "$?database{\nDATABASE  $database$}$tls",
        .any_tls_name = true,
        .tls = {
            [STRING_TLS_OFF] = { .piece = "\nTLS       off" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "\nTLS       verify the certificate and its name"
                                                      "\nTLS NAME  $tls_name"
                                                      "\nCA        $ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "\nTLS       verify the certificate, not its name"
                                                "\nCA        $ca" },
        },
        .notes = "For forms with one field per value: paste the values as they are.",
    },
    {
        .id = "url",
        .also = "generalstring uri",
        .name = "URL",
        .language = "",
        .kind = STRING_GENERAL,
        .encoding = ENCODING_PERCENT,
        .tcp = "mysql://$user$?password{:$password$}@$authority/$?database{$database$}$tls",
        .no_socket = "URLs have no common form for a unix socket: choose your client, or `params`",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?ssl-mode=VERIFY_IDENTITY&ssl-ca=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "?ssl-mode=VERIFY_CA&ssl-ca=$ca" },
        },
        .notes = "ssl-mode and ssl-ca are MySQL's own words; a client that does not know them may "
                 "ignore them and go on in plaintext: choose your client's own string if it is listed.",
    },
};

const struct string_shelf general_shelf = { clients, ARRAY_LEN(clients) };
