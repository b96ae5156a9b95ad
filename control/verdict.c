// SPDX-License-Identifier: Apache-2.0
//
// Decides from what is known whether a new connection may go to a target: cluster, node group,
// service, endpoint in this order, the first that refuses wins. What each state means is the table
// in verdict_row.c, the words are put together in verdict_text.c. Pure; called by control_news.c
// after each poll and by the commands that show one.
#include "control/verdict.h"

#include "base/clock.h"
#include "control/control.h"
#include "control/verdict_row.h"
#include "control/verdict_text.h"

#include <stdio.h>
#include <string.h>

// Knowledge younger than this is not worth a word about its age.
enum { FRESH_SECONDS = 5 * 60 };

static const char *alias_of(const struct verdict_facts *facts)
{
    return facts->target->alias != NULL ? facts->target->alias : facts->target->cluster;
}

// A success of the future is of before a clock was set back: nobody knows how long ago.
static bool is_sound(const struct verdict_facts *facts)
{
    return facts->last_success != 0 && facts->now >= facts->last_success &&
           facts->now - facts->last_success < VERDICT_SUCCESS_SECONDS;
}

// The wall clock of the last list of endpoints; a state document need not tell it.
static int64_t endpoints_seen(const struct verdict_facts *facts)
{
    const struct node_group *group = facts->group;
    return group->endpoints_seen != 0 ? group->endpoints_seen : facts->cluster->seen;
}

// A state document need not tell a state either; that is one that this version does not know.
static const char *state_text(const struct observed_state *state)
{
    return state->text != NULL ? state->text : "unknown";
}

// ---- which endpoint is ours -----------------------------------------------------------------

static bool is_candidate(const struct verdict_choice *choice, const struct endpoint *endpoint)
{
    if (choice->endpoint_id != NULL)
        return strcmp(choice->endpoint_id, endpoint->endpoint_id) == 0;
    for (size_t i = 0; i < choice->ours_count; i++)
        if (strcmp(choice->ours[i], endpoint->endpoint_id) == 0)
            return true;
    return choice->ours_count == 0;
}

// Without a configured ID or AWS's answer, any endpoint of the group may be another VPC's.
static bool choice_is_sure(const struct verdict_choice *choice)
{
    return choice->endpoint_id != NULL || choice->ours_count > 0;
}

struct candidates {
    size_t count;
    const struct endpoint *best; // the first that allows, else that holds, else any; NULL: none
    bool all_drain;
};

static int rank(const struct endpoint *endpoint)
{
    switch (verdict_row_endpoint(endpoint->state.value)->action) {
    case VERDICT_ALLOW:
        return endpoint->state.value == ENDPOINT_ACTIVE ? 3 : 2;
    case VERDICT_HOLD:
        return 1;
    case VERDICT_UNKNOWN:
    case VERDICT_REFUSE:
        break;
    }
    return 0;
}

static struct candidates find_candidates(const struct verdict_facts *facts)
{
    struct candidates found = { .all_drain = true };
    for (size_t i = 0; facts->group != NULL && i < facts->group->endpoint_count; i++) {
        const struct endpoint *endpoint = &facts->group->endpoints[i];
        if (!is_candidate(&facts->choice, endpoint))
            continue;
        found.count++;
        if (found.best == NULL || rank(endpoint) > rank(found.best))
            found.best = endpoint;
        found.all_drain = found.all_drain && verdict_row_endpoint(endpoint->state.value)->drain;
    }
    return found;
}

struct verdict_address verdict_api_address(const struct verdict_facts *facts)
{
    const struct endpoint *endpoint = find_candidates(facts).best;
    struct verdict_address address = { 0 };
    if (endpoint != NULL && endpoint->host != NULL && endpoint->host[0] != '\0')
        address = (struct verdict_address){ endpoint->host, endpoint->port };
    if (address.host == NULL && facts->group != NULL)
        address = (struct verdict_address){ facts->group->host, facts->group->port };
    if (address.port == 0 && facts->group != NULL)
        address.port = facts->group->port;
    if (address.port == 0 && facts->cluster != NULL)
        address.port = facts->cluster->port;
    return address;
}

static void set_address(const struct verdict_facts *facts, struct verdict *out)
{
    struct verdict_address address = verdict_api_address(facts);
    if (facts->target->host != NULL)
        address.host = facts->target->host;
    if (facts->target->port != 0)
        address.port = facts->target->port;
    snprintf(out->host, sizeof(out->host), "%s", address.host != NULL ? address.host : "");
    out->port = address.port;
}

// ---- nothing known --------------------------------------------------------------------------

