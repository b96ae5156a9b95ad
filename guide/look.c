// SPDX-License-Identifier: Apache-2.0
//
// Fills a world: what world.h declares, in the order in which one answer leads to the next
// question. What cannot be seen says why, once: an EC2 that does not answer at all is not asked
// again.
#include "guide/world.h"

#include <stdio.h>
#include <string.h>

enum { MACHINE_MS = 2000 }; // the metadata service is one hop away, or not there

void world_done(struct world *world)
{
    model_unref(world->model);
    imds_facts_done(&world->instance);
    ec2_close(world->ec2);
    ec2_vpc_list_done(&world->vpcs);
    ec2_subnet_list_done(&world->subnet_list);
    ec2_service_list_done(&world->service_list);
    ec2_endpoint_list_done(&world->endpoint_list);
    ec2_security_group_list_done(&world->group_list);
    ec2_security_group_list_done(&world->own_group_list);
    ec2_interface_list_done(&world->interface_list);
    *world = (struct world){ 0 };
}

struct world_plan world_plan_of(
    const struct control_options *control, const struct control_target *target)
{
    return (struct world_plan){
        .control = control,
        .target = target,
        .ec2 = { .cli = control->aws_cli,
            .profile = control->aws_profile,
            .region = control->aws_region,
            .endpoint_url = control->aws_endpoint_url },
        .vpc_id = control->vpc_id,
        .timeout_ms = control_look_ms(control),
    };
}

static void reset(struct sight *sight)
{
    *sight = (struct sight){ 0 };
}

static void set_unseen(struct sight *sight, const char *why)
{
    reset(sight);
    err_set(&sight->why, ERR_NONE, "%s", why);
}

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text ? text : "");
}

// ---- TiDB Cloud ---------------------------------------------------------------------------------

static void choose_connection(struct world *world)
{
    const struct node_group *group = world->group;
    const char *ours = world->plan->target->endpoint_id;
    world->connection = NULL;
    if (!group)
        return;
    if (!ours && world->endpoint)
        ours = world->endpoint->id;
    world->connection = world_find_connection(group, ours);
    if (!ours && group->endpoint_count == 1)
        world->connection = &group->endpoints[0];
}

static void choose_port(struct world *world)
{
    world->port = world->plan->target->port;
    if (!world->port && world->connection)
        world->port = world->connection->port;
    if (!world->port && world->group)
        world->port = world->group->port;
    if (!world->port && world->cluster)
        world->port = world->cluster->port;
}

// What is configured comes first, and this machine's is as good as any when TiDB Cloud does not
// tell.
static void choose_region(struct world *world)
{
    const char *region = world->plan->ec2.region;
    if (!region && world->cluster)
        region = model_aws_region(world->cluster->region);
    if (!region && !world->cluster && world->machine.seen)
        region = world->instance.region;
    copy_text(world->region, sizeof(world->region), region);
    world->ec2_options = world->plan->ec2;
    world->ec2_options.region = *world->region ? world->region : NULL;
}

static bool fetch(struct world *world, struct account *account)
{
    const struct world_plan *plan = world->plan;
    const char *source = plan->control->state_source;
    struct err *why = &world->api.why;
    if (source && strcmp(source, "none") == 0) {
        set_unseen(&world->api, "state-source is none, so TiDB Cloud is not asked");
        return false;
    }
    if (source && strncmp(source, "file:", strlen("file:")) == 0)
        return control_fetch(plan->control, plan->target, plan->timeout_ms, &world->model, why);
    if (!account) {
        *why = plan->no_account ? *plan->no_account : (struct err){ 0 };
        return false;
    }
    return account_look(account, plan->target, plan->timeout_ms, &world->model, why);
}

static void forget_cloud(struct world *world)
{
    model_unref(world->model);
    world->model = NULL;
    world->cluster = NULL;
    world->group = NULL;
    world->connection = NULL;
    reset(&world->api);
}

void world_look_cloud(struct world *world, struct account *account)
{
    const struct control_target *target = world->plan->target;
    forget_cloud(world);
    world->api.seen = fetch(world, account);
    if (world->api.seen &&
        control_find_cluster(world->model, target->cluster, &world->cluster, &world->api.why) &&
        !control_find_group(world->cluster, target->group, &world->group, &world->api.why))
        world->group = NULL;
    choose_connection(world);
    choose_port(world);
    choose_region(world);
}

// ---- this machine -------------------------------------------------------------------------------

static void look_machine(struct world *world)
{
    struct sight *machine = &world->machine;
    if (machine->seen || machine->why.code != ERR_NONE)
        return;
    machine->seen =
        imds_look(world->plan->control->metadata_url, MACHINE_MS, &world->instance, &machine->why);
}

