// SPDX-License-Identifier: Apache-2.0
//
// The few packets of MySQL's protocol that the bench's client and server need to look right to a
// proxy which follows the protocol: greeting, log-in, query, result. Source:
// dev.mysql.com/doc/dev/mysql-server, "Client/Server Protocol".
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SQL_HEADER = 4,
    SQL_SMALL = 160, // more than any of them but a result has
    SQL_SSL_REQUEST = SQL_HEADER + 32,
    SQL_OK_SIZE = SQL_HEADER + 7,
    SQL_QUIT = 1,
    SQL_QUERY = 3,
    SQL_OK = 0,
    SQL_SWITCH = 0xfe,
};

size_t sql_len(const uint8_t *packet); // of the payload
size_t sql_greeting(uint8_t out[SQL_SMALL], const char *version, bool offers_tls);
// `tls`: behind an SSLRequest, or that request itself.
size_t sql_ssl_request(uint8_t out[SQL_SMALL]);
size_t sql_login(uint8_t out[SQL_SMALL], bool tls);
bool sql_is_ssl_request(const uint8_t *packet);
size_t sql_switched(uint8_t out[SQL_SMALL], uint8_t sequence); // the answer to an auth switch
size_t sql_ok(uint8_t out[SQL_SMALL], uint8_t sequence);
size_t sql_quit(uint8_t out[SQL_SMALL]);

// A result of one column, `total` bytes on the wire, in rows of `row` bytes on the wire.
enum { SQL_RESULT_MIN = 64, SQL_ROW_MIN = 16 };
void sql_result(uint8_t *out, size_t total, size_t row);
