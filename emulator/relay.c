// SPDX-License-Identifier: Apache-2.0
//
// A pair of bufferevents for each connection; wires.c owns them. The loop's thread only.
#include "emulator/relay.h"

#include "base/addr.h"
#include "base/loop.h"
#include "base/net.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { HELD_BYTES_MAX = 1 << 20 }; // for a side that does not read

struct end {
    struct bufferevent *stream;
    bool is_connected;
    bool has_ended; // it sends no more
    bool is_shut;   // … and was told that the other sends no more
};

struct relay {
    LIST_ENTRY(relay) link;
    struct relays *relays;
    struct end client, backend;
};

static struct end *other_of(struct relay *relay, const struct end *end)
{
    return end == &relay->client ? &relay->backend : &relay->client;
}

static struct end *end_of(struct relay *relay, const struct bufferevent *stream)
{
    return stream == relay->client.stream ? &relay->client : &relay->backend;
}

static size_t held(const struct end *end)
{
    return evbuffer_get_length(bufferevent_get_output(end->stream));
}

static void relay_free(struct relay *relay)
{
    LIST_REMOVE(relay, link);
    bufferevent_free(relay->client.stream);
    bufferevent_free(relay->backend.stream);
    free(relay);
}

static void reset(struct relay *relay)
{
    net_reset_on_close(bufferevent_getfd(relay->client.stream));
    if (bufferevent_getfd(relay->backend.stream) >= 0)
        net_reset_on_close(bufferevent_getfd(relay->backend.stream));
    relay_free(relay);
}

// Passes the end of one direction on when all of it was written; true if that was the last.
static bool pass_end(struct relay *relay, struct end *to)
{
    if (!other_of(relay, to)->has_ended || !to->is_connected || to->is_shut || held(to) > 0)
        return false;
    to->is_shut = true;
    shutdown(bufferevent_getfd(to->stream), SHUT_WR);
    if (!relay->client.is_shut || !relay->backend.is_shut)
        return false;
    relay_free(relay);
    return true;
}

static void on_readable(struct bufferevent *stream, void *arg)
{
    struct relay *relay = arg;
    struct end *to = other_of(relay, end_of(relay, stream));
    bufferevent_write_buffer(to->stream, bufferevent_get_input(stream));
    if (held(to) > HELD_BYTES_MAX)
        bufferevent_disable(stream, EV_READ);
}

static void on_written(struct bufferevent *stream, void *arg)
{
    struct relay *relay = arg;
    struct end *to = end_of(relay, stream), *from = other_of(relay, to);
    if (pass_end(relay, to))
        return;
    if (!from->has_ended && !relay->relays->is_frozen)
        bufferevent_enable(from->stream, EV_READ);
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
    struct relay *relay = arg;
    struct end *end = end_of(relay, stream);
    if (what & BEV_EVENT_ERROR) {
        reset(relay);
        return;
    }
    if (what & BEV_EVENT_CONNECTED) {
        end->is_connected = true;
        pass_end(relay, end);
    } else if (what & BEV_EVENT_EOF) {
        end->has_ended = true;
        pass_end(relay, other_of(relay, end));
    }
}

static struct bufferevent *open_stream(struct relay *relay, int fd)
{
    struct bufferevent *stream =
        bufferevent_socket_new(loop_base(relay->relays->loop), fd, BEV_OPT_CLOSE_ON_FREE);
    if (!stream)
        abort();
    bufferevent_setcb(stream, on_readable, on_written, on_event, relay);
    return stream;
}

void relays_init(struct relays *relays, struct loop *loop)
{
    *relays = (struct relays){ .loop = loop };
    LIST_INIT(&relays->open);
}

void relays_add(struct relays *relays, int fd, const struct addr *backend)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    if (!relay)
        abort();
    relay->relays = relays;
    LIST_INSERT_HEAD(&relays->open, relay, link);
    relay->client = (struct end){ .stream = open_stream(relay, fd), .is_connected = true };
    relay->backend.stream = open_stream(relay, -1);
    net_nodelay(fd);
    if (bufferevent_socket_connect(relay->backend.stream, &backend->any, (int)backend->len) < 0) {
        reset(relay);
        return;
    }
    net_nodelay(bufferevent_getfd(relay->backend.stream));
    bufferevent_enable(relay->client.stream, EV_READ | EV_WRITE);
    bufferevent_enable(relay->backend.stream, EV_READ | EV_WRITE);
}

void relays_cut(struct relays *relays)
{
    struct relay *relay, *next;
    LIST_FOREACH_SAFE(relay, &relays->open, link, next)
        reset(relay);
}

void relays_freeze(struct relays *relays, bool is_frozen)
{
    struct relay *relay;
    if (relays->is_frozen == is_frozen)
        return;
    relays->is_frozen = is_frozen;
    LIST_FOREACH(relay, &relays->open, link) {
        struct bufferevent *streams[] = { relay->client.stream, relay->backend.stream };
        for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
            if (is_frozen)
                bufferevent_disable(streams[i], EV_READ | EV_WRITE);
            else
                bufferevent_enable(streams[i], EV_READ | EV_WRITE);
        }
    }
}
