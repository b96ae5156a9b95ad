// SPDX-License-Identifier: Apache-2.0
//
// The tiny server of the bench: one thread, one epoll. It greets like MySQL or TiDB (a proxy may
// wait for the server's first bytes, so every peer gets them), then answers requests of 64 bytes:
// N bytes down, or N bytes taken and a short acknowledgement. With --cert it speaks as much of
// MySQL's protocol as a proxy that follows it must see: TLS when the client asks for it, any
// log-in, queries and results.
#include "bench/common.h"
#include "bench/sql.h"
#include "bench/wire.h"

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
enum { PACKET_SEEN = 256, TRAFFIC_ROW = 16 << 10 };

// Made once for each size that is asked for.
struct result {
    struct result *next;
    size_t len;
    uint8_t bytes[];
};

enum stage { STAGE_PLAIN_REQUESTS, STAGE_ANSWER, STAGE_TLS, STAGE_LOGIN, STAGE_QUERIES };

struct session {
    int fd;
    bool waits_for_room;
    uint8_t stage;               // enum stage
    uint8_t sequence;            // of the packet that is answered next
    unsigned have;               // bytes of the request
    uint64_t to_read;            // of an upload
    uint64_t to_write;           // of a reply
    const struct result *result; // its bytes; NULL: any
    SSL *ssl;
    uint8_t request[PACKET_SEEN];
};

static struct {
    int epoll;
    int listeners[MAX_LISTEN];
    unsigned listeners_len;
    size_t greeting_len;
    uint8_t greeting[SQL_SMALL];
    uint8_t chunk[CHUNK];
    SSL_CTX *context; // NULL: requests only
    struct result *results;
    size_t row;
} backend;

