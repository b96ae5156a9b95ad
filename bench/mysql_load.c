// SPDX-License-Identifier: Apache-2.0
//
// The load generator for a real MariaDB. libmariadb logs in; COM_PING and results are then spoken
// on its socket directly, so that the client library is not what is measured.
#include "bench/common.h"

#include <errno.h>
#include <getopt.h>
#include <mysql.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 256 << 10, HEADER = 4, EVENTS = 256, COM_PING_BYTE = 14, COM_QUERY_BYTE = 3 };
enum { PACKET_MAX = 0xffffff, END_MAX = 64, WAIT_MS = 100 };

static const char help[] =
    "usage: mysql_load MODE --port PORT [OPTION]...\n"
    "modes: ping     COM_PING, a closed loop on --connections\n"
    "       result   SELECT REPEAT('x', --size) on one connection\n"
    "       connect  connect, log in, SELECT 1, close, in --connections threads\n"
    "--host ADDRESS --user NAME --password TEXT --connections N --ms N --warmup-ms N --size BYTES\n"
    "--cpu N --tls-ca PEM\n";

static struct {
    const char *mode, *host, *user, *password, *tls_ca;
    uint64_t port, connections, ms, warmup_ms, size, cpu;
    uint64_t from, until;
} options = { .host = "127.0.0.1",
    .user = "bench",
    .password = "bench",
    .connections = 1,
    .ms = 2000,
    .warmup_ms = 300,
    .size = 16 << 20,
    .cpu = UINT64_MAX };

struct figures {
    struct hist latency;
    uint64_t requests, bytes, total_requests, total_bytes;
    double seconds; // that requests and bytes took
    struct failures failures;
};

static uint8_t chunk[CHUNK];

static bool measures(uint64_t now)
{
    return now >= options.from && now < options.until;
}

static void measure_from(uint64_t now)
{
    options.from = now + options.warmup_ms * 1000000;
    options.until = options.from + options.ms * 1000000;
}

static void count(struct figures *figures, uint64_t then, uint64_t now)
{
    figures->total_requests++;
    if (!measures(now))
        return;
    figures->requests++;
    hist_add(&figures->latency, now - then);
}

static void fail(struct figures *figures, MYSQL *mysql)
{
    failures_add(&figures->failures, mysql_error(mysql), 0);
}

// NULL and counted when it fails.
static MYSQL *log_in(struct figures *figures)
{
    MYSQL *mysql = mysql_init(NULL);
    unsigned protocol = MYSQL_PROTOCOL_TCP, seconds = 15;
    if (!mysql)
        die("mysql_init");
    mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &seconds);
    if (options.tls_ca) {
        my_bool verifies = 1;
        mysql_options(mysql, MYSQL_OPT_SSL_CA, options.tls_ca);
        mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verifies);
    }
    if (mysql_real_connect(mysql, options.host, options.user, options.password, NULL,
            (unsigned)options.port, NULL, 0))
        return mysql;
    fail(figures, mysql);
    mysql_close(mysql);
    return NULL;
}

// ---- COM_PING ----------------------------------------------------------------------------------

static const uint8_t ping[] = { 1, 0, 0, 0, COM_PING_BYTE };

static bool ping_send(int fd)
{
    return send(fd, ping, sizeof(ping), MSG_NOSIGNAL) == sizeof(ping);
}

// The OK packet comes in one piece; anything else is an error.
static bool ping_receive(int fd)
{
    uint8_t reply[256];
    ssize_t got = recv(fd, reply, sizeof(reply), 0);
    return got > HEADER && reply[0] + HEADER == got && reply[HEADER] == 0;
}

static void ping_one(struct figures *figures, int fd)
{
    uint64_t now = now_ns();
    while (now < options.until) {
        if (!ping_send(fd) || !ping_receive(fd)) {
            failures_add(&figures->failures, "COM_PING", errno);
            return;
        }
        uint64_t then = now;
        now = now_ns();
        count(figures, then, now);
    }
}

