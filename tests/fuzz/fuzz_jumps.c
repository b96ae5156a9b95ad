// SPDX-License-Identifier: Apache-2.0
//
// What a jump answers: a SOCKS server's messages and the head of an HTTP response, in any pieces.
#include "proxy/http_connect.h"
#include "proxy/jump_child.h"
#include "proxy/socks.h"
#include "tests/fuzz/fuzz.h"

static void check_socks(const uint8_t *bytes, size_t len)
{
    if (len >= SOCKS_CHOICE_BYTES) {
        int method = socks_read_choice(bytes);
        CHECK(method == -1 || method == bytes[1]);
        int status = socks_read_auth(bytes);
        CHECK(status == -1 || status == bytes[1]);
        CHECK(fuzz_is_printable(socks_reply_words(bytes[1]), 64));
    }
    if (len >= SOCKS_REPLY_MIN_BYTES) {
        size_t reply = socks_reply_length(bytes);
        CHECK(reply == 0 || (reply >= SOCKS_REPLY_MIN_BYTES && reply <= 4 + 1 + 255 + 2));
    }
}

// However it is cut, it is read the same, and not a byte behind its end is taken.
static size_t read_head(const uint8_t *bytes, size_t len, size_t piece, struct http_connect *out,
    enum http_connect_end *out_end)
{
    size_t at = 0;
    *out = (struct http_connect){ 0 };
    *out_end = HTTP_CONNECT_MORE;
    while (at < len && *out_end == HTTP_CONNECT_MORE) {
        size_t taken, some = len - at < piece ? len - at : piece;
        uint8_t *copy = fuzz_copy(bytes + at, some);
        *out_end = http_connect_take(out, copy, some, &taken);
        free(copy);
        CHECK(taken > 0 && taken <= some);
        CHECK(*out_end != HTTP_CONNECT_MORE || taken == some);
        at += taken;
    }
    return at;
}

static void check_http(const uint8_t *bytes, size_t len)
{
    struct http_connect whole, pieces;
    enum http_connect_end end, again;
    size_t taken = read_head(bytes, len, len ? len : 1, &whole, &end);
    size_t piece = len ? 1 + bytes[0] % 7 : 1;
    CHECK(read_head(bytes, len, piece, &pieces, &again) == taken && again == end);
    CHECK(whole.status == pieces.status && strcmp(whole.reason, pieces.reason) == 0);
    CHECK(fuzz_is_printable(whole.reason, sizeof(whole.reason)));
    if (end == HTTP_CONNECT_DONE)
        CHECK(whole.status >= 200 && whole.status <= 999 && bytes[taken - 1] == '\n');
}

// The last words of a program.
static void check_said(const uint8_t *bytes, size_t len)
{
    char out[JUMP_SAID_BYTES];
    char *text = malloc(len + 1);
    CHECK(text != NULL);
    if (len)
        memcpy(text, bytes, len);
    text[len] = '\0';
    jump_child_said(text, out);
    CHECK(fuzz_is_printable(out, sizeof(out)));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    check_socks(data, len);
    check_http(data, len);
    check_said(data, len);
    return 0;
}
