// SPDX-License-Identifier: Apache-2.0
//
// The EC2 actions on interface endpoints and their services, in the order and with the words of
// refusal of EC2 (docs.aws.amazon.com/vpc/latest/privatelink, and the reports of users of
// Terraform and the CDK). What TiDB Cloud does about an endpoint is in link.c. ec2.c has the table.
// The loop's thread only.
#include "emulator/ec2.h"
#include "emulator/ec2_plan.h"
#include "emulator/steps.h"
#include "emulator/vpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- services -----------------------------------------------------------------------------------

struct object *ec2_service_named(const struct ec2_ask *ask, const char *name)
{
    struct object *service = NULL;
    while ((service = world_next(ask->world, KIND_SERVICE, service))) {
        bool is_here = !*ask->region || strcmp(vpc_service_region(service), ask->region) == 0;
        if (is_here && object_is(service, "serviceName", name) &&
            !object_is(service, "state", "CREATING")) // AWS does not know it yet
            return service;
    }
    return NULL;
}

static void show_service(struct ec2_ask *ask, const struct object *service)
{
    struct xml *xml = &ask->xml;
    char name[VPC_NAME_BYTES];
    const char *region = vpc_service_region(service);
    const char *service_id = strrchr(object_text(service, "serviceName"), '.');
    const char *dns_name = object_text(service, "dnsName");
    xml_text(xml, "serviceName", object_text(service, "serviceName"));
    xml_text(xml, "serviceId", service_id ? service_id + 1 : "");
    xml_open(xml, "serviceType");
    xml_open(xml, "item");
    xml_text(xml, "serviceType", "Interface");
    xml_close(xml);
    xml_close(xml);
    xml_open(xml, "availabilityZoneSet");
    for (const cJSON *zone = object_list(service, "zones"); zone; zone = zone->next)
        xml_text(xml, "item", vpc_zone_name(ask->world, region, zone->valuestring, name));
    xml_close(xml);
    xml_text(xml, "owner", EC2_SERVICE_ACCOUNT);
    snprintf(
        name, sizeof(name), "%s.%s.vpce.amazonaws.com", service_id ? service_id + 1 : "", region);
    xml_open(xml, "baseEndpointDnsNameSet");
    xml_text(xml, "item", name);
    xml_close(xml);
    if (*dns_name) {
        xml_text(xml, "privateDnsName", dns_name);
        xml_open(xml, "privateDnsNameSet");
        xml_open(xml, "item");
        xml_text(xml, "privateDnsName", dns_name);
        xml_close(xml);
        xml_close(xml);
        xml_text(xml, "privateDnsNameVerificationState", "verified");
    }
    xml_bool(xml, "vpcEndpointPolicySupported", false);
    xml_bool(xml, "acceptanceRequired", true);
    xml_bool(xml, "managesVpcEndpoints", false);
    xml_open(xml, "tagSet");
    xml_close(xml);
    xml_open(xml, "supportedIpAddressTypeSet");
    xml_text(xml, "item", "ipv4");
    xml_close(xml);
}

static bool is_wanted(
    const struct ec2_ask *ask, const struct ec2_filter *filters, const struct object *service)
{
    const char *name = NULL;
    bool named = !ec2_item(ask, "ServiceName", 1);
    for (unsigned i = 1; (name = ec2_item(ask, "ServiceName", i)); i++)
        named |= object_is(service, "serviceName", name);
    return named && ec2_admits(ask, filters, service) &&
           ec2_service_named(ask, object_text(service, "serviceName")) == service;
}

bool ec2_describe_services(struct ec2_ask *ask)
{
    static const struct ec2_filter filters[] = { { .name = "service-name", .field = "serviceName" },
        { .name = "service-type", .constant = "Interface" },
        { .name = "owner", .constant = EC2_SERVICE_ACCOUNT }, { 0 } };
    const char *name;
    for (unsigned i = 1; (name = ec2_item(ask, "ServiceName", i)); i++) {
        if (!ec2_service_named(ask, name))
            return ec2_unknown_service(ask, name);
    }
    if (!ec2_check_filters(ask, filters))
        return false;
    struct object *service = NULL;
    xml_open(&ask->xml, "serviceNameSet");
    while ((service = world_next(ask->world, KIND_SERVICE, service))) {
        if (is_wanted(ask, filters, service))
            xml_text(&ask->xml, "item", object_text(service, "serviceName"));
    }
    xml_close(&ask->xml);
    xml_open(&ask->xml, "serviceDetailSet");
    while ((service = world_next(ask->world, KIND_SERVICE, service))) {
        if (!is_wanted(ask, filters, service))
            continue;
        xml_open(&ask->xml, "item");
        show_service(ask, service);
        xml_close(&ask->xml);
    }
    xml_close(&ask->xml);
    return true;
}

