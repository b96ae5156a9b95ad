// SPDX-License-Identifier: Apache-2.0
//
// Walks the list of DNS servers. A server that answers decides, also with "there is none"; one that
// fails or is silent hands on to the next, which gets its share of the time that is left. Starts
// again when the list is replaced meanwhile. Above: resolver.c; below: servers.c and attempt.c.
#include "resolver/lookup.h"

#include "base/loop.h"
#include "resolver/channel.h"
#include "resolver/servers.h"
#include "resolver/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lookup {
    struct loop *loop;
    struct servers *servers;
    char *host;
    uint64_t timeout_ms, deadline_ms;
    unsigned generation; // of the server list
    size_t tries;        // servers asked so far, the present one included
    struct attempt *attempt;
    struct err failure; // the most telling one so far; ERR_NONE: none
    lookup_fn fn;
    void *arg;
};

static void lookup_free(struct lookup *lookup)
{
    free(lookup->host);
    free(lookup);
}

static void finish(struct lookup *lookup, struct addr_set *addrs, const struct err *failure)
{
    lookup_fn fn = lookup->fn;
    void *arg = lookup->arg;
    struct err err;
    if (failure)
        err = *failure; // may lie in the look-up itself
    lookup_free(lookup);
    fn(arg, addrs, failure ? &err : NULL);
}

static void on_attempt(void *arg, struct addr_set *addrs, const struct err *failure);

static bool ask_next(struct lookup *lookup)
{
    uint64_t now_ms = loop_now_ms(lookup->loop);
    size_t servers_left = servers_count(lookup->servers) - lookup->tries;
    uint64_t left_ms = lookup->deadline_ms > now_ms ? lookup->deadline_ms - now_ms : 0;
    struct channel *channel = servers_pick(lookup->servers, lookup->tries);
    lookup->tries++;
    lookup->attempt = attempt_start(
        lookup->loop, channel, lookup->host, left_ms / servers_left, on_attempt, lookup);
    return lookup->attempt != NULL;
}

// "10.0.0.2, 10.0.0.3 and 2 more"
static void list_servers(const struct servers *servers, char *out, size_t size)
{
    enum { SHOWN = 2 };
    size_t count = servers_count(servers), len = 0;
    for (size_t i = 0; i < count && i < SHOWN; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%s", i > 0 ? ", " : "",
            channel_server(servers_pick(servers, i)));
    if (count > SHOWN)
        snprintf(out + len, size - len, " and %zu more", count - SHOWN);
}

static void tell_all_silent(struct lookup *lookup)
{
    char list[2 * ADDR_TEXT_BYTES + 32];
    list_servers(lookup->servers, list, sizeof(list));
    text_all_silent(list, lookup->host, lookup->timeout_ms, &lookup->failure);
}

static bool is_final(const struct err *failure)
{
    return failure->code != ERR_DNS_SERVFAIL && failure->code != ERR_DNS_TIMEOUT;
}

static void on_attempt(void *arg, struct addr_set *addrs, const struct err *failure)
{
    struct lookup *lookup = arg;
    lookup->attempt = NULL;
    if (servers_generation(lookup->servers) != lookup->generation) {
        lookup->generation = servers_generation(lookup->servers);
        lookup->tries = 0;
    } else if (addrs || is_final(failure)) {
        servers_prefer(lookup->servers, lookup->tries - 1);
    }
    if (addrs || is_final(failure)) {
        finish(lookup, addrs, failure);
        return;
    }
    if (lookup->failure.code != ERR_DNS_SERVFAIL)
        lookup->failure = *failure;
    bool time_left = loop_now_ms(lookup->loop) < lookup->deadline_ms;
    if (time_left && lookup->tries < servers_count(lookup->servers) && ask_next(lookup))
        return;
    if (lookup->failure.code == ERR_DNS_TIMEOUT && lookup->tries > 1)
        tell_all_silent(lookup);
    finish(lookup, NULL, &lookup->failure);
}

struct lookup *lookup_start(struct loop *loop, struct servers *servers, const char *host,
    uint64_t timeout_ms, lookup_fn fn, void *arg)
{
    struct lookup *lookup = calloc(1, sizeof(*lookup));
    if (!lookup)
        return NULL;
    servers_renew(servers);
    *lookup = (struct lookup){
        .loop = loop,
        .servers = servers,
        .host = strdup(host),
        .timeout_ms = timeout_ms,
        .deadline_ms = loop_now_ms(loop) + timeout_ms,
        .generation = servers_generation(servers),
        .fn = fn,
        .arg = arg,
    };
    if (!lookup->host || !ask_next(lookup)) {
        lookup_free(lookup);
        return NULL;
    }
    return lookup;
}

void lookup_cancel(struct lookup *lookup)
{
    if (!lookup)
        return;
    attempt_cancel(lookup->attempt);
    lookup_free(lookup);
}
