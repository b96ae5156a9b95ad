// SPDX-License-Identifier: Apache-2.0
//
// A client's answer to the greeting: the payload of the packet.
#include "proxy/auth.h"
#include "tests/fuzz/fuzz.h"

// The head decides over the kind of the answer, but for the bit that we set and clear ourselves.
static void check_head(const uint8_t *payload, size_t len, enum mysql_answer answer)
{
    struct mysql_login read;
    uint8_t *copy = fuzz_copy(payload, len);
    mysql_set_ssl(copy, true);
    enum mysql_answer with = mysql_read_answer(copy, len, &read);
    CHECK(read.capabilities & MYSQL_SSL);
    CHECK(with == (len == MYSQL_LOGIN_HEAD_BYTES ? MYSQL_ANSWER_SSL_REQUEST : MYSQL_ANSWER_FULL));
    mysql_set_ssl(copy, false);
    CHECK(mysql_read_answer(copy, len, &read) == MYSQL_ANSWER_FULL);
    CHECK(!(read.capabilities & MYSQL_SSL));
    CHECK(answer == MYSQL_ANSWER_FULL || len == MYSQL_LOGIN_HEAD_BYTES);
    copy[1] ^= (payload[1] ^ copy[1]) & (MYSQL_SSL >> 8);
    CHECK(memcmp(copy, payload, len) == 0);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct mysql_login login;
    uint8_t *payload = fuzz_copy(data, len);
    enum mysql_answer answer = mysql_read_answer(payload, len, &login);
    CHECK(fuzz_is_printable(login.user, sizeof(login.user)));
    CHECK(fuzz_is_printable(login.plugin, sizeof(login.plugin)));
    switch (answer) {
    case MYSQL_ANSWER_FULL:
    case MYSQL_ANSWER_SSL_REQUEST:
        CHECK(len >= MYSQL_LOGIN_HEAD_BYTES && (login.capabilities & MYSQL_PROTOCOL_41));
        CHECK((login.capabilities & MYSQL_PLUGIN_AUTH) || !login.plugin[0]);
        CHECK(answer == MYSQL_ANSWER_FULL || (!login.user[0] && !login.plugin[0]));
        check_head(payload, len, answer);
        break;
    case MYSQL_ANSWER_320:
        CHECK(len >= 2 && !login.capabilities);
        break;
    case MYSQL_ANSWER_BROKEN:
        CHECK(len < MYSQL_LOGIN_HEAD_BYTES && !login.capabilities);
        break;
    }
    struct auth auth = { .plugin = "x" };
    auth_answered(&auth, &login);
    CHECK(strcmp(auth.plugin, login.plugin) == 0);
    free(payload);
    return 0;
}
