// SPDX-License-Identifier: Apache-2.0
//
// The table of the steps, read downward: the guide's five steps with the prerequisites and the
// checks between them. What each looks at and does is in steps_cloud.c, steps_vpc.c,
// steps_endpoint.c, steps_here.c; walk.c takes them.
#include "guide/setup.h"

#include "base/defs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// clang-format off
static const struct step steps[] = {
    { "cluster",       "cluster",                     "several minutes",      step_cluster_look,       step_cluster_take,       WORLD_CLOUD },
    { "service",       "private link service",        "3 to 5 minutes",       step_service_look,       NULL,                    WORLD_CLOUD },
    { "vpc",           "VPC and subnets",             NULL,                   step_vpc_look,           NULL,                    WORLD_AWS },
    { "attributes",    "DNS attributes of the VPC",   NULL,                   step_attributes_look,    step_attributes_take,    WORLD_ATTRIBUTES },
    { "endpoint",      "interface endpoint",          "less than a minute",   step_endpoint_look,      step_endpoint_take,      WORLD_CLOUD | WORLD_ENDPOINTS | WORLD_ENDPOINT_PARTS },
    { "group",         "security group",              NULL,                   step_group_look,         step_group_take,         WORLD_ENDPOINT_PARTS },
    { "connection",    "private endpoint connection", "less than a minute",   step_connection_look,    step_connection_take,    WORLD_CLOUD | WORLD_ENDPOINTS },
    { "accepted",      "acceptance",                  "about 5 minutes",      step_accepted_look,      NULL,                    WORLD_CLOUD | WORLD_ENDPOINTS },
    { "dns",           "private DNS",                 NULL,                   step_dns_look,           step_dns_take,           WORLD_ENDPOINTS },
    { "name",          "private host name",           "less than 2 minutes",  step_name_look,          NULL,                    0 },
    { "test",          "connection test",             "less than a minute",   step_test_look,          NULL,                    0 },
    { "configuration", "configuration",               NULL,                   step_configuration_look, step_configuration_take, 0 },
};
// clang-format on

const struct step *setup_step(size_t index)
{
    return index < ARRAY_LEN(steps) ? &steps[index] : NULL;
}

size_t setup_find(const char *key)
{
    size_t index = 0;
    while (strcmp(steps[index].key, key) != 0)
        index++;
    return index;
}

// One that is configured and gone must not hide one that lives, nor one that is to be created; nor
// may one of another VPC than the one that was asked for.
static void forget_configured(struct setup *setup)
{
    struct control_target *target = setup->plan->target;
    const char *written = setup->plan->place.endpoint_id, *vpc_id = setup->plan->world.vpc_id;
    if (!target || !target->endpoint_id || !written || strcmp(written, target->endpoint_id) != 0 ||
        !setup_sees_aws(setup))
        return;
    const struct ec2_endpoint *endpoint =
        world_find_endpoint(&setup->world.endpoint_list, target->endpoint_id);
    if (endpoint && world_endpoint_lives(endpoint) &&
        (!vpc_id || !endpoint->vpc_id || strcmp(endpoint->vpc_id, vpc_id) == 0))
        return;
    target->endpoint_id = NULL;
    // Of the one that is ours instead, and its VPC.
    world_look_aws(&setup->world, WORLD_VPC | WORLD_ATTRIBUTES | WORLD_ENDPOINT_PARTS);
}

static bool knows_service(const struct setup *setup)
{
    return setup->world.group && setup->world.group->service_name;
}

static void look_aws(struct setup *setup, unsigned parts)
{
    world_look_aws(&setup->world, parts);
    setup->saw_aws = setup->saw_aws || setup_sees_aws(setup);
    forget_configured(setup);
}

void setup_begin(struct setup *setup)
{
    setup->token.lock_fd = -1;
    world_look(&setup->world, &setup->plan->world, setup->account);
    setup->saw_aws = setup_sees_aws(setup);
    forget_configured(setup);
}