// ---- AWS ----------------------------------------------------------------------------------------

enum { SIGHTS = 8 };

static void list_sights(struct world *world, struct sight *out[SIGHTS])
{
    struct sight *const all[SIGHTS] = { &world->vpc, &world->attributes, &world->subnets,
        &world->service, &world->endpoints, &world->groups, &world->own_groups,
        &world->interfaces };
    memcpy(out, all, sizeof(all));
}

static void forget_endpoints(struct world *world)
{
    reset(&world->endpoints);
    ec2_endpoint_list_done(&world->endpoint_list);
    world->endpoint = NULL;
}

static void forget_vpc(struct world *world)
{
    reset(&world->vpc);
    reset(&world->subnets);
    reset(&world->service);
    reset(&world->own_groups);
    ec2_vpc_list_done(&world->vpcs);
    ec2_subnet_list_done(&world->subnet_list);
    ec2_service_list_done(&world->service_list);
    ec2_security_group_list_done(&world->own_group_list);
}

static void forget_attributes(struct world *world)
{
    reset(&world->attributes);
    world->dns_support = world->dns_hostnames = false;
}

static void forget_endpoint_parts(struct world *world)
{
    reset(&world->groups);
    reset(&world->interfaces);
    ec2_security_group_list_done(&world->group_list);
    ec2_interface_list_done(&world->interface_list);
}

static void forget_aws(struct world *world, unsigned parts)
{
    if (parts & WORLD_ENDPOINTS)
        forget_endpoints(world);
    if (parts & WORLD_VPC)
        forget_vpc(world);
    if (parts & WORLD_ATTRIBUTES)
        forget_attributes(world);
    if (parts & WORLD_ENDPOINT_PARTS)
        forget_endpoint_parts(world);
    if (parts == WORLD_AWS)
        world->vpc_id[0] = '\0';
    reset(&world->aws);
}

// What was not asked, for the reason that all of AWS cannot be asked.
static void spread_reason(struct world *world)
{
    struct sight *all[SIGHTS];
    list_sights(world, all);
    for (size_t i = 0; i < SIGHTS; i++)
        if (!all[i]->seen && all[i]->why.text[0] == '\0')
            all[i]->why = world->aws.why;
}

// An error that EC2 itself has a code for is about this one call. Anything else (no credentials, no
// network, no answer in time) would only come again, a minute later each time.
static bool is_of_call(const struct world *world, const struct err *why)
{
    return why->code != ERR_AWS_CREDENTIALS && why->code != ERR_CHILD &&
           *ec2_error_code(world->ec2) != '\0';
}

// Takes note of one call's end; whether another one makes sense.
static bool note(struct world *world, struct sight *sight, bool seen)
{
    sight->seen = seen;
    if (!seen && !is_of_call(world, &sight->why)) {
        world->aws.seen = false;
        world->aws.why = sight->why;
        return false;
    }
    world->aws.seen = true;
    return true;
}

// Whether there is anybody to ask.
static bool open_ec2(struct world *world)
{
    struct err *why = &world->aws.why;
    const char *cli = world->ec2_options.cli;
    if (world->cluster && strcmp(world_provider(world->cluster), "aws") != 0) {
        err_set(why, ERR_NONE, "the cluster is on %.40s, not on AWS",
            world_provider_name(world->cluster));
        return false;
    }
    if (!cli || strcmp(cli, "off") == 0) {
        err_set(why, ERR_NONE, "aws-cli is off");
        return false;
    }
    if (!world->ec2)
        world->ec2 = ec2_open(&world->ec2_options, why);
    return world->ec2 != NULL;
}

static bool look_endpoints(struct world *world)
{
    struct sight *sight = &world->endpoints;
    const char *service = world->group ? world->group->service_name : NULL;
    const char *id = world->plan->target->endpoint_id;
    struct ec2_endpoint_list *list = &world->endpoint_list;
    if (!service && !id) {
        set_unseen(sight, "TiDB Cloud does not tell the name of the private link service");
        return true;
    }
    return note(world, sight,
        service ? ec2_endpoints_of_service(world->ec2, service, NULL, list, &sight->why)
                : ec2_endpoint_of_id(world->ec2, id, list, &sight->why));
}

static void choose_vpc(struct world *world)
{
    const char *own = world_own_vpc(world);
    const struct ec2_endpoint *endpoint = world_pick_endpoint(
        &world->endpoint_list, world->group, world->plan->target->endpoint_id, own ? own : "");
    world->endpoint = endpoint;
    if (endpoint && endpoint->vpc_id && (!own || world_endpoint_lives(endpoint)))
        own = endpoint->vpc_id;
    copy_text(world->vpc_id, sizeof(world->vpc_id), own);
}

