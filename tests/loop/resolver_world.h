// SPDX-License-Identifier: Apache-2.0
//
// What the resolver's loop tests share: a loop, two fake DNS servers, a resolver and one watched
// name, whose reports are written down as text.
#pragma once

#include "fake_dns.h"
#include "resolver/resolver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORLD_REPORTS = 16, WORLD_TIMEOUT_MS = 600 };

struct report {
    char text[512]; // "10.0.0.1 10.0.0.2", "10.0.0.1 (dns-timeout)", "(dns-nxdomain)"
    struct err failure;
    uint64_t answered_ms, at_ms;
    uint32_t ttl_s;
    size_t count;
};

struct world {
    struct loop *loop;
    struct timer watchdog;
    struct fake_dns dns, other; // `other` listens but is not asked unless a test says so
    struct resolver_options options;
    struct resolver *resolver;
    struct resolver_watch *watch;
    struct report reports[WORLD_REPORTS];
    unsigned reported;
    unsigned wanted_reports, wanted_queries; // what ends world_run; 0: nothing
    void (*on_report)(struct world *world);  // after it is written down
};

#define WORLD_TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)
int world_setup(void **state);
int world_teardown(void **state);

void world_watch(struct world *world, const char *host); // makes the resolver if there is none
void world_ask_both(struct world *world);                // the resolver has both servers
// Run until so many reports have come in all, or A queries to `dns`; fail after a few seconds.
const struct report *world_report(struct world *world, unsigned number);
void world_queries(struct world *world, unsigned number);
void world_pass(struct world *world, uint64_t ms); // until something stops the loop, or so long
