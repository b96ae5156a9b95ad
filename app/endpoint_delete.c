// SPDX-License-Identifier: Apache-2.0
//
// Both sides are looked at before and after each request, so that a delete that was broken off goes
// on where it was. Used by cmd_endpoint.c.
#include "app/endpoint_delete.h"

#include "app/choose.h"
#include "app/table.h"
#include "base/clock.h"
#include "base/err.h"
#include "guide/elsewhere.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// Which one: an ID that is kept, since the world is looked at again and again.
struct undoing {
    struct setup *setup;
    char endpoint_id[600]; // Azure's is a whole path
    uint64_t poll_ms, end_ms;
};

static bool is_in_state(const struct ec2_endpoint *endpoint, const char *state)
{
    return endpoint->state && strcasecmp(endpoint->state, state) == 0;
}

// Named or configured; else ours that lives or was just asked for; else one of this VPC that is
// rejected or on its way out, or of which TiDB Cloud's half is left.
static const char *choose_id(const struct setup *setup)
{
    const struct world *world = &setup->world;
    const char *named = setup->plan->world.target->endpoint_id;
    if (!named && setup_is_aws(setup) && !setup_sees_aws(setup))
        return ""; // what TiDB Cloud shows may be another VPC's
    const char *id = named ? named : setup_endpoint_id(setup);
    for (size_t i = 0; !*id && i < world->endpoint_list.count; i++) {
        const struct ec2_endpoint *endpoint = &world->endpoint_list.items[i];
        bool is_half_gone =
            !is_in_state(endpoint, "deleted") || world_find_connection(world->group, endpoint->id);
        if (is_half_gone && endpoint->vpc_id && strcmp(endpoint->vpc_id, world->vpc_id) == 0)
            id = endpoint->id;
    }
    return id;
}

static void begin(struct undoing *undoing, struct setups *setups, uint64_t max_ms)
{
    *undoing = (struct undoing){
        .setup = setups->setups,
        .poll_ms = setups->settings->control.poll_changing_ms,
        .end_ms = clock_ms() + max_ms,
    };
    snprintf(undoing->endpoint_id, sizeof(undoing->endpoint_id), "%s", choose_id(setups->setups));
}

static const struct endpoint *connection_of(const struct undoing *undoing)
{
    return world_find_connection(undoing->setup->world.group, undoing->endpoint_id);
}

static const struct ec2_endpoint *endpoint_of(const struct undoing *undoing)
{
    const struct ec2_endpoint *endpoint =
        world_find_endpoint(&undoing->setup->world.endpoint_list, undoing->endpoint_id);
    return endpoint && !is_in_state(endpoint, "deleted") ? endpoint : NULL;
}

// Between two looks at what somebody else does.
static bool pause_or_give_up(const struct undoing *undoing, const char *what, struct err *err)
{
    if (clock_ms() >= undoing->end_ms)
        return err_set(err, ERR_TRANSITION,
            "%s is still being deleted; run the same command again to go on waiting", what);
    poll(NULL, 0, (int)undoing->poll_ms);
    return true;
}

// A list of connections that could not be read shows none, which is not the same as gone.
static bool look_at_cloud(const struct undoing *undoing, struct err *err)
{
    struct setup *setup = undoing->setup;
    for (;;) {
        world_look_cloud(&setup->world, setup->account);
        const struct err *why = &setup->world.api.why;
        if (setup->world.group)
            return true;
        if (!setup_may_pass(setup, why))
            return err_set(err, why->code, "%s", why->text);
        fprintf(stderr, "  waiting: %s\n", why->text);
        if (!pause_or_give_up(undoing, "the private endpoint connection", err))
            return false;
    }
}

static bool ask_to_delete_connection(
    const struct undoing *undoing, const struct endpoint *connection, struct err *err)
{
    const struct world *world = &undoing->setup->world;
    printf("  deleting the private endpoint connection of %s\n", undoing->endpoint_id);
    fflush(stdout);
    return account_delete_connection(undoing->setup->account, world->cluster->id, world->group->id,
        connection->connection_id, err);
}

