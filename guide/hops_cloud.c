// SPDX-License-Identifier: Apache-2.0
//
// The hops on TiDB Cloud's side. What a state means is in the verdict's rows; here is what repairs
// it.
#include "control/verdict_row.h"
#include "guide/doctor.h"
#include "guide/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void show_state(struct hop_view *out, const char *what, const struct observed_state *state,
    const struct state_words *words)
{
    char text[WORLD_STATE_BYTES];
    hop_is(out, HOP_OK, "%s%s%s", what, *what ? " is " : "", world_state_text(state, words, text));
    hop_detail(out, "state", state->text);
}

// A state that passes, or one that does not.
static void fail_state(struct hop_view *out, const struct verdict_row *row)
{
    out->status = HOP_FAIL;
    hop_why(out, "%s", row->words.meaning);
    if (*row->words.usual)
        hop_why(out, "; usually %s", row->words.usual);
}

// ---- cluster and node group ---------------------------------------------------------------------

// An ID that nobody knows here may be a Starter's or Essential's.
static void explain_no_cluster(struct doctor *doctor, struct hop_view *out)
{
    const struct err *why = &doctor->world.api.why;
    const char *id = doctor->plan->world.target->cluster;
    hop_is(out, HOP_FAIL, "%s", why->text);
    char *name = doctor->account ? account_serverless_name(doctor->account, id) : NULL;
    if (name) {
        hop_is(out, HOP_FAIL,
            "%s is no Dedicated cluster: it is the Starter or Essential instance "
            "%s",
            id, name);
        hop_why(out, "those have endpoints and users of another kind; tidblink is for TiDB Cloud "
                     "Dedicated");
    }
    free(name);
    char command[EC2_TEXT_BYTES];
    snprintf(command, sizeof(command), "tidblink clusters%s", doctor->plan->arguments);
    hop_command(out, command);
}

void hop_cluster(struct doctor *doctor, struct hop_view *out)
{
    const struct world *world = &doctor->world;
    const struct cluster *cluster = world->cluster;
    if (!cluster && world->api.why.code == ERR_UNKNOWN_CLUSTER) {
        explain_no_cluster(doctor, out);
        return;
    }
    if (!cluster && !doctor->account) {
        hop_blocked(doctor, out, HOP_API);
        return;
    }
    if (!cluster) {
        hop_is(out, HOP_SKIP, "%s", world->api.why.text);
        return;
    }
    const struct verdict_row *row = verdict_row_cluster(cluster->state.value);
    show_state(out, cluster->name ? cluster->name : cluster->id, &cluster->state, &row->words);
    hop_saw_more(out, ", %s", cluster->region ? cluster->region : "region not told");
    hop_detail(out, "id", cluster->id);
    hop_detail(out, "region", cluster->region);
    if (row->action == VERDICT_ALLOW)
        return;
    fail_state(out, row);
    if (row->action == VERDICT_HOLD)
        hop_tidblink(doctor, out, "setup", "--apply");
    else if (cluster->state.value == CLUSTER_PAUSED || cluster->state.value == CLUSTER_PAUSING)
        hop_tidblink(doctor, out, "setup", "--resume --apply");
    else
        hop_advise(out, "%s", row->words.next_step);
}

void hop_group(struct doctor *doctor, struct hop_view *out)
{
    const struct node_group *group = doctor->world.group;
    if (!doctor->world.cluster) {
        hop_blocked(doctor, out, HOP_CLUSTER);
        return;
    }
    if (!group) {
        hop_is(out, HOP_FAIL, "%s", doctor->world.api.why.text);
        hop_advise(out,
            "correct \"group\" in %s: the groups are in the console (the cluster, "
            "Nodes)",
            doctor_file(doctor));
        return;
    }
    const struct verdict_row *row = verdict_row_group(group->state.value);
    show_state(out, group->name ? group->name : group->id, &group->state, &row->words);
    hop_detail(out, "id", group->id);
    if (row->action == VERDICT_ALLOW)
        return;
    fail_state(out, row);
    hop_advise(out, "%s", row->words.next_step);
    hop_follows(doctor, out, HOP_BIT(HOP_CLUSTER));
}

// ---- the service --------------------------------------------------------------------------------

void hop_service(struct doctor *doctor, struct hop_view *out)
{
    const struct node_group *group = doctor->world.group;
    if (!group) {
        hop_blocked(doctor, out, HOP_GROUP);
        return;
    }
    if (!group->service.text) {
        hop_is(out, HOP_FAIL, "TiDB Cloud shows none");
        hop_why(out, "it makes one 3 to 4 minutes after the cluster; a cluster of before 28 March "
                     "2023 needs TiDB Cloud support");
        hop_tidblink(doctor, out, "setup", "--apply");
        hop_follows(doctor, out, HOP_BIT(HOP_CLUSTER) | HOP_BIT(HOP_GROUP));
        return;
    }
    const struct verdict_row *row = verdict_row_service(group->service.value);
    show_state(out, "", &group->service, &row->words);
    if (group->service_name)
        hop_saw_more(out, ", %s", group->service_name);
    hop_detail(out, "name", group->service_name);
    if (row->action == VERDICT_ALLOW)
        return;
    fail_state(out, row);
    if (row->action == VERDICT_HOLD)
        hop_tidblink(doctor, out, "setup", "--apply");
    else
        hop_advise(out, "%s", row->words.next_step);
    hop_follows(doctor, out, HOP_BIT(HOP_CLUSTER));
}

// ---- the connection -----------------------------------------------------------------------------

static const struct ec2_endpoint *seen_in_aws(const struct doctor *doctor, const char *endpoint_id)
{
    return world_find_endpoint(&doctor->world.endpoint_list, endpoint_id);
}

