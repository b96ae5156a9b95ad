// SPDX-License-Identifier: Apache-2.0
//
// The fixture of the data path's loop tests.
#include "tests/loop/proxy_fixture.h"

#include "base/clock.h"
#include "base/os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

// ---- the proxy's main thread --------------------------------------------------------------------

static void *run_loop(void *arg)
{
    loop_run(arg);
    return NULL;
}

struct errand {
    struct fixture *fixture;
    void (*fn)(struct fixture *fixture);
    sem_t done;
};

static void on_errand(void *arg)
{
    struct errand *errand = arg;
    errand->fn(errand->fixture);
    sem_post(&errand->done);
}

void fixture_on_main(struct fixture *fixture, void (*fn)(struct fixture *fixture))
{
    struct errand errand = { .fixture = fixture, .fn = fn };
    sem_init(&errand.done, 0, 0);
    loop_post(fixture->loop, on_errand, &errand);
    sem_wait(&errand.done);
    sem_destroy(&errand.done);
}

static void stop_all(struct fixture *fixture)
{
    proxy_stop(fixture->proxy);
    resolver_free(fixture->resolver);
    loop_stop(fixture->loop);
}

void fixture_prepare(struct fixture *fixture)
{
    *fixture = (struct fixture){ .options = {
                                     .threads = 2,
                                     .backlog = 64,
                                     .socket_mode = 0660,
                                     .keepalive_ms = 60000,
                                     .splice = true,
                                     .spare_max_age_ms = 60000,
                                     .max_connections = 100,
                                     .hold_timeout_ms = FIXTURE_WAIT_MS,
                                     .resolve_timeout_ms = FIXTURE_WAIT_MS,
                                     .connect_timeout_ms = FIXTURE_WAIT_MS,
                                     .dial_budget_ms = FIXTURE_WAIT_MS,
                                     .handshake_timeout_ms = FIXTURE_WAIT_MS,
                                     .drain_timeout_ms = FIXTURE_WAIT_MS,
                                 } };
    sem_init(&fixture->drained, 0, 0);
    struct addr addr;
    assert_true(addr_parse("127.0.0.1:0", &addr, NULL));
    fixture->server_listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fixture->server_listener, &addr.any, addr.len), 0);
    assert_int_equal(listen(fixture->server_listener, 64), 0);
    assert_int_equal(getsockname(fixture->server_listener, &addr.any, &addr.len), 0);
    fixture->server_port = addr_port(&addr);
}

void fixture_start(struct fixture *fixture, const char *host)
{
    struct err err = { 0 };
    struct resolver_options dns = { .allow_loopback = true,
        .timeout_ms = 1000,
        .ttl_min_ms = 5000,
        .ttl_max_ms = 60000,
        .negative_ms = 5000 };
    if (!fixture->listen.len)
        assert_true(addr_parse("127.0.0.1:0", &fixture->listen, NULL));
    snprintf(fixture->alias, sizeof(fixture->alias), "orders");
    snprintf(fixture->host, sizeof(fixture->host), "%s", host ? host : "");
    fixture->target.control = (struct control_target){
        .alias = fixture->alias, .host = host ? fixture->host : NULL, .port = fixture->server_port
    };
    fixture->target.listens = &fixture->listen;
    fixture->target.listen_count = 1;
    fixture->plan.targets = &fixture->target;
    fixture->plan.target_count = 1;
    fixture->loop = loop_new("main", &err);
    assert_non_null(fixture->loop);
    fixture->resolver = resolver_new(fixture->loop, &dns, &err);
    assert_non_null(fixture->resolver);
    fixture->proxy = proxy_start(
        fixture->loop, &fixture->options, &fixture->plan, fixture->resolver, NULL, NULL, &err);
    if (!fixture->proxy)
        fail_msg("%s", err.text);
    proxy_accept(fixture->proxy);
    assert_true(proxy_listen_address(fixture->proxy, 0, 0, &fixture->address));
    assert_int_equal(pthread_create(&fixture->thread, NULL, run_loop, fixture->loop), 0);
}

void fixture_stop(struct fixture *fixture)
{
    fixture_on_main(fixture, stop_all);
    pthread_join(fixture->thread, NULL);
    loop_free(fixture->loop);
    close(fixture->server_listener);
    sem_destroy(&fixture->drained);
}

// ---- verdicts, drain, counters ------------------------------------------------------------------

static void show_news(struct fixture *fixture)
{
    proxy_news(fixture->proxy, fixture->news);
}

void fixture_verdict(struct fixture *fixture, enum verdict_action action, enum err_code code,
    bool drain, const char *text)
{
    struct control_news *news = calloc(1, sizeof(*news));
    news->verdict.action = action;
    news->verdict.code = code;
    news->verdict.drain = drain;
    news->verdict.what = "endpoint";
    snprintf(news->verdict.text, sizeof(news->verdict.text), "%s", text);
    fixture->news = news;
    fixture_on_main(fixture, show_news); // who connects from now on is accepted after it
}

