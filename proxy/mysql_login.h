// SPDX-License-Identifier: Apache-2.0
//
// What passes between client and server from the greeting to the end of the authentication: the
// client's answer, the server's change of the plugin. Pure; every reader survives any bytes.
// Sources: dev.mysql.com/doc/dev/mysql-server, "Protocol::SSLRequest",
// "Protocol::HandshakeResponse", "Protocol::AuthSwitchRequest"; pingcap/tidb,
// pkg/server/internal/parse/parse.go.
#pragma once

#include "proxy/mysql.h"

enum { MYSQL_LOGIN_HEAD_BYTES = 32, MYSQL_USER_SHOWN_BYTES = 64 };

enum mysql_answer {
    MYSQL_ANSWER_FULL,        // a HandshakeResponse41
    MYSQL_ANSWER_SSL_REQUEST, // it wants TLS now, and answers in full behind that
    MYSQL_ANSWER_320,         // of before 4.1: MySQL 8 and TiDB no longer speak that
    MYSQL_ANSWER_BROKEN,
};

struct mysql_login {
    uint32_t capabilities;
    char user[MYSQL_USER_SHOWN_BYTES]; // printable ASCII, cut
    char plugin[MYSQL_PLUGIN_BYTES];   // "" when it names none
};

// The client's first packet, or its second one behind an SSLRequest.
enum mysql_answer mysql_read_answer(const uint8_t *payload, size_t len, struct mysql_login *out);
// In the first bytes of a HandshakeResponse41 or an SSLRequest.
void mysql_set_ssl(uint8_t payload[MYSQL_LOGIN_HEAD_BYTES], bool on);

struct mysql_switch {
    char plugin[MYSQL_PLUGIN_BYTES];
    bool has_nonce;
    uint8_t nonce[MYSQL_NONCE_BYTES];
};

// An AuthSwitchRequest, MYSQL_AUTH_SWITCH being its first byte. Alone it is the switch to
// mysql_old_password, and gives "". False: broken.
bool mysql_read_switch(const uint8_t *payload, size_t len, struct mysql_switch *out);
