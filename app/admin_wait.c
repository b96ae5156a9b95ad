// SPDX-License-Identifier: Apache-2.0
//
// GET /wait?for=started|ready|live|active[&cluster=ALIAS][&hold=no]: answered at once when it is
// true (or hold=no), otherwise held until a change makes it true or the client leaves. Nothing
// polls: the proxy reports every change. For a cluster that is not served it would never be true:
// 404. Main thread; part of admin.c.
#include "app/admin.h"
#include "app/admin_held.h"
#include "app/health_now.h"
#include "app/program.h"
#include "base/defs.h"

#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

enum { WAITS_MAX = 64 };

struct wait {
    LIST_ENTRY(wait) link;
    struct admin_waits *waits;
    struct admin_held held;
    enum health health;
    char *alias; // NULL: all clusters
};

struct admin_waits {
    struct program *program;
    LIST_HEAD(, wait) list;
    size_t count;
};

struct admin_waits *admin_waits_new(struct program *program)
{
    struct admin_waits *waits = calloc(1, sizeof(*waits));
    if (waits)
        waits->program = program;
    return waits;
}

// For `tidblink wait`, which prints the line.
static void answer(struct evhttp_request *request, bool healthy, const char *reason)
{
    char text[HEALTH_LINE_BYTES + 1];
    snprintf(text, sizeof(text), "%s\n", healthy ? "ok" : reason);
    admin_reply(request, healthy ? HTTP_OK : HTTP_SERVUNAVAIL, "text/plain; charset=utf-8", text);
}

static void wait_free(struct wait *wait)
{
    LIST_REMOVE(wait, link);
    wait->waits->count--;
    free(wait->alias);
    free(wait);
}

static void on_client_gone(struct admin_held *held)
{
    wait_free(CONTAINER_OF(held, struct wait, held));
}

static bool ask(const struct admin_waits *waits, enum health health, const char *alias,
    char line[HEALTH_LINE_BYTES])
{
    struct health_reasons reasons;
    bool healthy = health_now(waits->program, health, alias, &reasons);
    health_line(&reasons, line);
    return healthy;
}

static void finish(struct wait *wait, bool healthy, const char *reason)
{
    struct evhttp_request *request = admin_held_end(&wait->held);
    wait_free(wait);
    answer(request, healthy, reason);
}

static bool hold(struct admin_waits *waits, struct evhttp_request *request, enum health health,
    const char *alias)
{
    struct wait *wait = waits->count < WAITS_MAX ? calloc(1, sizeof(*wait)) : NULL;
    if (!wait)
        return false;
    *wait = (struct wait){ .waits = waits, .health = health };
    wait->alias = alias ? strdup(alias) : NULL;
    LIST_INSERT_HEAD(&waits->list, wait, link);
    waits->count++;
    if (alias && !wait->alias) {
        wait_free(wait);
        return false;
    }
    admin_held_begin(&wait->held, request, on_client_gone);
    return true;
}

void admin_waits_hold(struct admin_waits *waits, struct evhttp_request *request)
{
    struct evkeyvalq query = { 0 };
    enum health health = HEALTH_READY;
    char reason[HEALTH_LINE_BYTES];
    const char *text = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    TAILQ_INIT(&query);
    bool parsed = evhttp_parse_query_str(text ? text : "", &query) == 0;
    const char *what = evhttp_find_header(&query, "for");
    const char *alias = evhttp_find_header(&query, "cluster");
    const char *wants_hold = evhttp_find_header(&query, "hold");
    if (!parsed || (what && !health_find(what, &health))) {
        admin_reply(request, HTTP_BADREQUEST, "text/plain; charset=utf-8",
            "expected for=started, live, ready or active\n");
    } else if (alias && !admin_serves(waits->program, alias)) {
        snprintf(reason, sizeof(reason), "cluster %.100s: not served here\n", alias);
        admin_reply(request, HTTP_NOTFOUND, "text/plain; charset=utf-8", reason);
    } else {
        bool healthy = ask(waits, health, alias, reason);
        bool held = !healthy && !(wants_hold && strcmp(wants_hold, "no") == 0) &&
                    hold(waits, request, health, alias);
        if (!held)
            answer(request, healthy, reason);
    }
    evhttp_clear_headers(&query);
}

void admin_waits_changed(struct admin_waits *waits)
{
    struct wait *wait = NULL, *next = NULL;
    LIST_FOREACH_SAFE(wait, &waits->list, link, next) {
        char reason[HEALTH_LINE_BYTES];
        bool healthy = ask(waits, wait->health, wait->alias, reason);
        if (healthy || waits->program->stopping)
            finish(wait, healthy, reason);
    }
}

size_t admin_waits_count(const struct admin_waits *waits)
{
    return waits->count;
}

void admin_waits_free(struct admin_waits *waits)
{
    if (!waits)
        return;
    struct wait *wait = NULL, *next = NULL;
    LIST_FOREACH_SAFE(wait, &waits->list, link, next)
        finish(wait, false, "the proxy is ending");
    free(waits);
}
