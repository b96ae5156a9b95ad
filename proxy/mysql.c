// SPDX-License-Identifier: Apache-2.0
//
// MySQL packets, built and read. Pure; used by conn.c.
#include "proxy/mysql.h"

#include "base/cursor.h"

#include <stdio.h>
#include <string.h>

enum { PROTOCOL_10 = 10, PACKET_ERR = 0xff, GREETING_VERSION_MAX = 255, GREETING_MAX = 1024 };

static void make_ascii(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
}

size_t mysql_err_packet(const struct err *err, uint8_t out[MYSQL_ERR_BYTES])
{
    static const char name[] = "tidblink: ";
    char text[MYSQL_TEXT_BYTES + 1];
    bool named = strncmp(err->text, name, sizeof(name) - 1) == 0;
    snprintf(text, sizeof(text), "%s%s", named ? "" : name, err->text);
    make_ascii(text);

    size_t len = strlen(text);
    size_t payload = 3 + len;
    uint16_t number = err_row(err->code)->mysql_errno;
    const uint8_t head[] = { (uint8_t)payload, (uint8_t)(payload >> 8), 0, 0, PACKET_ERR,
        (uint8_t)number, (uint8_t)(number >> 8) };
    memcpy(out, head, sizeof(head));
    for (size_t i = 0; i < len; i++) // without the NUL: the packet's length ends the text
        out[sizeof(head) + i] = (uint8_t)text[i];
    return sizeof(head) + len;
}

enum mysql_first mysql_read_greeting(const void *bytes, size_t len, struct mysql_greeting *out)
{
    struct cursor cursor = cursor_from(bytes, len);
    uint32_t payload = cursor_u24(&cursor);
    uint8_t sequence = cursor_u8(&cursor);
    uint8_t first = cursor_u8(&cursor);
    if (!cursor_ok(&cursor))
        return MYSQL_FIRST_MORE;
    if (sequence != 0 || payload > GREETING_MAX)
        return MYSQL_FIRST_OTHER;
    if (first == PACKET_ERR)
        return MYSQL_FIRST_ERR;
    if (first != PROTOCOL_10)
        return MYSQL_FIRST_OTHER;
    if (len < MYSQL_HEADER_BYTES + payload)
        return MYSQL_FIRST_MORE;

    size_t version_len = 0;
    const char *version = cursor_text(&cursor, GREETING_VERSION_MAX, &version_len);
    uint32_t connection_id = cursor_u32(&cursor);
    if (!cursor_ok(&cursor))
        return MYSQL_FIRST_OTHER;
    snprintf(out->version, sizeof(out->version), "%.*s", (int)version_len, version);
    make_ascii(out->version);
    out->connection_id = connection_id;
    // "8.0.11-TiDB-v8.5.3" (pingcap/tidb, pkg/parser/mysql/const.go, ServerVersion)
    out->is_tidb = memmem(version, version_len, "-TiDB-", 6) != NULL;
    out->packet_bytes = MYSQL_HEADER_BYTES + payload;
    return MYSQL_FIRST_GREETING;
}
