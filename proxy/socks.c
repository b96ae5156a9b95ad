// SPDX-License-Identifier: Apache-2.0
//
// SOCKS 5. Used by jump.c.
#include "proxy/socks.h"

#include "base/defs.h"

#include <string.h>

enum { VERSION = 5, AUTH_VERSION = 1, CONNECT = 1 };
enum { ADDRESS_IPV4 = 1, ADDRESS_NAME = 3, ADDRESS_IPV6 = 4 };

static size_t put_text(uint8_t *out, const char *text)
{
    size_t len = 0;
    for (; text[len]; len++)
        out[1 + len] = (uint8_t)text[len];
    out[0] = (uint8_t)len;
    return len + 1;
}

size_t socks_offer(bool with_password, uint8_t out[SOCKS_BYTES_MAX])
{
    out[0] = VERSION;
    out[1] = with_password ? 2 : 1;
    out[2] = SOCKS_NO_AUTH;
    out[3] = SOCKS_PASSWORD;
    return with_password ? 4 : 3;
}

size_t socks_login(const char *user, const char *password, uint8_t out[SOCKS_BYTES_MAX])
{
    out[0] = AUTH_VERSION;
    size_t len = 1 + put_text(out + 1, user);
    return len + put_text(out + len, password);
}

size_t socks_request(const char *host, uint16_t port, uint8_t out[SOCKS_BYTES_MAX])
{
    static const uint8_t head[] = { VERSION, CONNECT, 0, ADDRESS_NAME };
    memcpy(out, head, sizeof(head));
    size_t len = sizeof(head) + put_text(out + sizeof(head), host);
    out[len++] = (uint8_t)(port >> 8);
    out[len++] = (uint8_t)port;
    return len;
}

int socks_read_choice(const uint8_t bytes[SOCKS_CHOICE_BYTES])
{
    return bytes[0] == VERSION ? bytes[1] : -1;
}

int socks_read_auth(const uint8_t bytes[SOCKS_AUTH_BYTES])
{
    // Some servers answer with the version of the protocol around it.
    return bytes[0] == AUTH_VERSION || bytes[0] == VERSION ? bytes[1] : -1;
}

int socks_read_code(const uint8_t bytes[SOCKS_CODE_BYTES])
{
    return bytes[0] == VERSION ? bytes[1] : -1;
}

size_t socks_reply_length(const uint8_t *bytes)
{
    enum { HEAD = 4, PORT = 2 };
    if (bytes[0] != VERSION)
        return 0;
    switch (bytes[3]) {
    case ADDRESS_IPV4:
        return HEAD + 4 + PORT;
    case ADDRESS_IPV6:
        return HEAD + 16 + PORT;
    case ADDRESS_NAME:
        return HEAD + 1 + (size_t)bytes[4] + PORT;
    default:
        return 0;
    }
}

const char *socks_reply_words(uint8_t code)
{
    static const char *const words[] = {
        "succeeded",
        "general failure",
        "its rules do not allow this connection",
        "network unreachable",
        "host unreachable",
        "connection refused",
        "TTL expired",
        "command not supported",
        "address type not supported",
    };
    return code < ARRAY_LEN(words) ? words[code] : "unassigned";
}
