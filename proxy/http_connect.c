// SPDX-License-Identifier: Apache-2.0
//
// CONNECT. Used by jump.c.
#include "proxy/http_connect.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum { CREDENTIALS_MAX = 511, BASE64_BYTES = 4 * ((CREDENTIALS_MAX + 2) / 3) + 1 };

// "Proxy-Authorization: Basic …" or nothing.
static void encode_credentials(const char *user, const char *password, char out[BASE64_BYTES])
{
    char pair[CREDENTIALS_MAX + 1];
    int len = snprintf(pair, sizeof(pair), "%s:%s", user, password ? password : "");
    EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)pair, len);
    OPENSSL_cleanse(pair, sizeof(pair));
}

size_t http_connect_request(const char *host, uint16_t port, const char *user, const char *password,
    char out[HTTP_CONNECT_BYTES_MAX])
{
    char credentials[BASE64_BYTES] = "";
    bool is_v6 = strchr(host, ':');
    const char *open = is_v6 ? "[" : "", *close = is_v6 ? "]" : "";
    if (user && strlen(user) + (password ? strlen(password) : 0) + 1 > CREDENTIALS_MAX)
        return 0;
    if (user)
        encode_credentials(user, password, credentials);
    int len = snprintf(out, HTTP_CONNECT_BYTES_MAX,
        "CONNECT %s%s%s:%u HTTP/1.1\r\nHost: %s%s%s:%u\r\n%s%s%s\r\n", open, host, close,
        (unsigned)port, open, host, close, (unsigned)port,
        user ? "Proxy-Authorization: Basic " : "", credentials, user ? "\r\n" : "");
    OPENSSL_cleanse(credentials, sizeof(credentials));
    return len > 0 && len < HTTP_CONNECT_BYTES_MAX ? (size_t)len : 0;
}

// "HTTP/1.1 200 Connection established": RFC 9112, 4.
static bool read_status(struct http_connect *response)
{
    const char *line = response->line;
    bool is_http =
        strncmp(line, "HTTP/1.", 7) == 0 && line[7] >= '0' && line[7] <= '9' && line[8] == ' ';
    if (!is_http)
        return false;
    int status = 0;
    for (size_t i = 9; i < 12; i++) {
        if (line[i] < '0' || line[i] > '9')
            return false;
        status = status * 10 + (line[i] - '0');
    }
    if (status < 100 || (line[12] && line[12] != ' '))
        return false;
    response->status = status;
    snprintf(response->reason, sizeof(response->reason), "%s", line[12] ? line + 13 : "");
    for (char *at = response->reason; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
    return true;
}

static enum http_connect_end end_line(struct http_connect *response)
{
    size_t len = response->line_len;
    size_t kept = len < sizeof(response->line) ? len : sizeof(response->line) - 1;
    response->line[kept] = '\0';
    if (len > 0 && len == kept && response->line[kept - 1] == '\r')
        response->line[--kept] = '\0';
    response->line_len = 0;
    bool is_empty = kept == 0;
    if (!response->has_status) {
        response->has_status = read_status(response);
        return response->has_status ? HTTP_CONNECT_MORE : HTTP_CONNECT_BAD;
    }
    if (!is_empty)
        return HTTP_CONNECT_MORE;
    if (response->status >= 200)
        return HTTP_CONNECT_DONE;
    response->has_status = false; // an interim one
    return HTTP_CONNECT_MORE;
}

static enum http_connect_end take_byte(struct http_connect *response, uint8_t byte)
{
    if (++response->head_bytes > HTTP_CONNECT_HEAD_MAX)
        return HTTP_CONNECT_BAD;
    if (byte == '\n')
        return end_line(response);
    if (response->line_len < sizeof(response->line) - 1)
        response->line[response->line_len] = (char)byte;
    response->line_len++;
    return HTTP_CONNECT_MORE;
}

enum http_connect_end http_connect_take(
    struct http_connect *response, const uint8_t *bytes, size_t len, size_t *out_taken)
{
    enum http_connect_end end = HTTP_CONNECT_MORE;
    size_t taken = 0;
    while (taken < len && end == HTTP_CONNECT_MORE)
        end = take_byte(response, bytes[taken++]);
    *out_taken = taken;
    return end;
}
