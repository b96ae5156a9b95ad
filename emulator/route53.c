// SPDX-License-Identifier: Apache-2.0
//
// Three actions of Route 53 in REST and XML: the zones of a VPC, one zone, and taking a zone from a
// VPC. aws.c calls it. The loop's thread only.
#include "emulator/route53.h"

#include "base/clock.h"
#include "emulator/aws_access.h"
#include "emulator/call.h"
#include "emulator/http.h"
#include "emulator/world.h"
#include "emulator/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACE "https://route53.amazonaws.com/doc/2013-04-01/"

enum { AT_ID = 2, ID_BYTES = 64 };

// One request; an action writes its answer, or says what is wrong and returns false.
struct zone_ask {
    struct world *world;
    struct call *call;
    const struct http_target *target;
    struct xml xml;
    const char *code;
    char message[AWS_TEXT_BYTES];
};

static bool fail(struct zone_ask *ask, int status, const char *code, const char *message)
{
    ask->call->status = status;
    ask->code = code;
    snprintf(ask->message, sizeof(ask->message), "%s", message);
    return false;
}

void route53_refuse(struct call *call, const char *code, const char *message)
{
    struct xml xml;
    evbuffer_drain(call->body, evbuffer_get_length(call->body));
    xml_begin(&xml, call->body);
    xml_open_in(&xml, "ErrorResponse", NAMESPACE);
    xml_open(&xml, "Error");
    xml_text(&xml, "Type", call->status >= 500 ? "Receiver" : "Sender");
    if (!code)
        code = call->status == 503 ? "ServiceUnavailable" : "InternalFailure";
    xml_text(&xml, "Code", code);
    xml_text(&xml, "Message", message);
    xml_close(&xml);
    xml_text(&xml, "RequestId", "00000000-0000-4000-8000-000000000000");
    xml_close(&xml);
    call_note(call, "error", code);
}

// ---- zones --------------------------------------------------------------------------------------

// With a dot at the end, as Route 53 has them.
static void show_name(struct zone_ask *ask, const struct object *zone)
{
    char name[300];
    const char *text = object_text(zone, "name");
    size_t len = strlen(text);
    snprintf(name, sizeof(name), "%s%s", text, len > 0 && text[len - 1] == '.' ? "" : ".");
    xml_text(&ask->xml, "Name", name);
}

static const char *region_of(const struct object *vpc)
{
    return vpc ? object_text(vpc, "region") : "us-east-1";
}

static void show_vpc(struct zone_ask *ask, const char *region, const char *vpc_id)
{
    xml_open(&ask->xml, "VPC");
    xml_text(&ask->xml, "VPCRegion", region);
    xml_text(&ask->xml, "VPCId", vpc_id);
    xml_close(&ask->xml);
}

static bool list_by_vpc(struct zone_ask *ask)
{
    struct xml *xml = &ask->xml;
    const char *vpc_id = evhttp_find_header(&ask->target->query, "vpcid");
    const char *region = evhttp_find_header(&ask->target->query, "vpcregion");
    if (!vpc_id || !region)
        return fail(ask, 400, "InvalidInput", "The VPC and its Region are required.");
    const struct object *vpc = world_find(ask->world, KIND_VPC, vpc_id);
    if (!vpc || !object_is(vpc, "region", region))
        return fail(ask, 400, "InvalidVPCId", "The VPC ID is invalid for this Region.");
    struct object *zone = NULL;
    xml_open_in(xml, "ListHostedZonesByVPCResponse", NAMESPACE);
    xml_open(xml, "HostedZoneSummaries");
    while ((zone = world_next(ask->world, KIND_HOSTED_ZONE, zone))) {
        if (!world_refers(zone, "vpc", vpc))
            continue;
        xml_open(xml, "HostedZoneSummary");
        xml_text(xml, "HostedZoneId", object_id(zone));
        show_name(ask, zone);
        xml_open(xml, "Owner");
        xml_text(xml, "OwningAccount", "123456789012");
        xml_close(xml);
        xml_close(xml);
    }
    xml_close(xml);
    xml_text(xml, "MaxItems", "100");
    xml_close(xml);
    return true;
}

static struct object *zone_named(struct zone_ask *ask)
{
    const char *id = ask->target->segments[AT_ID];
    struct object *zone = world_find(ask->world, KIND_HOSTED_ZONE, id);
    char message[160];
    snprintf(message, sizeof(message), "No hosted zone found with ID: %.60s", id);
    if (!zone)
        fail(ask, 404, "NoSuchHostedZone", message);
    return zone;
}

