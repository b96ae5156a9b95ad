// SPDX-License-Identifier: Apache-2.0
//
// GET /wait?for=started|ready|live|active[&cluster=ALIAS][&hold=no]: answered at once when it is
// true (or hold=no), otherwise held until a change makes it true or the client leaves. Nothing
// polls: the proxy reports every change. For a cluster that is not served it would never be true:
// 404. Main thread; part of admin.c.
#include "app/admin.h"
#include "app/admin_held.h"
#include "app/admin_query.h"
#include "app/health_now.h"
#include "app/program.h"
#include "base/defs.h"
#include "base/err.h"
#include "base/text.h"

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

enum parameter { FOR = 0, CLUSTER, HOLD, PARAMETERS };

static bool read_wait(struct evhttp_request *request, struct admin_query *query,
    enum health *health, bool *wants_hold, struct err *err)
{
    static const char *const names[PARAMETERS] = {
        [FOR] = "for",
        [CLUSTER] = "cluster",
        [HOLD] = "hold",
    };
    *health = HEALTH_READY;
    *wants_hold = true;
    if (!admin_query_read(request, names, PARAMETERS, query, err))
        return false;
    const char *what = query->values[FOR], *hold = query->values[HOLD];
    if (what && !health_find(what, health))
        return err_set(err, ERR_USAGE, "for: expected started, live, ready or active");
    if (hold && strcmp(hold, "no") != 0 && strcmp(hold, "yes") != 0)
        return err_set(err, ERR_USAGE, "hold: expected yes or no");
    *wants_hold = !hold || strcmp(hold, "no") != 0;
    return true;
}

static void refuse(struct evhttp_request *request, int code, const char *text)
{
    char line[ERR_TEXT_BYTES + 1];
    snprintf(line, sizeof(line), "%s\n", text);
    admin_reply(request, code, "text/plain; charset=utf-8", line);
}

void admin_waits_hold(struct admin_waits *waits, struct evhttp_request *request)
{
    struct err err;
    struct admin_query query;
    enum health health;
    bool wants_hold, healthy;
    char reason[HEALTH_LINE_BYTES];
    bool is_clear = read_wait(request, &query, &health, &wants_hold, &err);
    const char *alias = query.values[CLUSTER];
    if (!is_clear) {
        refuse(request, HTTP_BADREQUEST, err.text);
    } else if (alias && !admin_serves(waits->program, alias)) {
        snprintf(reason, sizeof(reason), "cluster %.100s: not served here", alias);
        text_clean(reason);
        refuse(request, HTTP_NOTFOUND, reason);
    } else {
        healthy = ask(waits, health, alias, reason);
        if (healthy || !wants_hold || !hold(waits, request, health, alias))
            answer(request, healthy, reason);
    }
    admin_query_done(&query);
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
