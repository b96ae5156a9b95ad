// SPDX-License-Identifier: Apache-2.0
//
// The first bytes from a server: read, offered with TLS and without, and put to use.
#include "proxy/auth.h"
#include "tests/fuzz/fuzz.h"

static unsigned bits_changed(const uint8_t *a, const uint8_t *b, size_t len)
{
    unsigned changed = 0;
    for (size_t i = 0; i < len; i++)
        changed += (unsigned)__builtin_popcount(a[i] ^ b[i]);
    return changed;
}

// Exactly one bit, the one that the capabilities are read from, or nothing at all.
static void check_offer(const uint8_t *packet, size_t len, const struct mysql_greeting *greeting)
{
    uint8_t *without = fuzz_copy(packet, len);
    uint8_t *with = fuzz_copy(packet, len);
    struct mysql_greeting again;
    mysql_offer_ssl(without, greeting, false);
    mysql_offer_ssl(with, greeting, true);
    CHECK(bits_changed(without, with, len) == (greeting->ssl_at ? 1 : 0));
    bool had_ssl = greeting->capabilities & MYSQL_SSL;
    CHECK(memcmp(packet, had_ssl ? with : without, len) == 0);

    CHECK(mysql_read_greeting(without, len, &again) == MYSQL_FIRST_GREETING);
    CHECK(again.capabilities == (greeting->capabilities & ~(uint32_t)MYSQL_SSL));
    CHECK(mysql_read_greeting(with, len, &again) == MYSQL_FIRST_GREETING);
    CHECK(again.capabilities == (greeting->ssl_at ? greeting->capabilities | MYSQL_SSL : 0));
    again.capabilities = greeting->capabilities;
    CHECK(again.ssl_at == greeting->ssl_at && again.packet_bytes == greeting->packet_bytes);
    CHECK(memcmp(again.nonce, greeting->nonce, sizeof(again.nonce)) == 0);
    CHECK(strcmp(again.plugin, greeting->plugin) == 0);
    free(with);
    free(without);
}

static void check_greeting(const uint8_t *packet, size_t len, const struct mysql_greeting *greeting)
{
    CHECK(greeting->packet_bytes <= len && greeting->packet_bytes > MYSQL_HEADER_BYTES);
    CHECK(greeting->ssl_at < greeting->packet_bytes);
    CHECK(greeting->ssl_at || (!greeting->capabilities && !greeting->has_nonce));
    CHECK(greeting->has_nonce || !greeting->plugin[0]);
    CHECK(greeting->is_tidb || !greeting->is_tiproxy);
    CHECK(fuzz_is_printable(greeting->version, sizeof(greeting->version)));
    CHECK(fuzz_is_printable(greeting->plugin, sizeof(greeting->plugin)));
    check_offer(packet, len, greeting);

    struct auth auth;
    auth_init(&auth, greeting);
    CHECK(auth.has_nonce == greeting->has_nonce && !auth.wants_password);
    CHECK(strcmp(auth.plugin, greeting->plugin) == 0);
    CHECK(auth.old_padding == !mysql_version_at_least(greeting->version, 8, 0, 5));
    // Whoever is new enough for a version is so for every older one.
    CHECK(!mysql_version_at_least(greeting->version, 8, 0, 5) ||
          mysql_version_at_least(greeting->version, 8, 0, 4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct mysql_greeting greeting, again;
    uint8_t *packet = fuzz_copy(data, len);
    enum mysql_first first = mysql_read_greeting(packet, len, &greeting);
    if (first == MYSQL_FIRST_GREETING) {
        check_greeting(packet, len, &greeting);
        // What follows the packet has no say, and without its last byte it is not complete.
        uint8_t *alone = fuzz_copy(data, greeting.packet_bytes);
        CHECK(mysql_read_greeting(alone, greeting.packet_bytes, &again) == MYSQL_FIRST_GREETING);
        CHECK(again.capabilities == greeting.capabilities && again.ssl_at == greeting.ssl_at);
        CHECK(strcmp(again.plugin, greeting.plugin) == 0);
        free(alone);
        alone = fuzz_copy(data, greeting.packet_bytes - 1);
        CHECK(mysql_read_greeting(alone, greeting.packet_bytes - 1, &again) == MYSQL_FIRST_MORE);
        free(alone);
    }
    free(packet);
    return 0;
}
