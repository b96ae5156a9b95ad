// SPDX-License-Identifier: Apache-2.0
//
// What the bench's programs share. They are tools for one machine: an error that is not part of
// what they measure ends the program.
#pragma once

#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>

// A request of the echo backend, on the wire. It looks like a MySQL packet (a header, capability
// flags without TLS), so that a relay which looks at a client's first packet finds nothing odd.
enum { REQUEST_SIZE = 64, ACK_SIZE = 64, KIND_DOWN = 'D', KIND_UP = 'U' };
void request_fill(uint8_t *out, int kind, uint64_t count);
int request_kind(const uint8_t *request);
uint64_t request_count(const uint8_t *request);
// The same as the beginning of a COM_QUERY that is `size` bytes long on the wire.
void request_to_query(uint8_t *request, uint64_t size);

// 128 buckets per power of two: a bucket is at most 0.8 % wide.
enum { HIST_BITS = 7, HIST_SUB = 1 << HIST_BITS, HIST_BUCKETS = 40 * HIST_SUB };
struct hist {
    uint64_t count, max;
    uint64_t buckets[HIST_BUCKETS];
};
void hist_add(struct hist *hist, uint64_t ns);
void hist_merge(struct hist *into, const struct hist *from);
double hist_us(const struct hist *hist, double share);
// "PREFIXp50_us": 1.0, ... with a comma at the end.
void hist_print(const struct hist *hist, const char *prefix);

// The first error is told in full, all are counted.
struct failures {
    uint64_t count;
    char first[120];
};
void failures_add(struct failures *failures, const char *what, int sys);
void failures_print(struct failures *failures); // ends the JSON object and the line

uint64_t now_ns(void);
_Noreturn void die(const char *what);
_Noreturn void usage(const char *text);
uint64_t number(const char *text); // of an argument; anything else ends the program
void raise_descriptors(void);      // the soft limit becomes the hard one
void pin_to_cpu(int cpu);
struct sockaddr_in ipv4(const char *host, uint64_t port);
void nodelay(int fd);
