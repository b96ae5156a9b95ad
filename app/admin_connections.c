// SPDX-License-Identifier: Apache-2.0
//
// GET /api/v1/connections[?sort=newest|oldest|idle|bytes][&limit=N][&cluster=ALIAS], and
// POST /api/v1/connections/ID/kill. The workers are asked (census.h) and the request is held until
// they have answered; one census at a time and not too many a second, whoever asks, so that nobody
// can keep the workers from their work. Main thread; part of admin.c.
#include "app/admin.h"
#include "app/admin_held.h"
#include "app/admin_query.h"
#include "app/connections_json.h"
#include "app/program.h"
#include "base/cursor.h"
#include "base/err.h"

#include <event2/event.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

enum { ASKS_MAX = 16, SPACING_MS = 20, LIMIT_DEFAULT = 100 };

struct ask {
    TAILQ_ENTRY(ask) link;
    struct admin_asks *asks;
    struct admin_held held;
    struct census_plan plan;
    struct census *census; // NULL: it has not begun
};

struct admin_asks {
    struct program *program;
    TAILQ_HEAD(, ask) list; // the first one's census is under way, or begins with the timer
    size_t count;
    struct timer timer;
    uint64_t begun_ms; // when the last census began
};

static void begin_next(struct admin_asks *asks);

static void ask_free(struct ask *ask)
{
    census_cancel(ask->census);
    TAILQ_REMOVE(&ask->asks->list, ask, link);
    ask->asks->count--;
    free(ask);
}

static void on_client_gone(struct admin_held *held)
{
    struct ask *ask = CONTAINER_OF(held, struct ask, held);
    struct admin_asks *asks = ask->asks;
    ask_free(ask);
    begin_next(asks);
}

static void finish(struct ask *ask, int code, const char *text)
{
    struct evhttp_request *request = admin_held_end(&ask->held);
    ask_free(ask);
    admin_reply(request, code, "application/json", text);
}

// A worker that has not answered may have the connection, and end it yet.
static void answer_kill(struct ask *ask, const struct census_result *result)
{
    if (result->killed)
        finish(ask, HTTP_OK, "{\"status\":\"killed\"}\n");
    else if (result->silent)
        finish(ask, HTTP_SERVUNAVAIL, "{\"error\":\"a worker has not answered\"}\n");
    else
        finish(ask, HTTP_NOTFOUND, "{\"error\":\"no such connection\"}\n");
}

static void answer_list(struct ask *ask, const struct census_result *result)
{
    char *text = connections_json(ask->asks->program, &ask->plan, result);
    if (text)
        finish(ask, HTTP_OK, text);
    else
        finish(ask, HTTP_INTERNAL, "{\"error\":\"out of memory\"}\n");
    free(text);
}

static void on_counted(void *arg, const struct census_result *result)
{
    struct ask *ask = arg;
    struct admin_asks *asks = ask->asks;
    ask->census = NULL; // it is over
    if (ask->plan.kill)
        answer_kill(ask, result);
    else
        answer_list(ask, result);
    begin_next(asks);
}

static void begin_next(struct admin_asks *asks)
{
    struct ask *ask = TAILQ_FIRST(&asks->list);
    if (!ask || ask->census)
        return;
    uint64_t now_ms = loop_now_ms(asks->program->loop), next_ms = asks->begun_ms + SPACING_MS;
    if (now_ms < next_ms) {
        timer_start(&asks->timer, next_ms - now_ms);
        return;
    }
    asks->begun_ms = now_ms;
    ask->census = proxy_census(asks->program->proxy, &ask->plan, on_counted, ask);
    if (ask->census)
        return;
    finish(ask, HTTP_INTERNAL, "{\"error\":\"out of memory\"}\n");
    timer_start(&asks->timer, SPACING_MS);
}

static void on_timer(struct timer *timer)
{
    begin_next(CONTAINER_OF(timer, struct admin_asks, timer));
}

// ---- what is asked for --------------------------------------------------------------------------

