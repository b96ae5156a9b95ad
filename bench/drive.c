// SPDX-License-Identifier: Apache-2.0
#include "bench/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { EVENTS = 512, WAIT_MS = 100, START_SECONDS = 15, OPENING = 128, CHUNK = 4096 };

static uint64_t ns_of(double seconds)
{
    return (uint64_t)(seconds * 1e9);
}

static void measure_from(struct load *load, uint64_t when)
{
    load->from = when;
    load->until = when + ns_of(load->options.seconds);
}

static bool opens_again(const struct load *load, uint64_t now)
{
    return load->options.interval_us == 0 && now < load->until;
}

void load_on_greeting(struct load *load, struct client *client, uint64_t now)
{
    load->greeted++;
    if (load->options.mode == MODE_CONNECT && load_measures(load, client->opened))
        hist_add(&load->latency, now - client->opened);
    if (load->options.logs_in)
        client_log_in(load, client);
    else
        client_ask(load, client, now);
}

void load_on_reply(struct load *load, struct client *client, uint64_t now)
{
    load->total_requests++;
    if (load_measures(load, now))
        load->requests++;
    switch (load->options.mode) {
    case MODE_PING:
    case MODE_STREAM:
        if (load_measures(load, now))
            hist_add(&load->latency, now - client->asked);
        client_ask(load, client, now);
        break;
    case MODE_CONNECT:
        if (load_measures(load, client->opened))
            hist_add(&load->whole, now - client->opened);
        client_close(load, client);
        if (opens_again(load, now))
            client_open(load, client);
        break;
    case MODE_IDLE:
        client->state = CLIENT_HELD;
        load->held++;
        break;
    }
}

static int timer_start(struct load *load)
{
    uint64_t ns = load->options.interval_us * 1000;
    struct timespec span = { .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = ns % 1000000000 };
    struct itimerspec when = { .it_interval = span, .it_value = span };
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer < 0 || timerfd_settime(timer, 0, &when, NULL) < 0 ||
        epoll_ctl(load->epoll, EPOLL_CTL_ADD, timer, &event) < 0)
        die("timerfd");
    return timer;
}

static void on_tick(struct load *load, int timer)
{
    uint64_t ticks = 0;
    if (read(timer, &ticks, sizeof(ticks)) < 0 || now_ns() >= load->until)
        return;
    uint64_t wanted = ticks * load->options.burst;
    for (unsigned i = 0; i < load->options.connections && wanted > 0; i++)
        if (load->clients[i].state == CLIENT_FREE) {
            client_open(load, &load->clients[i]);
            wanted--;
        }
    for (; wanted > 0; wanted--)
        failures_add(&load->failures, "more connections are under way than --connections", 0);
}

// When ping and stream start to count: all connections are there.
static void settle(struct load *load, uint64_t start, uint64_t now)
{
    if (load->greeted + load->failures.count >= load->options.connections) {
        measure_from(load, now + ns_of(load->options.warmup));
    } else if (now > start + START_SECONDS * 1000000000ULL) {
        failures_add(&load->failures, "not all connections were greeted in 15 s", 0);
        measure_from(load, now);
    }
}

static bool is_over(const struct load *load, uint64_t now)
{
    if (load->from == 0 || now < load->until)
        return load->open == 0 && load->options.interval_us == 0;
    if (load->options.mode != MODE_CONNECT)
        return true;
    return load->open == 0 || now > load->until + ns_of(load->options.patience);
}

void load_run(struct load *load)
{
    struct epoll_event events[EVENTS];
    const struct load_options *options = &load->options;
    uint64_t start = now_ns();
    int timer = -1;
    if (options->mode == MODE_CONNECT)
        measure_from(load, start + ns_of(options->warmup));
    if (options->interval_us > 0)
        timer = timer_start(load);
    for (unsigned i = 0; i < options->connections && timer < 0; i++)
        client_open(load, &load->clients[i]);
    for (uint64_t now = start; !is_over(load, now); now = now_ns()) {
        if (load->from == 0)
            settle(load, start, now);
        int len = epoll_wait(load->epoll, events, EVENTS, WAIT_MS);
        for (int i = 0; i < len; i++) {
            struct client *client = events[i].data.ptr;
            if (client)
                client_event(load, client, events[i].events);
            else
                on_tick(load, timer);
        }
        // One that failed is tried again, as a real client would: the error is counted.
        for (unsigned i = 0; options->mode == MODE_CONNECT && i < options->connections; i++)
            if (load->clients[i].state == CLIENT_FREE && opens_again(load, now))
                client_open(load, &load->clients[i]);
    }
    for (unsigned i = 0; options->mode == MODE_CONNECT && i < load->open; i++)
        failures_add(&load->failures, "a connection did not end in time", 0);
    for (unsigned i = 0; i < options->connections; i++)
        client_close(load, &load->clients[i]);
}

