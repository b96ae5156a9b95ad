// SPDX-License-Identifier: Apache-2.0
//
// A whole authentication. An input is: how many bytes come at a time, then the packets of both
// sides, one behind the other; even numbers are the server's, as when both take turns.
#include "proxy/auth.h"
#include "proxy/rsa_key.h"
#include "tests/fuzz/fuzz.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PAYLOAD_MAX = 0x10000 };

struct exchange {
    struct auth auth;
    bool answered;
};

static struct rsa_key *key;

// A key that everybody may read, as one in a checkout, is not taken: of a copy of ours.
static void open_key(void)
{
    struct err err;
    char path[] = "/tmp/fuzz_key_XXXXXX", bytes[4096];
    FILE *file = fopen(FUZZ_KEY, "r");
    CHECK(file);
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    close(fd);
    key = rsa_key_open(path, &err);
    unlink(path);
    CHECK(key);
    CHECK(rsa_key_bytes(key) == 256);
}

static void from_server(struct auth *auth, const struct mysql_packet *packet)
{
    struct mysql_switch to;
    bool is_switch = mysql_read_switch(packet->payload, packet->len, &to);
    CHECK(fuzz_is_printable(to.plugin, sizeof(to.plugin)));
    CHECK(!is_switch || (packet->len && packet->payload[0] == MYSQL_AUTH_SWITCH));
    struct auth before = *auth;
    enum auth_step step = auth_from_server(auth, packet);
    CHECK(fuzz_is_printable(auth->plugin, sizeof(auth->plugin)));
    CHECK(auth->old_padding == before.old_padding);
    CHECK(step == AUTH_GOES_ON || (packet->len && !auth->wants_password));
    if (auth->wants_password)
        CHECK(packet->len == 2 && packet->payload[0] == MYSQL_MORE_DATA);
    if (is_switch)
        CHECK(strcmp(auth->plugin, to.plugin) == 0 && auth->has_nonce == to.has_nonce);
    else
        CHECK(memcmp(auth->nonce, before.nonce, sizeof(before.nonce)) == 0);
}

static void decrypt(const struct auth *auth, const struct mysql_packet *packet)
{
    uint8_t password[AUTH_PASSWORD_BYTES];
    size_t len = auth_decrypt(auth, key, packet, password);
    CHECK(len <= sizeof(password));
    CHECK(!len || memchr(password, 0, len) == password + len - 1);
}

static void from_client(struct exchange *exchange, const struct mysql_packet *packet)
{
    struct mysql_login login;
    if (!exchange->answered) {
        enum mysql_answer answer = mysql_read_answer(packet->payload, packet->len, &login);
        exchange->answered = answer == MYSQL_ANSWER_FULL;
        if (exchange->answered)
            auth_answered(&exchange->auth, &login);
        return;
    }
    struct auth *auth = &exchange->auth;
    bool wanted = auth->wants_password && auth->has_nonce;
    CHECK(auth_from_client(auth, packet, NULL) == AUTH_PASS_ON);
    enum auth_reply reply = auth_from_client(auth, packet, key);
    CHECK(reply == AUTH_PASS_ON || wanted);
    CHECK(reply != AUTH_GIVE_KEY || packet->len == 1);
    CHECK(!auth->wants_password || !wanted ||
          reply == AUTH_GIVE_KEY); // one for each time it is asked
    if (reply == AUTH_DECRYPT)
        decrypt(auth, packet);
}

static void use_packet(struct exchange *exchange, const struct mysql_packet *packet)
{
    uint8_t *payload = fuzz_copy(packet->payload, packet->len);
    struct mysql_packet copy = { payload, packet->len, packet->sequence };
    if (packet->sequence % 2)
        from_client(exchange, &copy);
    else
        from_server(&exchange->auth, &copy);
    CHECK(memcmp(payload, packet->payload, packet->len) == 0);
    free(payload);
}

// What has come so far: takes the packets that are whole, and returns their length.
static size_t take(struct exchange *exchange, const uint8_t *bytes, size_t len, bool *too_long)
{
    size_t done = 0;
    for (;;) {
        struct mysql_packet packet = { 0 };
        uint8_t header[MYSQL_HEADER_BYTES];
        uint8_t *left = fuzz_copy(bytes + done, len - done);
        enum mysql_taken taken = mysql_take(left, len - done, PAYLOAD_MAX, &packet);
        if (taken == MYSQL_TAKEN_WHOLE) {
            CHECK(packet.payload == left + MYSQL_HEADER_BYTES && packet.len <= PAYLOAD_MAX);
            CHECK(packet.len <= len - done - MYSQL_HEADER_BYTES);
            mysql_write_header(header, packet.len, packet.sequence);
            CHECK(memcmp(header, left, sizeof(header)) == 0);
            use_packet(exchange, &packet);
            done += MYSQL_HEADER_BYTES + packet.len;
        }
        free(left);
        *too_long = taken == MYSQL_TAKEN_TOO_LONG;
        if (taken != MYSQL_TAKEN_WHOLE)
            return done;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (!key)
        open_key();
    if (!len)
        return 0;
    struct mysql_greeting greeting = { 0 };
    struct exchange exchange = { 0 };
    size_t chunk = data[0] + 1U;
    data++;
    len--;
    size_t start = 0;
    if (mysql_read_greeting(data, len, &greeting) == MYSQL_FIRST_GREETING)
        start = greeting.packet_bytes;
    auth_init(&exchange.auth, &greeting);
    bool too_long = false;
    for (size_t end = start; end < len && !too_long;) {
        end += len - end < chunk ? len - end : chunk;
        start += take(&exchange, data + start, end - start, &too_long);
    }
    return 0;
}
