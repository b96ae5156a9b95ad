// SPDX-License-Identifier: Apache-2.0
//
// The steps about the interface endpoint in the VPC: its creation, its security group, private DNS.
// Without the AWS CLI each step is still told as the command that it takes.
// Source: docs.aws.amazon.com/vpc/latest/privatelink, "Create an interface endpoint",
// "Manage DNS names for VPC endpoint services".
#include "base/clock.h"
#include "guide/elsewhere.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

// How long a listing may lag behind a creation that was answered or is under way; after that the
// token stands for nothing any more.
enum { LISTING_LAG_S = 600 };

static const struct ec2_options *options(const struct setup *setup)
{
    return &setup->world.ec2_options;
}

// ---- the interface endpoint ---------------------------------------------------------------------

static void plan_endpoint(struct setup *setup, const char *client_token,
    const struct option_list *subnet_ids, struct ec2_command *out)
{
    const struct world *world = &setup->world;
    const struct ec2_endpoint_plan plan = {
        .vpc_id = setup_vpc_word(setup),
        .service_name = world->group->service_name,
        .subnet_ids = subnet_ids,
        .security_group_ids = setup->plan->world.security_group_ids,
        .client_token = client_token,
        .cluster = world->cluster->name ? world->cluster->name : world->cluster->id,
    };
    ec2_create_endpoint(out, options(setup), &plan);
}

static void endpoint_command(struct setup *setup, struct step_view *out)
{
    static char unknown[] = "SUBNET_ID";
    static char *unknowns[] = { unknown };
    struct option_list ids = setup_subnets(setup);
    struct ec2_command command;
    if (ids.count == 0)
        ids = (struct option_list){ unknowns, 1 };
    plan_endpoint(setup, NULL, &ids, &command);
    shell_print_into(&command, SHELL_ENDPOINT, "VpcEndpoint.VpcEndpointId", out->command);
}

static bool forget_token(struct setup *setup, struct step_view *out)
{
    struct err err;
    if (!*setup->token.client_token || token_forget(&setup->token, &err))
        return true;
    view_blocked(out, err.code, "%.500s", err.text);
    return false;
}

bool setup_token_is_spent(const struct setup *setup)
{
    const struct token *token = &setup->token;
    const struct ec2_endpoint *made =
        world_find_endpoint(&setup->world.endpoint_list, token->endpoint_id);
    return (made && !world_endpoint_lives(made)) || clock_wall_s() - token->asked > LISTING_LAG_S;
}

// A note on disk about a creation that no listing shows.
static void look_at_token(const struct setup *setup, struct step_view *out)
{
    if (*setup->token.endpoint_id)
        view_is(
            out, STEP_WAIT, "%.60s is created; AWS does not list it yet", setup->token.endpoint_id);
    else if (setup->is_under_way)
        view_is(out, STEP_WAIT, "one was asked for before, with other subnets or groups");
    else
        view_is(out, STEP_TODO, "its creation was begun before and is asked for again");
}

static void look_at_endpoint(
    struct setup *setup, const struct ec2_endpoint *endpoint, struct step_view *out)
{
    if (!forget_token(setup, out))
        return;
    view_is(out, STEP_DONE, "%.60s, %.40s for AWS", endpoint->id,
        endpoint->state ? endpoint->state : "in a state that is not told");
}

// The provider's own commands, and our half of it once the endpoint has a name. A connection that
// TiDB Cloud shows may be another network's, so it is not taken.
static void look_at_other_cloud(struct setup *setup, struct step_view *out)
{
    const char *named = setup->plan->world.target->endpoint_id;
    const struct endpoint *shown = setup->world.connection;
    const char *cloud = world_provider_name(setup->world.cluster);
    char other[256] = "";
    if (named && elsewhere_lacks_address(setup)) {
        view_blocked(out, ERR_USAGE,
            "TiDB Cloud must be told the endpoint's address as well: expected --private-ip IP");
        return;
    }
    if (named) {
        view_is(out, STEP_DONE, "%.500s", named);
        return;
    }
    if (shown && shown->endpoint_id)
        snprintf(other, sizeof(other),
            ". TiDB Cloud shows %.150s: if it is this network's, name that one",
            shown->endpoint_id);
    if (elsewhere_creation(setup, out->command))
        view_is(out, STEP_MANUAL,
            "is created with %s's own commands. Run them, then setup again with %s%s", cloud,
            elsewhere_endpoint_id(setup), other);
    else
        view_is(out, STEP_MANUAL, "has to be created in %s, then setup again with --endpoint-id%s",
            cloud, other);
}

