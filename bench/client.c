// SPDX-License-Identifier: Apache-2.0
#include "bench/load.h"
#include "bench/sql.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 256 << 10, HEAD = 5, GREETING_MAX = 256, PROTOCOL_10 = 10 };

static uint8_t chunk[CHUNK];

bool load_measures(const struct load *load, uint64_t when)
{
    return load->from > 0 && when >= load->from && when < load->until;
}

static void watch(struct load *load, struct client *client, int operation, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = client };
    if (epoll_ctl(load->epoll, operation, client->fd, &event) < 0)
        die("epoll_ctl");
}

void client_close(struct load *load, struct client *client)
{
    if (client->state == CLIENT_FREE)
        return;
    if (client->state == CLIENT_HELD)
        load->held--;
    if (load->options.logs_in && client->state >= CLIENT_REPLY) {
        uint8_t quit[SQL_SMALL];
        (void)wire_send(client->ssl, client->fd, quit, sql_quit(quit));
    }
    client->state = CLIENT_FREE;
    wire_end(client->ssl);
    client->ssl = NULL;
    close(client->fd);
    load->open--;
}

static void client_fail(struct load *load, struct client *client, const char *what, int sys)
{
    failures_add(&load->failures, what, sys);
    client_close(load, client);
}

// Many source addresses, so that neither the client's TIME_WAIT nor its search for a free port is
// what is measured. https://man7.org/linux/man-pages/man7/ip.7.html, IP_BIND_ADDRESS_NO_PORT
static bool bind_source(struct load *load, int fd)
{
    int on = 1;
    unsigned source = load->source++ % load->options.sources;
    struct sockaddr_in addr = { .sin_family = AF_INET };
    addr.sin_addr.s_addr = htonl(0x7f010001U + (source / 200 << 8) + source % 200);
    return setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) == 0 &&
           bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0;
}

void client_open(struct load *load, struct client *client)
{
    *client = (struct client){ .state = CLIENT_GREETING, .want = HEAD };
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        die("socket");
    load->open++;
    nodelay(client->fd);
    if (load->options.sources > 0 && !bind_source(load, client->fd)) {
        client_fail(load, client, "bind", errno);
        return;
    }
    client->opened = now_ns();
    const struct sockaddr_in *server = &load->options.server;
    if (connect(client->fd, (const struct sockaddr *)server, sizeof(*server)) < 0 &&
        errno != EINPROGRESS) {
        client_fail(load, client, "connect", errno);
        return;
    }
    // Not EPOLLOUT: the greeting tells as much, and a failure is an event in any case.
    watch(load, client, EPOLL_CTL_ADD, EPOLLIN);
}

