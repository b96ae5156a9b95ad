// SPDX-License-Identifier: Apache-2.0
//
// Command lines, and the files that they read. Data only.
#include "strings/client.h"

#include "base/defs.h"

#define ASK_NOTE "-p asks for the password; -pPASSWORD would show it to everybody in ps."
#define GO_VERIFY_CA "crypto/tls checks the name as well: use verify-identity"
#define GO_ROOTS "export SSL_CERT_FILE=$shell(ca)"

// The password is typed at the terminal, wherever standard input comes from.
#define SQL_PROGRAM(BEGIN, END)                                                                    \
    "value=$$(head -c 65536 /dev/zero | tr '\\0' x)\n" BEGIN " <<END\n"                            \
    "SET @one = (SELECT 1), @value = '$$value';\n"                                                 \
    "PREPARE length FROM 'SELECT CONCAT_WS(SPACE(1), @one, LENGTH(?))';\n"                         \
    "EXECUTE length USING @value;\n"                                                               \
    "END" END
#define MYSQL_PROGRAM SQL_PROGRAM("$string -N -B", "")
// It always prints the column's name first.
#define MYCLI_PROGRAM                                                                              \
    SQL_PROGRAM("rows=$$($string --no-warn", "\n) && printf '%s\\n' \"$$rows\" | tail -n 1")

