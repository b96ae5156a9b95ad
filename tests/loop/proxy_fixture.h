// SPDX-License-Identifier: Apache-2.0
//
// A real proxy on a thread of its own, real sockets on both sides of it, and verdicts by hand: what
// the loop tests of the data path stand on. The test's thread plays client and server with blocking
// sockets; every wait has a bound that only a bug reaches.
#pragma once

#include "base/loop.h"
#include "proxy/conn.h"
#include "proxy/proxy.h"

#include <pthread.h>
#include <semaphore.h>

enum {
    FIXTURE_GREETING_BYTES = 90,
    FIXTURE_WAIT_S = 20,
    FIXTURE_WAIT_MS = 20000,
    FIXTURE_DRAIN_WAIT_S = 40
};

struct fixture {
    struct loop *loop;
    pthread_t thread;
    struct resolver *resolver;
    struct proxy *proxy;
    struct proxy_options options;
    struct proxy_target target;
    struct proxy_plan plan;
    char alias[16], host[64];
    struct addr listen;
    struct addr address; // of the proxy's listener
    int server_listener; // what the proxy dials
    uint16_t server_port;
    sem_t drained;
    struct control_news *news;      // on its way to the proxy
    struct proxy_counters counters; // of the last fixture_count
};

// Starts with the verdict unknown. Change `options`, `target`, `plan.identity` and `listen` between
// fixture_prepare and fixture_start.
void fixture_prepare(struct fixture *fixture);
void fixture_start(struct fixture *fixture, const char *host);
void fixture_stop(struct fixture *fixture);

// Runs on the proxy's main thread; returns when it ran.
void fixture_on_main(struct fixture *fixture, void (*fn)(struct fixture *fixture));
void fixture_verdict(struct fixture *fixture, enum verdict_action action, enum err_code code,
    bool drain, const char *text);
void fixture_drain(struct fixture *fixture);
void fixture_drain_later(struct fixture *fixture); // posted only: the main thread may be blocked
void fixture_wait_drained(struct fixture *fixture);
// The main thread waits for `release` from now on.
void fixture_block(struct fixture *fixture, sem_t *release);
struct proxy_counters fixture_count(struct fixture *fixture);
// Waits until the counter (a byte offset in struct proxy_counters) has reached `value`.
void fixture_wait_count(struct fixture *fixture, size_t counter, uint64_t value);
#define FIXTURE_WAIT(fixture, member, value)                                                       \
    fixture_wait_count(fixture, offsetof(struct proxy_counters, member), value)

int fixture_connect(struct fixture *fixture);
int fixture_accept(struct fixture *fixture); // the proxy's connection to the server
void fixture_greet(int server);              // a TiDB greeting
extern const uint8_t fixture_greeting[FIXTURE_GREETING_BYTES];
void fixture_pair(struct fixture *fixture, int *out_client, int *out_server); // greeted, relaying
void read_exactly(int fd, void *out, size_t len);
// Everything up to the end; an ERR packet's number is returned, its text copied.
unsigned read_refusal(int client, char *out_text, size_t size);
void reset_socket(int fd); // closes with RST