static void refuse(const struct verdict_facts *facts, struct verdict *out, enum err_code code,
    const char *state, const char *next)
{
    char wrong[96];
    snprintf(wrong, sizeof(wrong), "the state of %.64s is not known", alias_of(facts));
    out->action = VERDICT_REFUSE;
    out->code = code;
    verdict_text_set(out, alias_of(facts), wrong, state, next);
}

static void wait_for_answer(const struct verdict_facts *facts, struct verdict *out, bool outdated)
{
    const char *state = "TiDB Cloud does not show it, and a second look is on its way";
    const char *next = "Try again in a few seconds; what is wrong tells: tidblink status CLUSTER";
    if (outdated)
        state = "its last answer is too old, and the next look is on its way";
    if (!facts->polled)
        state = "the first answer of the control API has not come yet";
    if (facts->polled && facts->from_file) {
        state = "the state document does not have it";
        next = "Compare the document (state-source) with the configuration of CLUSTER";
    }
    refuse(facts, out, ERR_TRANSITION, state, next);
    out->action = VERDICT_UNKNOWN;
}

// The control API says nothing of use and nothing usable is known from before.
static void decide_outage(const struct verdict_facts *facts, struct verdict *out)
{
    char state[ERR_TEXT_BYTES + 64];
    snprintf(state, sizeof(state), "the control API is of no help (%s)",
        facts->api_text != NULL && facts->api_text[0] != '\0' ? facts->api_text
                                                              : "its last answer is too old");
    if (facts->loss_refuses) {
        refuse(facts, out, ERR_API_UNREACHABLE, state,
            "control-loss = refuse is set; to find the cause: tidblink doctor CLUSTER");
        return;
    }
    if (out->host[0] != '\0' && out->port != 0) {
        out->action = VERDICT_ALLOW;
        out->unchecked = true;
        return;
    }
    refuse(facts, out, ERR_TRANSITION, state,
        "Set host and port of CLUSTER in the configuration to connect unchecked");
    out->action = VERDICT_HOLD;
}

static void decide_unknown(const struct verdict_facts *facts, struct verdict *out, bool outdated)
{
    out->what = "";
    out->state[0] = '\0';
    out->age_s = -1;
    if (!facts->polled) {
        wait_for_answer(facts, out, outdated);
        return;
    }
    if (facts->api_status == ERR_API_KEY) {
        refuse(facts, out, ERR_API_KEY, "the control API does not accept the API key (401)",
            "Check api-public-key-file and api-private-key-file with: tidblink doctor CLUSTER");
        return;
    }
    if (facts->api_status == ERR_API_FORBIDDEN) {
        refuse(facts, out, ERR_API_FORBIDDEN, "the API key may not look at it (403)",
            "Use a key of its organization or project; check with: tidblink doctor CLUSTER");
        return;
    }
    if (facts->api_status == ERR_UNKNOWN_CLUSTER) {
        refuse(
            facts, out, ERR_UNKNOWN_CLUSTER, facts->api_text, "List them with: tidblink clusters");
        return;
    }
    // The API answers: what is outdated, after a jump of the clock, is about to be told again. But
    // a document stays as old as it is: its writer has died, which is as good as silence.
    if (facts->api_status == ERR_NONE && !(outdated && facts->from_file)) {
        wait_for_answer(facts, out, outdated);
        return;
    }
    decide_outage(facts, out);
}

// ---- the levels -----------------------------------------------------------------------------

// One level of the table as it applies to one target.
struct level {
    const struct verdict_row *row;
    const char *what;
    char subject[128]; // "private endpoint vpce-1 of orders"
    const char *state; // as the API spells it
    const char *extra; // the API's own words, or NULL
    int64_t seen;      // wall clock of the answer behind it
    bool may_drain;
};

static void level_text(
    const struct verdict_facts *facts, const struct level *level, struct verdict *out)
{
    char wrong[160];
    char state[ERR_TEXT_BYTES];
    char next[192];
    char age[CLOCK_TEXT_BYTES];
    bool old = out->age_s >= FRESH_SECONDS;
    const struct state_words *words = &level->row->words;
    snprintf(wrong, sizeof(wrong), "%s %s", level->subject,
        level->row->action == VERDICT_HOLD ? "is not ready yet" : "cannot be used");
    snprintf(state, sizeof(state), "%s (%s%s%s%s)%s%s", level->state, words->meaning,
        old ? "; last heard " : "", old ? clock_age(out->age_s, age) : "", old ? " ago" : "",
        level->extra != NULL ? ", " : "", level->extra != NULL ? level->extra : "");
    snprintf(next, sizeof(next), "%s%s%s%s", words->usual[0] != '\0' ? "This usually takes " : "",
        words->usual, words->usual[0] != '\0' ? ". " : "", words->next_step);
    verdict_text_set(out, alias_of(facts), wrong, state, next);
}

