// SPDX-License-Identifier: Apache-2.0
//
// What one world owns, and the pure judgements about it. look.c fills it.
#include "guide/world.h"

#include <string.h>

void world_done(struct world *world)
{
    model_unref(world->model);
    imds_facts_done(&world->instance);
    ec2_vpc_list_done(&world->vpcs);
    ec2_subnet_list_done(&world->subnet_list);
    ec2_service_list_done(&world->service_list);
    ec2_endpoint_list_done(&world->endpoint_list);
    ec2_security_group_list_done(&world->group_list);
    ec2_security_group_list_done(&world->own_group_list);
    ec2_interface_list_done(&world->interface_list);
    *world = (struct world){ 0 };
}
