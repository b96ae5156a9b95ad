// SPDX-License-Identifier: Apache-2.0
//
// Two queries and one timer. c-ares may answer inside the call that asks and cannot cancel a single
// query, so an attempt only writes down what arrives and moves its timer: to the next turn when all
// is known, to a short grace when one family is there and the other silent (a lost AAAA must not
// cost seconds, nor a lost A). Every end goes through that timer. The memory stays until c-ares has
// answered both queries, cancelled or not. Above: lookup.c; below: channel.c.
#include "resolver/attempt.h"

#include "base/loop.h"
#include "resolver/addr_set.h"
#include "resolver/channel.h"
#include "resolver/text.h"

#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRACE_MS = 250, LEGS = 2 };

// One query. addrs may be set only with status ARES_SUCCESS.
struct leg {
    struct attempt *attempt;
    int type;
    bool asked_again;
    bool answered;
    int status;
    struct addr_set *addrs;
};

struct attempt {
    struct loop *loop;
    struct channel *channel; // gone after ARES_EDESTRUCTION
    char *host;
    char server[ADDR_TEXT_BYTES]; // outlives the channel
    uint64_t timeout_ms, deadline_ms;
    struct timer timer;
    struct deferred grave;
    unsigned outstanding; // queries that c-ares still holds
    attempt_fn fn;        // NULL: over or cancelled
    void *arg;
    struct leg legs[LEGS]; // A, AAAA
};

// ---- answers ------------------------------------------------------------------------------------

// The smallest record on the wire: name 2 bytes (compressed), type 2, class 2, TTL 4, length 2, and
// the address itself (RFC 1035 section 4.1.3). More cannot be in a message of `len` bytes.
enum { A_RECORD_BYTES = 16, AAAA_RECORD_BYTES = 28 };

static void add_addr(struct addr_set *set, const struct addr *addr, int ttl_s)
{
    uint32_t ttl = ttl_s < 0 ? 0 : (uint32_t)ttl_s; // RFC 2181 section 8: the top bit means zero
    set->ttl_s = set->count == 0 || ttl < set->ttl_s ? ttl : set->ttl_s;
    set->addrs[set->count++] = *addr;
}

static int parse_a(const unsigned char *answer, int len, struct addr_set *set, int capacity)
{
    struct ares_addrttl *found = calloc((size_t)capacity, sizeof(*found));
    if (!found)
        return ARES_ENOMEM;
    int count = capacity;
    int status = ares_parse_a_reply(answer, len, NULL, found, &count);
    for (int i = 0; status == ARES_SUCCESS && i < count; i++) {
        struct addr addr = { .len = sizeof(addr.in4) };
        addr.in4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = found[i].ipaddr };
        add_addr(set, &addr, found[i].ttl);
    }
    free(found);
    return status;
}

static int parse_aaaa(const unsigned char *answer, int len, struct addr_set *set, int capacity)
{
    struct ares_addr6ttl *found = calloc((size_t)capacity, sizeof(*found));
    if (!found)
        return ARES_ENOMEM;
    int count = capacity;
    int status = ares_parse_aaaa_reply(answer, len, NULL, found, &count);
    for (int i = 0; status == ARES_SUCCESS && i < count; i++) {
        struct addr addr = { .len = sizeof(addr.in6) };
        addr.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
        memcpy(&addr.in6.sin6_addr, &found[i].ip6addr, sizeof(addr.in6.sin6_addr));
        add_addr(set, &addr, found[i].ttl);
    }
    free(found);
    return status;
}

static int parse(struct leg *leg, const unsigned char *answer, int len)
{
    bool is_a = leg->type == ns_t_a;
    int capacity = len / (is_a ? A_RECORD_BYTES : AAAA_RECORD_BYTES) + 1;
    struct addr_set *set = addr_set_new(leg->attempt->host, (size_t)capacity);
    if (!set)
        return ARES_ENOMEM;
    int status =
        is_a ? parse_a(answer, len, set, capacity) : parse_aaaa(answer, len, set, capacity);
    if (status == ARES_SUCCESS && set->count == 0)
        status = ARES_ENODATA; // a CNAME that leads to no address
    if (status == ARES_SUCCESS)
        leg->addrs = set;
    else
        addr_set_unref(set);
    return status;
}

// ---- the result ---------------------------------------------------------------------------------

static struct addr_set *join(const struct attempt *attempt)
{
    const struct addr_set *parts[LEGS] = { attempt->legs[0].addrs, attempt->legs[1].addrs };
    size_t count = (parts[0] ? parts[0]->count : 0) + (parts[1] ? parts[1]->count : 0);
    struct addr_set *set = addr_set_new(attempt->host, count);
    for (int leg = 0; set && leg < LEGS; leg++) {
        for (size_t i = 0; parts[leg] && i < parts[leg]->count; i++)
            add_addr(set, &parts[leg]->addrs[i], (int)parts[leg]->ttl_s);
    }
    return set;
}