// False: this level lets connections pass, the next one decides.
static bool decide_level(
    const struct verdict_facts *facts, const struct level *level, struct verdict *out)
{
    int64_t age_s = level->seen != 0 && facts->now > level->seen ? facts->now - level->seen : 0;
    if (age_s > out->age_s)
        out->age_s = age_s;
    // Of the levels that let connections pass, the first that is not simply ACTIVE is worth
    // showing.
    bool passes = level->row->action == VERDICT_ALLOW;
    if (!passes || out->state[0] == '\0' || strcmp(out->state, "ACTIVE") == 0) {
        out->what = level->what;
        snprintf(out->state, sizeof(out->state), "%s", level->state);
    }
    if (passes)
        return false;
    if (level->row->action == VERDICT_HOLD && age_s >= VERDICT_TRANSITION_SECONDS) {
        decide_unknown(facts, out, true);
        return true;
    }
    out->age_s = age_s;
    out->action = level->row->action;
    out->code = level->row->code;
    out->drain = level->row->drain && level->may_drain;
    level_text(facts, level, out);
    return true;
}

// Two answers agree that it is not there. That is weak evidence all the same: not while connections
// succeed.
static bool decide_absent(
    const struct verdict_facts *facts, const struct level *level, struct verdict *out)
{
    if (!is_sound(facts) || out->host[0] == '\0' || out->port == 0)
        return decide_level(facts, level, out);
    out->what = level->what;
    snprintf(out->state, sizeof(out->state), "%s", level->state);
    out->action = VERDICT_ALLOW;
    out->contradicted = true;
    return true;
}

static bool decide_cluster(const struct verdict_facts *facts, struct verdict *out)
{
    const struct cluster *cluster = facts->cluster;
    struct level level = { .what = "cluster", .may_drain = true };
    snprintf(level.subject, sizeof(level.subject), "cluster %.64s", alias_of(facts));
    if (cluster != NULL && cluster->absent_polls >= MODEL_ABSENT_POLLS) {
        level.row = verdict_row_absent_cluster();
        level.state = "not found";
        level.seen = cluster->seen != 0 ? cluster->seen : facts->now;
        return decide_absent(facts, &level, out);
    }
    if (cluster == NULL || cluster->state.text == NULL) {
        decide_unknown(facts, out, false);
        return true;
    }
    level.row = verdict_row_cluster(cluster->state.value);
    level.state = cluster->state.text;
    level.seen = cluster->seen;
    return decide_level(facts, &level, out);
}

static bool decide_group(const struct verdict_facts *facts, struct verdict *out)
{
    const struct node_group *group = facts->group;
    struct level level = { .what = "node group", .seen = facts->cluster->seen };
    const char *name = facts->target->group != NULL ? facts->target->group : "(default)";
    snprintf(
        level.subject, sizeof(level.subject), "node group %.40s of %.64s", name, alias_of(facts));
    bool listed = facts->cluster->group_lists >= MODEL_ABSENT_POLLS;
    if (group == NULL ? listed : group->absent_polls >= MODEL_ABSENT_POLLS) {
        level.row = verdict_row_absent_group();
        level.state = "not found";
        return decide_absent(facts, &level, out);
    }
    if (group == NULL) {
        decide_unknown(facts, out, false);
        return true;
    }
    level.row = verdict_row_group(group->state.value);
    level.state = state_text(&group->state);
    return decide_level(facts, &level, out);
}

static bool decide_service(const struct verdict_facts *facts, struct verdict *out)
{
    const struct node_group *group = facts->group;
    if (group->service.text == NULL)
        return false;
    struct level level = {
        .row = verdict_row_service(group->service.value),
        .what = "service",
        .state = group->service.text,
        .seen = endpoints_seen(facts),
        .may_drain = true,
    };
    snprintf(
        level.subject, sizeof(level.subject), "the private link service of %.64s", alias_of(facts));
    return decide_level(facts, &level, out);
}

