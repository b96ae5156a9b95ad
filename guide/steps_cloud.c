// SPDX-License-Identifier: Apache-2.0
//
// The steps on TiDB Cloud's side: the cluster runs, its private link service is ready, our endpoint
// is registered and accepted. What a state means is in the verdict's rows; here is what follows
// from it for the set-up.
#include "control/verdict_row.h"
#include "guide/elsewhere.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// ---- the cluster --------------------------------------------------------------------------------

static void add_resume(struct setup *setup, struct step_view *out, const char *state)
{
    if (setup->plan->resume) {
        view_is(out, STEP_TODO, "%s; resuming it takes several minutes and is billed", state);
        return;
    }
    view_blocked(out, ERR_REFUSED,
        "%s. Resume it in the TiDB Cloud console, or add --resume (a running cluster is billed)",
        state);
}

static bool group_runs(const struct setup *setup, struct step_view *out)
{
    char text[WORLD_STATE_BYTES];
    const struct node_group *group = setup->world.group;
    if (!group) {
        view_blocked(out, ERR_UNKNOWN_CLUSTER, "the cluster has no such TiDB node group");
        return false;
    }
    const struct verdict_row *row = verdict_row_group(group->state.value);
    if (row->action == VERDICT_ALLOW)
        return true;
    view_blocked(out, ERR_REFUSED, "node group %.60s is %s. %s",
        group->name ? group->name : group->id, world_state_text(&group->state, &row->words, text),
        row->words.next_step);
    return false;
}

// No cluster, and why; it may be an instance of another kind.
static void explain_absence(const struct setup *setup, struct step_view *out)
{
    const struct err *why = &setup->world.api.why;
    const char *id = setup->plan->world.target->cluster;
    char *name = why->code == ERR_UNKNOWN_CLUSTER && setup->account
                     ? account_serverless_name(setup->account, id)
                     : NULL;
    if (name)
        view_blocked(out, why->code,
            "%.64s is no Dedicated cluster: it is the Starter or Essential instance %.128s. Those "
            "have private endpoints of another kind (TiDB Cloud console, Connect)",
            id, name);
    else
        view_blocked(out, why->code, "%.500s", why->text);
    free(name);
}

void step_cluster_look(struct setup *setup, struct step_view *out)
{
    char text[WORLD_STATE_BYTES];
    const struct world *world = &setup->world;
    const struct cluster *cluster = world->cluster;
    if (!world->api.seen || !cluster) {
        explain_absence(setup, out);
        return;
    }
    const struct verdict_row *row = verdict_row_cluster(cluster->state.value);
    world_state_text(&cluster->state, &row->words, text);
    if (row->action == VERDICT_HOLD || cluster->state.value == CLUSTER_PAUSING)
        view_is(out, STEP_WAIT, "%s: %s", text, row->words.meaning);
    else if (cluster->state.value == CLUSTER_PAUSED)
        add_resume(setup, out, text);
    else if (row->action == VERDICT_REFUSE)
        view_blocked(
            out, ERR_REFUSED, "%s: %s. %s", text, row->words.meaning, row->words.next_step);
    else if (group_runs(setup, out))
        view_is(out, STEP_DONE, "%.80s, %.40s, %s", cluster->name ? cluster->name : cluster->id,
            cluster->region ? cluster->region : "region not told", text);
}

bool step_cluster_take(struct setup *setup, struct err *err)
{
    return account_resume(setup->account, setup->world.cluster->id, err);
}

// ---- the private link service -------------------------------------------------------------------

void step_service_look(struct setup *setup, struct step_view *out)
{
    char text[WORLD_STATE_BYTES];
    const struct node_group *group = setup->world.group;
    if (!group) {
        view_is(out, STEP_LATER, "known once the cluster is");
        return;
    }
    const struct verdict_row *row = verdict_row_service(group->service.value);
    world_state_text(&group->service, &row->words, text);
    if (!group->service.text)
        view_is(out, STEP_WAIT,
            "TiDB Cloud shows none yet: it makes one 3 to 4 minutes after the cluster (a cluster "
            "of before 28 March 2023 needs TiDB Cloud support)");
    else if (row->action == VERDICT_HOLD)
        view_is(out, STEP_WAIT, "%s: %s", text, row->words.meaning);
    else if (row->action == VERDICT_REFUSE)
        view_blocked(out, ERR_REFUSED, "%s: %s", text, row->words.meaning);
    else
        view_is(out, STEP_DONE, "TiDB Private Link Service is ready: %.200s",
            group->service_name ? group->service_name : "TiDB Cloud does not tell its name yet");
}

// ---- the private endpoint connection ------------------------------------------------------------

