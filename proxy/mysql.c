// SPDX-License-Identifier: Apache-2.0
//
// MySQL packets, built and read. Pure; used by conn.c, login.c, linger.c and spare.c.
#include "proxy/mysql.h"

#include "base/cursor.h"
#include "base/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROTOCOL_10 = 10,
    GREETING_VERSION_MAX = 255,
    GREETING_MAX = 1024,
    NONCE_1_BYTES = 8,
    NONCE_2_BYTES = 12,
    NONCE_2_FIELD_MIN = 13, // with its NUL
};

static void make_ascii(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
}

enum mysql_taken mysql_take(
    const void *bytes, size_t len, size_t payload_max, struct mysql_packet *out)
{
    struct cursor cursor = cursor_from(bytes, len);
    uint32_t payload_len = cursor_u24(&cursor);
    uint8_t sequence = cursor_u8(&cursor);
    if (!cursor_ok(&cursor))
        return MYSQL_TAKEN_MORE;
    if (payload_len > payload_max || payload_len >= MYSQL_PAYLOAD_MAX)
        return MYSQL_TAKEN_TOO_LONG;
    const uint8_t *payload = cursor_bytes(&cursor, payload_len);
    if (!payload)
        return MYSQL_TAKEN_MORE;
    *out = (struct mysql_packet){ payload, payload_len, sequence };
    return MYSQL_TAKEN_WHOLE;
}

void mysql_write_header(uint8_t out[MYSQL_HEADER_BYTES], size_t payload_len, uint8_t sequence)
{
    out[0] = (uint8_t)payload_len;
    out[1] = (uint8_t)(payload_len >> 8);
    out[2] = (uint8_t)(payload_len >> 16);
    out[3] = sequence;
}

// ---- ERR ----------------------------------------------------------------------------------------

// Without a NUL: the packet's length ends the text. Returns what comes behind it.
static uint8_t *put_text(uint8_t *at, const char *text, size_t len)
{
    memcpy(at, text, len);
    return at + len;
}

size_t mysql_err_packet(const struct err *err, uint8_t sequence, uint8_t out[MYSQL_ERR_BYTES])
{
    static const char name[] = "tidblink: ";
    const struct err_row *row = err_row(err->code);
    char text[MYSQL_TEXT_BYTES + 1];
    char state[7] = "";
    bool named = strncmp(err->text, name, sizeof(name) - 1) == 0;
    snprintf(text, sizeof(text), "%s%s", named ? "" : name, err->text);
    make_ascii(text);
    if (sequence)
        snprintf(state, sizeof(state), "#%s", row->sqlstate);

    size_t state_len = strlen(state), text_len = strlen(text);
    size_t payload_len = 3 + state_len + text_len;
    uint8_t *at = out;
    mysql_write_header(at, payload_len, sequence);
    at += MYSQL_HEADER_BYTES;
    *at++ = MYSQL_ERR;
    *at++ = (uint8_t)row->mysql_errno;
    *at++ = (uint8_t)(row->mysql_errno >> 8);
    at = put_text(at, state, state_len);
    put_text(at, text, text_len);
    return MYSQL_HEADER_BYTES + payload_len;
}

// ---- the greeting -------------------------------------------------------------------------------

