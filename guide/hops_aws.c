// SPDX-License-Identifier: Apache-2.0
//
// The hops on AWS's side that are about the endpoint itself: there is one, it is accepted, it is in
// the VPC of this machine, its private DNS is on. All commands are the AWS CLI's own.
// Source: docs.aws.amazon.com/vpc/latest/privatelink, "Access an AWS service using an interface VPC
// endpoint", "Manage DNS names".
#include "control/verdict_row.h"
#include "guide/doctor.h"
#include "guide/shell.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_text(const char *a, const char *b)
{
    return a && b && strcasecmp(a, b) == 0;
}

// ---- the CLI ------------------------------------------------------------------------------------

// What shows whose credentials the CLI has.
static const char *whose_credentials(const struct world *world, char out[EC2_TEXT_BYTES])
{
    char word[SHELL_WORD_BYTES];
    const char *profile = world->ec2_options.profile;
    snprintf(out, EC2_TEXT_BYTES, "aws sts get-caller-identity%s%s", profile ? " --profile " : "",
        profile ? shell_word(profile, word) : "");
    return out;
}

static void tell_credentials(const struct doctor *doctor, struct hop_view *out)
{
    char text[EC2_TEXT_BYTES];
    hop_is(out, HOP_WARN, "%s", doctor->world.aws.why.text);
    hop_why(out, "AWS's side cannot be looked at; connections do not need it");
    hop_advise(out,
        "give the CLI credentials (aws configure, aws sso login, or an instance role); "
        "to try them: %s",
        whose_credentials(&doctor->world, text));
}

void hop_aws(struct doctor *doctor, struct hop_view *out)
{
    const struct world *world = &doctor->world;
    const struct err *why = &world->aws.why;
    hop_detail(out, "region", world->region);
    hop_detail(out, "profile", world->ec2_options.profile);
    if (world->aws.seen)
        hop_is(out, HOP_OK, "answers, region %s", *world->region ? world->region : "not set");
    else if (world->endpoints.seen)
        hop_is(out, HOP_WARN, "answers no longer: %s", why->text);
    else if (why->code == ERR_AWS_CREDENTIALS)
        tell_credentials(doctor, out);
    else
        hop_is(out, HOP_SKIP, "AWS is not looked at: %s", why->text);
}

// ---- the endpoint -------------------------------------------------------------------------------

static const char *meant_id(const struct world *world)
{
    if (world->plan->target->endpoint_id)
        return world->plan->target->endpoint_id;
    if (world->endpoint)
        return world->endpoint->id;
    return world->connection ? world->connection->endpoint_id : NULL;
}

// AWS shows nobody the endpoints of another account, so not to be shown is not to be gone: what
// carries connections, or may, is never to be deleted for it without a look.
static void explain_unseen(struct doctor *doctor, const char *id, struct hop_view *out)
{
    char whose[EC2_TEXT_BYTES];
    struct hop_view commands = { 0 };
    const struct world *world = &doctor->world;
    whose_credentials(world, whose);
    if (doctor_reaches(doctor)) {
        hop_is(out, HOP_WARN, "AWS does not show %s to these credentials in %s", id, world->region);
        hop_why(out, "they may be another account's: connections to it pass");
        hop_advise(out, "look whose credentials they are: %s", whose);
        return;
    }
    hop_is(out, HOP_FAIL, "%s does not exist in this account and %s", id, world->region);
    hop_make_another(doctor, &commands, id);
    if (hop_has_failed(doctor, HOP_CONNECTION)) {
        hop_why(out, "it was deleted in AWS, or never was");
        hop_command(out, commands.fix);
    } else {
        hop_why(out, "it was deleted in AWS, and TiDB Cloud still lists it; or the CLI has the "
                     "credentials of another account");
        hop_advise(out,
            "look first whose credentials they are: %s; if they are those of the endpoint's "
            "account: %s",
            whose, commands.fix);
    }
    hop_follows(doctor, out, HOP_BIT(HOP_CONNECTION));
}

void hop_endpoint(struct doctor *doctor, struct hop_view *out)
{
    const struct world *world = &doctor->world;
    const char *id = meant_id(world);
    if (!world->endpoints.seen) {
        hop_is(out, HOP_SKIP, "not looked at: %s", world->endpoints.why.text);
        return;
    }
    if (!id && !*world->vpc_id) {
        hop_is(out, HOP_SKIP, "which VPC is meant is not known: set vpc-id in %s",
            doctor_file(doctor));
        return;
    }
    if (!id) {
        hop_is(out, HOP_FAIL, "this VPC has none for the service");
        hop_tidblink(doctor, out, "setup", "--apply");
        hop_follows(doctor, out, HOP_BIT(HOP_CONNECTION));
        return;
    }
    hop_detail(out, "id", id);
    doctor->endpoint = world_find_endpoint(&world->endpoint_list, id);
    if (!doctor->endpoint || is_text(doctor->endpoint->state, "deleted")) {
        doctor->endpoint = NULL;
        explain_unseen(doctor, id, out);
        return;
    }
    hop_detail(out, "vpc_id", doctor->endpoint->vpc_id);
    hop_is(
        out, HOP_OK, "%s in %s", id, doctor->endpoint->vpc_id ? doctor->endpoint->vpc_id : "a VPC");
}

