// SPDX-License-Identifier: Apache-2.0
//
// One EC2 request, read downward: who asks, which action, its answer or error as XML. Error codes
// are those of docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html. aws.c calls it.
// The loop's thread only.
#include "emulator/ec2.h"

#include "base/os.h"
#include "emulator/aws_access.h"
#include "emulator/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAMESPACE "http://ec2.amazonaws.com/doc/2016-11-15/"

// ---- the table ----------------------------------------------------------------------------------

static const struct action {
    const char *name;
    bool (*fn)(struct ec2_ask *ask);
    const char *resource; // what a refusal names; NULL: listings have none
} actions[] = {
    { "DescribeVpcs", ec2_describe_vpcs, NULL },
    { "DescribeVpcAttribute", ec2_describe_vpc_attribute, NULL },
    { "ModifyVpcAttribute", ec2_modify_vpc_attribute, "vpc" },
    { "DescribeSubnets", ec2_describe_subnets, NULL },
    { "DescribeNetworkInterfaces", ec2_describe_interfaces, NULL },
    { "DescribeSecurityGroups", ec2_describe_groups, NULL },
    { "AuthorizeSecurityGroupIngress", ec2_authorize_ingress, "security-group" },
    { "AuthorizeSecurityGroupEgress", ec2_authorize_egress, "security-group" },
    { "RevokeSecurityGroupIngress", ec2_revoke_ingress, "security-group" },
    { "RevokeSecurityGroupEgress", ec2_revoke_egress, "security-group" },
    { "DescribeVpcEndpointServices", ec2_describe_services, NULL },
    { "DescribeVpcEndpoints", ec2_describe_endpoints, NULL },
    { "CreateVpcEndpoint", ec2_create_endpoint, "vpc-endpoint" },
    { "ModifyVpcEndpoint", ec2_modify_endpoint, "vpc-endpoint" },
    { "DeleteVpcEndpoints", ec2_delete_endpoints, "vpc-endpoint" },
};

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    }
    return NULL;
}

const char *ec2_action(struct evkeyvalq *form)
{
    const char *action = evhttp_find_header(form, "Action");
    return action ? action : "";
}

// ---- errors -------------------------------------------------------------------------------------

static int status_of(const char *code)
{
    static const struct {
        const char *code;
        int status;
    } rows[] = { { "AuthFailure", 401 }, { "UnauthorizedOperation", 403 },
        { "DryRunOperation", 412 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].code, code) == 0)
            return rows[i].status;
    }
    return 400;
}

bool ec2_fail(struct ec2_ask *ask, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ask->message, sizeof(ask->message), format, args);
    va_end(args);
    snprintf(ask->code, sizeof(ask->code), "%s", code);
    ask->status = status_of(code);
    return false;
}

bool ec2_missing(struct ec2_ask *ask, const char *parameter)
{
    return ec2_fail(
        ask, "MissingParameter", "The request must contain the parameter %s", parameter);
}

static void request_id(char out[40])
{
    unsigned bits[4] = { 0 };
    if (!os_random(bits, sizeof(bits)))
        bits[0] = 1; // any will do
    snprintf(out, 40, "%08x-%04x-4%03x-8%03x-%08x%04x", bits[0], bits[1] & 0xffff,
        bits[1] >> 16 & 0xfff, bits[2] & 0xfff, bits[3], bits[2] >> 16);
}

void ec2_refuse(struct call *call, const char *code, const char *message)
{
    char id[40];
    struct xml xml;
    request_id(id);
    evbuffer_drain(call->body, evbuffer_get_length(call->body));
    xml_begin(&xml, call->body);
    xml_open(&xml, "Response");
    xml_open(&xml, "Errors");
    xml_open(&xml, "Error");
    if (!code)
        code = call->status == 503 ? "Unavailable" : "InternalError";
    xml_text(&xml, "Code", code);
    xml_text(&xml, "Message", message);
    xml_close(&xml);
    xml_close(&xml);
    xml_text(&xml, "RequestID", id);
    xml_close(&xml);
    call_note(call, "error", code);
}

// ---- the way of a request -----------------------------------------------------------------------

static bool allow(struct ec2_ask *ask, const struct action *action, const struct aws_caller *caller,
    struct evhttp_request *request)
{
    char name[96], resource[160], why[AWS_TEXT_BYTES];
    snprintf(name, sizeof(name), "ec2:%s", action->name);
    switch (aws_check(ask->world, caller, request, name)) {
    case AWS_ALLOWED:
        return true;
    case AWS_NO_KEY:
        return ec2_missing(ask, "AWSAccessKeyId");
    case AWS_BAD_KEY:
        return ec2_fail(
            ask, "AuthFailure", "AWS was not able to validate the provided access credentials");
    case AWS_EXPIRED:
        return ec2_fail(ask, "RequestExpired", "Request has expired.");
    case AWS_DENIED:
        break;
    }
    snprintf(resource, sizeof(resource), "arn:aws:ec2:%s:" EC2_ACCOUNT ":%s/*", caller->region,
        action->resource ? action->resource : "");
    aws_denial(name, action->resource ? resource : NULL, why);
    return ec2_fail(ask, "UnauthorizedOperation",
        "You are not authorized to perform this operation. %s%s", why,
        action->resource ? ". Encoded authorization failure message: Z3-ExampleEncodedMessage"
                         : "");
}

static bool act(struct ec2_ask *ask, const struct action *action)
{
    char id[40], element[96];
    if (ec2_is_true(ask, "DryRun"))
        return ec2_fail(
            ask, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
    request_id(id);
    snprintf(element, sizeof(element), "%sResponse", action->name);
    xml_open_in(&ask->xml, element, NAMESPACE);
    xml_text(&ask->xml, "requestId", id);
    if (!action->fn(ask))
        return false;
    xml_close(&ask->xml);
    return true;
}

void ec2_answer(struct call *call, struct world *world, struct evkeyvalq *form)
{
    struct aws_caller caller;
    aws_caller_read(&caller, call->request);
    struct ec2_ask ask = { .world = world,
        .action = ec2_action(form),
        .form = form,
        .region = caller.region,
        .status = 200 };
    const struct action *action = find_action(ask.action);
    if (*caller.key)
        call_note(call, "key", caller.key);
    xml_begin(&ask.xml, call->body);
    bool done;
    if (!action)
        done = ec2_fail(
            &ask, "InvalidAction", "The action %s is not valid for this web service.", ask.action);
    else
        done = allow(&ask, action, &caller, call->request) && act(&ask, action);
    call->status = ask.status;
    if (!done)
        ec2_refuse(call, ask.code, ask.message);
}
