// SPDX-License-Identifier: Apache-2.0
//
// tidblink status: how far each cluster's way is open: cluster, node group, private link service,
// endpoint; what that means, since when, and the next step.
#include "app/command.h"
#include "app/facts.h"
#include "app/facts_json.h"
#include "app/table.h"
#include "app/words.h"
#include "base/clock.h"
#include "base/err.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 1024, STATES_BYTES = 8192 };

struct status_values {
    bool json, watch;
};

// clang-format off
static const struct option_row own_rows[] = {
    { "json",  OPTION_BOOL, offsetof(struct status_values, json),  NULL, 0, 0, 0, NULL, NULL, "print JSON; with --watch one line for each change" },
    { "watch", OPTION_BOOL, offsetof(struct status_values, watch), NULL, 0, 0, 0, NULL, NULL, "look again every poll-interval-changing, and print when a state has changed, until Ctrl-C" },
};
// clang-format on
static const struct option_table own_table = { own_rows, ARRAY_LEN(own_rows) };

// One cluster's part of the answer.
struct picture {
    const struct control_target *target;
    const struct facts *facts;
    const struct cluster *cluster;
    const struct node_group *group;
    struct verdict verdict;
    FILE *out;
};

// ---- text ---------------------------------------------------------------------------------------

// printf behind what `line` (LINE_BYTES) already holds.
#define append(line, ...)                                                                          \
    (void)snprintf((line) + strlen(line), LINE_BYTES - strlen(line), __VA_ARGS__)

// "PENDING (Pending): TiDB Cloud is accepting it; usually about 5 minutes; for 3 min"
static void append_state(
    char line[LINE_BYTES], const struct observed_state *state, const struct state_words *words)
{
    char age[CLOCK_TEXT_BYTES];
    append(line, "%s", state->text ? state->text : "not known");
    if (*words->console)
        append(line, " (%s)", words->console);
    if (*words->meaning)
        append(line, ": %s", words->meaning);
    if (*words->usual)
        append(line, "; usually %s", words->usual);
    if (state->since)
        append(line, "; for %s", clock_age(clock_wall_s() - state->since, age));
}

static void print_cluster(const struct picture *picture)
{
    FILE *out = picture->out;
    char line[LINE_BYTES] = "";
    const struct cluster *cluster = picture->cluster;
    const struct state_words words = verdict_cluster_words(cluster->state.value);
    append_state(line, &cluster->state, &words);
    table_field(out, "cluster", line);
    line[0] = '\0';
    append(line, "%s", cluster->id);
    if (cluster->name)
        append(line, " %s", cluster->name);
    if (cluster->region)
        append(line, ", %s", cluster->region);
    table_field(out, "", line);
}

static void print_group(const struct node_group *group, FILE *out)
{
    char line[LINE_BYTES] = "";
    const struct state_words words = verdict_group_words(group->state.value);
    append_state(line, &group->state, &words);
    table_field(out, "group", line);
    line[0] = '\0';
    append(line, "%s %s%s", group->id, group->name ? group->name : "",
        group->is_default ? " (default)" : "");
    table_field(out, "", line);
}

static void print_service(const struct node_group *group, FILE *out)
{
    char line[LINE_BYTES] = "";
    const struct state_words words = verdict_service_words(group->service.value);
    if (!group->service.text) {
        table_field(out, "service", "the control API shows no private link service");
        return;
    }
    append_state(line, &group->service, &words);
    table_field(out, "service", line);
    table_field(out, "", group->service_name);
}

static void print_endpoint(const struct picture *picture, const struct endpoint *endpoint)
{
    FILE *out = picture->out;
    char line[LINE_BYTES] = "";
    const struct state_words words = verdict_endpoint_words(endpoint->state.value);
    const char *ours = picture->target->endpoint_id;
    bool is_ours = ours && endpoint->endpoint_id && strcmp(ours, endpoint->endpoint_id) == 0;
    append_state(line, &endpoint->state, &words);
    if (endpoint->message && *endpoint->message)
        append(line, ": %s", endpoint->message);
    table_field(out, "endpoint", line);
    line[0] = '\0';
    append(line, "%s%s", endpoint->endpoint_id ? endpoint->endpoint_id : endpoint->connection_id,
        is_ours ? " (endpoint-id)" : "");
    table_field(out, "", line);
}

