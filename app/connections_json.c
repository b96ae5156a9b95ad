// SPDX-License-Identifier: Apache-2.0
//
// Connections as JSON. Names and words are those of the log, so that one can be searched for in the
// other. Used by admin_connections.c.
#include "app/connections_json.h"

#include "app/json_out.h"
#include "app/program.h"
#include "base/clock.h"
#include "base/memory_file.h"
#include "proxy/via.h"

static const char *const orders[CENSUS_ORDERS] = {
    [CENSUS_NEWEST] = "newest",
    [CENSUS_OLDEST] = "oldest",
    [CENSUS_IDLE] = "idle",
    [CENSUS_BYTES] = "bytes",
};

const char *connections_json_order(size_t order)
{
    return order < CENSUS_ORDERS ? orders[order] : NULL;
}

// The facts' loop times against the clocks.
struct moment {
    const struct program *program;
    uint64_t now_ms;
    int64_t wall_s;
};

// A connection may be newer than the moment: the workers read the clock later.
static uint64_t since(uint64_t then_ms, uint64_t now_ms)
{
    return now_ms > then_ms ? now_ms - then_ms : 0;
}

static int64_t wall_of(const struct moment *moment, uint64_t then_ms)
{
    return moment->wall_s - (int64_t)(since(then_ms, moment->now_ms) / 1000);
}

// What is the same for an open and a closed one. `end_ms`: up to when it is as old as it says.
static void put_facts(struct json_out *json, const struct moment *moment,
    const struct conn_facts *facts, uint64_t end_ms)
{
    char text[PEER_TEXT_BYTES];
    const struct proxy_target_state target =
        proxy_target_state(moment->program->proxy, facts->target);
    json_out_uint(json, "id", facts->id);
    json_out_text(json, "cluster", target.alias);
    json_out_text(json, "client", peer_format(&facts->client, text));
    json_out_text(json, "server", peer_format(&facts->server, text));
    json_out_text(json, "via", target.via ? via_name(target.via) : NULL);
    json_out_text(json, "step", conn_state_name((enum conn_state)facts->step));
    json_out_time(json, "began", wall_of(moment, facts->began_ms));
    json_out_uint(json, "age_ms", since(facts->began_ms, end_ms));
    if (facts->active_ms)
        json_out_uint(json, "idle_ms", since(facts->active_ms, end_ms));
    json_out_uint(json, "client_bytes", facts->client_bytes);
    json_out_uint(json, "server_bytes", facts->server_bytes);
    json_out_text(json, "tls", facts->tls);
    json_out_text(json, "client_tls", facts->client_tls);
    if (facts->server_id)
        json_out_uint(json, "server_id", facts->server_id);
    if (facts->used_spare)
        json_out_bool(json, "spare", true);
}

static void put_closing(
    struct json_out *json, const struct moment *moment, const struct closing_entry *entry)
{
    json_out_open(json, NULL, '{');
    put_facts(json, moment, &entry->conn, entry->ended_ms);
    json_out_text(json, "close", closing_reason_name(entry->reason));
    json_out_time(json, "ended", wall_of(moment, entry->ended_ms));
    if (entry->error != ERR_NONE)
        json_out_text(json, "error", err_row(entry->error)->key);
    json_out_text(json, "reason", entry->text);
    json_out_close(json, '}');
}

static void put_all(FILE *out, const struct program *program, const struct census_plan *plan,
    const struct census_result *result)
{
    struct json_out json = { .out = out };
    const struct moment moment = { program, result->now_ms, clock_wall_s() };
    json_out_open(&json, NULL, '{');
    json_out_time(&json, "now", moment.wall_s);
    json_out_text(&json, "sort", orders[plan->order]);
    json_out_uint(&json, "limit", plan->limit);
    json_out_uint(&json, "open", result->seen);
    json_out_bool(&json, "complete", result->silent == 0);
    json_out_open(&json, "connections", '[');
    for (size_t i = 0; i < result->row_count; i++) {
        json_out_open(&json, NULL, '{');
        put_facts(&json, &moment, result->rows[i], moment.now_ms);
        json_out_close(&json, '}');
    }
    json_out_close(&json, ']');
    json_out_open(&json, "closed", '[');
    for (size_t i = 0; i < result->closing_count; i++)
        put_closing(&json, &moment, result->closings[i]);
    json_out_close(&json, ']');
    json_out_close(&json, '}');
    putc('\n', out);
}

char *connections_json(const struct program *program, const struct census_plan *plan,
    const struct census_result *result)
{
    struct memory_file file;
    if (!memory_file_open(&file))
        return NULL;
    put_all(file.out, program, plan, result);
    return memory_file_take(&file);
}