// Which query's failure to tell. The A query decides, unless it found an existing name without
// IPv4: then a AAAA query that got no proper answer leaves everything open. An NXDOMAIN for AAAA
// alone proves nothing (RFC 4074 section 4.2).
static int deciding_status(const struct attempt *attempt)
{
    const struct leg *a = &attempt->legs[0], *aaaa = &attempt->legs[1];
    int a_status = a->answered ? a->status : ARES_ETIMEOUT;
    int aaaa_status = aaaa->answered ? aaaa->status : ARES_ETIMEOUT;
    // The kernel reports a closed port to one of the two; the other then seems to be silent.
    if (a_status == ARES_ETIMEOUT && aaaa_status == ARES_ECONNREFUSED)
        return aaaa_status;
    if (a_status == ARES_ENODATA && aaaa_status != ARES_ENOTFOUND)
        return aaaa_status;
    return a_status;
}

// ---- life ---------------------------------------------------------------------------------------

static void bury(struct deferred *grave)
{
    struct attempt *attempt = CONTAINER_OF(grave, struct attempt, grave);
    for (int i = 0; i < LEGS; i++)
        addr_set_unref(attempt->legs[i].addrs);
    free(attempt->host);
    free(attempt);
}

static void leave(struct attempt *attempt)
{
    attempt->fn = NULL;
    timer_stop(&attempt->timer);
    if (attempt->outstanding == 0)
        loop_defer(attempt->loop, &attempt->grave, bury);
}

static void on_time(struct timer *timer)
{
    struct attempt *attempt = CONTAINER_OF(timer, struct attempt, timer);
    attempt_fn fn = attempt->fn;
    struct err err;
    struct addr_set *addrs = NULL;
    if (!attempt->legs[0].addrs && !attempt->legs[1].addrs)
        text_failure(
            deciding_status(attempt), attempt->server, attempt->host, attempt->timeout_ms, &err);
    else if (!(addrs = join(attempt)))
        err_set(&err, ERR_MEMORY, "out of memory while resolving");
    leave(attempt);
    fn(attempt->arg, addrs, addrs ? NULL : &err);
}

// Whether this answer leaves so little to learn from the other query that a grace is enough.
static bool nearly_settles(const struct leg *leg)
{
    if (!leg->answered)
        return false;
    if (leg->addrs || leg->status == ARES_ECONNREFUSED)
        return true;
    // NXDOMAIN speaks for the whole name (RFC 8020), but for AAAA some servers say it wrongly.
    return leg->status == ARES_ENOTFOUND && leg->type == ns_t_a;
}

// Decides from what has arrived how long to wait on.
static void weigh(struct attempt *attempt)
{
    const struct leg *a = &attempt->legs[0], *aaaa = &attempt->legs[1];
    if (a->answered && aaaa->answered) {
        timer_start(&attempt->timer, 0);
        return;
    }
    if (!nearly_settles(a) && !nearly_settles(aaaa))
        return;
    uint64_t now_ms = loop_now_ms(attempt->loop);
    uint64_t left_ms = attempt->deadline_ms > now_ms ? attempt->deadline_ms - now_ms : 0;
    timer_start(&attempt->timer, left_ms < GRACE_MS ? left_ms : GRACE_MS);
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
    struct leg *leg = arg;
    struct attempt *attempt = leg->attempt;
    (void)timeouts;
    // c-ares 1.18 gives up EDNS for the whole channel at the first FORMERR, but asks again only for
    // the query that met it; the other one comes here.
    if (status == ARES_EFORMERR && attempt->fn && !leg->asked_again) {
        leg->asked_again = true;
        channel_ask(attempt->channel, attempt->host, leg->type, on_answer, leg);
        return;
    }
    attempt->outstanding--;
    if (!attempt->fn) {
        leave(attempt);
        return;
    }
    leg->status = status == ARES_SUCCESS ? parse(leg, answer, len) : status;
    leg->answered = true;
    weigh(attempt);
}

struct attempt *attempt_start(struct loop *loop, struct channel *channel, const char *host,
    uint64_t timeout_ms, attempt_fn fn, void *arg)
{
    struct attempt *attempt = calloc(1, sizeof(*attempt));
    if (!attempt)
        return NULL;
    *attempt = (struct attempt){
        .loop = loop,
        .channel = channel,
        .host = strdup(host),
        .timeout_ms = timeout_ms,
        .deadline_ms = loop_now_ms(loop) + timeout_ms,
        .outstanding = LEGS,
        .fn = fn,
        .arg = arg,
        .legs = { { .attempt = attempt, .type = ns_t_a },
            { .attempt = attempt, .type = ns_t_aaaa } },
    };
    if (!attempt->host) {
        free(attempt);
        return NULL;
    }
    snprintf(attempt->server, sizeof(attempt->server), "%s", channel_server(channel));
    timer_init(&attempt->timer, loop, on_time);
    timer_start(&attempt->timer, timeout_ms);
    for (int i = 0; i < LEGS; i++)
        channel_ask(channel, host, attempt->legs[i].type, on_answer, &attempt->legs[i]);
    return attempt;
}

void attempt_cancel(struct attempt *attempt)
{
    if (attempt)
        leave(attempt);
}