static void own_command(struct setup *setup, const char *verb, struct step_view *out)
{
    const char *id = setup_endpoint_id(setup);
    char word[SHELL_WORD_BYTES], alias[SHELL_WORD_BYTES], address[SHELL_WORD_BYTES];
    const char *ip = setup->plan->private_ip;
    const char *shown = *id                   ? shell_word(id, word)
                        : setup_is_aws(setup) ? "\"" SHELL_ENDPOINT "\""
                                              : elsewhere_endpoint_word(setup, word);
    snprintf(out->command, sizeof(out->command), "tidblink endpoint %s %s --endpoint-id %s%s%s",
        verb, setup_alias(setup, alias), shown, ip ? " --private-ip " : "",
        ip ? shell_word(ip, address) : "");
}

static void look_at_connection(
    struct setup *setup, const struct endpoint *connection, struct step_view *out)
{
    char alias[SHELL_WORD_BYTES];
    const char *message =
        connection->message && *connection->message ? connection->message : "it gives no reason";
    switch (connection->state.value) {
    case ENDPOINT_DISCOVERED:
        view_is(out, STEP_TODO, "%.300s exists and is not registered with TiDB Cloud yet",
            connection->endpoint_id);
        own_command(setup, "create", out);
        break;
    case ENDPOINT_DELETING:
        view_is(out, STEP_WAIT, "the one of %.300s is being deleted", connection->endpoint_id);
        break;
    case ENDPOINT_FAILED:
        view_blocked(out, ERR_REFUSED,
            "%.200s is FAILED: %.200s. Delete both sides with tidblink endpoint delete %s, then "
            "run setup again",
            connection->endpoint_id, message, setup_alias(setup, alias));
        break;
    default:
        view_is(out, STEP_DONE, "%.300s is registered", connection->endpoint_id);
    }
}

void step_connection_look(struct setup *setup, struct step_view *out)
{
    const struct world *world = &setup->world;
    const char *id = setup_endpoint_id(setup);
    if (!world->group) {
        view_is(out, STEP_LATER, "known once the cluster is");
        return;
    }
    const struct endpoint *connection = setup_connection(setup);
    if (connection) {
        look_at_connection(setup, connection, out);
        return;
    }
    view_is(out, *id ? STEP_TODO : STEP_LATER, "TiDB Cloud must be told of %s",
        *id ? id : "the endpoint");
    own_command(setup, "create", out);
}

bool step_connection_take(struct setup *setup, struct err *err)
{
    struct endpoint made;
    const struct world *world = &setup->world;
    bool done = account_create_connection(setup->account, world->cluster->id, world->group->id,
        setup_endpoint_id(setup), setup->plan->private_ip, &made, err);
    if (done)
        model_endpoint_done(&made);
    return done;
}

// ---- its acceptance -----------------------------------------------------------------------------

static const char *aws_state(const struct setup *setup)
{
    const struct ec2_endpoint *endpoint = setup_endpoint(setup);
    return endpoint && endpoint->state ? endpoint->state : "";
}

// By the command line or the environment, which setup does not forget.
static bool is_named(const struct setup *setup)
{
    const char *named = setup->plan->world.target->endpoint_id;
    const char *written = setup->plan->place.endpoint_id;
    return named && !(written && strcmp(named, written) == 0);
}

void step_accepted_look(struct setup *setup, struct step_view *out)
{
    const struct endpoint *connection = setup_connection(setup);
    const char *state = aws_state(setup);
    char text[WORLD_STATE_BYTES], alias[SHELL_WORD_BYTES];
    if (!connection || connection->state.value == ENDPOINT_DISCOVERED) {
        view_is(out, STEP_LATER, "follows the registration");
        own_command(setup, "wait", out);
        return;
    }
    const struct verdict_row *row = verdict_row_endpoint(connection->state.value);
    world_state_text(&connection->state, &row->words, text);
    if (row->action == VERDICT_REFUSE)
        view_blocked(out, ERR_REFUSED, "%s: %s", text, row->words.meaning);
    else if (row->action == VERDICT_HOLD)
        view_is(out, STEP_WAIT, "%s: %s", text, row->words.meaning);
    else if (strcasecmp(state, "rejected") == 0)
        view_blocked(out, ERR_REFUSED,
            "TiDB Cloud says %s, AWS says rejected: delete both sides with tidblink endpoint "
            "delete %s, then run setup again%s",
            text, setup_alias(setup, alias), is_named(setup) ? " without --endpoint-id" : "");
    else if (*state && strcasecmp(state, "available") != 0)
        view_is(out, STEP_WAIT, "%s for TiDB Cloud, %.40s for AWS", text, state);
    else
        view_is(out, STEP_DONE, "%s", text);
    if (out->status == STEP_WAIT)
        own_command(setup, "wait", out);
}
