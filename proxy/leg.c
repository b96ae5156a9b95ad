// SPDX-License-Identifier: Apache-2.0
//
// Packets of a login, in and out. Called by login.c and login_auth.c.
#include "proxy/leg.h"

#include "base/net.h"
#include "base/os.h"
#include "proxy/refusal.h"
#include "proxy/worker.h"

#include <errno.h>
#include <string.h>

enum { LEG_PACKETS = 128 }; // of one login, both sides

struct buf *leg_in(struct side *side)
{
    struct login *login = login_of(side_conn(side));
    return side->is_client ? &login->client_in : &login->server_in;
}

// ---- packets out --------------------------------------------------------------------------------

// The number of an ERR packet of ours, should one follow: a client whose turn it is will have said
// something before it reads it.
static void note_turn(struct conn *conn)
{
    const struct login *login = login_of(conn);
    uint8_t next = login->client_next + !login->client_spoke_last;
    conn->setup->sequence = next ? next : 1; // 0 stands for no greeting yet
}

// False: the side takes no more, and the connection is over.
bool leg_put(struct side *side, const void *bytes, size_t len)
{
    struct conn *conn = side_conn(side);
    side->asked = true;
    if (io_write(&conn->worker->io, &side->io, bytes, len))
        return true;
    if (errno == ENOMEM) {
        conn_close(conn, CLOSE_INTERNAL);
    } else if (side->is_client) {
        conn_close(conn, CLOSE_CLIENT_GONE);
    } else {
        struct err err;
        refusal_login(conn->view, "closed the connection", errno, &err);
        conn_refuse(conn, &err);
    }
    return false;
}

// In one write, so that it is one segment and one TLS record; only an answer with very many
// attributes takes more.
static bool put_packet(struct side *side, uint8_t sequence, const void *payload, size_t len)
{
    uint8_t *packet = side_conn(side)->worker->scratch;
    const size_t room = IO_BYTES_MAX - MYSQL_HEADER_BYTES;
    size_t part = len < room ? len : room;
    mysql_write_header(packet, len, sequence);
    memcpy(packet + MYSQL_HEADER_BYTES, payload, part);
    bool fine = leg_put(side, packet, MYSQL_HEADER_BYTES + part);
    os_wipe(packet, MYSQL_HEADER_BYTES + part);
    for (size_t done = part; fine && done < len; done += part) {
        part = len - done < IO_BYTES_MAX ? len - done : IO_BYTES_MAX;
        fine = leg_put(side, (const uint8_t *)payload + done, part);
    }
    return fine;
}

bool leg_to_client(struct conn *conn, const void *payload, size_t len)
{
    struct login *login = login_of(conn);
    uint8_t sequence = login->client_next++;
    login->client_spoke_last = false;
    note_turn(conn);
    return put_packet(&conn->client, sequence, payload, len);
}

bool leg_to_server(struct conn *conn, const void *payload, size_t len)
{
    return put_packet(&conn->server, login_of(conn)->server_next++, payload, len);
}

// ---- bytes in -----------------------------------------------------------------------------------

bool leg_has_room(struct side *side)
{
    size_t max = side->is_client ? LEG_ANSWER_MAX : LEG_PACKET_MAX;
    return buf_len(leg_in(side)) < MYSQL_HEADER_BYTES + max;
}

enum leg_read leg_read(struct side *side, int *out_sys)
{
    struct worker *worker = side_conn(side)->worker;
    side->io.was_full = true;
    while (side->io.was_full && leg_has_room(side)) {
        ssize_t got = io_read(&worker->io, &side->io, worker->scratch, LEG_READ_BYTES);
        *out_sys = got < 0 ? errno : 0;
        if (got < 0 && net_is_transient(*out_sys))
            return LEG_OPEN;
        if (got <= 0)
            return LEG_ENDED;
        bool kept = buf_append(leg_in(side), worker->scratch, (size_t)got);
        os_wipe(worker->scratch, (size_t)got);
        if (!kept)
            return LEG_NO_MEMORY;
    }
    return LEG_OPEN;
}

// ---- packets in ---------------------------------------------------------------------------------

struct mysql_packet leg_next(struct side *side, size_t payload_max)
{
    struct conn *conn = side_conn(side);
    struct login *login = login_of(conn);
    const struct buf *in = leg_in(side);
    struct mysql_packet packet = { 0 };
    enum mysql_taken taken = mysql_take(buf_head(in), buf_len(in), payload_max, &packet);
    if (taken == MYSQL_TAKEN_WHOLE && login->packets++ < LEG_PACKETS)
        return packet;
    if (taken == MYSQL_TAKEN_MORE)
        return (struct mysql_packet){ 0 };
    struct err err;
    if (side->is_client)
        refusal_broken_client(&err);
    else
        refusal_login(conn->view, "sent something that is no MySQL", EPROTO, &err);
    conn_refuse(conn, &err);
    return (struct mysql_packet){ 0 };
}

static void count(struct side *side, size_t bytes)
{
    struct worker_counters *counters = &side_conn(side)->worker->counters;
    side->received += bytes;
    worker_count(
        side->is_client ? &counters->client_bytes : &counters->server_bytes, (int64_t)bytes);
}

void leg_drop(struct side *side, const struct mysql_packet *packet)
{
    size_t len = MYSQL_HEADER_BYTES + packet->len;
    count(side, len);
    buf_consume(leg_in(side), len);
}

void leg_begin(struct conn *conn)
{
    struct login *login = login_of(conn);
    login->client_next = 1;
    login->server_next = conn->server.io.tls ? 2 : 1; // its SSLRequest was number 1
    note_turn(conn);
}

// The client's own numbers are taken as they come: what is wrong with them is the server's to say.
void leg_client_spoke(struct conn *conn, const struct mysql_packet *packet)
{
    struct login *login = login_of(conn);
    login->client_next = packet->sequence + 1;
    login->client_spoke_last = true;
    note_turn(conn);
}

void leg_client_turn(struct conn *conn)
{
    login_of(conn)->client_spoke_last = false;
    note_turn(conn);
}