static void look_again(struct setup *setup, unsigned what)
{
    bool knew_service = knows_service(setup);
    if (what & WORLD_CLOUD)
        world_look_cloud(&setup->world, setup->account);
    if (!knew_service && knows_service(setup))
        what |= WORLD_AWS;
    if (what & WORLD_AWS)
        look_aws(setup, what & WORLD_AWS);
}

void setup_again(struct setup *setup, const struct step *step)
{
    look_again(setup, step->again);
}

void setup_again_all(struct setup *setup)
{
    look_again(setup, WORLD_CLOUD | WORLD_AWS);
}

const struct err *setup_blindness(const struct setup *setup)
{
    const struct world *world = &setup->world;
    if (!world->api.seen)
        return &world->api.why;
    return setup->saw_aws && !world->endpoints.seen ? &world->endpoints.why : NULL;
}

bool setup_may_pass(const struct setup *setup, const struct err *err)
{
    // docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, "Server error codes".
    static const char *const codes[] = { "RequestLimitExceeded", "Throttling", "InternalError",
        "InternalFailure", "Unavailable", "ServiceUnavailable" };
    if (err_row(err->code)->retriable || err->code == ERR_CHILD)
        return true;
    if (err->code != ERR_AWS || !setup->world.ec2)
        return false;
    const char *code = ec2_error_code(setup->world.ec2);
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (strcmp(code, codes[i]) == 0)
            return true;
    return !*code && (strstr(err->text, "connect") || strstr(err->text, "timeout"));
}

void setup_done(struct setup *setup)
{
    world_done(&setup->world);
    token_close(&setup->token);
}

void setup_view(struct setup *setup, struct step_view *views, size_t count)
{
    for (size_t i = 0; i < count && i < ARRAY_LEN(steps); i++) {
        views[i] = (struct step_view){ 0 };
        steps[i].look(setup, &views[i]);
    }
}

void view_is(struct step_view *view, enum step_status status, const char *format, ...)
{
    va_list args;
    view->status = status;
    va_start(args, format);
    vsnprintf(view->text, sizeof(view->text), format, args);
    va_end(args);
}

void view_blocked(struct step_view *view, enum err_code code, const char *format, ...)
{
    va_list args;
    view->status = STEP_BLOCKED;
    view->code = code;
    va_start(args, format);
    vsnprintf(view->text, sizeof(view->text), format, args);
    va_end(args);
}

bool setup_is_aws(const struct setup *setup)
{
    const struct cluster *cluster = setup->world.cluster;
    return cluster && strcmp(world_provider(cluster), "aws") == 0;
}

bool setup_sees_aws(const struct setup *setup)
{
    return setup->world.endpoints.seen;
}

const struct err *setup_no_aws(const struct setup *setup)
{
    return &setup->world.endpoints.why;
}

// One that is named and gone must not hide one that lives.
const struct ec2_endpoint *setup_endpoint(const struct setup *setup)
{
    const struct world *world = &setup->world;
    if (world->endpoint && world_endpoint_lives(world->endpoint))
        return world->endpoint;
    return world_pick_endpoint(&world->endpoint_list, world->group, NULL, world->vpc_id);
}

// What was looked at counts more than what was written down.
const char *setup_endpoint_id(const struct setup *setup)
{
    const struct world *world = &setup->world;
    const struct ec2_endpoint *endpoint = setup_endpoint(setup);
    const char *configured = setup->plan->world.target->endpoint_id;
    if (endpoint)
        return endpoint->id;
    if (*setup->token.endpoint_id)
        return setup->token.endpoint_id;
    if (setup_sees_aws(setup))
        return "";
    if (configured)
        return configured;
    return world->connection && world->connection->endpoint_id ? world->connection->endpoint_id
                                                               : "";
}

const struct endpoint *setup_connection(const struct setup *setup)
{
    const char *id = setup_endpoint_id(setup);
    return *id ? world_find_connection(setup->world.group, id) : NULL;
}

const char *setup_alias(const struct setup *setup, char out[SHELL_WORD_BYTES])
{
    return shell_word(setup->plan->world.target->alias, out);
}