static const char *id_of(const struct endpoint *connection)
{
    return connection->endpoint_id ? connection->endpoint_id : "an endpoint without an ID";
}

static void list_connections(const struct node_group *group, struct hop_view *out)
{
    for (size_t i = 0; i < group->endpoint_count; i++)
        hop_saw_more(out, "%s%s (%s)", i > 0 ? ", " : "", id_of(&group->endpoints[i]),
            group->endpoints[i].state.text);
}

// One that TiDB Cloud knows and that AWS shows alive in the VPC that is looked at; NULL: none.
static const char *find_ours(const struct doctor *doctor)
{
    const struct world *world = &doctor->world;
    for (size_t i = 0; i < world->group->endpoint_count; i++) {
        const char *id = world->group->endpoints[i].endpoint_id;
        const struct ec2_endpoint *endpoint = seen_in_aws(doctor, id);
        if (endpoint && world_endpoint_lives(endpoint) && endpoint->vpc_id &&
            strcmp(endpoint->vpc_id, world->vpc_id) == 0)
            return id;
    }
    return NULL;
}

// TiDB Cloud does not know the endpoint of endpoint-id.
static void explain_wrong_id(struct doctor *doctor, struct hop_view *out)
{
    const struct node_group *group = doctor->world.group;
    const char *id = doctor->plan->world.target->endpoint_id;
    const struct ec2_endpoint *endpoint = seen_in_aws(doctor, id);
    const char *ours = find_ours(doctor);
    hop_is(out, HOP_FAIL, "endpoint-id is %s, which TiDB Cloud does not know; it knows ", id);
    if (group->endpoint_count > 0)
        list_connections(group, out);
    else
        hop_saw_more(out, "none");
    if (endpoint && world_endpoint_lives(endpoint)) {
        hop_why(out, "it exists in %s and is not registered",
            endpoint->vpc_id ? endpoint->vpc_id : "AWS");
        hop_tidblink(doctor, out, "endpoint create", "");
    } else if (ours) {
        hop_advise(
            out, "set \"endpoint-id = %s\" in %s, or take it out", ours, doctor_file(doctor));
    } else {
        hop_tidblink(doctor, out, "setup", "--apply");
    }
}

// There are some, or none, and none of them is ours as far as can be told.
static void explain_no_connection(struct doctor *doctor, struct hop_view *out)
{
    const struct world *world = &doctor->world;
    const struct node_group *group = world->group;
    const struct state_words words = verdict_no_endpoint_words();
    if (world->endpoint) {
        hop_is(out, HOP_FAIL, "%s exists in AWS and is not registered with TiDB Cloud",
            world->endpoint->id);
        hop_tidblink(doctor, out, "endpoint create", "");
    } else if (group->endpoint_count == 0) {
        hop_is(out, HOP_FAIL, "none (%s)", words.console);
        hop_why(out, "%s", words.meaning);
        hop_tidblink(doctor, out, "setup", "--apply");
    } else if (world->endpoints.seen && *world->vpc_id) {
        hop_is(out, HOP_FAIL, "none of an endpoint in %s; there are ", world->vpc_id);
        list_connections(group, out);
        hop_tidblink(doctor, out, "setup", "--apply");
    } else {
        hop_is(out, HOP_WARN, "which one is ours is not known: ");
        list_connections(group, out);
        hop_advise(out, "set \"endpoint-id\" in %s to the one of this VPC", doctor_file(doctor));
    }
}

// What the console calls Edit is to delete it and to create it again; with it goes an endpoint that
// AWS had accepted, which TiDB Cloud turns down when its connection is deleted.
static void explain_failed(
    struct doctor *doctor, const struct endpoint *connection, struct hop_view *out)
{
    hop_why(out, "%s",
        connection->message && *connection->message ? connection->message
                                                    : "TiDB Cloud gives no reason");
    hop_make_another(doctor, out, id_of(connection));
}

static void explain_state(
    struct doctor *doctor, const struct endpoint *connection, struct hop_view *out)
{
    const struct verdict_row *row = verdict_row_endpoint(connection->state.value);
    out->status = HOP_FAIL;
    if (connection->state.value == ENDPOINT_FAILED) {
        explain_failed(doctor, connection, out);
        return;
    }
    fail_state(out, row);
    if (connection->state.value == ENDPOINT_DISCOVERED)
        hop_tidblink(doctor, out, "endpoint create", "");
    else if (row->action == VERDICT_HOLD)
        hop_tidblink(doctor, out, "endpoint wait", "");
    else
        hop_tidblink(doctor, out, "setup", "--apply");
}

// Which connection is ours can be told only when AWS has been looked at, which takes seconds.
void hop_connection(struct doctor *doctor, struct hop_view *out)
{
    world_look_aws(&doctor->world, WORLD_AWS);
    const struct endpoint *connection = doctor->world.connection;
    if (!doctor->world.group) {
        hop_blocked(doctor, out, HOP_GROUP);
        return;
    }
    if (connection) {
        const struct verdict_row *row = verdict_row_endpoint(connection->state.value);
        show_state(out, id_of(connection), &connection->state, &row->words);
        hop_detail(out, "endpoint_id", connection->endpoint_id);
        hop_detail(out, "connection_id", connection->connection_id);
        hop_detail(out, "message", connection->message);
        if (row->action != VERDICT_ALLOW)
            explain_state(doctor, connection, out);
    } else if (doctor->plan->world.target->endpoint_id) {
        explain_wrong_id(doctor, out);
    } else {
        explain_no_connection(doctor, out);
    }
    hop_follows(doctor, out, HOP_BIT(HOP_SERVICE));
}