void client_ask(struct load *load, struct client *client, uint64_t now)
{
    uint8_t request[REQUEST_SIZE];
    const struct load_options *options = &load->options;
    request_fill(request, options->upload ? KIND_UP : KIND_DOWN, options->size);
    if (options->logs_in)
        request_to_query(request, options->upload ? options->size : REQUEST_SIZE);
    client->asked = now;
    client->got = 0;
    client->want = !options->upload ? options->size : options->logs_in ? SQL_OK_SIZE : ACK_SIZE;
    client->state = CLIENT_REPLY;
    ssize_t sent = wire_send(client->ssl, client->fd, request, sizeof(request));
    if (sent != REQUEST_SIZE) {
        client_fail(load, client, "sending a request", sent < 0 ? errno : 0);
        return;
    }
    if (options->upload) {
        // A query has its own beginning in it.
        client->to_send = options->size - (options->logs_in ? REQUEST_SIZE : 0);
        client->state = CLIENT_UPLOAD;
        watch(load, client, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
}

static void count_bytes(struct load *load, size_t len)
{
    load->total_bytes += len;
    if (load_measures(load, now_ns()))
        load->bytes += len;
}

static void client_upload(struct load *load, struct client *client)
{
    size_t len = client->to_send < CHUNK ? client->to_send : CHUNK;
    ssize_t sent = wire_send(client->ssl, client->fd, chunk, len);
    if (sent < 0 && errno == EAGAIN)
        return;
    if (sent < 0) {
        client_fail(load, client, "uploading", errno);
        return;
    }
    count_bytes(load, (size_t)sent);
    client->to_send -= (uint64_t)sent;
    if (client->to_send == 0) {
        client->state = CLIENT_REPLY;
        watch(load, client, EPOLL_CTL_MOD, EPOLLIN);
    }
}

static void client_greeting(struct load *load, struct client *client)
{
    uint8_t *at = client->got < HEAD ? client->head + client->got : chunk;
    ssize_t got = recv(client->fd, at, client->want - client->got, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        client_fail(load, client, "waiting for the greeting", got < 0 ? errno : ECONNRESET);
        return;
    }
    client->got += (uint64_t)got;
    if (client->want == HEAD && client->got == HEAD) {
        client->want = 4U + (unsigned)(client->head[0] | client->head[1] << 8);
        if (client->head[4] != PROTOCOL_10 || client->want > GREETING_MAX) {
            client_fail(load, client, "no greeting but an error packet", 0);
            return;
        }
        client_greeting(load, client); // the rest is here already, almost always
    } else if (client->got == client->want) {
        load_on_greeting(load, client, now_ns());
    }
}

// ---- the log-in --------------------------------------------------------------------------------

static void client_send_login(struct load *load, struct client *client)
{
    uint8_t packet[SQL_SMALL];
    size_t len = sql_login(packet, client->ssl != NULL);
    client->state = CLIENT_LOGIN;
    client->got = 0;
    client->want = HEAD;
    if (wire_send(client->ssl, client->fd, packet, len) != (ssize_t)len)
        client_fail(load, client, "logging in", errno);
}

static void client_handshake(struct load *load, struct client *client)
{
    switch (wire_handshake(client->ssl)) {
    case WIRE_WAIT:
        break;
    case WIRE_DONE:
        load->handshakes++;
        load->resumed += SSL_session_reused(client->ssl) == 1;
        client_send_login(load, client);
        break;
    case WIRE_FAILED:
        client_fail(load, client, wire_error(), 0);
        break;
    }
}

void client_log_in(struct load *load, struct client *client)
{
    uint8_t packet[SQL_SMALL];
    if (!load->options.context) {
        client_send_login(load, client);
        return;
    }
    size_t len = sql_ssl_request(packet);
    if (send(client->fd, packet, len, MSG_NOSIGNAL) != (ssize_t)len) {
        client_fail(load, client, "asking for TLS", errno);
        return;
    }
    client->ssl = wire_begin(load->options.context, client->fd, false);
    client->state = CLIENT_TLS;
    client_handshake(load, client);
}

static void client_answered(struct load *load, struct client *client)
{
    uint8_t packet[SQL_SMALL];
    switch (client->head[SQL_HEADER]) {
    case SQL_OK:
        client_ask(load, client, now_ns());
        break;
    case SQL_SWITCH: {
        size_t len = sql_switched(packet, (uint8_t)(client->head[3] + 1));
        client->got = 0;
        client->want = HEAD;
        if (wire_send(client->ssl, client->fd, packet, len) != (ssize_t)len)
            client_fail(load, client, "switching the plugin", errno);
        break;
    }
    default:
        chunk[client->got - HEAD < 80 ? client->got - HEAD : 80] = 0;
        client_fail(load, client, (const char *)chunk, 0); // behind number and SQLSTATE
        break;
    }
}

static void client_login(struct load *load, struct client *client)
{
    bool in_head = client->got < HEAD;
    uint8_t *at = in_head ? client->head + client->got : chunk + (client->got - HEAD);
    ssize_t got = wire_recv(client->ssl, client->fd, at, client->want - client->got);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        client_fail(load, client, "waiting for the log-in", got < 0 ? errno : ECONNRESET);
        return;
    }
    client->got += (uint64_t)got;
    if (in_head && client->got == HEAD) {
        client->want = SQL_HEADER + sql_len(client->head);
        if (client->want > CHUNK)
            client_fail(load, client, "a log-in's answer that is too long", 0);
        else if (client->want > HEAD)
            client_login(load, client); // the rest is here already, almost always
    }
    if (client->state == CLIENT_LOGIN && client->got == client->want && client->got >= HEAD)
        client_answered(load, client);
}

// ---- replies -----------------------------------------------------------------------------------

static void client_reply(struct load *load, struct client *client)
{
    ssize_t got = wire_recv(client->ssl, client->fd, chunk, CHUNK);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        client_fail(load, client, "waiting for a reply", got < 0 ? errno : ECONNRESET);
        return;
    }
    client->got += (uint64_t)got;
    if (!load->options.upload && load->options.mode == MODE_STREAM)
        count_bytes(load, (size_t)got);
    if (client->got > client->want)
        client_fail(load, client, "a reply with too many bytes", 0);
    else if (client->got == client->want)
        load_on_reply(load, client, now_ns());
}

void client_event(struct load *load, struct client *client, uint32_t events)
{
    switch (client->state) {
    case CLIENT_FREE:
        break; // closed by an event before this one
    case CLIENT_GREETING:
        client_greeting(load, client);
        break;
    case CLIENT_UPLOAD:
        if (events & (EPOLLERR | EPOLLHUP | EPOLLIN))
            client_fail(load, client, "the connection ended while uploading", 0);
        else
            client_upload(load, client);
        break;
    case CLIENT_TLS:
        client_handshake(load, client);
        break;
    case CLIENT_LOGIN:
        client_login(load, client);
        break;
    case CLIENT_REPLY:
        do
            client_reply(load, client);
        while (client->state == CLIENT_REPLY && wire_has_more(client->ssl));
        break;
    case CLIENT_HELD:
        client_fail(load, client, "an event on an idle connection", 0);
        break;
    }
}
