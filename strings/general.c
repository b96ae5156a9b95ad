// SPDX-License-Identifier: Apache-2.0
//
// Clients of no language: plain parameters, the URL, and the command lines. Data only.
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
        .tcp = "mysql://$user:$password@$authority/$?database{$database$}$tls",
        .no_socket = "URLs have no common form for a unix socket: choose your client, or `params`",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?ssl-mode=VERIFY_IDENTITY&ssl-ca=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "?ssl-mode=VERIFY_CA&ssl-ca=$ca" },
        },
        .notes = "ssl-mode and ssl-ca are MySQL's own words; a client that does not know them may "
                 "ignore them and go on in plaintext: choose your client's own string if it is listed.",
    },
    {
        .id = "mysql",
        .also = "mysqlcli mysql_cli mysql-cli",
        .name = "mysql command line",
        .language = "",
        .kind = STRING_COMMAND,
        .encoding = ENCODING_SHELL,
        .tcp = "mysql --comments -u $user -h $host -P $port$?database{ -D $database$}$tls -p",
        .socket = "mysql --comments -u $user -S $socket$?database{ -D $database$}$tls -p",
        .tls = {
            [STRING_TLS_OFF] = { .piece = " --ssl-mode=DISABLED --get-server-public-key" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = " --ssl-mode=VERIFY_IDENTITY --ssl-ca=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = " --ssl-mode=VERIFY_CA --ssl-ca=$ca" },
        },
        .notes = "For MySQL's own client, 8.0 or later. Debian and Ubuntu's default-mysql-client is "
                 "MariaDB's, which does not know --ssl-mode: use `mariadb` there.\n"
                 "-p asks for the password; -pPASSWORD would show it to everybody in ps.\n"
                 "--comments keeps TiDB's optimizer hints.\n"
                 "Never -h localhost: it means the unix socket.",
    },
    {
        .id = "mariadb",
        .also = "mariadbcli mariadb-cli",
        .name = "mariadb command line",
        .language = "",
        .kind = STRING_COMMAND,
        .encoding = ENCODING_SHELL,
        .tcp = "mariadb --comments -u $user -h $host -P $port$?database{ -D $database$}$tls -p",
        .socket = "mariadb --comments -u $user -S $socket$?database{ -D $database$}$tls -p",
        .tls = {
            [STRING_TLS_OFF] = { .piece = " --skip-ssl" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = " --ssl-verify-server-cert --ssl-ca=$ca" },
            [STRING_TLS_VERIFY_CA] = { .why_not = "it checks the certificate's name as well, or "
                                                  "nothing at all: use verify-identity" },
        },
        .notes = "From 11.4 on it insists on TLS: --skip-ssl is needed where there is none.\n"
                 "-p asks for the password; -pPASSWORD would show it to everybody in ps.\n"
                 "--comments keeps TiDB's optimizer hints.\n"
                 "Never -h localhost: it means the unix socket.",
    },
};

const struct string_shelf general_shelf = { clients, ARRAY_LEN(clients) };