static void session_end(struct session *session)
{
    wire_end(session->ssl);
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
        const struct result *result = session->result;
        size_t len = result || session->to_write < CHUNK ? session->to_write : CHUNK;
        const uint8_t *bytes = result ? result->bytes + (result->len - len) : backend.chunk;
        ssize_t sent = wire_send(session->ssl, session->fd, bytes, len);
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

static bool session_sql(struct session *session);

static bool session_read(struct session *session)
{
    if (session->stage != STAGE_PLAIN_REQUESTS)
        return session_sql(session);
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

// ---- MySQL's protocol --------------------------------------------------------------------------

static const struct result *result_of(size_t len)
{
    struct result *result = backend.results;
    while (result && result->len != len)
        result = result->next;
    if (result)
        return result;
    result = malloc(sizeof(*result) + len);
    if (!result)
        die("malloc");
    result->next = backend.results;
    result->len = len;
    sql_result(result->bytes, len, backend.row);
    backend.results = result;
    return result;
}

static bool session_ok(struct session *session)
{
    uint8_t packet[SQL_SMALL];
    size_t len = sql_ok(packet, (uint8_t)(session->sequence + 1));
    return wire_send(session->ssl, session->fd, packet, len) == (ssize_t)len;
}

static bool session_query(struct session *session)
{
    uint64_t count = request_count(session->request);
    switch (request_kind(session->request)) {
    case KIND_DOWN:
        if (count < SQL_RESULT_MIN)
            return false;
        session->to_write = count;
        session->result = result_of(count);
        return session_write(session);
    case KIND_UP:
        session->to_read = count - session->have;
        return session->to_read > 0 || session_ok(session);
    default:
        return session_ok(session); // a proxy's own
    }
}

// As much of a packet as is kept has arrived.
static bool session_packet(struct session *session)
{
    const uint8_t *packet = session->request;
    session->sequence = packet[3];
    if (session->stage == STAGE_ANSWER && sql_is_ssl_request(packet)) {
        session->ssl = wire_begin(backend.context, session->fd, true);
        session->stage = STAGE_TLS;
        return true;
    }
    if (session->stage != STAGE_QUERIES) {
        session->stage = STAGE_QUERIES;
        return session_ok(session);
    }
    if (packet[SQL_HEADER] == SQL_QUIT)
        return false;
    return packet[SQL_HEADER] == SQL_QUERY ? session_query(session) : session_ok(session);
}

static size_t kept_of(const struct session *session)
{
    if (session->have < SQL_HEADER)
        return SQL_HEADER;
    size_t len = SQL_HEADER + sql_len(session->request);
    return len < PACKET_SEEN ? len : PACKET_SEEN;
}

// How much may be read: never beyond an SSLRequest, whose rest belongs to OpenSSL.
static size_t wanted_of(const struct session *session)
{
    return session->stage == STAGE_ANSWER ? kept_of(session) : PACKET_SEEN;
}

static bool session_upload(struct session *session)
{
    size_t len = session->to_read < CHUNK ? session->to_read : CHUNK;
    ssize_t got = wire_recv(session->ssl, session->fd, backend.chunk, len);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    session->to_read -= (uint64_t)got;
    return session->to_read > 0 || session_ok(session);
}

static bool session_packets(struct session *session)
{
    ssize_t got = wire_recv(session->ssl, session->fd, session->request + session->have,
        wanted_of(session) - session->have);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    session->have += (unsigned)got;
    if (session->have == SQL_HEADER && session->stage == STAGE_ANSWER)
        return true; // the rest by the next event
    size_t kept = kept_of(session);
    if (session->have < SQL_HEADER || session->have < kept)
        return true;
    if (!session_packet(session))
        return false;
    session->have = 0; // clients wait for each answer
    return true;
}

static bool session_sql(struct session *session)
{
    do {
        if (session->stage == STAGE_TLS) {
            enum wire_step step = wire_handshake(session->ssl);
            if (step != WIRE_DONE)
                return step == WIRE_WAIT;
            session->stage = STAGE_LOGIN;
        }
        if (!(session->to_read > 0 ? session_upload(session) : session_packets(session)))
            return false;
    } while (wire_has_more(session->ssl) && session->to_write == 0);
    return true;
}

// ---- connections -------------------------------------------------------------------------------

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
        session->stage = backend.context ? STAGE_ANSWER : STAGE_PLAIN_REQUESTS;
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

static const char help[] = "usage: backend [--tidb] [--port PORT] [--listen ADDRESS]...\n"
                           "               [--cert PEM --key PEM [--tickets N] [--row BYTES]]\n";

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "tidb", no_argument, NULL, 't' },
        { "port", required_argument, NULL, 'p' },
        { "listen", required_argument, NULL, 'l' },
        { "cert", required_argument, NULL, 'c' },
        { "key", required_argument, NULL, 'k' },
        { "tickets", required_argument, NULL, 'n' },
        { "row", required_argument, NULL, 'r' },
        { 0 },
    };
    const char *version = "8.0.36-bench", *hosts[MAX_LISTEN];
    const char *cert = NULL, *key = NULL;
    unsigned port = 0, hosts_len = 0, tickets = 1; // Go, and so TiDB, sends one
    backend.row = TRAFFIC_ROW;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 't')
            version = "8.0.11-TiDB-v8.5.3";
        else if (option == 'p')
            port = (unsigned)number(optarg);
        else if (option == 'l' && hosts_len < MAX_LISTEN)
            hosts[hosts_len++] = optarg;
        else if (option == 'c')
            cert = optarg;
        else if (option == 'k')
            key = optarg;
        else if (option == 'n')
            tickets = (unsigned)number(optarg);
        else if (option == 'r')
            backend.row = number(optarg);
        else
            usage(help);
    }
    if (hosts_len == 0)
        hosts[hosts_len++] = "127.0.0.1";
    if (!cert != !key || backend.row < SQL_ROW_MIN)
        usage(help);
    raise_descriptors();
    if (cert)
        backend.context = wire_server(cert, key, tickets);
    backend.greeting_len = sql_greeting(backend.greeting, version, cert != NULL);
    backend.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < hosts_len; i++)
        listen_on(hosts[i], &port);
    printf("{\"port\": %u}\n", port);
    fflush(stdout);
    serve();
}