// Several endpoints, none of which is usable: one text lists them.
static void list_candidates(const struct verdict_facts *facts, struct verdict *out)
{
    char list[VERDICT_TEXT_BYTES] = "";
    size_t len = 0;
    for (size_t i = 0; i < facts->group->endpoint_count && len < sizeof(list) - 1; i++) {
        const struct endpoint *endpoint = &facts->group->endpoints[i];
        if (is_candidate(&facts->choice, endpoint))
            len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%.64s %.32s",
                len > 0 ? ", " : "", endpoint->endpoint_id, state_text(&endpoint->state));
    }
    char wrong[128];
    snprintf(wrong, sizeof(wrong), "no private endpoint of %.64s is usable", alias_of(facts));
    verdict_text_set(out, alias_of(facts), wrong, list,
        choice_is_sure(&facts->choice)
            ? "What each needs tells: tidblink status CLUSTER"
            : "Say which is yours (endpoint-id), see: tidblink status CLUSTER");
}

static bool decide_no_endpoint(
    const struct verdict_facts *facts, struct level *level, struct verdict *out)
{
    const struct node_group *group = facts->group;
    if (group->endpoint_lists < MODEL_ABSENT_POLLS && !is_sound(facts)) {
        decide_unknown(facts, out, false);
        return true;
    }
    const char *id = facts->choice.endpoint_id;
    if (id == NULL && facts->choice.ours_count > 0)
        id = facts->choice.ours[0];
    char others[64];
    snprintf(others, sizeof(others), "%zu other endpoint%s", group->endpoint_count,
        group->endpoint_count == 1 ? " is" : "s are");
    snprintf(level->subject, sizeof(level->subject), "private endpoint %.40s of %.64s",
        id != NULL ? id : "", alias_of(facts));
    if (id == NULL)
        snprintf(level->subject, sizeof(level->subject), "the private endpoint of %.64s",
            alias_of(facts));
    level->row = verdict_row_no_endpoint();
    level->state = "none";
    level->extra = group->endpoint_count > 0 ? others : NULL;
    return decide_absent(facts, level, out);
}

static bool decide_endpoint(const struct verdict_facts *facts, struct verdict *out)
{
    struct candidates found = find_candidates(facts);
    struct level level = {
        .what = "endpoint",
        .seen = endpoints_seen(facts),
        .may_drain = choice_is_sure(&facts->choice) && found.all_drain,
    };
    if (found.count == 0)
        return decide_no_endpoint(facts, &level, out);
    snprintf(level.subject, sizeof(level.subject), "private endpoint %.40s of %.64s",
        found.best->endpoint_id, alias_of(facts));
    level.row = verdict_row_endpoint(found.best->state.value);
    level.state = state_text(&found.best->state);
    if (found.best->message != NULL && found.best->message[0] != '\0')
        level.extra = found.best->message;
    if (!decide_level(facts, &level, out))
        return false;
    if (found.count > 1 && out->what[0] != '\0')
        list_candidates(facts, out);
    return true;
}

// Everything that is known lets connections pass; what is missing may still be where to.
static void decide_allowed(const struct verdict_facts *facts, struct verdict *out)
{
    out->action = VERDICT_ALLOW;
    if (out->host[0] != '\0' && out->port != 0)
        return;
    char wrong[128];
    snprintf(wrong, sizeof(wrong), "%.64s has no address yet", alias_of(facts));
    out->action = VERDICT_HOLD;
    out->code = ERR_TRANSITION;
    verdict_text_set(out, alias_of(facts), wrong,
        out->host[0] == '\0' ? "the control API tells no private host name"
                             : "the control API tells no port",
        "Set host and port of CLUSTER in the configuration, or see: tidblink doctor");
}

void verdict_decide(const struct verdict_facts *facts, struct verdict *out)
{
    *out = (struct verdict){ .what = "", .age_s = -1 };
    set_address(facts, out);
    if (facts->check_off) {
        decide_allowed(facts, out);
        out->unchecked = out->action == VERDICT_ALLOW;
        return;
    }
    if (!decide_cluster(facts, out) && !decide_group(facts, out) && !decide_service(facts, out) &&
        !decide_endpoint(facts, out))
        decide_allowed(facts, out);
    // A refusal from an earlier run waits for the first answer of this one; nothing runs yet that
    // could be drained.
    if (!facts->polled && out->action == VERDICT_REFUSE) {
        out->action = VERDICT_HOLD;
        out->drain = false;
    }
}

// ---- words ------------------------------------------------------------------------------------

struct state_words verdict_cluster_words(int cluster_state)
{
    return verdict_row_cluster(cluster_state)->words;
}

struct state_words verdict_group_words(int group_state)
{
    return verdict_row_group(group_state)->words;
}

struct state_words verdict_service_words(int service_state)
{
    return verdict_row_service(service_state)->words;
}

struct state_words verdict_endpoint_words(int endpoint_state)
{
    return verdict_row_endpoint(endpoint_state)->words;
}

struct state_words verdict_no_endpoint_words(void)
{
    return verdict_row_no_endpoint()->words;
}