// ---- showing endpoints --------------------------------------------------------------------------

static void show_dns_entry(struct ec2_ask *ask, const char *name)
{
    xml_open(&ask->xml, "item");
    xml_text(&ask->xml, "dnsName", name);
    xml_text(&ask->xml, "hostedZoneId", "Z7HUB22UULQXV");
    xml_close(&ask->xml);
}

// First the endpoint's own names, then the service's where it leads here.
static void show_dns(struct ec2_ask *ask, const struct object *endpoint)
{
    char name[VPC_NAME_BYTES];
    const struct object *service = world_follow(endpoint, "service");
    struct object *interface = NULL;
    xml_open(&ask->xml, "dnsEntrySet");
    show_dns_entry(ask, vpc_endpoint_name(endpoint, NULL, name));
    while ((interface = world_next(ask->world, KIND_INTERFACE, interface))) {
        if (!world_refers(interface, "endpoint", endpoint))
            continue;
        const struct object *subnet = world_follow(interface, "subnet");
        show_dns_entry(ask, vpc_endpoint_name(endpoint, object_text(subnet, "zone"), name));
    }
    if (service && object_flag(endpoint, "privateDns"))
        show_dns_entry(ask, object_text(service, "dnsName"));
    xml_close(&ask->xml);
}

static void show_subnets(struct ec2_ask *ask, const struct object *endpoint)
{
    struct xml *xml = &ask->xml;
    struct object *interface = NULL;
    xml_open(xml, "subnetIdSet");
    for (const cJSON *id = object_list(endpoint, "subnets"); id; id = id->next)
        xml_text(xml, "item", id->valuestring);
    xml_close(xml);
    xml_open(xml, "networkInterfaceIdSet");
    while ((interface = world_next(ask->world, KIND_INTERFACE, interface))) {
        if (world_refers(interface, "endpoint", endpoint))
            xml_text(xml, "item", object_id(interface));
    }
    xml_close(xml);
}

static void show_endpoint(struct ec2_ask *ask, const struct object *endpoint)
{
    struct xml *xml = &ask->xml;
    const struct object *service = world_follow(endpoint, "service");
    xml_text(xml, "vpcEndpointId", object_id(endpoint));
    xml_text(xml, "vpcEndpointType", "Interface");
    xml_text(xml, "vpcId", object_text(endpoint, "vpc"));
    xml_text(xml, "serviceName", service ? object_text(service, "serviceName") : "");
    xml_text(xml, "state", object_text(endpoint, "state"));
    xml_text(xml, "policyDocument",
        "{\"Statement\":[{\"Action\":\"*\",\"Effect\":\"Allow\",\"Principal\":\"*\","
        "\"Resource\":\"*\"}]}");
    xml_open(xml, "routeTableIdSet");
    xml_close(xml);
    show_subnets(ask, endpoint);
    ec2_show_groups(ask, "groupSet", object_list(endpoint, "securityGroups"));
    xml_text(xml, "ipAddressType", "ipv4");
    xml_open(xml, "dnsOptions");
    xml_text(xml, "dnsRecordIpType", "ipv4");
    xml_close(xml);
    xml_bool(xml, "privateDnsEnabled", object_flag(endpoint, "privateDns"));
    xml_bool(xml, "requesterManaged", false);
    show_dns(ask, endpoint);
    ec2_show_time(ask, "creationTimestamp", endpoint->created);
    ec2_show_tags(ask, endpoint);
    xml_text(xml, "ownerId", EC2_ACCOUNT);
    if (*object_text(endpoint, "message")) {
        xml_open(xml, "lastError");
        xml_text(xml, "message", object_text(endpoint, "message"));
        xml_text(xml, "code", "InternalError");
        xml_close(xml);
    }
}

// A listing may be behind: it does not have yet what was just created.
static bool is_too_new(const struct object *endpoint)
{
    return object_age_ms(endpoint) <
           object_ms(world_settings(endpoint->world), "listingLagSeconds");
}

