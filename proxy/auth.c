// SPDX-License-Identifier: Apache-2.0
//
// What passes during an authentication. Called by login.c.
#include "proxy/auth.h"

#include "proxy/rsa_key.h"

#include <string.h>

enum {
    SHA2_FULL = 0x04, // "perform full authentication"
    SHA2_REQUEST_KEY = 0x02,
    NONCE_WITH_NUL = MYSQL_NONCE_BYTES + 1,
};

void auth_init(struct auth *auth, const struct mysql_greeting *greeting)
{
    *auth = (struct auth){ .has_nonce = greeting->has_nonce };
    memcpy(auth->plugin, greeting->plugin, sizeof(auth->plugin));
    memcpy(auth->nonce, greeting->nonce, sizeof(auth->nonce));
    // mysql/mysql-connector-j, CachingSha2PasswordPlugin: OAEP from 8.0.5 on.
    auth->old_padding = !mysql_version_at_least(greeting->version, 8, 0, 5);
}

void auth_answered(struct auth *auth, const struct mysql_login *login)
{
    memcpy(auth->plugin, login->plugin, sizeof(auth->plugin));
}

// tidb_sm3_password has the same messages (pingcap/tidb, pkg/server/conn.go, authSM3).
static bool sends_password(const struct auth *auth)
{
    return strcmp(auth->plugin, "caching_sha2_password") == 0 ||
           strcmp(auth->plugin, "tidb_sm3_password") == 0;
}

static void note_switch(struct auth *auth, const struct mysql_packet *packet)
{
    struct mysql_switch to;
    if (!mysql_read_switch(packet->payload, packet->len, &to))
        return; // the client's to complain about
    memcpy(auth->plugin, to.plugin, sizeof(auth->plugin));
    memcpy(auth->nonce, to.nonce, sizeof(auth->nonce));
    auth->has_nonce = to.has_nonce;
}

enum auth_step auth_from_server(struct auth *auth, const struct mysql_packet *packet)
{
    auth->wants_password = false;
    if (!packet->len)
        return AUTH_GOES_ON;
    switch (packet->payload[0]) {
    case MYSQL_OK:
        return AUTH_ACCEPTED;
    case MYSQL_ERR:
        return AUTH_REFUSED;
    case MYSQL_AUTH_SWITCH:
        note_switch(auth, packet);
        return AUTH_GOES_ON;
    case MYSQL_MORE_DATA:
        auth->wants_password =
            packet->len == 2 && packet->payload[1] == SHA2_FULL && sends_password(auth);
        return AUTH_GOES_ON;
    default: // a plugin's own
        return AUTH_GOES_ON;
    }
}

enum auth_reply auth_from_client(
    struct auth *auth, const struct mysql_packet *packet, const struct rsa_key *key)
{
    if (!auth->wants_password || !auth->has_nonce || !key)
        return AUTH_PASS_ON;
    if (packet->len == 1 && packet->payload[0] == SHA2_REQUEST_KEY)
        return AUTH_GIVE_KEY;
    auth->wants_password = false;
    return packet->len == rsa_key_bytes(key) ? AUTH_DECRYPT : AUTH_PASS_ON;
}

// Some drivers repeat the nonce with its NUL: 21 bytes instead of 20. Only the right length gives a
// text that ends with its only NUL. False: `text` is as it was.
static bool unmask(const struct auth *auth, size_t nonce_len, uint8_t *text, size_t len)
{
    uint8_t nonce[NONCE_WITH_NUL] = { 0 };
    memcpy(nonce, auth->nonce, MYSQL_NONCE_BYTES);
    for (size_t i = 0; i < len; i++)
        text[i] ^= nonce[i % nonce_len];
    if (memchr(text, 0, len) == text + len - 1)
        return true;
    for (size_t i = 0; i < len; i++)
        text[i] ^= nonce[i % nonce_len];
    return false;
}

static size_t decrypt_padded(const struct auth *auth, const struct rsa_key *key,
    enum rsa_padding padding, const struct mysql_packet *packet, uint8_t out[AUTH_PASSWORD_BYTES])
{
    size_t len = AUTH_PASSWORD_BYTES;
    if (!rsa_key_decrypt(key, padding, packet->payload, packet->len, out, &len) || !len)
        return 0;
    if (unmask(auth, MYSQL_NONCE_BYTES, out, len) || unmask(auth, NONCE_WITH_NUL, out, len))
        return len;
    return 0;
}

size_t auth_decrypt(const struct auth *auth, const struct rsa_key *key,
    const struct mysql_packet *packet, uint8_t out[AUTH_PASSWORD_BYTES])
{
    size_t len = decrypt_padded(auth, key, RSA_PADDING_OAEP, packet, out);
    if (!len && auth->old_padding)
        len = decrypt_padded(auth, key, RSA_PADDING_V15, packet, out);
    return len;
}
