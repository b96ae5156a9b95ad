// SPDX-License-Identifier: Apache-2.0
//
// The client's answer and the server's change of the plugin, read. Used by login.c and auth.c.
#include "proxy/mysql_login.h"

#include "base/cursor.h"

#include <stdio.h>
#include <string.h>

// Behind the header of 32 bytes; what is missing there is the server's to complain about.
static void read_body(struct cursor *cursor, struct mysql_login *out);

static void copy_name(char *out, size_t size, const char *name, size_t len)
{
    snprintf(out, size, "%.*s", (int)(len < size ? len : size - 1), name);
    for (unsigned char *c = (unsigned char *)out; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
}

enum mysql_answer mysql_read_answer(const uint8_t *payload, size_t len, struct mysql_login *out)
{
    struct cursor cursor = cursor_from(payload, len);
    *out = (struct mysql_login){ 0 };
    uint32_t capabilities = cursor_u16(&cursor);
    if (!cursor_ok(&cursor))
        return MYSQL_ANSWER_BROKEN;
    if (!(capabilities & MYSQL_PROTOCOL_41))
        return MYSQL_ANSWER_320;
    capabilities |= (uint32_t)cursor_u16(&cursor) << 16;
    (void)cursor_bytes(&cursor, MYSQL_LOGIN_HEAD_BYTES - 4);
    if (!cursor_ok(&cursor))
        return MYSQL_ANSWER_BROKEN; // also Connector/J's SSLRequest of 4 bytes, which TiDB refuses
    out->capabilities = capabilities;
    bool is_request = (capabilities & MYSQL_SSL) && !cursor_left(&cursor);
    if (is_request)
        return MYSQL_ANSWER_SSL_REQUEST;
    read_body(&cursor, out);
    return MYSQL_ANSWER_FULL;
}

// A length-encoded integer, as far as a packet of the connection phase can need it. "Protocol
// Basics", "Protocol::LengthEncodedInteger".
static size_t read_lenenc(struct cursor *cursor)
{
    uint8_t first = cursor_u8(cursor);
    if (first < 0xfb)
        return first;
    if (first == 0xfc)
        return cursor_u16(cursor);
    if (first == 0xfd)
        return cursor_u24(cursor);
    cursor->failed = true;
    return 0;
}

static size_t auth_len(struct cursor *cursor, uint32_t capabilities)
{
    if (capabilities & MYSQL_LENENC_AUTH)
        return read_lenenc(cursor);
    if (capabilities & MYSQL_SECURE_CONNECTION)
        return cursor_u8(cursor);
    size_t len = 0;
    (void)cursor_text(cursor, cursor_left(cursor), &len);
    if (cursor_ok(cursor)) { // the text is passed already
        cursor->at -= len + 1;
        cursor->left += len + 1;
    }
    return len;
}

static void read_body(struct cursor *cursor, struct mysql_login *out)
{
    size_t len = 0;
    const char *user = cursor_text(cursor, cursor_left(cursor), &len);
    if (!user)
        return;
    copy_name(out->user, sizeof(out->user), user, len);
    len = auth_len(cursor, out->capabilities);
    bool ends_in_nul =
        !(out->capabilities & (MYSQL_LENENC_AUTH | MYSQL_SECURE_CONNECTION)); // not counted
    const uint8_t *auth = cursor_bytes(cursor, len + ends_in_nul);
    if (auth && (out->capabilities & MYSQL_CONNECT_WITH_DB))
        (void)cursor_text(cursor, cursor_left(cursor), &len);
    if (!(out->capabilities & MYSQL_PLUGIN_AUTH))
        return;
    const char *plugin = cursor_text(cursor, cursor_left(cursor), &len);
    if (plugin)
        copy_name(out->plugin, sizeof(out->plugin), plugin, len);
}

void mysql_set_ssl(uint8_t payload[MYSQL_LOGIN_HEAD_BYTES], bool on)
{
    const uint8_t bit = MYSQL_SSL >> 8;
    payload[1] = on ? payload[1] | bit : payload[1] & (uint8_t)~bit;
}

bool mysql_read_switch(const uint8_t *payload, size_t len, struct mysql_switch *out)
{
    struct cursor cursor = cursor_from(payload, len);
    *out = (struct mysql_switch){ 0 };
    if (cursor_u8(&cursor) != MYSQL_AUTH_SWITCH || !cursor_ok(&cursor))
        return false;
    if (!cursor_left(&cursor))
        return true;
    size_t name_len = 0;
    const char *name = cursor_text(&cursor, MYSQL_PLUGIN_BYTES - 1, &name_len);
    if (!name)
        return false;
    copy_name(out->plugin, sizeof(out->plugin), name, name_len);
    const uint8_t *nonce = cursor_bytes(&cursor, MYSQL_NONCE_BYTES);
    out->has_nonce = nonce != NULL;
    if (nonce)
        memcpy(out->nonce, nonce, MYSQL_NONCE_BYTES);
    return true;
}
