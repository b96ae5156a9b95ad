// SPDX-License-Identifier: Apache-2.0
//
// Both sides are looked at before and after each request, so that a delete that was broken off goes
// on where it was. Used by cmd_endpoint.c.
#include "app/endpoint_delete.h"

#include "app/choose.h"
#include "base/clock.h"
#include "base/err.h"
#include "guide/shell.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

// Which one: an ID that is kept, since the world is looked at again and again.
struct undoing {
    struct setup *setup;
    char endpoint_id[600]; // Azure's is a whole path
    uint64_t poll_ms, end_ms;
};

// Named or configured; else ours that lives; else one of this VPC that is on its way out already.
static const char *choose_id(const struct setup *setup)
{
    const struct world *world = &setup->world;
    const char *named = setup->plan->world.target->endpoint_id;
    const char *id = named ? named : setup_endpoint_id(setup);
    for (size_t i = 0; !*id && i < world->endpoint_list.count; i++) {
        const struct ec2_endpoint *endpoint = &world->endpoint_list.items[i];
        if (endpoint->vpc_id && strcmp(endpoint->vpc_id, world->vpc_id) == 0)
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
    return endpoint && strcasecmp(endpoint->state ? endpoint->state : "", "deleted") != 0 ? endpoint
                                                                                          : NULL;
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
    world_look_cloud(&undoing->setup->world, undoing->setup->account);
    const struct err *why = &undoing->setup->world.api.why;
    return undoing->setup->world.group || err_set(err, why->code, "%s", why->text);
}

static bool delete_connection(const struct undoing *undoing, struct err *err)
{
    const struct world *world = &undoing->setup->world;
    for (const struct endpoint *connection; (connection = connection_of(undoing)) != NULL;) {
        bool asked = connection->state.value == ENDPOINT_DELETING;
        // One that is DISCOVERED was never registered, so there is nothing to delete.
        if (!connection->connection_id || connection->state.value == ENDPOINT_DISCOVERED)
            break;
        if (!asked) {
            printf("  deleting the private endpoint connection of %s\n", undoing->endpoint_id);
            fflush(stdout);
            if (!account_delete_connection(undoing->setup->account, world->cluster->id,
                    world->group->id, connection->connection_id, err))
                return false;
        } else if (!pause_or_give_up(undoing, "the private endpoint connection", err)) {
            return false;
        }
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

static bool delete_endpoint(const struct undoing *undoing, struct err *err)
{
    struct world *world = &undoing->setup->world;
    for (const struct ec2_endpoint *endpoint; (endpoint = endpoint_of(undoing)) != NULL;) {
        struct ec2_command command;
        if (strcasecmp(endpoint->state ? endpoint->state : "", "deleting") == 0) {
            if (!pause_or_give_up(undoing, "the interface endpoint", err))
                return false;
        } else {
            printf("  deleting the interface endpoint %s\n", undoing->endpoint_id);
            fflush(stdout);
            ec2_delete_endpoint(&command, &world->ec2_options, undoing->endpoint_id);
            bool done = ec2_run(world->ec2, &command, err);
            ec2_command_done(&command);
            if (!done)
                return false;
        }
        world_look_aws(world, WORLD_ENDPOINTS);
        if (!setup_sees_aws(undoing->setup))
            return err_set(err, world->aws.why.code, "%s", world->aws.why.text);
    }
    return true;
}

static void print_aws_command(const struct undoing *undoing)
{
    struct ec2_command command;
    char text[EC2_TEXT_BYTES];
    ec2_delete_endpoint(&command, &undoing->setup->world.ec2_options, undoing->endpoint_id);
    shell_print(&command, text);
    printf("  AWS's side is left (%s). To delete it:\n  %s\n", undoing->setup->world.aws.why.text,
        text);
}

static bool agree(const struct undoing *undoing, bool yes, struct err *err)
{
    const struct ec2_endpoint *endpoint = endpoint_of(undoing);
    if (yes)
        return true;
    fprintf(stderr,
        "This deletes %s%s%s, at TiDB Cloud and at AWS.\n"
        "Every connection through it ends, whoever it belongs to.\n",
        undoing->endpoint_id, endpoint ? " in " : "", endpoint ? endpoint->vpc_id : "");
    if (!choose_can_ask())
        return err_set(err, ERR_USAGE, "nobody is here to be asked: expected --yes");
    return choose_yes("Delete it? Type yes:") || err_set(err, ERR_USAGE, "nothing was deleted");
}

static bool forget(struct setups *setups, const char *endpoint_id, struct err *err)
{
    struct place *place = setups->places;
    if (!place->file || strcmp(place->endpoint_id, endpoint_id) != 0)
        return true;
    printf("  %s: endpoint-id is taken out\n", place->file);
    return place_write(place, NULL, err);
}

bool endpoint_delete(struct setups *setups, bool yes, uint64_t max_ms, struct err *err)
{
    struct undoing undoing;
    begin(&undoing, setups, max_ms);
    const struct endpoint *connection = connection_of(&undoing);
    bool on_aws = setup_is_aws(undoing.setup);
    const struct world *world = &undoing.setup->world;
    if (!*undoing.endpoint_id && setup_sees_aws(undoing.setup) &&
        world->group->endpoint_count == 0) {
        printf("  there is no private endpoint of this cluster: nothing to delete\n");
        return true;
    }
    if (!*undoing.endpoint_id)
        return err_set(err, ERR_OPTION,
            "which endpoint? None of this cluster is known to be ours: tidblink endpoint list "
            "shows them; expected --endpoint-id");
    if (!connection && !endpoint_of(&undoing) && setup_sees_aws(undoing.setup)) {
        printf("  %s is on neither side any more\n", undoing.endpoint_id);
        return forget(setups, undoing.endpoint_id, err);
    }
    if (!agree(&undoing, yes, err) || !delete_connection(&undoing, err))
        return false;
    if (on_aws && setup_sees_aws(undoing.setup) && !delete_endpoint(&undoing, err))
        return false;
    if (on_aws && !setup_sees_aws(undoing.setup))
        print_aws_command(&undoing);
    if (!forget(setups, undoing.endpoint_id, err))
        return false;
    printf("  done\n");
    return true;
}
