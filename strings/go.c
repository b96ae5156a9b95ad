// SPDX-License-Identifier: Apache-2.0
//
// Go. Data only. The DSN is read by ParseDSN of github.com/go-sql-driver/mysql (dsn.go): from the
// last '/' back to the last '@', the user up to the first ':'. Nothing before that '/' is decoded;
// the database is percent-decoded (from 1.8 on), parameters are query-unescaped.
#include "strings/client.h"

#include "base/defs.h"

static const struct string_limit limits[] = {
    { STRING_USER, ":", "its DSN ends the user there: use mysql.Config instead of a DSN" },
    { STRING_SOCKET, "@", "its DSN looks for the last '@' in front of the database" },
    { 0 },
};

#define REGISTER_TLS                                                                               \
    "roots := x509.NewCertPool()\n"                                                                \
    "pem, err := os.ReadFile($json(ca))\n"                                                         \
    "if err != nil {\n"                                                                            \
    "\tlog.Fatal(err)\n"                                                                           \
    "}\n"                                                                                          \
    "if !roots.AppendCertsFromPEM(pem) {\n"                                                        \
    "\tlog.Fatal(\"no certificate in the CA file\")\n"                                             \
    "}\n"                                                                                          \
    "err = mysql.RegisterTLSConfig(\"tidb\", &tls.Config{\n"                                       \
    "\tMinVersion: tls.VersionTLS12,\n"                                                            \
    "\tRootCAs:    roots,\n"                                                                       \
    "\tServerName: $json(tls_name),\n"                                                             \
    "})\n"                                                                                         \
    "if err != nil {\n"                                                                            \
    "\tlog.Fatal(err)\n"                                                                           \
    "}"

static const struct string_client clients[] = {
    {
        .id = "go",
        .also = "go_mysql_driver go-sql-driver golang",
        .name = "go-sql-driver/mysql",
        .language = "Go",
        .kind = STRING_DRIVER,
        .encoding = ENCODING_RAW,
        .tcp = "$user:$password@tcp($authority)/$?database{$percent(database)$}?parseTime=true$tls",
        .socket = "$user:$password@unix($socket)/$?database{$percent(database)$}?parseTime=true$tls",
        .any_tls_name = true,
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "&tls=tidb", .setup = REGISTER_TLS },
            [STRING_TLS_VERIFY_CA] = { .why_not = "crypto/tls checks the name as well: use "
                                                  "verify-identity and name the certificate's host" },
        },
        .limits = limits,
        .notes = "The password is not decoded: it stands in the DSN as it is, whatever it holds.\n"
                 "This is the DSN itself: inside Go source quote it (strconv.Quote).\n"
                 "Before 1.8 the database's name was not decoded either.",
    },
};

const struct string_shelf go_shelf = { clients, ARRAY_LEN(clients) };
