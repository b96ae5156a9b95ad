// SPDX-License-Identifier: Apache-2.0
//
// The inside of a login, for login.c and login_auth.c: its two legs, client to us and us to server,
// each with sequence numbers of its own, and the packets that come and go on them. The connection's
// worker only.
#pragma once

#include "base/buf.h"
#include "proxy/auth.h"
#include "proxy/conn.h"

enum {
    LEG_ANSWER_MAX = 1024 * 1024, // pingcap/tidb: connection attributes end at 1 MiB
    LEG_PACKET_MAX = 64 * 1024,
    LEG_READ_BYTES = 64 * 1024,
};

// Whose next packet, or whose handshake, is waited for.
enum login_stage {
    LOGIN_ANSWER,     // the client's first packet
    LOGIN_CLIENT_TLS, // it asked for TLS
    LOGIN_FULL_ANSWER,
    LOGIN_SERVER_TLS, // the answer waits for it
    LOGIN_AUTH,
};

struct login {
    enum login_stage stage;
    bool offers_tls;                  // of ours, to the client
    bool client_spoke_last;           // of the two that speak on the client's leg
    uint8_t client_next, server_next; // sequence numbers
    unsigned packets;
    struct mysql_greeting greeting;
    struct auth auth;
    struct buf client_in, server_in; // arrived and not taken yet
    struct buf answer;               // the client's, until the server may have it
};

static inline struct login *login_of(const struct conn *conn)
{
    return conn->setup->login;
}

struct buf *leg_in(struct side *side);
// False: enough is waiting to be taken.
bool leg_has_room(struct side *side);
enum leg_read { LEG_OPEN, LEG_ENDED, LEG_NO_MEMORY };
// Takes what has arrived. LEG_ENDED: *out_sys is errno, 0 for a clean end.
enum leg_read leg_read(struct side *side, int *out_sys);
// Bytes as they are. False: the side takes no more, and the connection is over.
bool leg_put(struct side *side, const void *bytes, size_t len);
// The next packet of its leg; false as above.
bool leg_to_client(struct conn *conn, const void *payload, size_t len);
bool leg_to_server(struct conn *conn, const void *payload, size_t len);
// The next whole packet of a side, which stays where it is until it is dropped. NULL payload: none,
// or it was none and the connection is over.
struct mysql_packet leg_next(struct side *side, size_t payload_max);
void leg_drop(struct side *side, const struct mysql_packet *packet);
// The client has said this.
void leg_client_spoke(struct conn *conn, const struct mysql_packet *packet);
// TLS with it is up, and its answer is the next that it says.
void leg_client_turn(struct conn *conn);
// The client has been shown the greeting.
void leg_begin(struct conn *conn);

// login_auth.c. True: there may be more to take.
bool login_take_auth(struct conn *conn);
// login.c: the server has said OK.
void login_is_over(struct conn *conn);
