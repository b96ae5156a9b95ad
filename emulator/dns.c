// SPDX-License-Identifier: Apache-2.0
//
// Answers A and AAAA queries with what names.c finds, by libevent's evdns server: what that cannot
// do (TCP, EDNS, CNAME) is not emulated. Unlike a real zone it has no SOA, so negative
// answers carry no TTL. The loop's thread only.
#include "emulator/dns.h"

#include "base/err.h"
#include "base/loop.h"
#include "base/net.h"
#include "emulator/bind.h"
#include "emulator/faults.h"
#include "emulator/journal.h"
#include "emulator/names.h"
#include "emulator/world.h"

#include <errno.h>
#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEADER_BYTES = 12 };          // RFC 1035, section 4.1.1
enum { RECURSION_AVAILABLE = 0x80 }; // likewise; stub resolvers expect it

struct dns {
    struct loop *loop;
    struct world *world;     // not ours
    struct journal *journal; // likewise
    bool is_public;
    struct evdns_server_port *port; // owns the socket
    LIST_HEAD(, query) queries;     // whose answers are delayed
};

struct query {
    LIST_ENTRY(query) link;
    struct dns *dns;
    struct evdns_server_request *request;
    struct name_result result;
    struct timer delay;
    struct deferred end;
};

// ---- answering ----------------------------------------------------------------------------------

static void add_addresses(struct evdns_server_request *request,
    const struct evdns_server_question *question, const struct name_result *result)
{
    bool is_a = question->type == EVDNS_TYPE_A;
    const cJSON *list = is_a ? result->a : result->aaaa, *item;
    cJSON_ArrayForEach(item, list) {
        struct addr addr;
        if (!addr_from_ip(item->valuestring, 0, &addr))
            abort(); // the schema checked it
        if (is_a)
            evdns_server_request_add_a_reply(
                request, question->name, 1, &addr.in4.sin_addr, (int)result->ttl_s);
        else
            evdns_server_request_add_aaaa_reply(
                request, question->name, 1, &addr.in6.sin6_addr, (int)result->ttl_s);
    }
}

static void respond(struct evdns_server_request *request, const struct name_result *result)
{
    static const int codes[] = { [ANSWER_ADDRESSES] = DNS_ERR_NONE,
        [ANSWER_NXDOMAIN] = DNS_ERR_NOTEXIST,
        [ANSWER_NODATA] = DNS_ERR_NONE,
        [ANSWER_SERVFAIL] = DNS_ERR_SERVERFAILED };
    if (result->answer == ANSWER_SILENCE) {
        evdns_server_request_drop(request);
        return;
    }
    const struct evdns_server_question *question = request->questions[0];
    bool has_type = question->type == EVDNS_TYPE_A || question->type == EVDNS_TYPE_AAAA;
    if (result->answer == ANSWER_ADDRESSES && has_type)
        add_addresses(request, question, result);
    evdns_server_request_set_flags(
        request, EVDNS_FLAGS_AA | (request->flags & EVDNS_FLAGS_RD) | RECURSION_AVAILABLE);
    evdns_server_request_respond(request, codes[result->answer]);
}

static void query_free(struct query *query)
{
    LIST_REMOVE(query, link);
    timer_stop(&query->delay);
    names_done(&query->result);
    free(query);
}

static void on_answered(struct deferred *end)
{
    query_free(CONTAINER_OF(end, struct query, end));
}

static void on_delay_over(struct timer *delay)
{
    struct query *query = CONTAINER_OF(delay, struct query, delay);
    respond(query->request, &query->result);
    loop_defer(query->dns->loop, &query->end, on_answered);
}

// Takes the result.
static void respond_later(
    struct dns *dns, struct evdns_server_request *request, const struct name_result *result)
{
    struct query *query = calloc(1, sizeof(*query));
    if (!query)
        abort();
    *query = (struct query){ .dns = dns, .request = request, .result = *result };
    timer_init(&query->delay, dns->loop, on_delay_over);
    timer_start(&query->delay, result->delay_ms);
    LIST_INSERT_HEAD(&dns->queries, query, link);
}

// ---- deciding -----------------------------------------------------------------------------------

static void decide(struct dns *dns, const char *asked, struct name_result *out)
{
    names_look(dns->world, asked, dns->is_public, out);
    if (dns->is_public)
        return; // faults are of the VPC's resolver
    struct fault fault = faults_strike(dns->world, FAULT_AT_QUERY, asked);
    if (fault.deed == FAULT_DNS_SILENCE)
        out->answer = ANSWER_SILENCE;
    else if (fault.deed == FAULT_DNS_SERVFAIL)
        out->answer = ANSWER_SERVFAIL;
    out->delay_ms += fault.delay_ms;
    faults_done(&fault);
}

static void note(
    struct dns *dns, const struct evdns_server_question *question, enum name_answer answer)
{
    const struct field *field = schema_field(schema_kind(KIND_NAME), "answer");
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "name", question->name);
    if (question->type == EVDNS_TYPE_A || question->type == EVDNS_TYPE_AAAA)
        cJSON_AddStringToObject(entry, "type", question->type == EVDNS_TYPE_A ? "A" : "AAAA");
    else
        cJSON_AddNumberToObject(entry, "type", question->type);
    cJSON_AddStringToObject(entry, "answer", field->choices[answer]);
    if (dns->is_public)
        cJSON_AddStringToObject(entry, "server", "public");
    journal_add(dns->journal, JOURNAL_QUERIES, entry);
}

static void on_query(struct evdns_server_request *request, void *arg)
{
    struct dns *dns = arg;
    if (request->nquestions != 1) {
        evdns_server_request_respond(request, DNS_ERR_FORMAT);
        return;
    }
    struct name_result result;
    decide(dns, request->questions[0]->name, &result);
    note(dns, request->questions[0], result.answer);
    if (result.delay_ms && result.answer != ANSWER_SILENCE) {
        respond_later(dns, request, &result);
        return;
    }
    respond(request, &result);
    names_done(&result);
}

// ---- start and stop -----------------------------------------------------------------------------

struct dns *dns_new(struct loop *loop, struct addr *addr, struct world *world,
    struct journal *journal, bool is_public, struct err *err)
{
    struct dns *dns = calloc(1, sizeof(*dns));
    if (!dns)
        abort();
    *dns = (struct dns){ .loop = loop, .world = world, .journal = journal, .is_public = is_public };
    LIST_INIT(&dns->queries);
    int fd = bind_udp(addr, err);
    // libevent 2.1.12 follows a null pointer when a datagram is shorter than a DNS header
    // (request_parse in evdns.c).
    if (fd >= 0 && net_refuse_short_datagrams(fd, HEADER_BYTES))
        dns->port = evdns_add_server_port_with_base(loop_base(loop), fd, 0, on_query, dns);
    if (dns->port)
        return dns;
    if (fd >= 0) {
        err_sys(err, ERR_LISTEN, errno, "cannot set up the DNS server");
        close(fd);
    }
    dns_free(dns);
    return NULL;
}

void dns_free(struct dns *dns)
{
    if (!dns)
        return;
    struct query *query, *next;
    LIST_FOREACH_SAFE(query, &dns->queries, link, next) {
        evdns_server_request_drop(query->request);
        query_free(query);
    }
    if (dns->port)
        evdns_close_server_port(dns->port);
    free(dns);
}
