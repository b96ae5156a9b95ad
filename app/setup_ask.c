// SPDX-License-Identifier: Apache-2.0
//
// Lists what there is and lets a person choose. Used by cmd_setup.c.
#include "app/setup_ask.h"

#include "app/choose.h"
#include "app/table.h"
#include "base/err.h"

#include <stdio.h>
#include <string.h>

bool setup_ask_cluster(const struct settings *settings, char out[SETUP_ASK_BYTES], struct err *err)
{
    static const char *const heads[] = { "CLUSTER", "ID", "REGION", "STATE" };
    struct model *model = NULL;
    struct table table;
    size_t chosen = 0;
    if (!control_fetch(&settings->control, NULL, control_look_ms(&settings->control), &model, err))
        return false;
    table_init(&table, ARRAY_LEN(heads));
    table_add(&table, heads);
    for (size_t i = 0; i < model->cluster_count; i++) {
        const struct cluster *cluster = &model->clusters[i];
        table_add(&table, (const char *const[]){
                              cluster->name, cluster->id, cluster->region, cluster->state.text });
    }
    bool ok = model->cluster_count > 0
                  ? choose_row("Which cluster?", &table, &chosen, err)
                  : err_set(err, ERR_UNKNOWN_CLUSTER, "the API key sees no Dedicated cluster");
    if (ok)
        snprintf(out, SETUP_ASK_BYTES, "%s", model->clusters[chosen].id);
    table_done(&table);
    model_unref(model);
    return ok;
}

// A step that stops because nobody said what it needs.
static bool is_missing(struct setup *setup)
{
    struct step_view view = { 0 };
    const size_t vpc = setup_find("vpc");
    setup_step(vpc)->look(setup, &view);
    return view.status == STEP_BLOCKED && view.code == ERR_USAGE && setup->world.ec2;
}

static bool ask_vpc(struct setups *setups, size_t index, struct err *err)
{
    static const char *const heads[] = { "VPC", "CIDR", "NAME" };
    struct setup *setup = &setups->setups[index];
    struct ec2_vpc_list list = { 0 };
    struct table table;
    size_t chosen = 0;
    if (!ec2_vpcs(setup->world.ec2, NULL, &list, err))
        return false;
    table_init(&table, ARRAY_LEN(heads));
    table_add(&table, heads);
    for (size_t i = 0; i < list.count; i++) {
        const struct ec2_vpc *vpc = &list.items[i];
        const char *cidr = vpc->cidrs.count > 0 ? vpc->cidrs.items[0] : NULL;
        table_add(&table, (const char *const[]){ vpc->id, cidr, vpc->name });
    }
    bool ok = list.count > 0
                  ? choose_row("Which VPC?", &table, &chosen, err)
                  : err_set(err, ERR_OPTION, "there is no VPC in %.40s", setup->world.region);
    if (ok) {
        char *id = setups->vpc_ids[index];
        snprintf(id, SETUPS_VPC_BYTES, "%s", list.items[chosen].id);
        setups->plans[index].world.vpc_id = id;
        setup_again(setup, setup_step(setup_find("vpc")));
    }
    table_done(&table);
    ec2_vpc_list_done(&list);
    return ok;
}

static bool ask_subnet(struct setups *setups, size_t index, struct err *err)
{
    static const char *const heads[] = { "SUBNET", "ZONE", "CIDR", "SERVED" };
    const struct world *world = &setups->setups[index].world;
    struct table table;
    size_t chosen = 0;
    table_init(&table, ARRAY_LEN(heads));
    table_add(&table, heads);
    for (size_t i = 0; i < world->subnet_list.count; i++) {
        const struct ec2_subnet *subnet = &world->subnet_list.items[i];
        const char *served = world_serves_zone(world, subnet) ? "yes" : "no";
        table_add(
            &table, (const char *const[]){ subnet->id, subnet->zone_id, subnet->cidr, served });
    }
    bool ok = choose_row("Which subnet? (several: --subnet-ids)", &table, &chosen, err) &&
              (option_list_add(&setups->subnet_ids, world->subnet_list.items[chosen].id) ||
                  err_set(err, ERR_MEMORY, "out of memory"));
    table_done(&table);
    return ok;
}

bool setup_ask_network(struct setups *setups, size_t index, struct err *err)
{
    struct setup *setup = &setups->setups[index];
    if (is_missing(setup) && !*setup->world.vpc_id && !ask_vpc(setups, index, err))
        return false;
    if (!is_missing(setup) || !*setup->world.vpc_id || setup->world.subnet_list.count == 0)
        return true;
    return ask_subnet(setups, index, err);
}
