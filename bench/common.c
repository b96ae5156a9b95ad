// SPDX-License-Identifier: Apache-2.0
#include "bench/common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { COUNT_AT = 16, KIND_AT = 8 };

void request_fill(uint8_t *out, int kind, uint64_t count)
{
    memset(out, 0, REQUEST_SIZE);
    out[0] = REQUEST_SIZE - 4;
    out[3] = 1; // sequence number of a client's first packet
    out[5] = 2; // CLIENT_PROTOCOL_41 = 0x200
    out[KIND_AT] = (uint8_t)kind;
    memcpy(out + COUNT_AT, &count, sizeof(count));
}

int request_kind(const uint8_t *request)
{
    return request[KIND_AT];
}

uint64_t request_count(const uint8_t *request)
{
    uint64_t count;
    memcpy(&count, request + COUNT_AT, sizeof(count));
    return count;
}

void request_to_query(uint8_t *request, uint64_t size)
{
    size -= 4;
    request[0] = (uint8_t)size;
    request[1] = (uint8_t)(size >> 8);
    request[2] = (uint8_t)(size >> 16);
    request[3] = 0;
    request[4] = 3; // COM_QUERY
}

static unsigned bucket_of(uint64_t ns)
{
    if (ns < HIST_SUB)
        return (unsigned)ns;
    unsigned shift = 63 - (unsigned)__builtin_clzll(ns) - HIST_BITS;
    unsigned bucket = shift * HIST_SUB + (unsigned)(ns >> shift);
    return bucket < HIST_BUCKETS ? bucket : HIST_BUCKETS - 1;
}

// The lower edge of a bucket.
static double edge(unsigned bucket)
{
    if (bucket < HIST_SUB)
        return bucket;
    unsigned shift = bucket / HIST_SUB - 1;
    return (double)((uint64_t)(HIST_SUB + bucket % HIST_SUB) << shift);
}

void hist_add(struct hist *hist, uint64_t ns)
{
    hist->count++;
    hist->buckets[bucket_of(ns)]++;
    if (ns > hist->max)
        hist->max = ns;
}

void hist_merge(struct hist *into, const struct hist *from)
{
    into->count += from->count;
    if (from->max > into->max)
        into->max = from->max;
    for (unsigned i = 0; i < HIST_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

double hist_us(const struct hist *hist, double share)
{
    double wanted = share * (double)hist->count, seen = 0;
    for (unsigned i = 0; i < HIST_BUCKETS; i++) {
        double here = (double)hist->buckets[i];
        if (here > 0 && seen + here >= wanted) {
            // Inside the bucket the values are taken as evenly spread.
            double ns = edge(i) + (edge(i + 1) - edge(i)) * (wanted - seen) / here;
            return (ns < (double)hist->max ? ns : (double)hist->max) / 1e3;
        }
        seen += here;
    }
    return 0;
}

void hist_print(const struct hist *hist, const char *prefix)
{
    printf("\"%ssamples\": %llu, \"%sp50_us\": %.3f, \"%sp90_us\": %.3f, \"%sp99_us\": %.3f, "
           "\"%smax_us\": %.3f, ",
        prefix, (unsigned long long)hist->count, prefix, hist_us(hist, 0.5), prefix,
        hist_us(hist, 0.9), prefix, hist_us(hist, 0.99), prefix, (double)hist->max / 1e3);
}

void failures_add(struct failures *failures, const char *what, int sys)
{
    char text[64] = "";
    const char *why = sys == 0 ? "" : strerror_r(sys, text, sizeof(text));
    if (failures->count++ == 0)
        snprintf(failures->first, sizeof(failures->first), "%s%s%s", what, sys ? ": " : "", why);
}

void failures_print(struct failures *failures)
{
    for (char *p = failures->first; *p; p++)
        if (*p == '"' || *p == '\\' || (unsigned char)*p < ' ')
            *p = '\'';
    printf("\"errors\": %llu, \"first_error\": \"%s\"}\n", (unsigned long long)failures->count,
        failures->first);
    fflush(stdout);
}

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void die(const char *what)
{
    perror(what);
    exit(1);
}

void usage(const char *text)
{
    fputs(text, stderr);
    exit(2);
}

uint64_t number(const char *text)
{
    uint64_t value = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9' && value < UINT64_MAX / 100; p++)
        value = value * 10 + (uint64_t)(*p - '0');
    if (p == text || *p) {
        fprintf(stderr, "not a number: %s\n", text);
        exit(2);
    }
    return value;
}

void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        die("setrlimit");
}

void pin_to_cpu(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) < 0)
        die("sched_setaffinity");
}

struct sockaddr_in ipv4(const char *host, uint64_t port)
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    if (port > 65535 || inet_pton(AF_INET, host, &addr.sin_addr) != 1) {
        fprintf(stderr, "not an address and a port: %s %llu\n", host, (unsigned long long)port);
        exit(2);
    }
    return addr;
}

void nodelay(int fd)
{
    int on = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
        die("TCP_NODELAY");
}
