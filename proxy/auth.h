// SPDX-License-Identifier: Apache-2.0
//
// An authentication as it passes through: which plugin is in use with which nonce, when it is over,
// and what caching_sha2_password needs from us. Its full authentication sends the password itself,
// in the clear inside TLS; a client without TLS asks for an RSA key instead and encrypts with it.
// TiDB has no such key, and MySQL takes what comes over TLS for the password: so we answer with a
// key of our own, decrypt, and send the password on inside the TLS to the cluster.
//
// Pure. Sources: dev.mysql.com/doc/dev/mysql-server, "Authentication Phase", "Caching_sha2_password
// information"; pingcap/tidb, pkg/server/conn.go, authSha (always the full authentication).
#pragma once

#include "proxy/mysql_login.h"

struct rsa_key;

enum { AUTH_PASSWORD_BYTES = 512 }; // what an RSA key of 4096 bits encrypts

struct auth {
    char plugin[MYSQL_PLUGIN_BYTES];
    uint8_t nonce[MYSQL_NONCE_BYTES];
    bool has_nonce;
    bool wants_password; // the server has asked for the full authentication
    bool old_padding;    // clients of this server's version pad as PKCS #1 v1.5
};

void auth_init(struct auth *auth, const struct mysql_greeting *greeting);
// The client has answered the greeting.
void auth_answered(struct auth *auth, const struct mysql_login *login);

enum auth_step {
    AUTH_GOES_ON,
    AUTH_ACCEPTED, // OK: what follows are commands
    AUTH_REFUSED,  // ERR
};
// Every packet of the server's after the client's answer, also those that are no business of ours.
enum auth_step auth_from_server(struct auth *auth, const struct mysql_packet *packet);

enum auth_reply {
    AUTH_PASS_ON,
    AUTH_GIVE_KEY, // it asks for the server's public key: answer with ours
    AUTH_DECRYPT,  // it may be encrypted with our key: see auth_decrypt
};
// A packet of a client without TLS, after its answer. One password is decrypted each time that the
// server asks: it costs a millisecond.
enum auth_reply auth_from_client(
    struct auth *auth, const struct mysql_packet *packet, const struct rsa_key *key);

// The password with its NUL, as a client with TLS would have sent it; the caller wipes it. 0: it
// was not encrypted with this key. Then the packet itself goes to the server, which answers as to
// any wrong password: whoever tries ciphertexts learns no more than that.
size_t auth_decrypt(const struct auth *auth, const struct rsa_key *key,
    const struct mysql_packet *packet, uint8_t out[AUTH_PASSWORD_BYTES]);