// Somebody else has to ask AWS. What TiDB Cloud shows may be another VPC's, so it is not taken.
static void look_without_aws(struct setup *setup, struct step_view *out)
{
    const char *named = setup->plan->world.target->endpoint_id;
    const struct endpoint *connection = setup->world.connection;
    const char *shown = connection ? connection->endpoint_id : NULL;
    const struct err *why = setup_no_aws(setup);
    if (named) {
        view_is(out, STEP_DONE, "%.60s (not looked at)", named);
        return;
    }
    if (shown)
        view_is(out, STEP_MANUAL,
            "AWS cannot be asked from here (%.400s). TiDB Cloud shows %.60s: if it is one of this "
            "VPC, setup again with --endpoint-id",
            why->text, shown);
    else
        view_is(out, STEP_MANUAL,
            "AWS cannot be asked from here (%.400s). Run the command where it can, then setup "
            "again with --endpoint-id",
            why->text);
    out->code = setup->world.ec2 ? why->code : ERR_NONE;
    if (!shown)
        endpoint_command(setup, out);
}

// An old one in this VPC holds the private name until it is gone.
static const struct ec2_endpoint *find_leaving(const struct setup *setup)
{
    const struct world *world = &setup->world;
    for (size_t i = 0; i < world->endpoint_list.count; i++) {
        const struct ec2_endpoint *endpoint = &world->endpoint_list.items[i];
        if (endpoint->state && strcasecmp(endpoint->state, "deleting") == 0 && endpoint->vpc_id &&
            strcmp(endpoint->vpc_id, world->vpc_id) == 0)
            return endpoint;
    }
    return NULL;
}

bool setup_open_token(struct setup *setup, struct step_view *out)
{
    const struct world *world = &setup->world;
    struct err err;
    if (!world->group || !world->group->service_name)
        return true; // then nothing is created either
    if (!setup->acts || setup->token.path || !setup_sees_aws(setup) || !*world->vpc_id ||
        token_open(&setup->token, setup->plan->world.control->state_dir, world->group->service_name,
            world->vpc_id, &err))
        return true;
    view_blocked(out, err.code, "%.500s", err.text);
    return false;
}

void step_endpoint_look(struct setup *setup, struct step_view *out)
{
    if (!setup_applies(setup, out)) {
        if (out->status == STEP_SKIPPED)
            look_at_other_cloud(setup, out);
        return;
    }
    if (!setup_sees_aws(setup)) {
        look_without_aws(setup, out);
        return;
    }
    if (!setup_open_token(setup, out))
        return;
    const struct ec2_endpoint *endpoint = setup_endpoint(setup);
    const struct ec2_endpoint *leaving = find_leaving(setup);
    if (endpoint) {
        look_at_endpoint(setup, endpoint, out);
        return;
    }
    if (setup_token_is_spent(setup) && !forget_token(setup, out))
        return;
    if (*setup->token.client_token)
        look_at_token(setup, out);
    else if (leaving)
        view_is(out, STEP_WAIT, "%.60s is still being deleted", leaving->id);
    else
        view_is(out, STEP_TODO, "to be created in the VPC");
    if (out->status == STEP_TODO)
        endpoint_command(setup, out);
}