static bool get_zone(struct zone_ask *ask)
{
    struct xml *xml = &ask->xml;
    const struct object *zone = zone_named(ask);
    if (!zone)
        return false;
    char path[300];
    snprintf(path, sizeof(path), "/hostedzone/%s", object_id(zone));
    xml_open_in(xml, "GetHostedZoneResponse", NAMESPACE);
    xml_open(xml, "HostedZone");
    xml_text(xml, "Id", path);
    show_name(ask, zone);
    xml_text(xml, "CallerReference", object_id(zone));
    xml_open(xml, "Config");
    xml_bool(xml, "PrivateZone", true);
    xml_close(xml);
    xml_int(xml, "ResourceRecordSetCount", object_list(zone, "a") ? 3 : 2);
    xml_close(xml);
    xml_open(xml, "VPCs");
    if (*object_text(zone, "vpc"))
        show_vpc(ask, region_of(world_follow(zone, "vpc")), object_text(zone, "vpc"));
    if (object_flag(zone, "shared"))
        show_vpc(ask, region_of(world_follow(zone, "vpc")), "vpc-00000000000000001");
    xml_close(xml);
    xml_close(xml);
    return true;
}

// The VPC that the body of a request names.
static bool read_vpc(struct call *call, char out[ID_BYTES])
{
    struct evbuffer *body = evhttp_request_get_input_buffer(call->request);
    size_t len = evbuffer_get_length(body);
    char *text = calloc(1, len + 1);
    if (!text)
        abort();
    evbuffer_copyout(body, text, len);
    bool found = xml_find(text, "VPCId", out, ID_BYTES);
    free(text);
    return found;
}

static bool disassociate(struct zone_ask *ask)
{
    struct xml *xml = &ask->xml;
    struct object *zone = zone_named(ask);
    char vpc_id[ID_BYTES], now[CLOCK_TEXT_BYTES];
    if (!zone)
        return false;
    if (!read_vpc(ask->call, vpc_id))
        return fail(ask, 400, "InvalidInput", "The VPC is required.");
    if (!object_is(zone, "vpc", vpc_id))
        return fail(ask, 404, "VPCAssociationNotFound",
            "The specified VPC and hosted zone are not currently associated.");
    if (!object_flag(zone, "shared"))
        return fail(ask, 400, "LastVPCAssociation",
            "Cannot remove the last VPC association for the private zone.");
    object_set(zone, "vpc", cJSON_CreateString(""));
    xml_open_in(xml, "DisassociateVPCFromHostedZoneResponse", NAMESPACE);
    xml_open(xml, "ChangeInfo");
    xml_text(xml, "Id", "/change/C0000000000000000001");
    xml_text(xml, "Status", "INSYNC");
    xml_text(xml, "SubmittedAt", clock_format(clock_wall_s(), now));
    xml_close(xml);
    xml_close(xml);
    return true;
}

// ---- the way of a request -----------------------------------------------------------------------

static const struct row {
    const char *name, *method;
    const char *segment; // behind the version
    size_t count;        // of all segments
    bool (*fn)(struct zone_ask *ask);
} rows[] = {
    { "ListHostedZonesByVPC", "GET", "hostedzonesbyvpc", 2, list_by_vpc },
    { "GetHostedZone", "GET", "hostedzone", 3, get_zone },
    { "DisassociateVPCFromHostedZone", "POST", "hostedzone", 4, disassociate },
};

static const struct row *find_row(struct evhttp_request *request, const struct http_target *target)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (target->count == rows[i].count && strcmp(target->segments[1], rows[i].segment) == 0 &&
            strcmp(http_method(request), rows[i].method) == 0)
            return &rows[i];
    }
    return NULL;
}

const char *route53_action(struct evhttp_request *request)
{
    struct http_target target;
    const struct row *row = http_target_read(&target, request) ? find_row(request, &target) : NULL;
    http_target_done(&target);
    return row ? row->name : "";
}

static bool allow(struct zone_ask *ask, const struct row *row)
{
    struct aws_caller caller;
    char name[96], why[AWS_TEXT_BYTES];
    aws_caller_read(&caller, ask->call->request);
    snprintf(name, sizeof(name), "route53:%s", row->name);
    if (*caller.key)
        call_note(ask->call, "key", caller.key);
    switch (aws_check(ask->world, &caller, ask->call->request, name)) {
    case AWS_ALLOWED:
        return true;
    case AWS_NO_KEY:
        return fail(ask, 403, "MissingAuthenticationToken", "Missing Authentication Token");
    case AWS_BAD_KEY:
        return fail(ask, 403, "InvalidClientTokenId",
            "The security token included in the request is invalid.");
    case AWS_EXPIRED:
        return fail(
            ask, 403, "ExpiredToken", "The security token included in the request is expired");
    case AWS_DENIED:
        break;
    }
    aws_denial(name, NULL, why);
    return fail(ask, 403, "AccessDenied", why);
}

void route53_answer(struct call *call, struct world *world)
{
    struct http_target target;
    struct zone_ask ask = { .world = world, .call = call, .target = &target };
    bool read = http_target_read(&target, call->request);
    const struct row *row = read ? find_row(call->request, &target) : NULL;
    call->status = 200;
    xml_begin(&ask.xml, call->body);
    bool done =
        row ? allow(&ask, row) && row->fn(&ask)
            : fail(&ask, 404, "UnknownOperationException", "the emulator does not serve this path");
    if (!done)
        route53_refuse(call, ask.code, ask.message);
    http_target_done(&target);
}