static void explain_not_accepted(struct doctor *doctor, struct hop_view *out)
{
    const struct endpoint *connection =
        world_find_connection(doctor->world.group, doctor->endpoint->id);
    struct hop_view wait = { 0 };
    if (!connection || verdict_row_endpoint(connection->state.value)->action != VERDICT_ALLOW) {
        hop_why(out, "TiDB Cloud has not accepted it");
        hop_tidblink(doctor, out, "endpoint create", "");
        hop_follows(doctor, out, HOP_BIT(HOP_CONNECTION));
        return;
    }
    hop_why(out, "TiDB Cloud shows it as %s, so that AWS should follow within minutes",
        connection->state.text);
    hop_tidblink(doctor, &wait, "endpoint wait", "");
    hop_advise(out, "wait, and look again: %s; if it stays so, ask TiDB Cloud support", wait.fix);
}

void hop_endpoint_state(struct doctor *doctor, struct hop_view *out)
{
    const struct ec2_endpoint *endpoint = doctor->endpoint;
    if (!endpoint) {
        hop_blocked(doctor, out, HOP_ENDPOINT);
        return;
    }
    const char *state = endpoint->state ? endpoint->state : "";
    hop_detail(out, "state", state);
    hop_is(out, HOP_OK, "%s", *state ? state : "not told");
    if (!*state || is_text(state, "available"))
        return;
    out->status = HOP_FAIL;
    if (is_text(state, "pendingAcceptance")) {
        explain_not_accepted(doctor, out);
    } else if (is_text(state, "pending")) {
        hop_why(out, "AWS is making it; usually a minute or two");
        hop_tidblink(doctor, out, "endpoint wait", "");
    } else {
        hop_why(out, "%s",
            endpoint->error ? endpoint->error : "an endpoint does not come back from this state");
        hop_make_another(doctor, out, endpoint->id);
    }
}

// ---- where this machine is ----------------------------------------------------------------------

static void explain_elsewhere(struct doctor *doctor, const char *own, struct hop_view *out)
{
    const struct world *world = &doctor->world;
    const char *region = world->cluster ? model_aws_region(world->cluster->region) : NULL;
    char option[SHELL_WORD_BYTES + 32], word[SHELL_WORD_BYTES];
    hop_is(
        out, HOP_FAIL, "the endpoint is in %s, this machine in %s", doctor->endpoint->vpc_id, own);
    if (doctor_reaches(doctor)) {
        out->status = HOP_WARN;
        hop_why(out, "it can be reached nevertheless, by peering or a transit gateway");
        return;
    }
    hop_why(out, "an endpoint serves its own VPC");
    if (world->machine.seen && !world->plan->vpc_id && world->instance.region && region &&
        strcmp(world->instance.region, region) != 0) {
        hop_saw_more(out, " (%s, the cluster in %s)", world->instance.region, region);
        hop_advise(out,
            "run the application in %s, or connect the VPCs: an endpoint must be in "
            "the cluster's region",
            region);
        return;
    }
    snprintf(option, sizeof(option), "--vpc-id %s --apply", shell_word(own, word));
    hop_tidblink(doctor, out, "setup", option);
}

void hop_vpc(struct doctor *doctor, struct hop_view *out)
{
    const struct world *world = &doctor->world;
    if (!doctor->endpoint) {
        hop_blocked(doctor, out, HOP_ENDPOINT);
        return;
    }
    const char *theirs = doctor->endpoint->vpc_id;
    const char *own = world_own_vpc(world);
    hop_detail(out, "vpc_id", own);
    if (!theirs || !own)
        hop_is(out, HOP_SKIP, "which VPC this machine is in is not known: %s",
            world->machine.why.text);
    else if (strcmp(theirs, own) == 0)
        hop_is(out, HOP_OK, "%s, as the endpoint", own);
    else
        explain_elsewhere(doctor, own, out);
}

// ---- DNS of VPC and endpoint --------------------------------------------------------------------

void hop_vpc_dns(struct doctor *doctor, struct hop_view *out)
{
    const struct world *world = &doctor->world;
    const struct {
        const char *name;
        bool is_on;
    } attributes[] = {
        { "enableDnsSupport", world->dns_support },
        { "enableDnsHostnames", world->dns_hostnames },
    };
    if (!world->attributes.seen) {
        hop_is(out, HOP_SKIP, "not looked at: %s", world->attributes.why.text);
        return;
    }
    hop_is(out, HOP_OK, "enableDnsSupport and enableDnsHostnames are on");
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        struct ec2_command command;
        hop_detail_bool(out, attributes[i].name, attributes[i].is_on);
        if (attributes[i].is_on)
            continue;
        if (out->status == HOP_OK)
            hop_is(out, HOP_FAIL, "%s of %s is off", attributes[i].name, world->vpc_id);
        else
            hop_is(out, HOP_FAIL, "enableDnsSupport and enableDnsHostnames of %s are off",
                world->vpc_id);
        ec2_enable_vpc_attribute(&command, &world->ec2_options, world->vpc_id, attributes[i].name);
        hop_ec2(out, &command);
    }
    if (out->status == HOP_FAIL)
        hop_why(out, "private DNS of an endpoint needs both");
}

void hop_private_dns(struct doctor *doctor, struct hop_view *out)
{
    struct ec2_command command;
    const struct ec2_endpoint *endpoint = doctor->endpoint;
    hop_detail_bool(out, "enabled", endpoint->private_dns);
    if (endpoint->private_dns) {
        hop_is(out, HOP_OK, "enabled on %s", endpoint->id);
        return;
    }
    hop_is(out, HOP_FAIL, "not enabled on %s", endpoint->id);
    if (doctor_names(doctor) && doctor_name_is_right(doctor)) {
        out->status = HOP_WARN;
        hop_why(out, "the name resolves nevertheless, by a zone of your own");
        return;
    }
    hop_why(out, "without it the VPC's resolver does not know %s",
        doctor_host(doctor) ? doctor_host(doctor) : "the cluster's name");
    ec2_enable_private_dns(&command, &doctor->world.ec2_options, endpoint->id);
    hop_ec2(out, &command);
}