static void on_drained(void *arg)
{
    struct fixture *fixture = arg;
    sem_post(&fixture->drained);
}

static void start_drain(struct fixture *fixture)
{
    proxy_drain(fixture->proxy, false, on_drained, fixture);
}

void fixture_drain(struct fixture *fixture)
{
    fixture_on_main(fixture, start_drain);
}

static void on_drain_later(void *arg)
{
    start_drain(arg);
}

void fixture_drain_later(struct fixture *fixture)
{
    loop_post(fixture->loop, on_drain_later, fixture);
}

void fixture_wait_drained(struct fixture *fixture)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FIXTURE_DRAIN_WAIT_S;
    assert_int_equal(sem_timedwait(&fixture->drained, &until), 0);
}

static void on_block(void *arg)
{
    sem_wait(arg);
}

void fixture_block(struct fixture *fixture, sem_t *release)
{
    loop_post(fixture->loop, on_block, release);
}

static void take_counters(struct fixture *fixture)
{
    proxy_count(fixture->proxy, &fixture->counters);
}

struct proxy_counters fixture_count(struct fixture *fixture)
{
    fixture_on_main(fixture, take_counters);
    return fixture->counters;
}

void fixture_wait_count(struct fixture *fixture, size_t counter, uint64_t value)
{
    uint64_t until_ms = clock_ms() + FIXTURE_WAIT_MS;
    uint64_t seen;
    do {
        struct proxy_counters counters = fixture_count(fixture);
        seen = *(const uint64_t *)(const void *)((const char *)&counters + counter);
    } while (seen != value && clock_ms() < until_ms);
    assert_int_equal(seen, value);
}

// ---- sockets ------------------------------------------------------------------------------------

static void bound_waits(int fd)
{
    struct timeval wait = { .tv_sec = FIXTURE_WAIT_S };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
}

int fixture_connect(struct fixture *fixture)
{
    int fd = socket(fixture->address.any.sa_family, SOCK_STREAM, 0);
    bound_waits(fd);
    assert_int_equal(connect(fd, &fixture->address.any, fixture->address.len), 0);
    return fd;
}

int fixture_accept(struct fixture *fixture)
{
    bound_waits(fixture->server_listener);
    int fd = accept(fixture->server_listener, NULL, NULL);
    assert_true(fd >= 0);
    bound_waits(fd);
    return fd;
}

// Protocol::HandshakeV10 of TiDB 8.5.3 with TLS, connection id 0x1234.
const uint8_t fixture_greeting[FIXTURE_GREETING_BYTES] =
    "\x56\x00\x00\x00\x0a"
    "8.0.11-TiDB-v8.5.3\0"
    "\x34\x12\x00\x00"
    "12345678\0"
    "\xaf\xae\x2e\x02\x00\x1b\x05\x15\0\0\0\0\0\0\0\0\0\0"
    "9:;<=>?@ABCD\0"
    "mysql_native_password";

void fixture_greet(int server)
{
    assert_int_equal(send(server, fixture_greeting, sizeof(fixture_greeting), OS_SEND),
        sizeof(fixture_greeting));
}

void read_exactly(int fd, void *out, size_t len)
{
    for (size_t have = 0; have < len;) {
        ssize_t got = recv(fd, (char *)out + have, len - have, 0);
        if (got <= 0)
            fail_msg("read %zu of %zu bytes, then %zd", have, len, got);
        have += (size_t)got;
    }
}

void fixture_pair(struct fixture *fixture, int *out_client, int *out_server)
{
    char greeting[FIXTURE_GREETING_BYTES];
    *out_client = fixture_connect(fixture);
    *out_server = fixture_accept(fixture);
    fixture_greet(*out_server);
    read_exactly(*out_client, greeting, sizeof(greeting));
    assert_memory_equal(greeting + 5, "8.0.11-TiDB-v8.5.3", 18);
}

unsigned read_refusal(int client, char *out_text, size_t size)
{
    uint8_t packet[600];
    size_t have = 0;
    for (;;) {
        ssize_t got = recv(client, packet + have, sizeof(packet) - have, 0);
        if (got < 0)
            fail_msg("the refusal did not end");
        if (got == 0)
            break;
        have += (size_t)got;
    }
    assert_true(have > 7);
    assert_int_equal(packet[0] | packet[1] << 8, have - 4);
    assert_int_equal(packet[3], 0);
    assert_int_equal(packet[4], 0xff);
    assert_true(packet[7] != '#');
    snprintf(out_text, size, "%.*s", (int)(have - 7), (const char *)packet + 7);
    return packet[5] | (unsigned)packet[6] << 8;
}

void reset_socket(int fd)
{
    struct linger hard = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(fd);
}