static void print_endpoints(const struct picture *picture)
{
    FILE *out = picture->out;
    const struct node_group *group = picture->group;
    for (size_t i = 0; i < group->endpoint_count; i++)
        print_endpoint(picture, &group->endpoints[i]);
    if (group->endpoint_count > 0)
        return;
    char line[LINE_BYTES] = "";
    const struct state_words words = verdict_no_endpoint_words();
    append(line, "none (%s): %s", words.console, words.meaning);
    table_field(out, "endpoint", line);
}

// A verdict's next step is one for the clients of a proxy.
static const char *next_step(const struct picture *picture, char out[WORDS_STEP_BYTES])
{
    const struct verdict *verdict = &picture->verdict;
    return words_step_alone(
        verdict->next_step, picture->target->alias, strcmp(verdict->what, "endpoint") == 0, out);
}

static void print_verdict(const struct picture *picture)
{
    FILE *out = picture->out;
    char line[LINE_BYTES] = "";
    char words[WORDS_CONNECT_BYTES], step[WORDS_STEP_BYTES];
    const struct verdict *verdict = &picture->verdict;
    table_field(out, "connects", words_connect(verdict, words));
    table_field(out, "next", next_step(picture, step));
    if (!*verdict->host)
        return;
    append(line, "%s:%u", verdict->host, verdict->port);
    table_field(out, "address", line);
}

static void print_text(const struct picture *picture)
{
    FILE *out = picture->out;
    char age[CLOCK_TEXT_BYTES];
    char line[LINE_BYTES] = "";
    fprintf(out, "%s\n", picture->target->alias);
    print_cluster(picture);
    print_group(picture->group, out);
    print_service(picture->group, out);
    print_endpoints(picture);
    print_verdict(picture);
    if (picture->cluster->seen) {
        append(line, "%s ago%s", clock_age(clock_wall_s() - picture->cluster->seen, age),
            picture->facts->from_disk ? " (last known state)" : "");
        table_field(out, "heard", line);
    }
}

// ---- JSON ---------------------------------------------------------------------------------------

static void add_json(cJSON *list, const struct picture *picture)
{
    char step[WORDS_STEP_BYTES];
    const struct verdict *verdict = &picture->verdict;
    cJSON *object = cJSON_CreateObject();
    facts_json_text(object, "alias", picture->target->alias);
    facts_json_text(object, "new_connections", words_action(verdict));
    facts_json_text(object, "decided_by", verdict->what);
    facts_json_text(object, "state", verdict->state);
    facts_json_text(object, "refusal", verdict->text);
    facts_json_text(object, "next_step", next_step(picture, step));
    facts_json_text(object, "host", verdict->host);
    if (verdict->port)
        cJSON_AddNumberToObject(object, "port", verdict->port);
    cJSON_AddBoolToObject(object, "last_known", picture->facts->from_disk);
    facts_json_text(object, "reason", picture->facts->failure.text);
    facts_json_text(object, "group_id", picture->group->id);
    cJSON_AddItemToObject(
        object, "cluster", facts_json_cluster(picture->cluster, picture->target->alias));
    cJSON_AddItemToArray(list, object);
}

// ---- one look -----------------------------------------------------------------------------------

// `states` is everything about a look that does not change by itself, as ages do.
struct look {
    cJSON *list; // for JSON; NULL: text on `out`
    FILE *out;
    char states[STATES_BYTES];
    int exit_code; // EXIT_STATE when one is not ACTIVE
};

static void note_state(struct look *look, const struct observed_state *state, const char *more)
{
    size_t len = strlen(look->states);
    snprintf(look->states + len, sizeof(look->states) - len, "%s %s\n",
        state->text ? state->text : "", more ? more : "");
}

static void note_states(struct look *look, const struct picture *picture)
{
    const struct node_group *group = picture->group;
    note_state(look, &picture->cluster->state, picture->target->alias);
    note_state(look, &group->state, group->id);
    note_state(look, &group->service, group->service_name);
    for (size_t i = 0; i < group->endpoint_count; i++) {
        note_state(look, &group->endpoints[i].state, group->endpoints[i].endpoint_id);
        note_state(look, &group->endpoints[i].state, group->endpoints[i].message);
    }
}

static bool show(const struct settings *settings, size_t index, struct look *look, struct err *err)
{
    struct facts facts;
    struct picture picture = {
        .target = &settings->control_targets[index], .facts = &facts, .out = look->out
    };
    if (!facts_get(settings, picture.target, FACTS_ASK, &facts, err))
        return err_prefix(err, "%s", picture.target->alias);
    facts_warn(&facts);
    if (!control_find(facts.model, picture.target, &picture.cluster, &picture.group, err)) {
        facts_done(&facts);
        return false;
    }
    facts_judge(&facts, picture.target, &picture.verdict);
    if (picture.verdict.action != VERDICT_ALLOW)
        look->exit_code = EXIT_STATE;
    note_states(look, &picture);
    if (look->list) {
        add_json(look->list, &picture);
    } else {
        fputs(index > 0 ? "\n" : "", look->out);
        print_text(&picture);
    }
    facts_done(&facts);
    return true;
}

