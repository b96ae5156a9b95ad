// SPDX-License-Identifier: Apache-2.0
//
// The tiny server of the bench: one thread, one epoll. It greets like MySQL or TiDB (a proxy may
// wait for the server's first bytes, so every peer gets them), then answers requests of 64 bytes:
// N bytes down, or N bytes taken and a short acknowledgement.
#include "bench/common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_LISTEN = 8, EVENTS = 512, CHUNK = 256 << 10, ACCEPTS = 64, BACKLOG = 4096 };

struct session {
    int fd;
    bool waits_for_room;
    unsigned have;     // bytes of the request
    uint64_t to_read;  // of an upload
    uint64_t to_write; // of a reply
    uint8_t request[REQUEST_SIZE];
};

static struct {
    int epoll;
    int listeners[MAX_LISTEN];
    unsigned listeners_len;
    size_t greeting_len;
    uint8_t greeting[128];
    uint8_t chunk[CHUNK];
} backend;

// Protocol::HandshakeV10, dev.mysql.com/doc/dev/mysql-server/latest, "Protocol::Handshake".
static void greeting_fill(const char *version)
{
    // Thread, salt, capabilities without TLS, utf8mb4, autocommit, length of the salt with its
    // zero, ten zeros, the rest of the salt; the literal's own zero ends it.
    static const char middle[] = "\1\0\0\0"
                                 "benchsal\0"
                                 "\x8f\xa6"
                                 "\x2e"
                                 "\x02\0"
                                 "\x0f\0"
                                 "\x15"
                                 "\0\0\0\0\0\0\0\0\0\0"
                                 "tttttttttttt";
    uint8_t *p = backend.greeting + 4;
    *p++ = 10;
    memcpy(p, version, strlen(version) + 1);
    p += strlen(version) + 1;
    memcpy(p, middle, sizeof(middle));
    p += sizeof(middle);
    memcpy(p, "mysql_native_password", 22);
    p += 22;
    backend.greeting_len = (size_t)(p - backend.greeting);
    backend.greeting[0] = (uint8_t)(backend.greeting_len - 4);
}

static void session_end(struct session *session)
{
    close(session->fd);
    free(session);
}

static void watch(int operation, struct session *session, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = session };
    if (epoll_ctl(backend.epoll, operation, session->fd, &event) < 0)
        die("epoll_ctl");
}

// False: the connection is over.
static bool session_write(struct session *session)
{
    while (session->to_write > 0) {
        size_t len = session->to_write < CHUNK ? session->to_write : CHUNK;
        ssize_t sent = send(session->fd, backend.chunk, len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return false;
        if (sent < 0)
            break;
        session->to_write -= (uint64_t)sent;
    }
    bool waits = session->to_write > 0;
    if (waits != session->waits_for_room)
        watch(EPOLL_CTL_MOD, session, waits ? EPOLLOUT : EPOLLIN);
    session->waits_for_room = waits;
    return true;
}

static bool session_request(struct session *session)
{
    session->have = 0;
    uint64_t count = request_count(session->request);
    switch (request_kind(session->request)) {
    case KIND_DOWN:
        session->to_write = count;
        return session_write(session);
    case KIND_UP:
        session->to_read = count;
        return true;
    default:
        fprintf(stderr, "backend: not a request\n");
        return false;
    }
}

static bool session_read(struct session *session)
{
    if (session->to_read > 0) {
        size_t len = session->to_read < CHUNK ? session->to_read : CHUNK;
        ssize_t got = recv(session->fd, backend.chunk, len, 0);
        if (got <= 0)
            return got < 0 && errno == EAGAIN;
        session->to_read -= (uint64_t)got;
        if (session->to_read > 0)
            return true;
        session->to_write = ACK_SIZE;
        return session_write(session);
    }
    ssize_t got =
        recv(session->fd, session->request + session->have, REQUEST_SIZE - session->have, 0);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    session->have += (unsigned)got;
    return session->have < REQUEST_SIZE || session_request(session);
}

static void on_acceptable(int listener)
{
    for (int i = 0; i < ACCEPTS; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED))
            return;
        if (fd < 0)
            die("backend: accept");
        nodelay(fd);
        struct session *session = calloc(1, sizeof(*session));
        if (!session)
            die("calloc");
        session->fd = fd;
        watch(EPOLL_CTL_ADD, session, EPOLLIN);
        if (send(fd, backend.greeting, backend.greeting_len, MSG_NOSIGNAL) < 0)
            session_end(session);
    }
}

static void listen_on(const char *host, unsigned *port)
{
    struct sockaddr_in addr = ipv4(host, *port);
    socklen_t len = sizeof(addr);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || backend.listeners_len == MAX_LISTEN)
        die("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&addr, len) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
        die(host);
    *port = ntohs(addr.sin_port);
    int *slot = &backend.listeners[backend.listeners_len++];
    *slot = fd;
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = slot };
    if (epoll_ctl(backend.epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
}

static bool is_listener(const void *pointer)
{
    const int *slot = pointer;
    return slot >= backend.listeners && slot < backend.listeners + MAX_LISTEN;
}

static void serve(void)
{
    struct epoll_event events[EVENTS];
    while (true) {
        int len = epoll_wait(backend.epoll, events, EVENTS, -1);
        if (len < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < len; i++) {
            void *pointer = events[i].data.ptr;
            if (is_listener(pointer)) {
                on_acceptable(*(int *)pointer);
                continue;
            }
            struct session *session = pointer;
            if (!(session->waits_for_room ? session_write(session) : session_read(session)))
                session_end(session);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "tidb", no_argument, NULL, 't' },
        { "port", required_argument, NULL, 'p' },
        { "listen", required_argument, NULL, 'l' },
        { 0 },
    };
    const char *version = "8.0.36-bench", *hosts[MAX_LISTEN];
    unsigned port = 0, hosts_len = 0;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 't')
            version = "8.0.11-TiDB-v8.5.3";
        else if (option == 'p')
            port = (unsigned)number(optarg);
        else if (option == 'l' && hosts_len < MAX_LISTEN)
            hosts[hosts_len++] = optarg;
        else
            usage("usage: backend [--tidb] [--port PORT] [--listen ADDRESS]...\n");
    }
    if (hosts_len == 0)
        hosts[hosts_len++] = "127.0.0.1";
    raise_descriptors();
    greeting_fill(version);
    backend.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < hosts_len; i++)
        listen_on(hosts[i], &port);
    printf("{\"port\": %u}\n", port);
    fflush(stdout);
    serve();
}
