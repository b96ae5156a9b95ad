// SPDX-License-Identifier: Apache-2.0
//
// The step CONN_LOGIN: from the server's greeting to its OK, for connections on whose TLS we have a
// say. The greeting goes to the client with TLS offered or not, as far as we are concerned; its
// answer waits until the cluster's certificate is verified; then the packets of the authentication
// pass, renumbered, because each side counts its own. From the OK on it is a relay like any other.
// Only one bit of what passes is ever changed: CLIENT_SSL. The connection's worker only.
// Sources: dev.mysql.com/doc/dev/mysql-server, "Connection Phase", "Protocol::SSLRequest".
#pragma once

#include "proxy/mysql.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;
struct login;

// False: greeting and login pass unread.
bool login_is_ours(const struct conn *conn);
// Makes conn->setup->login. False: out of memory.
bool login_open(struct conn *conn);
void login_free(struct login *login); // NULL is allowed

// While the greeting is read. False: too much. Kept bytes are valid until the next call.
bool login_keep(struct login *login, const uint8_t *bytes, size_t len);
const uint8_t *login_kept(const struct login *login, size_t *out_len);
// What is kept begins with the server's ERR packet instead of a greeting: passes it and ends.
void login_pass_error(struct conn *conn);
// What is kept begins with this greeting.
void login_greeted(struct conn *conn, const struct mysql_greeting *greeting);

void login_start(struct conn *conn);
void login_cancel(struct conn *conn);
void login_on_timeout(struct conn *conn);