static void ping_many(struct figures *figures, const int *fds)
{
    struct epoll_event events[EVENTS];
    uint64_t *asked = calloc(options.connections, sizeof(*asked));
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    uint64_t alive = options.connections;
    for (uint64_t i = 0; i < options.connections; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.u64 = i };
        asked[i] = now_ns();
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event) < 0 || !ping_send(fds[i]))
            die("epoll_ctl");
    }
    while (alive > 0 && now_ns() < options.until) {
        int len = epoll_wait(epoll, events, EVENTS, WAIT_MS);
        for (int e = 0; e < len; e++) {
            uint64_t i = events[e].data.u64;
            bool good = ping_receive(fds[i]);
            uint64_t now = now_ns();
            if (good && ping_send(fds[i])) {
                count(figures, asked[i], now);
                asked[i] = now;
                continue;
            }
            failures_add(&figures->failures, "COM_PING", errno);
            epoll_ctl(epoll, EPOLL_CTL_DEL, fds[i], NULL);
            alive--;
        }
    }
    close(epoll);
    free(asked);
}

static void run_ping(struct figures *figures)
{
    int *fds = calloc(options.connections, sizeof(*fds));
    MYSQL **logins = calloc(options.connections, sizeof(*logins));
    bool all = true;
    for (uint64_t i = 0; i < options.connections; i++) {
        logins[i] = log_in(figures);
        all = all && logins[i];
        fds[i] = logins[i] ? (int)mysql_get_socket(logins[i]) : -1;
    }
    measure_from(now_ns());
    if (all && options.connections == 1)
        ping_one(figures, fds[0]);
    else if (all)
        ping_many(figures, fds);
    // With replies under way, mysql_close would only find that it lost the thread.
    for (uint64_t i = 0; i < options.connections; i++)
        if (logins[i]) {
            shutdown(fds[i], SHUT_RDWR);
            mysql_close(logins[i]);
        }
    free(logins);
    free(fds);
}

// ---- a large result ----------------------------------------------------------------------------

struct packets {
    uint8_t head[HEADER + 1]; // header and first byte of the payload
    unsigned have;
    uint64_t left; // of the payload, without its first byte
    bool row;      // the large one was seen
    bool over;     // the result is complete
    bool error;    // instead of a result
};

// A packet is complete but for `left` bytes of payload: what is it?
static void packet_seen(struct packets *packets)
{
    uint64_t len = packets->head[0] | packets->head[1] << 8 | packets->head[2] << 16;
    uint8_t first = packets->head[HEADER];
    packets->left = len - 1;
    packets->have = 0;
    packets->error = packets->error || first == 0xff;
    packets->over = packets->error || (packets->row && first == 0xfe && len < END_MAX);
    packets->row = packets->row || len == PACKET_MAX;
}

static void packets_feed(struct packets *packets, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        if (packets->left > 0) {
            size_t skip = len < packets->left ? len : packets->left;
            packets->left -= skip;
            bytes += skip;
            len -= skip;
            continue;
        }
        packets->head[packets->have++] = *bytes++;
        len--;
        if (packets->have == sizeof(packets->head))
            packet_seen(packets);
    }
}

static bool result_once(struct figures *figures, int fd, const uint8_t *query, size_t len)
{
    struct packets packets = { 0 };
    if (send(fd, query, len, MSG_NOSIGNAL) != (ssize_t)len)
        return false;
    while (!packets.over || packets.left > 0) {
        ssize_t got = recv(fd, chunk, CHUNK, 0);
        if (got <= 0)
            return false;
        figures->total_bytes += (uint64_t)got;
        packets_feed(&packets, chunk, (size_t)got);
    }
    return !packets.error;
}

static void run_result(struct figures *figures)
{
    uint8_t query[128] = { 0 };
    // At least one full packet, because that is how the row is told from the rest.
    uint64_t size = options.size < PACKET_MAX ? PACKET_MAX : options.size;
    int len = snprintf((char *)query + HEADER + 1, sizeof(query) - HEADER - 1,
        "SELECT REPEAT('x', %llu)", (unsigned long long)size);
    query[0] = (uint8_t)(len + 1);
    query[HEADER] = COM_QUERY_BYTE;
    MYSQL *mysql = log_in(figures);
    if (!mysql)
        return;
    int fd = (int)mysql_get_socket(mysql);
    measure_from(now_ns());
    double seconds = 0;
    for (uint64_t now = now_ns(); now < options.until;) {
        uint64_t before = figures->total_bytes;
        if (!result_once(figures, fd, query, (size_t)len + HEADER + 1)) {
            failures_add(&figures->failures, "a result", errno);
            break;
        }
        uint64_t then = now;
        now = now_ns();
        count(figures, then, now);
        // Whole results only: there are too few of them for the cut ones not to matter.
        if (measures(now)) {
            figures->bytes += figures->total_bytes - before;
            seconds += (double)(now - then) / 1e9;
        }
    }
    figures->seconds = seconds > 0 ? seconds : figures->seconds;
    shutdown(fd, SHUT_RDWR);
    mysql_close(mysql);
}

