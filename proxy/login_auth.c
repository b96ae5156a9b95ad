// SPDX-License-Identifier: Apache-2.0
//
// The last stage of a login: packets of the authentication pass, and auth.c tells what each means.
// Called by login.c.
#include "proxy/leg.h"

#include "base/log.h"
#include "base/os.h"
#include "proxy/rsa_key.h"
#include "proxy/view.h"

#include <stdlib.h>
#include <string.h>

// The password of a unix socket's client comes in the clear already.
static const struct rsa_key *rsa_of(const struct conn *conn)
{
    if (conn->client.io.tls || !conn->server.io.tls || conn->client_peer.family == AF_UNIX)
        return NULL;
    return tls_identity_rsa(conn->view->identity);
}

static bool pass_password(struct conn *conn, const struct mysql_packet *packet)
{
    uint8_t password[AUTH_PASSWORD_BYTES];
    size_t len = auth_decrypt(&login_of(conn)->auth, rsa_of(conn), packet, password);
    bool fine;
    if (len) {
        fine = leg_to_server(conn, password, len);
    } else {
        conn_log(conn, LOG_DEBUG,
            "a password that was not encrypted with this proxy's RSA key goes on as it is: does "
            "the client pin another key?");
        fine = leg_to_server(conn, packet->payload, packet->len);
    }
    os_wipe(password, sizeof(password));
    return fine;
}

static bool give_key(struct conn *conn)
{
    size_t len;
    uint8_t message[1024];
    const char *pem = rsa_key_pem(rsa_of(conn), &len);
    if (len >= sizeof(message))
        abort(); // a key of 4096 bits has 800
    message[0] = MYSQL_MORE_DATA;
    memcpy(message + 1, pem, len);
    return leg_to_client(conn, message, len + 1);
}

// Number 0 is a command, which a hasty client has sent before the OK: it waits for that, whatever
// its length.
static bool is_command(const struct buf *in)
{
    return buf_len(in) >= MYSQL_HEADER_BYTES && buf_head(in)[3] == 0;
}

static bool take_client_packet(struct conn *conn)
{
    struct login *login = login_of(conn);
    if (is_command(leg_in(&conn->client)))
        return false;
    struct mysql_packet packet = leg_next(&conn->client, LEG_PACKET_MAX);
    if (!packet.payload)
        return false;
    leg_client_spoke(conn, &packet);
    bool fine = false;
    switch (auth_from_client(&login->auth, &packet, rsa_of(conn))) {
    case AUTH_PASS_ON:
        fine = leg_to_server(conn, packet.payload, packet.len);
        break;
    case AUTH_GIVE_KEY:
        fine = give_key(conn);
        break;
    case AUTH_DECRYPT:
        fine = pass_password(conn, &packet);
        break;
    }
    if (fine)
        leg_drop(&conn->client, &packet);
    return fine;
}

static bool take_server_packet(struct conn *conn)
{
    struct login *login = login_of(conn);
    struct mysql_packet packet = leg_next(&conn->server, LEG_PACKET_MAX);
    if (!packet.payload)
        return false;
    login->server_next = packet.sequence + 1;
    enum auth_step step = auth_from_server(&login->auth, &packet);
    if (!leg_to_client(conn, packet.payload, packet.len))
        return false;
    leg_drop(&conn->server, &packet);
    if (step == AUTH_ACCEPTED) {
        boundary_logged_in(&conn->boundary);
        login_is_over(conn);
    }
    if (step == AUTH_REFUSED)
        conn_linger(conn);
    return step == AUTH_GOES_ON;
}

bool login_take_auth(struct conn *conn)
{
    return take_server_packet(conn) || (conn->state == CONN_LOGIN && take_client_packet(conn));
}
