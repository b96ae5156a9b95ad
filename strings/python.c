// SPDX-License-Identifier: Apache-2.0
//
// Python: expressions that open a connection. Data only.
#include "strings/client.h"

#include "base/defs.h"

#define ACCOUNT "user=$user, password=$pybytes(password)$?database{, database=$database$}$tls)"

static const struct string_client clients[] = {
    {
        .id = "pymysql",
        .also = "pythonpymysql python",
        .name = "PyMySQL",
        .language = "Python",
        .kind = STRING_DRIVER,
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
        .notes = "A password given as str is sent as Latin-1: if it is not ASCII, encode it "
                 "(\"…\".encode()).\n"
                 "1.0 and earlier go on in plaintext, whatever is asked, when the server offers no TLS.\n"
                 "caching_sha2_password without TLS needs the package `cryptography`.",
    },
};

const struct string_shelf python_shelf = { clients, ARRAY_LEN(clients) };