// What follows the version and the connection id. A greeting may end anywhere (MySQL before 4.1
// ends it before the second half of the nonce): what is missing stays zero.
static void read_rest(struct cursor *cursor, const uint8_t *packet, struct mysql_greeting *out)
{
    const uint8_t *nonce_1 = cursor_bytes(cursor, NONCE_1_BYTES);
    (void)cursor_u8(cursor);
    const uint8_t *capabilities = cursor_bytes(cursor, 2);
    (void)cursor_bytes(cursor, 3); // collation, status
    uint32_t high = cursor_u16(cursor);
    uint8_t nonce_len = cursor_u8(cursor);
    (void)cursor_bytes(cursor, 10);
    if (!cursor_ok(cursor))
        return;
    out->ssl_at = (size_t)(capabilities + 1 - packet);
    out->capabilities = capabilities[0] | (uint32_t)capabilities[1] << 8 | high << 16;
    size_t field = nonce_len > NONCE_1_BYTES + NONCE_2_FIELD_MIN ? nonce_len - NONCE_1_BYTES
                                                                 : NONCE_2_FIELD_MIN;
    if (cursor_left(cursor) < NONCE_2_BYTES)
        return;
    memcpy(out->nonce, nonce_1, NONCE_1_BYTES);
    memcpy(out->nonce + NONCE_1_BYTES, cursor->at, NONCE_2_BYTES);
    out->has_nonce = true;
    (void)cursor_bytes(cursor, field);
    // Old servers leave out the name's NUL: bugs.mysql.com, bug 59453.
    size_t left = cursor_left(cursor);
    if (left && (out->capabilities & MYSQL_PLUGIN_AUTH))
        snprintf(out->plugin, sizeof(out->plugin), "%.*s", (int)left, (const char *)cursor->at);
    make_ascii(out->plugin);
}

enum mysql_first mysql_read_greeting(const void *bytes, size_t len, struct mysql_greeting *out)
{
    struct cursor cursor = cursor_from(bytes, len);
    uint32_t payload = cursor_u24(&cursor);
    uint8_t sequence = cursor_u8(&cursor);
    uint8_t first = cursor_u8(&cursor);
    if (!cursor_ok(&cursor))
        return MYSQL_FIRST_MORE;
    if (sequence != 0 || payload == 0 || payload > GREETING_MAX)
        return MYSQL_FIRST_OTHER;
    if (first == MYSQL_ERR)
        return MYSQL_FIRST_ERR;
    if (first != PROTOCOL_10)
        return MYSQL_FIRST_OTHER;
    if (len < MYSQL_HEADER_BYTES + payload)
        return MYSQL_FIRST_MORE;

    const uint8_t *packet = bytes;
    size_t version_len = 0;
    cursor = cursor_from(packet + MYSQL_HEADER_BYTES + 1, payload - 1);
    const char *version = cursor_text(&cursor, GREETING_VERSION_MAX, &version_len);
    uint32_t connection_id = cursor_u32(&cursor);
    if (!cursor_ok(&cursor))
        return MYSQL_FIRST_OTHER;
    *out = (struct mysql_greeting){ .connection_id = connection_id,
        .packet_bytes = MYSQL_HEADER_BYTES + payload };
    snprintf(out->version, sizeof(out->version), "%.*s", (int)version_len, version);
    make_ascii(out->version);
    read_rest(&cursor, packet, out);
    // "8.0.11-TiDB-v8.5.3" (pingcap/tidb, pkg/parser/mysql/const.go, ServerVersion)
    out->is_tidb = os_memmem(version, version_len, "-TiDB-", 6) != NULL;
    // TiProxy offers these, TiDB never does (pingcap/tiproxy, pkg/proxy/backend/authenticator.go,
    // SupportedServerCapabilities; pingcap/tidb, pkg/server/server.go, defaultCapability).
    out->is_tiproxy =
        out->is_tidb && (out->capabilities & (MYSQL_ODBC | MYSQL_RESERVED | MYSQL_LENENC_AUTH));
    return MYSQL_FIRST_GREETING;
}

void mysql_offer_ssl(uint8_t *packet, const struct mysql_greeting *greeting, bool offer)
{
    const uint8_t bit = MYSQL_SSL >> 8;
    if (!greeting->ssl_at)
        return;
    if (offer)
        packet[greeting->ssl_at] |= bit;
    else
        packet[greeting->ssl_at] &= (uint8_t)~bit;
}

bool mysql_version_at_least(const char *version, unsigned major, unsigned minor, unsigned patch)
{
    const unsigned wanted[] = { major, minor, patch };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        uint64_t part = 0;
        char text[8];
        size_t len = strspn(version, "0123456789");
        snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) ? len : 0), version);
        if (!parse_uint(text, 0, UINT32_MAX, &part))
            return false;
        if (part != wanted[i])
            return part > wanted[i];
        version += len;
        version += *version == '.';
    }
    return true;
}