bool step_endpoint_take(struct setup *setup, struct err *err)
{
    const struct option_list ids = setup_subnets(setup);
    struct ec2_command command;
    struct ec2_endpoint made = { 0 };
    bool is_first = !*setup->token.client_token;
    if (!token_need(&setup->token, err))
        return false;
    plan_endpoint(setup, setup->token.client_token, &ids, &command);
    bool done = ec2_create(setup->world.ec2, &command, &made, err);
    ec2_command_done(&command);
    if (!done) {
        // Asked before with other subnets or groups: that endpoint will be listed.
        const char *code = ec2_error_code(setup->world.ec2);
        setup->is_under_way = strcmp(code, "IdempotentParameterMismatch") == 0;
        // Refused for certain: another request, corrected, is not held against this one.
        if (is_first && *code && !setup->is_under_way && !setup_may_pass(setup, err))
            (void)!token_forget(&setup->token, NULL);
        return setup->is_under_way;
    }
    if (!made.id)
        done = err_set(err, ERR_AWS, "AWS created an endpoint and does not tell its ID");
    else if (world_endpoint_lives(&made))
        done = token_answered(&setup->token, made.id, err);
    else // the one that was asked for before has been deleted since
        done = token_forget(&setup->token, err);
    ec2_endpoint_done(&made);
    return done;
}

// ---- its security group -------------------------------------------------------------------------

// Whom to let in: this machine's first group when it is in the VPC; NULL: the whole VPC.
static const char *peer_group(const struct setup *setup)
{
    const struct option_list *groups = &setup->world.instance.security_group_ids;
    return world_is_here(&setup->world) && groups->count > 0 ? groups->items[0] : NULL;
}

static void plan_ingress(struct setup *setup, const char *group_id, struct ec2_command *out)
{
    const char *group = peer_group(setup), *cidr = world_vpc_cidr(&setup->world);
    if (!cidr)
        cidr = "VPC_CIDR";
    ec2_allow_ingress(out, options(setup), group_id, setup->world.port, group, group ? NULL : cidr);
}

// Of an endpoint that is not there yet, or cannot be looked at: its first group is asked for where
// the command is run, unless it is known which one it will have.
static void later_group_command(struct setup *setup, struct step_view *out)
{
    const struct option_list *wanted = setup->plan->world.security_group_ids;
    const char *id = setup_endpoint_id(setup);
    char text[EC2_TEXT_BYTES] = "", rule[EC2_TEXT_BYTES];
    struct ec2_command command;
    bool known = wanted && wanted->count > 0;
    if (!known) {
        ec2_command_begin(&command, options(setup), "describe-vpc-endpoints");
        ec2_command_add(&command, "--vpc-endpoint-ids");
        ec2_command_add_value(&command, *id ? id : SHELL_ENDPOINT);
        shell_print_into(&command, SHELL_GROUP, "VpcEndpoints[0].Groups[0].GroupId", text);
    }
    plan_ingress(setup, known ? wanted->items[0] : SHELL_GROUP, &command);
    shell_print(&command, rule);
    snprintf(out->command, sizeof(out->command), "%.1000s%s%.1000s", text, *text ? "\n" : "", rule);
}

// AWS makes a VPC's default group with a rule for its own members: nobody has decided that.
static bool is_made_by_aws(
    const struct ec2_security_group *group, const struct ec2_permission *permission)
{
    return group->name && strcmp(group->name, "default") == 0 && permission->cidrs.count == 0 &&
           permission->prefix_lists.count == 0 && permission->groups.count == 1 &&
           strcmp(permission->groups.items[0], group->id) == 0;
}

static void add_peers(const struct option_list *list, char *text, size_t size)
{
    for (size_t i = 0; i < list->count; i++) {
        size_t len = strlen(text);
        snprintf(text + len, size - len, "%s%.48s", *text ? ", " : "", list->items[i]);
    }
}

// Whom the endpoint's groups let in, whoever it is: "sg-1, 10.0.0.0/16"; "" if nobody.
static const char *list_peers(const struct world *world, char *text, size_t size)
{
    *text = '\0';
    for (size_t i = 0; i < world->group_list.count; i++) {
        const struct ec2_security_group *group = &world->group_list.items[i];
        for (size_t k = 0; k < group->ingress_count; k++) {
            const struct ec2_security_group one = { .ingress = &group->ingress[k],
                .ingress_count = 1 };
            if (is_made_by_aws(group, one.ingress) ||
                !world_allows_ingress(&one, world->port, NULL, NULL))
                continue;
            add_peers(&one.ingress->groups, text, size);
            add_peers(&one.ingress->cidrs, text, size);
            add_peers(&one.ingress->prefix_lists, text, size);
        }
    }
    return text;
}