// Without a VPC there is nothing to ask about it.
static bool has_vpc(const struct world *world, struct sight *sight)
{
    if (!*world->vpc_id)
        set_unseen(sight, "which VPC is meant is not known: set vpc-id");
    return *world->vpc_id;
}

static bool look_attributes(struct world *world)
{
    struct sight *sight = &world->attributes;
    if (!has_vpc(world, sight))
        return true;
    return note(world, sight,
        ec2_vpc_attribute(
            world->ec2, world->vpc_id, "enableDnsSupport", &world->dns_support, &sight->why) &&
            ec2_vpc_attribute(world->ec2, world->vpc_id, "enableDnsHostnames",
                &world->dns_hostnames, &sight->why));
}

static bool look_vpc(struct world *world)
{
    if (!has_vpc(world, &world->vpc) || !has_vpc(world, &world->subnets))
        return true;
    return note(world, &world->vpc,
               ec2_vpcs(world->ec2, world->vpc_id, &world->vpcs, &world->vpc.why)) &&
           note(world, &world->subnets,
               ec2_subnets_of_vpc(
                   world->ec2, world->vpc_id, &world->subnet_list, &world->subnets.why));
}

// Only its zones matter, and those TiDB Cloud tells as a rule.
static bool look_service(struct world *world)
{
    const struct node_group *group = world->group;
    if (!group || !group->service_name || group->zone_count > 0) {
        set_unseen(&world->service, group && group->zone_count > 0
                                        ? "TiDB Cloud tells the service's zones"
                                        : "TiDB Cloud does not tell the service's name");
        return true;
    }
    return note(world, &world->service,
        ec2_endpoint_service(
            world->ec2, group->service_name, &world->service_list, &world->service.why));
}

static bool look_endpoint_parts(struct world *world)
{
    const struct ec2_endpoint *endpoint = world->endpoint;
    if (!endpoint) {
        static const char why[] = "there is no VPC endpoint to look at";
        set_unseen(&world->groups, why);
        set_unseen(&world->interfaces, why);
        return true;
    }
    if (endpoint->security_group_ids.count == 0)
        set_unseen(&world->groups, "the VPC endpoint has no security groups");
    else if (!note(world, &world->groups,
                 ec2_security_groups(world->ec2, &endpoint->security_group_ids, &world->group_list,
                     &world->groups.why)))
        return false;
    if (endpoint->interface_ids.count == 0) {
        set_unseen(&world->interfaces, "the VPC endpoint has no network interfaces");
        return true;
    }
    return note(world, &world->interfaces,
        ec2_interfaces(
            world->ec2, &endpoint->interface_ids, &world->interface_list, &world->interfaces.why));
}

static bool look_own_groups(struct world *world)
{
    struct sight *sight = &world->own_groups;
    const struct option_list *ids = &world->instance.security_group_ids;
    if (!world->machine.seen || ids->count == 0) {
        set_unseen(sight, "this machine is no EC2 instance that tells its security groups");
        return true;
    }
    return note(
        world, sight, ec2_security_groups(world->ec2, ids, &world->own_group_list, &sight->why));
}

static bool look_parts(struct world *world, unsigned parts)
{
    if (parts & WORLD_ENDPOINTS && !look_endpoints(world))
        return false;
    choose_vpc(world);
    if (parts & WORLD_VPC && !(look_vpc(world) && look_service(world) && look_own_groups(world)))
        return false;
    if (parts & WORLD_ATTRIBUTES && !look_attributes(world))
        return false;
    return !(parts & WORLD_ENDPOINT_PARTS) || look_endpoint_parts(world);
}

void world_look_aws(struct world *world, unsigned parts)
{
    forget_aws(world, parts);
    if (!world->cluster || strcmp(world_provider(world->cluster), "aws") == 0)
        look_machine(world);
    choose_region(world);
    bool may_ask = open_ec2(world);
    if (world->cluster && strcmp(world_provider(world->cluster), "aws") != 0)
        set_unseen(&world->machine, world->aws.why.text);
    if (!may_ask || !look_parts(world, parts))
        choose_vpc(world);
    if (!world->aws.seen) {
        if (*world->aws.why.text == '\0')
            set_unseen(&world->aws, "neither the private link service, nor an endpoint, nor a VPC "
                                    "is known: set endpoint-id or vpc-id");
        spread_reason(world);
    }
    choose_connection(world);
    choose_port(world);
}

void world_look(struct world *world, const struct world_plan *plan, struct account *account)
{
    *world = (struct world){ .plan = plan };
    world_look_cloud(world, account);
    world_look_aws(world, WORLD_AWS);
}