static bool delete_connection(const struct undoing *undoing, struct err *err)
{
    bool rests = false; // asked, and not seen to be leaving yet
    for (const struct endpoint *connection; (connection = connection_of(undoing)) != NULL;) {
        // One that is DISCOVERED was never registered, so there is nothing to delete.
        if (!connection->connection_id || connection->state.value == ENDPOINT_DISCOVERED)
            break;
        bool asks = !rests && connection->state.value != ENDPOINT_DELETING;
        if (asks ? !ask_to_delete_connection(undoing, connection, err)
                 : !pause_or_give_up(undoing, "the private endpoint connection", err))
            return false;
        rests = asks;
        if (!look_at_cloud(undoing, err))
            return false;
    }
    return true;
}

bool endpoint_delete_connection(struct setups *setups, uint64_t max_ms, struct err *err)
{
    struct undoing undoing;
    begin(&undoing, setups, max_ms);
    return delete_connection(&undoing, err);
}

static bool ask_to_delete_endpoint(const struct undoing *undoing, struct err *err)
{
    struct ec2_command command;
    struct world *world = &undoing->setup->world;
    printf("  deleting the interface endpoint %s\n", undoing->endpoint_id);
    fflush(stdout);
    ec2_delete_endpoint(&command, &world->ec2_options, undoing->endpoint_id);
    bool done = ec2_run(world->ec2, &command, err);
    ec2_command_done(&command);
    return done || strstr(ec2_error_code(world->ec2), "NotFound") != NULL;
}

static bool delete_endpoint(const struct undoing *undoing, struct err *err)
{
    struct setup *setup = undoing->setup;
    bool rests = false;
    // Just created, and not listed yet.
    if (!endpoint_of(undoing) && strcmp(setup->token.endpoint_id, undoing->endpoint_id) == 0 &&
        !setup_token_is_spent(setup) && !ask_to_delete_endpoint(undoing, err))
        return false;
    for (const struct ec2_endpoint *endpoint; (endpoint = endpoint_of(undoing)) != NULL;) {
        bool asks = !rests && !is_in_state(endpoint, "deleting");
        if (asks ? !ask_to_delete_endpoint(undoing, err)
                 : !pause_or_give_up(undoing, "the interface endpoint", err))
            return false;
        rests = asks;
        world_look_aws(&setup->world, WORLD_ENDPOINTS);
        const struct err *why = setup_no_aws(setup);
        if (!setup_sees_aws(setup))
            return err_set(err, why->code, "%s", why->text);
    }
    return true;
}

// What somebody else has to delete.
static void print_rest(const struct undoing *undoing)
{
    char text[EC2_TEXT_BYTES], line[ERR_TEXT_BYTES + 64];
    const struct setup *setup = undoing->setup;
    struct ec2_command command;
    if (setup_is_aws(setup)) {
        ec2_delete_endpoint(&command, &setup->world.ec2_options, undoing->endpoint_id);
        shell_print(&command, text);
        snprintf(line, sizeof(line),
            "AWS's side is left (%s). To delete it:", setup_no_aws(setup)->text);
    } else if (elsewhere_deletion(setup, undoing->endpoint_id, text)) {
        snprintf(line, sizeof(line),
            "%s's side is left. To delete it:", world_provider_name(setup->world.cluster));
    } else {
        return;
    }
    table_paragraph(stdout, "  ", 2, line);
    printf("%s\n", text);
}

