// SPDX-License-Identifier: Apache-2.0
//
// The little of the MySQL protocol that a passthrough proxy needs: an ERR packet before the
// greeting, and what the server's greeting tells. Pure. Sources:
// dev.mysql.com/doc/dev/mysql-server, "Protocol Basics", "Protocol::HandshakeV10", "ERR_Packet".
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MYSQL_HEADER_BYTES = 4,
    // Clients wrap our text in their own and cut the end: MariaDB's keeps about 385 bytes.
    MYSQL_TEXT_BYTES = 380,
    MYSQL_ERR_BYTES = MYSQL_HEADER_BYTES + 3 + MYSQL_TEXT_BYTES,
};

// An ERR packet as a server sends it instead of a greeting: sequence 0 and no SQLSTATE marker,
// because no capabilities are agreed yet (MySQL net_send_error, TiDB writeError). The text is
// err->text with "tidblink: " in front if it is not there yet, made ASCII, cut at MYSQL_TEXT_BYTES.
// Returns the packet's length.
size_t mysql_err_packet(const struct err *err, uint8_t out[MYSQL_ERR_BYTES]);

enum mysql_first { MYSQL_FIRST_GREETING, MYSQL_FIRST_ERR, MYSQL_FIRST_MORE, MYSQL_FIRST_OTHER };

struct mysql_greeting {
    uint32_t connection_id; // the low 32 bits, as SHOW PROCESSLIST has it on TiDB >= 7.3
    char version[64];       // printable ASCII, cut
    bool is_tidb;           // bare, or TiProxy in front of it: the version names TiDB
    size_t packet_bytes;    // the whole packet's length
};

// What the first bytes from a server are. Fills `out` for a greeting. MORE: the packet is not
// complete; OTHER: no MySQL server.
enum mysql_first mysql_read_greeting(const void *bytes, size_t len, struct mysql_greeting *out);