static bool show_all(const struct settings *settings, struct look *look, struct err *err)
{
    for (size_t i = 0; i < settings->cluster_count; i++)
        if (!show(settings, i, look, err))
            return false;
    return true;
}

// ---- the command --------------------------------------------------------------------------------

static bool show_once(const struct status_values *own, const struct settings *settings,
    int *exit_code, struct err *err)
{
    struct look look = { .list = own->json ? cJSON_CreateArray() : NULL, .out = stdout };
    bool ok =
        show_all(settings, &look, err) && (!own->json || facts_json_print(look.list, false, err));
    if (ok && look.exit_code != 0)
        *exit_code = look.exit_code;
    cJSON_Delete(look.list);
    return ok;
}

// Prints when it differs from `states`, which it replaces.
static bool show_change(const struct status_values *own, const struct settings *settings,
    char states[STATES_BYTES], struct err *err)
{
    char *text = NULL;
    size_t len = 0;
    char now[CLOCK_TEXT_BYTES];
    struct look look = { .list = own->json ? cJSON_CreateArray() : NULL,
        .out = open_memstream(&text, &len) };
    if (!look.out)
        return err_set(err, ERR_MEMORY, "out of memory");
    bool ok = show_all(settings, &look, err);
    fclose(look.out);
    bool changed = ok && strcmp(look.states, states) != 0;
    if (changed && own->json)
        ok = facts_json_print(look.list, true, err);
    else if (changed)
        printf("%s%s\n%s", *states ? "\n" : "", clock_format(clock_wall_s(), now), text);
    if (changed)
        memcpy(states, look.states, STATES_BYTES);
    free(text);
    cJSON_Delete(look.list);
    return ok && table_flush(stdout, err);
}

// The pause between two looks; false when the reader of what is printed goes away in it, which
// nothing else would tell until a state changes.
static bool rest(const struct settings *settings, struct err *err)
{
    struct pollfd out = { .fd = STDOUT_FILENO };
    if (poll(&out, 1, (int)settings->control.poll_changing_ms) <= 0)
        return true;
    return err_sys(err, ERR_FILE, EPIPE, "what it prints cannot be written");
}

// There is no event to wait for: TiDB Cloud tells of a change only when it is asked. What passes by
// itself is told and outlived.
static bool watch(const struct status_values *own, const struct settings *settings, struct err *err)
{
    char states[STATES_BYTES] = "";
    while (show_change(own, settings, states, err) || err_row(err->code)->retriable) {
        if (err->code != ERR_NONE)
            fprintf(stderr, "tidblink status: %s\n", err->text);
        err->code = ERR_NONE;
        if (!rest(settings, err))
            return false;
    }
    return false;
}

static bool show_settings(const struct status_values *own, const struct settings *settings,
    int *exit_code, struct err *err)
{
    if (settings->cluster_count == 0)
        return err_set(
            err, ERR_USAGE, "which cluster? Expected a CLUSTER (tidblink clusters lists them)");
    return own->watch ? watch(own, settings, err) : show_once(own, settings, exit_code, err);
}

static bool run(const struct command_line *line, int *exit_code, struct err *err)
{
    struct status_values own = { 0 };
    const struct settings_request request = {
        .line = line, .own = &own_table, .own_values = &own, .clusters_max = 1
    };
    struct settings *settings = settings_build(&request, err);
    bool ok = settings && show_settings(&own, settings, exit_code, err);
    settings_free(settings);
    return ok;
}

const struct command cmd_status = {
    .name = "status",
    .usage = "[CLUSTER] [--watch] [--json]",
    .summary = "show the states of clusters and their private endpoints",
    .help = "Asks the control API about CLUSTER, or about every cluster of the configuration:\n"
            "the states of cluster, node group, private link service and private endpoint, as\n"
            "the API spells them and (in brackets) as the console shows them, what they mean,\n"
            "since when a proxy has seen them, and the next step. When the API does not\n"
            "answer, the last known state of a proxy on this machine is shown instead.\n"
            "--watch goes on looking and prints what has changed.\n"
            "Ends with 0 when connections would be served, 3 when a state is in the way, 4\n"
            "when the control API refuses the key.",
    .own = &own_table,
    .run = run,
};
