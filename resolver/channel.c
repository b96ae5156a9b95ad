// SPDX-License-Identifier: Apache-2.0
//
// The glue between c-ares and the loop: one watch per socket of c-ares, one timer that is set anew
// after every interaction (as ares_timeout(3) wants). Used by servers.c, which keeps the list of
// channels, and attempt.c, which asks.
#include "resolver/channel.h"

#include "base/err.h"
#include "base/loop.h"
#include "base/os.h"

#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHANNEL_TRIES = 3,
    CHANNEL_EDNS_BYTES = 1232, // fits one packet everywhere (dnsflagday.net/2020)
    DNS_PORT = 53,
};

// One socket of c-ares. It closes sockets from inside our callback on the same socket, so the watch
// is freed at the end of the turn.
struct channel_socket {
    struct watch watch;
    struct deferred grave;
    struct channel *channel;
    int fd;
    LIST_ENTRY(channel_socket) link;
};

struct channel {
    struct loop *loop;
    ares_channel ares;
    struct timer timer; // c-ares' next retransmission or timeout
    LIST_HEAD(, channel_socket) sockets;
    char server[ADDR_TEXT_BYTES];
};

static void rearm(struct channel *channel)
{
    struct timeval left;
    if (!ares_timeout(channel->ares, NULL, &left)) {
        timer_stop(&channel->timer);
        return;
    }
    // Rounded up: a timer that fires a moment early would spin until the moment has come.
    timer_start(&channel->timer, (uint64_t)left.tv_sec * 1000 + (uint64_t)left.tv_usec / 1000 + 1);
}

static void on_timeout(struct timer *timer)
{
    struct channel *channel = CONTAINER_OF(timer, struct channel, timer);
    ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    rearm(channel);
}

static void on_ready(struct watch *watch, unsigned what)
{
    struct channel_socket *socket = CONTAINER_OF(watch, struct channel_socket, watch);
    struct channel *channel = socket->channel;
    ares_process_fd(channel->ares, what & WATCH_READ ? socket->fd : ARES_SOCKET_BAD,
        what & WATCH_WRITE ? socket->fd : ARES_SOCKET_BAD);
    rearm(channel);
}

// ---- sockets of c-ares --------------------------------------------------------------------------

static struct channel_socket *socket_find(struct channel *channel, int fd)
{
    struct channel_socket *socket;
    LIST_FOREACH(socket, &channel->sockets, link) {
        if (socket->fd == fd)
            return socket;
    }
    return NULL;
}

static struct channel_socket *socket_add(struct channel *channel, int fd)
{
    struct channel_socket *socket = calloc(1, sizeof(*socket));
    if (!socket)
        return NULL; // unwatched, it ends by its timeout
    socket->channel = channel;
    socket->fd = fd;
    watch_init(&socket->watch, channel->loop, fd, on_ready);
    LIST_INSERT_HEAD(&channel->sockets, socket, link);
    return socket;
}

static void socket_bury(struct deferred *grave)
{
    free(CONTAINER_OF(grave, struct channel_socket, grave));
}

static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct channel *channel = arg;
    struct channel_socket *socket = socket_find(channel, fd);
    if (!readable && !writable) { // about to be closed
        if (!socket)
            return;
        watch_stop(&socket->watch);
        LIST_REMOVE(socket, link);
        loop_defer(channel->loop, &socket->grave, socket_bury);
        return;
    }
    if (!socket)
        socket = socket_add(channel, fd);
    if (socket)
        watch_want(&socket->watch, (readable ? WATCH_READ : 0u) | (writable ? WATCH_WRITE : 0u));
}

// ---- life ---------------------------------------------------------------------------------------

static int ares_start(struct channel *channel, uint64_t retry_ms)
{
    static char bind_only[] = "b", no_file[] = "/dev/null";
    struct ares_options options = {
        .flags = ARES_FLAG_EDNS |
                 // SERVFAIL and REFUSED come to us as they are; lookup.c asks the next server
                 ARES_FLAG_NOCHECKRESP,
        .ednspsz = CHANNEL_EDNS_BYTES,
        .timeout = (int)retry_ms,
        .tries = CHANNEL_TRIES,
        .ndots = 1,
        .lookups = bind_only, // no hosts file
        .ndomains = 0,        // no search list
        .resolvconf_path = no_file,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = channel,
    };
    return ares_init_options(&channel->ares, &options,
        ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
            ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS | ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB |
            ARES_OPT_NOROTATE);
}

static int ares_point_at(struct channel *channel, const struct addr *server)
{
    struct ares_addr_port_node node = { .family = server->any.sa_family };
    if (node.family == AF_INET)
        memcpy(&node.addr.addr4, &server->in4.sin_addr, sizeof(node.addr.addr4));
    else
        memcpy(&node.addr.addr6, &server->in6.sin6_addr, sizeof(node.addr.addr6));
    node.udp_port = node.tcp_port = addr_port(server) ? addr_port(server) : DNS_PORT;
    return ares_set_servers_ports(channel->ares, &node);
}

static void name_server(struct channel *channel, const struct addr *server)
{
    uint16_t port = addr_port(server);
    if (port == 0 || port == DNS_PORT)
        addr_format_ip(server, channel->server);
    else
        addr_format(server, channel->server);
}

struct channel *channel_new(
    struct loop *loop, const struct addr *server, uint64_t retry_ms, struct err *err)
{
    struct channel *channel = calloc(1, sizeof(*channel));
    if (!channel) {
        err_set(err, ERR_MEMORY, "out of memory for a DNS channel");
        return NULL;
    }
    channel->loop = loop;
    LIST_INIT(&channel->sockets);
    timer_init(&channel->timer, loop, on_timeout);
    name_server(channel, server);
    int status = ares_start(channel, retry_ms);
    if (status == ARES_SUCCESS)
        status = ares_point_at(channel, server);
    if (status != ARES_SUCCESS) {
        err_set(err, ERR_INTERNAL, "c-ares cannot use the DNS server %s: %s", channel->server,
            ares_strerror(status));
        channel_free(channel);
        return NULL;
    }
    return channel;
}

void channel_free(struct channel *channel)
{
    if (!channel)
        return;
    if (channel->ares)
        ares_destroy(channel->ares); // closes its sockets through on_socket_state
    timer_stop(&channel->timer);
    free(channel);
}

const char *channel_server(const struct channel *channel)
{
    return channel->server;
}

void channel_ask(
    struct channel *channel, const char *host, int type, ares_callback on_answer, void *arg)
{
    size_t len = strlen(host);
    char *absolute = NULL;
    if (len == 0 || os_asprintf(&absolute, "%s%s", host, host[len - 1] == '.' ? "" : ".") < 0) {
        on_answer(arg, len == 0 ? ARES_EBADNAME : ARES_ENOMEM, 0, NULL, 0);
        return;
    }
    ares_query(channel->ares, absolute, ns_c_in, type, on_answer, arg);
    free(absolute);
    rearm(channel);
}