static const struct string_client clients[] = {
    {
        .id = "mysql",
        .also = "mysqlcli mysql_cli mysql-cli",
        .name = "mysql command line",
        .language = "",
        .kind = STRING_COMMAND,
        .proof = STRING_PROVEN,
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
                 ASK_NOTE "\n"
                 "--comments keeps TiDB's optimizer hints.\n"
                 "Never -h localhost: it means the unix socket.",
        .example = MYSQL_PROGRAM,
    },
    {
        .id = "mariadb",
        .also = "mariadbcli mariadb-cli",
        .name = "mariadb command line",
        .language = "",
        .kind = STRING_COMMAND,
        .proof = STRING_PROVEN,
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
                 ASK_NOTE "\n"
                 "--comments keeps TiDB's optimizer hints.\n"
                 "Never -h localhost: it means the unix socket.",
        .example = MYSQL_PROGRAM,
    },
    {
        .id = "mycli",
        .also = "",
        .name = "mycli",
        .language = "",
        .kind = STRING_COMMAND,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_SHELL,
        .tcp = "mycli -u $user -h $host -P $port$?database{ -D $database$}$tls",
        .socket = "mycli -u $user -S $socket$?database{ -D $database$}",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = " --ssl-ca=$ca --ssl-verify-server-cert" },
            [STRING_TLS_VERIFY_CA] = { .piece = " --ssl-ca=$ca" },
        },
        .notes = "It asks for the password when the server wants one.\n"
                 "Over PyMySQL: a password that is not ASCII must be typed as its UTF-8 taken for Latin-1.",
        .example = MYCLI_PROGRAM,
    },
    {
        .id = "mysqlsh",
        .also = "mysql-shell",
        .name = "MySQL Shell",
        .language = "",
        .kind = STRING_COMMAND,
        .encoding = ENCODING_PERCENT,
        .tcp = "mysqlsh --sql 'mysql://$user@$authority/$?database{$database$}$tls'",
        .socket = "mysqlsh --sql 'mysql://$user@$socket/$?database{$database$}$tls'",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "?ssl-mode=DISABLED&get-server-public-key=true" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?ssl-mode=VERIFY_IDENTITY&ssl-ca=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "?ssl-mode=VERIFY_CA&ssl-ca=$ca" },
        },
        .notes = "It asks for the password. The scheme must be mysql: mysqlx is another protocol.",
    },
    {
        .id = "mysqldump",
        .also = "",
        .name = "mysqldump",
        .language = "",
        .kind = STRING_COMMAND,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_SHELL,
        .tcp = "mysqldump --single-transaction --no-tablespaces -u $user -h $host -P $port$tls -p"
               "$?database{ -- $database$}$!database{ --all-databases$}",
        .socket = "mysqldump --single-transaction --no-tablespaces -u $user -S $socket$tls -p"
                  "$?database{ -- $database$}$!database{ --all-databases$}",
        .tls = {
            [STRING_TLS_OFF] = { .piece = " --ssl-mode=DISABLED --get-server-public-key" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = " --ssl-mode=VERIFY_IDENTITY --ssl-ca=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = " --ssl-mode=VERIFY_CA --ssl-ca=$ca" },
        },
        .notes = "For MySQL's own program, 8.0 or later. MariaDB's mariadb-dump has --skip-ssl and "
                 "--ssl-verify-server-cert instead of --ssl-mode.\n"
                 ASK_NOTE,
    },
    {
        .id = "my-cnf",
        .also = "option-file defaults-extra-file my.cnf",
        .name = "MySQL option file (my.cnf)",
        .language = "",
        .kind = STRING_COMMAND,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_OPTION,
        .tcp = "[client]\n"
               "host=$raw(host)\n"
               "port=$port\n"
               "user=$user\n"
               "password=$password$tls"
               "$?database{\n[mysql]\ndatabase=$database$}",
        .socket = "[client]\n"
                  "socket=$socket\n"
                  "user=$user\n"
                  "password=$password$tls"
                  "$?database{\n[mysql]\ndatabase=$database$}",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "\nloose-ssl-mode=DISABLED\nloose-skip-ssl"
                                          "\nloose-get-server-public-key" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "\nssl-ca=$ca\nloose-ssl-mode=VERIFY_IDENTITY"
                                                      "\nloose-ssl-verify-server-cert" },
            [STRING_TLS_VERIFY_CA] = { .piece = "\nssl-ca=$ca\nssl-mode=VERIFY_CA" },
        },
        .notes = "mysql --defaults-extra-file=FILE, as the first option. A file that others may write "
                 "to is ignored: chmod 600.\n"
                 "Without the quotes a # would end the value. A line holds at most 4,096 bytes.\n"
                 "loose- options are ignored by the client, MySQL's or MariaDB's, that does not know them.",
    },
    {
        .id = "login-path",
        .also = "mysql_config_editor mylogin",
        .name = "MySQL login path",
        .language = "",
        .kind = STRING_COMMAND,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_SHELL,
        .tcp = "mysql_config_editor set --login-path=tidb --host=$host --port=$port --user=$user "
               "--password\n"
               "mysql --login-path=tidb --comments$?database{ -D $database$}$tls",
        .socket = "mysql_config_editor set --login-path=tidb --socket=$socket --user=$user --password\n"
                  "mysql --login-path=tidb --comments$?database{ -D $database$}$tls",
        .tls = {
            [STRING_TLS_OFF] = { .piece = " --ssl-mode=DISABLED --get-server-public-key" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = " --ssl-mode=VERIFY_IDENTITY --ssl-ca=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = " --ssl-mode=VERIFY_CA --ssl-ca=$ca" },
        },
        .notes = "It asks for the password once and keeps it in ~/.mylogin.cnf, obfuscated only.\n"
                 "A password with a # must be typed in double quotes.",
        .example = MYSQL_PROGRAM,
    },
    {
        .id = "usql",
        .also = "ticloud",
        .name = "usql",
        .language = "",
        .kind = STRING_COMMAND,
        .encoding = ENCODING_PERCENT,
        .tcp = "usql -W 'mysql://$user@$authority/$?database{$database$}$tls'",
        .no_socket = "its URL finds a unix socket by looking through the disk: use the TCP listener",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "?tls=false" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?tls=true", .setup = GO_ROOTS },
            [STRING_TLS_VERIFY_CA] = { .why_not = GO_VERIFY_CA },
        },
        .notes = "-W asks for the password. tls=true trusts the system's authorities: SSL_CERT_FILE "
                 "names another file of them.",
    },
    {
        .id = "lightning",
        .also = "tidb-lightning",
        .name = "TiDB Lightning, in TOML",
        .language = "",
        .kind = STRING_TOOL,
        .encoding = ENCODING_JSON,
        .tcp = "[tidb]\n"
               "host = $host\n"
               "port = $port\n"
               "user = $user\n"
               "password = \"$base(password)\"$tls",
        .no_socket = "it takes a host and a port only: use the TCP listener",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "\ntls = \"false\"" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "\ntls = \"cluster\"\n[tidb.security]\nca-path = $ca" },
            [STRING_TLS_VERIFY_CA] = { .why_not = GO_VERIFY_CA },
        },
        .notes = "The password in Base64: one in plain text that happens to be Base64 would be decoded.\n"
                 "With backend = \"tidb\": the physical import needs more of the cluster than SQL.",
    },
    {
        .id = "ticdc",
        .also = "ticdc-sink",
        .name = "TiCDC sink URI",
        .language = "",
        .kind = STRING_TOOL,
        .encoding = ENCODING_PERCENT,
        .tcp = "tidb://$user:$password@$authority/$tls",
        .no_socket = "it takes a host and a port only: use the TCP listener",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?ssl-ca=$ca" },
            [STRING_TLS_VERIFY_CA] = { .why_not = GO_VERIFY_CA },
        },
        .notes = "It replicates into the databases of the same names: the URI has none.",
    },
};

const struct string_shelf commands_shelf = { clients, ARRAY_LEN(clients) };