// ---- connect, log in, query, close -------------------------------------------------------------

static bool connect_once(struct figures *figures)
{
    MYSQL *mysql = log_in(figures);
    if (!mysql)
        return false;
    bool good = mysql_query(mysql, "SELECT 1") == 0;
    MYSQL_RES *result = good ? mysql_store_result(mysql) : NULL;
    if (!result)
        fail(figures, mysql);
    good = result != NULL;
    mysql_free_result(result);
    mysql_close(mysql);
    return good;
}

static void *connect_thread(void *arg)
{
    struct figures *figures = arg;
    mysql_thread_init();
    for (uint64_t then = now_ns(); then < options.until;) {
        bool good = connect_once(figures);
        uint64_t now = now_ns();
        if (good)
            count(figures, then, now);
        then = now;
    }
    mysql_thread_end();
    return NULL;
}

static void run_connect(struct figures *figures)
{
    pthread_t *threads = calloc(options.connections, sizeof(*threads));
    struct figures *each = calloc(options.connections, sizeof(*each));
    measure_from(now_ns());
    for (uint64_t i = 0; i < options.connections; i++)
        if (pthread_create(&threads[i], NULL, connect_thread, &each[i]) != 0)
            die("pthread_create");
    for (uint64_t i = 0; i < options.connections; i++) {
        pthread_join(threads[i], NULL);
        hist_merge(&figures->latency, &each[i].latency);
        figures->requests += each[i].requests;
        figures->total_requests += each[i].total_requests;
        if (figures->failures.count == 0)
            figures->failures = each[i].failures;
        else
            figures->failures.count += each[i].failures.count;
    }
    free(each);
    free(threads);
}

// ---- main --------------------------------------------------------------------------------------

static void read_options(int argc, char **argv)
{
    static const struct option known[] = {
        { "host", required_argument, NULL, 0 },
        { "user", required_argument, NULL, 1 },
        { "password", required_argument, NULL, 2 },
        { "port", required_argument, NULL, 3 },
        { "connections", required_argument, NULL, 4 },
        { "ms", required_argument, NULL, 5 },
        { "warmup-ms", required_argument, NULL, 6 },
        { "size", required_argument, NULL, 7 },
        { "cpu", required_argument, NULL, 8 },
        { "tls-ca", required_argument, NULL, 9 },
        { 0 },
    };
    const char **texts[] = { &options.host, &options.user, &options.password };
    uint64_t *numbers[] = { &options.port, &options.connections, &options.ms, &options.warmup_ms,
        &options.size, &options.cpu };
    if (argc < 2)
        usage(help);
    options.mode = argv[1];
    for (int option; (option = getopt_long(argc - 1, argv + 1, "", known, NULL)) != -1;) {
        if (option == '?')
            usage(help);
        else if (option == 9)
            options.tls_ca = optarg;
        else if (option < 3)
            *texts[option] = optarg;
        else
            *numbers[option - 3] = number(optarg);
    }
    if (options.port == 0 || options.connections == 0)
        usage(help);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(struct figures *figures);
    } modes[] = { { "ping", run_ping }, { "result", run_result }, { "connect", run_connect } };
    static struct figures figures;
    read_options(argc, argv);
    raise_descriptors();
    if (options.cpu != UINT64_MAX)
        pin_to_cpu((int)options.cpu);
    if (mysql_library_init(0, NULL, NULL) != 0)
        die("mysql_library_init");
    alarm((unsigned)((options.ms + options.warmup_ms) / 1000) + 60);
    figures.seconds = (double)options.ms / 1e3;
    bool known = false;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(options.mode, modes[i].name) == 0) {
            known = true;
            modes[i].run(&figures);
        }
    if (!known)
        usage(help);
    printf("{\"seconds\": %.3f, \"requests\": %llu, \"bytes\": %llu, \"total_requests\": %llu, "
           "\"total_bytes\": %llu, ",
        figures.seconds, (unsigned long long)figures.requests, (unsigned long long)figures.bytes,
        (unsigned long long)figures.total_requests, (unsigned long long)figures.total_bytes);
    hist_print(&figures.latency, "");
    failures_print(&figures.failures);
    return 0;
}