// Waits for a line on stdin; false: stdin was closed. What happens on a held connection meanwhile
// is a failure.
static bool wait_line(struct load *load)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL }, events[EVENTS];
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) < 0)
        die("stdin must be a pipe");
    ssize_t got = -1;
    while (got < 0) {
        int len = epoll_wait(load->epoll, events, EVENTS, -1);
        for (int i = 0; i < len; i++) {
            char line[64];
            if (events[i].data.ptr)
                client_event(load, events[i].data.ptr, events[i].events);
            else
                got = read(STDIN_FILENO, line, sizeof(line));
        }
    }
    epoll_ctl(load->epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
    return got > 0;
}

static void open_all(struct load *load)
{
    struct epoll_event events[EVENTS];
    unsigned wanted = load->options.connections, next = 0;
    uint64_t failed = load->failures.count, quiet_since = now_ns();
    while (load->held + (load->failures.count - failed) < wanted) {
        while (next < wanted && load->open - load->held < OPENING)
            client_open(load, &load->clients[next++]);
        int len = epoll_wait(load->epoll, events, EVENTS, WAIT_MS);
        for (int i = 0; i < len; i++)
            client_event(load, events[i].data.ptr, events[i].events);
        uint64_t now = now_ns();
        if (len > 0)
            quiet_since = now;
        if (now - quiet_since > START_SECONDS * 1000000000ULL) {
            failures_add(&load->failures, "nothing moved for 15 s while opening", 0);
            return;
        }
    }
}

void load_idle(struct load *load)
{
    for (unsigned round = 0; round < load->options.rounds; round++) {
        uint64_t start = now_ns();
        open_all(load);
        printf("{\"ready\": %u, \"open_seconds\": %.3f, ", load->held,
            (double)(now_ns() - start) / 1e9);
        failures_print(&load->failures);
        bool goes_on = wait_line(load);
        for (unsigned i = 0; i < load->options.connections; i++)
            client_close(load, &load->clients[i]);
        printf("{\"closed\": %u, ", load->options.connections);
        failures_print(&load->failures);
        if (!goes_on || !wait_line(load))
            return;
    }
}

static size_t read_greeting(struct load *load, int fd)
{
    uint8_t greeting[CHUNK];
    size_t have = 0, want = 5;
    while (have < want) {
        ssize_t got = recv(fd, greeting + have, want - have, 0);
        if (got <= 0)
            return 0;
        have += (size_t)got;
        if (have == 5 && greeting[4] == 10)
            want = 4U + greeting[0];
    }
    return have > 5;
}

// One request and its reply; false: the connection is gone.
static bool ping_once(int fd, const uint8_t *request, uint64_t size)
{
    uint8_t reply[CHUNK];
    if (send(fd, request, REQUEST_SIZE, MSG_NOSIGNAL) != REQUEST_SIZE)
        return false;
    for (uint64_t have = 0; have < size;) {
        ssize_t got = recv(fd, reply, sizeof(reply), 0);
        if (got <= 0)
            return false;
        have += (uint64_t)got;
    }
    return true;
}

void ping_one(struct load *load)
{
    uint8_t request[REQUEST_SIZE];
    request_fill(request, KIND_DOWN, load->options.size);
    struct timeval patience = { .tv_sec = START_SECONDS };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in *server = &load->options.server;
    nodelay(fd);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (const struct sockaddr *)server, sizeof(*server)) < 0 ||
        !read_greeting(load, fd)) {
        failures_add(&load->failures, "connecting", errno);
        close(fd);
        return;
    }
    uint64_t now = now_ns();
    measure_from(load, now + ns_of(load->options.warmup));
    while (now < load->until) {
        if (!ping_once(fd, request, load->options.size)) {
            failures_add(&load->failures, "a request without a reply", errno);
            break;
        }
        uint64_t then = now;
        now = now_ns();
        load->total_requests++;
        if (load_measures(load, now)) {
            hist_add(&load->latency, now - then);
            load->requests++;
        }
    }
    close(fd);
}