bool ec2_describe_endpoints(struct ec2_ask *ask)
{
    static const struct ec2_filter filters[] = { { .name = "vpc-id", .field = "vpc" },
        { .name = "vpc-endpoint-id", .field = "id" },
        { .name = "service-name", .field = "serviceName", .via = "service" },
        { .name = "vpc-endpoint-state", .field = "state" },
        { .name = "vpc-endpoint-type", .constant = "Interface" },
        { .name = "ip-address-type", .constant = "ipv4" }, { 0 } };
    static const struct ec2_listing listing = { .kind = KIND_VPC_ENDPOINT,
        .set = "vpcEndpointSet",
        .ids = "VpcEndpointId",
        .filters = filters,
        .is_hidden = is_too_new,
        .show = show_endpoint };
    return ec2_list(ask, &listing);
}

// ---- creating -----------------------------------------------------------------------------------

static void answer_created(struct ec2_ask *ask, const struct object *endpoint)
{
    xml_open(&ask->xml, "vpcEndpoint");
    show_endpoint(ask, endpoint);
    xml_close(&ask->xml);
    if (ec2_param(ask, "ClientToken"))
        xml_text(&ask->xml, "clientToken", ec2_param(ask, "ClientToken"));
}

static struct object *with_token(const struct ec2_ask *ask, const char *token)
{
    struct object *endpoint = NULL;
    while ((endpoint = world_next(ask->world, KIND_VPC_ENDPOINT, endpoint))) {
        if (object_is(endpoint, "clientToken", token))
            return endpoint;
    }
    return NULL;
}

bool ec2_create_endpoint(struct ec2_ask *ask)
{
    char print[EC2_PRINT_BYTES];
    const char *token = ec2_param(ask, "ClientToken");
    const struct object *earlier = token && *token ? with_token(ask, token) : NULL;
    ec2_fingerprint(ask, print);
    if (earlier && *object_text(earlier, "request") && !object_is(earlier, "request", print))
        return ec2_fail(ask, "IdempotentParameterMismatch",
            "Arguments on this idempotent request are inconsistent with arguments used in "
            "previous request(s).");
    const struct object *endpoint = earlier ? earlier : ec2_plan_create(ask, print);
    if (endpoint)
        answer_created(ask, endpoint);
    return endpoint != NULL;
}

// ---- modifying ----------------------------------------------------------------------------------

bool ec2_modify_endpoint(struct ec2_ask *ask)
{
    struct object *endpoint = ec2_named(ask, KIND_VPC_ENDPOINT, "VpcEndpointId");
    if (!endpoint)
        return false;
    if (!vpc_endpoint_lives(endpoint))
        return ec2_fail(ask, "IncorrectState", "The VPC endpoint %s is in the state %s",
            object_id(endpoint), object_text(endpoint, "state"));
    return ec2_plan_modify(ask, endpoint) && ec2_done(ask);
}

// ---- deleting -----------------------------------------------------------------------------------

static void delete_one(struct object *endpoint)
{
    static const struct step steps[] = { { "deletingSeconds", "deleted", NULL },
        { "listingLagSeconds", NULL, NULL } };
    if (object_is(endpoint, "state", "deleting") || object_is(endpoint, "state", "deleted"))
        return;
    steps_go(endpoint, "deleting", steps, ARRAY_LEN(steps));
}

bool ec2_delete_endpoints(struct ec2_ask *ask)
{
    const char *id;
    if (!ec2_item(ask, "VpcEndpointId", 1))
        return ec2_missing(ask, "VpcEndpointId");
    xml_open(&ask->xml, "unsuccessful");
    for (unsigned i = 1; (id = ec2_item(ask, "VpcEndpointId", i)); i++) {
        struct object *endpoint = ec2_find(ask, KIND_VPC_ENDPOINT, id);
        if (endpoint) {
            delete_one(endpoint);
            continue;
        }
        char message[160];
        snprintf(message, sizeof(message), "The Vpc Endpoint Id '%s' does not exist", id);
        xml_open(&ask->xml, "item");
        xml_open(&ask->xml, "error");
        xml_text(&ask->xml, "code", "InvalidVpcEndpoint.NotFound");
        xml_text(&ask->xml, "message", message);
        xml_close(&ask->xml);
        xml_text(&ask->xml, "resourceId", id);
        xml_close(&ask->xml);
    }
    xml_close(&ask->xml);
    return true;
}