static bool agree(const struct undoing *undoing, bool yes, struct err *err)
{
    const struct ec2_endpoint *endpoint = endpoint_of(undoing);
    const char *vpc_id = endpoint ? endpoint->vpc_id : NULL;
    if (yes)
        return true;
    fprintf(stderr,
        "This deletes %s%s%s, at TiDB Cloud%s.\n"
        "Every connection through it ends, whoever it belongs to.\n",
        undoing->endpoint_id, vpc_id ? " in " : "", vpc_id ? vpc_id : "",
        endpoint ? " and at AWS" : "");
    if (!choose_can_ask())
        return err_set(err, ERR_USAGE, "nobody is here to be asked: expected --yes");
    // A person's no is no wrong usage.
    return choose_yes("Delete it? Type yes:") || err_set(err, ERR_DENIED, "nothing was deleted");
}

// Where it may be named beside the file, which the next set-up would then stop at.
static void warn_of_variable(const char *endpoint_id)
{
    const char *variable = getenv("TIDBLINK_ENDPOINT_ID");
    if (variable && strcmp(variable, endpoint_id) == 0)
        printf("  TIDBLINK_ENDPOINT_ID still names it: unset it before the next setup\n");
}

static bool forget(struct setups *setups, const char *endpoint_id, struct err *err)
{
    struct place *place = setups->places;
    warn_of_variable(endpoint_id);
    if (!place->file || strcmp(place->endpoint_id, endpoint_id) != 0)
        return true;
    printf("  %s: endpoint-id is taken out\n", place->file);
    return place_write(place, NULL, err);
}

// The note that a set-up left, so that the next one does not wait for what is deleted here.
static bool open_note(const struct setups *setups, struct err *err)
{
    struct step_view view = { 0 };
    struct setup *setup = setups->setups;
    if (!setups->settings->control.state_dir || setup_open_token(setup, &view))
        return true;
    return err_set(err, view.code, "%s", view.text);
}

// The note is about the VPC that is looked at.
static bool is_of_note(const struct undoing *undoing)
{
    const struct world *world = &undoing->setup->world;
    const struct token *token = &undoing->setup->token;
    const struct ec2_endpoint *endpoint = endpoint_of(undoing);
    if (*token->endpoint_id)
        return strcmp(token->endpoint_id, undoing->endpoint_id) == 0;
    return *token->client_token && endpoint && endpoint->vpc_id &&
           strcmp(endpoint->vpc_id, world->vpc_id) == 0;
}

// Nobody knows which one is meant.
static bool end_without_id(const struct setup *setup, struct err *err)
{
    if (!setup_token_is_spent(setup))
        return err_set(err, ERR_TRANSITION,
            "setup has asked for an endpoint that AWS does not list yet: run the same command "
            "again, for up to 10 minutes after setup");
    if (!setup_sees_aws(setup) || setup->world.group->endpoint_count > 0)
        return err_set(err, ERR_OPTION,
            "which endpoint? None of this cluster is known to be ours: tidblink endpoint list "
            "shows them; expected --endpoint-id");
    printf("  there is no private endpoint of this cluster: nothing to delete\n");
    return true;
}

bool endpoint_delete(struct setups *setups, bool yes, uint64_t max_ms, struct err *err)
{
    struct undoing undoing;
    struct setup *setup = setups->setups;
    if (!open_note(setups, err))
        return false;
    begin(&undoing, setups, max_ms);
    bool has_note = is_of_note(&undoing);
    bool is_unlisted = has_note && !setup_token_is_spent(setup);
    if (!*undoing.endpoint_id)
        return end_without_id(setup, err);
    if (!connection_of(&undoing) && !endpoint_of(&undoing) && !is_unlisted &&
        setup_sees_aws(setup)) {
        printf("  %s is on neither side any more\n", undoing.endpoint_id);
        return forget(setups, undoing.endpoint_id, err);
    }
    if (!agree(&undoing, yes, err) || !delete_connection(&undoing, err))
        return false;
    if (!setup_is_aws(setup) || !setup_sees_aws(setup))
        print_rest(&undoing);
    else if (!delete_endpoint(&undoing, err) || (has_note && !token_forget(&setup->token, err)))
        return false;
    if (!forget(setups, undoing.endpoint_id, err))
        return false;
    printf("  done\n");
    return true;
}