// Outside the VPC nobody knows from where the application comes. A group that somebody keeps narrow
// is not widened to the whole VPC for that.
static bool is_kept_by_somebody(const struct setup *setup, struct step_view *out)
{
    char peers[200];
    if (world_is_here(&setup->world) || !*list_peers(&setup->world, peers, sizeof(peers)))
        return false;
    view_is(out, STEP_DONE,
        "lets port %u in from %s; whether the application is among them cannot be told from here",
        setup->world.port, peers);
    return true;
}

// Which of the endpoint's groups gets a rule: one that was asked for, else the first.
static const char *group_to_open(const struct setup *setup)
{
    const struct option_list *wanted = setup->plan->world.security_group_ids;
    const struct ec2_security_group_list *list = &setup->world.group_list;
    for (size_t i = 0; wanted && i < wanted->count; i++)
        for (size_t k = 0; k < list->count; k++)
            if (strcmp(list->items[k].id, wanted->items[i]) == 0)
                return list->items[k].id;
    return list->items[0].id;
}

void step_group_look(struct setup *setup, struct step_view *out)
{
    const struct world *world = &setup->world;
    const struct ec2_endpoint *endpoint = setup_endpoint(setup);
    if (!setup_applies(setup, out))
        return;
    if (!endpoint) {
        view_is(out, setup_sees_aws(setup) ? STEP_LATER : STEP_SKIPPED,
            "the endpoint's must let port %u in from where the application runs", world->port);
        later_group_command(setup, out);
        return;
    }
    if (world->port == 0) {
        view_is(out, STEP_SKIPPED, "TiDB Cloud does not tell the cluster's port: set port");
        return;
    }
    if (!world->groups.seen || world->group_list.count == 0) {
        view_is(out, STEP_SKIPPED, "could not be looked at (%.480s); it must let port %u in",
            world->groups.why.text, world->port);
        return;
    }
    if (world_lets_in(world)) {
        view_is(out, STEP_DONE, "lets port %u in from %s", world->port,
            peer_group(setup) ? "this machine" : "the VPC");
        return;
    }
    if (is_kept_by_somebody(setup, out))
        return;
    const char *group_id = group_to_open(setup), *peer = peer_group(setup);
    if (!peer)
        peer = world_vpc_cidr(world);
    view_is(out, STEP_TODO, "%.40s does not let port %u in from %.40s", group_id, world->port,
        peer ? peer : "the VPC");
    struct ec2_command command;
    plan_ingress(setup, group_id, &command);
    shell_print(&command, out->command);
}

bool step_group_take(struct setup *setup, struct err *err)
{
    struct ec2_command command;
    plan_ingress(setup, group_to_open(setup), &command);
    bool done = ec2_run(setup->world.ec2, &command, err);
    ec2_command_done(&command);
    // A permission that is there and not listed yet.
    return done || strcmp(ec2_error_code(setup->world.ec2), "InvalidPermission.Duplicate") == 0;
}

// ---- private DNS --------------------------------------------------------------------------------

void step_dns_look(struct setup *setup, struct step_view *out)
{
    const struct ec2_endpoint *endpoint = setup_endpoint(setup);
    const struct endpoint *connection = setup_connection(setup);
    const char *id = setup_endpoint_id(setup);
    struct ec2_command command;
    if (!setup_applies(setup, out))
        return;
    if (endpoint && endpoint->private_dns) {
        view_is(out, STEP_DONE, "is enabled");
        return;
    }
    ec2_enable_private_dns(&command, options(setup), *id ? id : SHELL_ENDPOINT);
    shell_print(&command, out->command);
    if (!setup_sees_aws(setup))
        view_is(out, STEP_SKIPPED, "cannot be looked at; once the endpoint is Active, run this");
    else if (!connection || connection->state.value != ENDPOINT_ACTIVE)
        view_is(out, STEP_LATER, "can be enabled once the endpoint is accepted");
    else
        view_is(out, STEP_TODO, "is not enabled yet");
}

bool step_dns_take(struct setup *setup, struct err *err)
{
    struct ec2_command command;
    ec2_enable_private_dns(&command, options(setup), setup_endpoint_id(setup));
    bool done = ec2_run(setup->world.ec2, &command, err);
    ec2_command_done(&command);
    return done;
}
