// SPDX-License-Identifier: Apache-2.0
#include "bench/sql.h"

#include <string.h>

enum {
    SSL_CAPABILITY = 0x0800,
    HEAD = 41, // of a result: number of columns, the column, EOF
    END = 9,
    STRING_SHORT = 251, // longest is one less, with a length of one byte
    TAIL_MIN = 6,
};

static const char plugin[] = "mysql_native_password";

// LONG_PASSWORD, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH: what TiDB and MySQL
// offer and every driver asks for, without those that change what a result looks like.
static const uint8_t login_capabilities[] = { 0x01, 0xa2, 0x08, 0x00 };

static void header(uint8_t *packet, size_t payload, unsigned sequence)
{
    packet[0] = (uint8_t)payload;
    packet[1] = (uint8_t)(payload >> 8);
    packet[2] = (uint8_t)(payload >> 16);
    packet[3] = (uint8_t)sequence;
}

static size_t whole(uint8_t *packet, const uint8_t *end, unsigned sequence)
{
    header(packet, (size_t)(end - packet) - SQL_HEADER, sequence);
    return (size_t)(end - packet);
}

size_t sql_len(const uint8_t *packet)
{
    return packet[0] | (size_t)packet[1] << 8 | (size_t)packet[2] << 16;
}

// Protocol::HandshakeV10.
size_t sql_greeting(uint8_t out[SQL_SMALL], const char *version, bool offers_tls)
{
    // Thread, salt, capabilities without TLS, utf8mb4, autocommit, length of the salt with its
    // zero, ten zeros, the rest of the salt; the literal's own zero ends it.
    static const char middle[] = "\1\0\0\0"
                                 "benchsal\0"
                                 "\x8f\xa6"
                                 "\x2e"
                                 "\x02\0"
                                 "\x0f\0"
                                 "\x15"
                                 "\0\0\0\0\0\0\0\0\0\0"
                                 "tttttttttttt";
    enum { CAPABILITIES_HIGH_BYTE = 14 };
    uint8_t *p = out + SQL_HEADER;
    *p++ = 10;
    memcpy(p, version, strlen(version) + 1);
    p += strlen(version) + 1;
    memcpy(p, middle, sizeof(middle));
    if (offers_tls)
        p[CAPABILITIES_HIGH_BYTE] |= SSL_CAPABILITY >> 8;
    p += sizeof(middle);
    memcpy(p, plugin, sizeof(plugin));
    return whole(out, p + sizeof(plugin), 0);
}

static uint8_t *login_head(uint8_t *p, bool tls)
{
    memset(p, 0, 32);
    memcpy(p, login_capabilities, sizeof(login_capabilities));
    if (tls)
        p[1] |= SSL_CAPABILITY >> 8;
    p[7] = 1; // packets of up to 16 MiB
    p[8] = 0x2e;
    return p + 32;
}

size_t sql_ssl_request(uint8_t out[SQL_SMALL])
{
    return whole(out, login_head(out + SQL_HEADER, true), 1);
}

// Protocol::HandshakeResponse41.
size_t sql_login(uint8_t out[SQL_SMALL], bool tls)
{
    static const char user[] = "bench";
    uint8_t *p = login_head(out + SQL_HEADER, tls);
    memcpy(p, user, sizeof(user));
    p += sizeof(user);
    *p++ = 20;
    memset(p, 'a', 20);
    p += 20;
    memcpy(p, plugin, sizeof(plugin));
    return whole(out, p + sizeof(plugin), tls ? 2 : 1);
}

bool sql_is_ssl_request(const uint8_t *packet)
{
    return sql_len(packet) == SQL_SSL_REQUEST - SQL_HEADER &&
           (packet[SQL_HEADER + 1] & SSL_CAPABILITY >> 8);
}

size_t sql_switched(uint8_t out[SQL_SMALL], uint8_t sequence)
{
    memset(out + SQL_HEADER, 'a', 20);
    return whole(out, out + SQL_HEADER + 20, sequence);
}

size_t sql_ok(uint8_t out[SQL_SMALL], uint8_t sequence)
{
    memcpy(out + SQL_HEADER, "\0\0\0\2\0\0\0", 7);
    return whole(out, out + SQL_OK_SIZE, sequence);
}

size_t sql_quit(uint8_t out[SQL_SMALL])
{
    out[SQL_HEADER] = SQL_QUIT;
    return whole(out, out + SQL_HEADER + 1, 0);
}

static uint8_t *put_eof(uint8_t *p, unsigned sequence)
{
    memcpy(p + SQL_HEADER, "\xfe\0\0\2\0", 5);
    return p + whole(p, p + END, sequence);
}

// Number of columns, Protocol::ColumnDefinition41 of a VAR_STRING named x, EOF.
static uint8_t *put_head(uint8_t *p)
{
    static const char column[] = "\3def\0\0\0\1x\0\x0c\x2e\0\xff\xff\xff\0\xfd\0\0\0\0";
    p[SQL_HEADER] = 1;
    p += whole(p, p + SQL_HEADER + 1, 1);
    memcpy(p + SQL_HEADER, column, sizeof(column));
    p += whole(p, p + SQL_HEADER + sizeof(column), 2);
    return put_eof(p, 3);
}

static uint8_t *put_row(uint8_t *p, size_t bytes, unsigned sequence)
{
    size_t payload = bytes - SQL_HEADER;
    uint8_t *text = p + SQL_HEADER;
    header(p, payload, sequence);
    memset(text, 'x', payload);
    if (payload - 1 < STRING_SHORT) {
        text[0] = (uint8_t)(payload - 1);
    } else if (payload - 3 <= 0xffff) {
        text[0] = 0xfc;
        text[1] = (uint8_t)(payload - 3);
        text[2] = (uint8_t)((payload - 3) >> 8);
    } else {
        text[0] = 0xfd;
        text[1] = (uint8_t)(payload - 4);
        text[2] = (uint8_t)((payload - 4) >> 8);
        text[3] = (uint8_t)((payload - 4) >> 16);
    }
    return p + bytes;
}

void sql_result(uint8_t *out, size_t total, size_t row)
{
    const uint8_t *end = out + total - END;
    uint8_t *p = put_head(out);
    unsigned sequence = 4;
    while (p < end) {
        size_t left = (size_t)(end - p);
        p = put_row(p, left < row + TAIL_MIN ? left : row, sequence++);
    }
    put_eof(p, sequence);
}
