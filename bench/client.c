// SPDX-License-Identifier: Apache-2.0
#include "bench/load.h"

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
    client->state = CLIENT_FREE;
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
    client->asked = now;
    client->got = 0;
    client->want = options->upload ? ACK_SIZE : options->size;
    client->state = CLIENT_REPLY;
    ssize_t sent = send(client->fd, request, sizeof(request), MSG_NOSIGNAL);
    if (sent != REQUEST_SIZE) {
        client_fail(load, client, "sending a request", sent < 0 ? errno : 0);
        return;
    }
    if (options->upload) {
        client->to_send = options->size;
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
    ssize_t sent = send(client->fd, chunk, len, MSG_NOSIGNAL);
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

static void client_reply(struct load *load, struct client *client)
{
    ssize_t got = recv(client->fd, chunk, CHUNK, 0);
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
    case CLIENT_REPLY:
        client_reply(load, client);
        break;
    case CLIENT_HELD:
        client_fail(load, client, "an event on an idle connection", 0);
        break;
    }
}
