// SPDX-License-Identifier: Apache-2.0
//
// MySQL's packets as far as a proxy reads and writes them: framing, the server's greeting, ERR
// packets. What a client answers is in mysql_login.h. Pure; every reader survives any bytes.
// Sources: dev.mysql.com/doc/dev/mysql-server, "Protocol Basics", "Protocol::HandshakeV10",
// "ERR_Packet", "Capabilities Flags".
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MYSQL_HEADER_BYTES = 4,
    // A payload of this length goes on in the next packet; none of the connection phase is so long.
    MYSQL_PAYLOAD_MAX = 0xffffff,
    // Clients wrap our text in their own and cut the end: MariaDB's keeps about 385 bytes.
    MYSQL_TEXT_BYTES = 380,
    MYSQL_ERR_BYTES = MYSQL_HEADER_BYTES + 3 + 6 + MYSQL_TEXT_BYTES,
    MYSQL_NONCE_BYTES = 20,
    MYSQL_PLUGIN_BYTES = 64, // a plugin's name with its NUL
};

// First bytes of a server's packets in the connection phase.
enum { MYSQL_OK = 0x00, MYSQL_MORE_DATA = 0x01, MYSQL_AUTH_SWITCH = 0xfe, MYSQL_ERR = 0xff };

enum mysql_capability {
    MYSQL_CONNECT_WITH_DB = 1 << 3,
    MYSQL_COMPRESS = 1 << 5,
    MYSQL_ODBC = 1 << 6,
    MYSQL_PROTOCOL_41 = 1 << 9,
    MYSQL_SSL = 1 << 11,
    MYSQL_RESERVED = 1 << 14,
    MYSQL_SECURE_CONNECTION = 1 << 15,
    MYSQL_PLUGIN_AUTH = 1 << 19,
    MYSQL_LENENC_AUTH = 1 << 21, // CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA
    MYSQL_ZSTD = 1 << 26,        // CLIENT_ZSTD_COMPRESSION_ALGORITHM
};

struct mysql_packet {
    const uint8_t *payload;
    size_t len; // of the payload
    uint8_t sequence;
};

enum mysql_taken { MYSQL_TAKEN_WHOLE, MYSQL_TAKEN_MORE, MYSQL_TAKEN_TOO_LONG };

// The packet at the head of `bytes`; it takes MYSQL_HEADER_BYTES + out->len of them.
enum mysql_taken mysql_take(
    const void *bytes, size_t len, size_t payload_max, struct mysql_packet *out);
void mysql_write_header(uint8_t out[MYSQL_HEADER_BYTES], size_t payload_len, uint8_t sequence);

// An ERR packet as a server sends it. Sequence 0 is one instead of a greeting, without the SQLSTATE
// marker, because no capabilities are agreed yet (MySQL net_send_error, TiDB writeError); any other
// has it. The text is err->text with "tidblink: " in front if it is not there yet, made ASCII, cut
// at MYSQL_TEXT_BYTES. Returns the packet's length.
size_t mysql_err_packet(const struct err *err, uint8_t sequence, uint8_t out[MYSQL_ERR_BYTES]);

enum mysql_first { MYSQL_FIRST_GREETING, MYSQL_FIRST_ERR, MYSQL_FIRST_MORE, MYSQL_FIRST_OTHER };

struct mysql_greeting {
    uint32_t connection_id; // the low 32 bits, as SHOW PROCESSLIST has it on TiDB >= 7.3
    char version[64];       // printable ASCII, cut
    bool is_tidb;           // bare, or TiProxy in front of it: the version names TiDB
    bool is_tiproxy;
    size_t packet_bytes;   // the whole packet's length
    uint32_t capabilities; // 0: the greeting ends before them
    size_t ssl_at; // in the packet: the byte with MYSQL_SSL, which is its 0x08; 0: there is none
    bool has_nonce;
    uint8_t nonce[MYSQL_NONCE_BYTES];
    char plugin[MYSQL_PLUGIN_BYTES]; // "" when it names none
};

// What the first bytes from a server are. Fills `out` for a greeting. MORE: the packet is not
// complete; OTHER: no MySQL server.
enum mysql_first mysql_read_greeting(const void *bytes, size_t len, struct mysql_greeting *out);
// In the packet that the greeting was read from.
void mysql_offer_ssl(uint8_t *packet, const struct mysql_greeting *greeting, bool offer);
// Whether a server's version, "8.0.11-TiDB-v8.5.3", is at least this one.
bool mysql_version_at_least(const char *version, unsigned major, unsigned minor, unsigned patch);