static void hold(
    struct admin_asks *asks, struct evhttp_request *request, const struct census_plan *plan)
{
    struct ask *ask = asks->count < ASKS_MAX ? calloc(1, sizeof(*ask)) : NULL;
    if (!ask) {
        admin_reply(request, HTTP_SERVUNAVAIL, "application/json",
            "{\"error\":\"too many of these requests at a time\"}\n");
        return;
    }
    ask->asks = asks;
    ask->plan = *plan;
    TAILQ_INSERT_TAIL(&asks->list, ask, link);
    asks->count++;
    admin_held_begin(&ask->held, request, on_client_gone);
    begin_next(asks);
}

static bool read_order(const char *text, enum census_order *out)
{
    const char *name = NULL;
    for (size_t i = 0; (name = connections_json_order(i)); i++) {
        if (strcmp(name, text) == 0) {
            *out = (enum census_order)i;
            return true;
        }
    }
    return false;
}

static bool read_cluster(const struct program *program, const char *alias, uint16_t *out)
{
    for (size_t i = 0; i < proxy_target_count(program->proxy); i++) {
        if (strcmp(alias, proxy_target_state(program->proxy, i).alias) == 0) {
            *out = (uint16_t)i;
            return true;
        }
    }
    return false;
}

enum parameter { SORT = 0, LIMIT, CLUSTER, PARAMETERS };

static bool read_plan(struct evhttp_request *request, const struct program *program,
    struct admin_query *query, struct census_plan *plan, struct err *err)
{
    static const char *const names[PARAMETERS] = {
        [SORT] = "sort",
        [LIMIT] = "limit",
        [CLUSTER] = "cluster",
    };
    uint64_t limit = LIMIT_DEFAULT;
    *plan = (struct census_plan){ .target = CENSUS_ALL_TARGETS };
    if (!admin_query_read(request, names, PARAMETERS, query, err))
        return false;
    const char *const *values = query->values;
    if (values[LIMIT] && !parse_uint(values[LIMIT], 1, CENSUS_LIMIT_MAX, &limit))
        return err_set(err, ERR_USAGE, "limit: expected 1 to %d", CENSUS_LIMIT_MAX);
    if (values[SORT] && !read_order(values[SORT], &plan->order))
        return err_set(err, ERR_USAGE, "sort: expected newest, oldest, idle or bytes");
    if (values[CLUSTER] && !read_cluster(program, values[CLUSTER], &plan->target))
        return err_set(err, ERR_UNKNOWN_CLUSTER, "cluster: not served here");
    plan->limit = limit;
    return true;
}

void admin_asks_list(struct admin_asks *asks, struct evhttp_request *request)
{
    struct err err;
    struct census_plan plan;
    struct admin_query query;
    if (read_plan(request, asks->program, &query, &plan, &err))
        hold(asks, request, &plan);
    else
        admin_reply_error(
            request, err.code == ERR_UNKNOWN_CLUSTER ? HTTP_NOTFOUND : HTTP_BADREQUEST, err.text);
    admin_query_done(&query);
}

bool admin_asks_kill(struct admin_asks *asks, struct evhttp_request *request, const char *rest)
{
    static const char kill[] = "/kill";
    char id[24];
    struct census_plan plan = { 0 };
    size_t len = strspn(rest, "0123456789");
    if (len == 0 || len >= sizeof(id) || strcmp(rest + len, kill) != 0)
        return false;
    snprintf(id, sizeof(id), "%.*s", (int)len, rest);
    if (!parse_uint(id, 1, UINT64_MAX, &plan.kill))
        return false;
    hold(asks, request, &plan);
    return true;
}

// ---- life ---------------------------------------------------------------------------------------

struct admin_asks *admin_asks_new(struct program *program)
{
    struct admin_asks *asks = calloc(1, sizeof(*asks));
    if (!asks)
        return NULL;
    asks->program = program;
    TAILQ_INIT(&asks->list);
    timer_init(&asks->timer, program->loop, on_timer);
    return asks;
}

void admin_asks_free(struct admin_asks *asks)
{
    if (!asks)
        return;
    timer_stop(&asks->timer);
    struct ask *ask = NULL, *next = NULL;
    TAILQ_FOREACH_SAFE(ask, &asks->list, link, next)
        finish(ask, HTTP_SERVUNAVAIL, "{\"error\":\"the proxy is ending\"}\n");
    free(asks);
}
