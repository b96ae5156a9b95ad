// SPDX-License-Identifier: Apache-2.0
//
// The EC2 actions on VPCs, subnets, network interfaces, the instance and zones. ec2.c has the
// table. The loop's thread only.
#include "emulator/ec2.h"
#include "emulator/vpc.h"

#include <stdio.h>
#include <string.h>

// ---- VPCs ---------------------------------------------------------------------------------------

static void show_vpc(struct ec2_ask *ask, const struct object *vpc)
{
    struct xml *xml = &ask->xml;
    xml_text(xml, "vpcId", object_id(vpc));
    xml_text(xml, "ownerId", EC2_ACCOUNT);
    xml_text(xml, "state", "available");
    xml_text(xml, "cidrBlock", object_text(vpc, "cidr"));
    xml_open(xml, "cidrBlockAssociationSet");
    xml_open(xml, "item");
    xml_text(xml, "cidrBlock", object_text(vpc, "cidr"));
    xml_text(xml, "associationId", "vpc-cidr-assoc-00000000000000001");
    xml_open(xml, "cidrBlockState");
    xml_text(xml, "state", "associated");
    xml_close(xml);
    xml_close(xml);
    xml_close(xml);
    xml_text(xml, "dhcpOptionsId", "dopt-00000000000000001");
    ec2_show_tags(ask, vpc);
    xml_text(xml, "instanceTenancy", "default");
    xml_bool(xml, "isDefault", false);
}

bool ec2_describe_vpcs(struct ec2_ask *ask)
{
    static const struct ec2_filter filters[] = { { .name = "vpc-id", .field = "id" },
        { .name = "cidr", .field = "cidr" },
        { .name = "cidr-block-association.cidr-block", .field = "cidr" },
        { .name = "state", .constant = "available" }, { .name = "is-default", .constant = "false" },
        { .name = "owner-id", .constant = EC2_ACCOUNT }, { 0 } };
    static const struct ec2_listing listing = {
        .kind = KIND_VPC, .set = "vpcSet", .ids = "VpcId", .filters = filters, .show = show_vpc
    };
    return ec2_list(ask, &listing);
}

static const struct {
    const char *asked, *parameter, *field;
} attributes[] = {
    { "enableDnsSupport", "EnableDnsSupport.Value", "dnsSupport" },
    { "enableDnsHostnames", "EnableDnsHostnames.Value", "dnsHostnames" },
};

bool ec2_describe_vpc_attribute(struct ec2_ask *ask)
{
    const struct object *vpc = ec2_named(ask, KIND_VPC, "VpcId");
    const char *asked = ec2_param(ask, "Attribute");
    if (!vpc)
        return false;
    if (!asked)
        return ec2_missing(ask, "attribute");
    xml_text(&ask->xml, "vpcId", object_id(vpc));
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        if (strcmp(attributes[i].asked, asked) != 0)
            continue;
        xml_open(&ask->xml, attributes[i].asked);
        xml_bool(&ask->xml, "value", object_flag(vpc, attributes[i].field));
        xml_close(&ask->xml);
        return true;
    }
    return ec2_fail(
        ask, "InvalidParameterValue", "Value (%s) for parameter attribute is invalid.", asked);
}

// One attribute in a call, as in EC2.
bool ec2_modify_vpc_attribute(struct ec2_ask *ask)
{
    struct object *vpc = ec2_named(ask, KIND_VPC, "VpcId");
    if (!vpc)
        return false;
    size_t found = ARRAY_LEN(attributes);
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        if (!ec2_param(ask, attributes[i].parameter))
            continue;
        if (found != ARRAY_LEN(attributes))
            return ec2_fail(ask, "InvalidParameterCombination",
                "Fields for multiple attribute types specified");
        found = i;
    }
    if (found == ARRAY_LEN(attributes))
        return ec2_fail(ask, "InvalidParameterCombination", "No attributes specified.");
    object_set(vpc, attributes[found].field,
        cJSON_CreateBool(ec2_is_true(ask, attributes[found].parameter)));
    return ec2_done(ask);
}

// ---- subnets ------------------------------------------------------------------------------------

static void show_subnet(struct ec2_ask *ask, const struct object *subnet)
{
    struct xml *xml = &ask->xml;
    char arn[256];
    snprintf(arn, sizeof(arn), "arn:aws:ec2:%s:" EC2_ACCOUNT ":subnet/%s",
        object_text(vpc_of(subnet), "region"), object_id(subnet));
    xml_text(xml, "subnetId", object_id(subnet));
    xml_text(xml, "subnetArn", arn);
    xml_text(xml, "state", "available");
    xml_text(xml, "ownerId", EC2_ACCOUNT);
    xml_text(xml, "vpcId", object_text(subnet, "vpc"));
    xml_text(xml, "cidrBlock", object_text(subnet, "cidr"));
    xml_open(xml, "ipv6CidrBlockAssociationSet");
    xml_close(xml);
    xml_int(xml, "availableIpAddressCount", (int64_t)vpc_free_count(subnet));
    xml_text(xml, "availabilityZone", object_text(subnet, "zone"));
    xml_text(xml, "availabilityZoneId", object_text(subnet, "zoneId"));
    xml_bool(xml, "defaultForAz", false);
    xml_bool(xml, "mapPublicIpOnLaunch", false);
    xml_bool(xml, "assignIpv6AddressOnCreation", false);
    xml_bool(xml, "mapCustomerOwnedIpOnLaunch", false);
    ec2_show_tags(ask, subnet);
}

bool ec2_describe_subnets(struct ec2_ask *ask)
{
    static const struct ec2_filter filters[] = { { .name = "vpc-id", .field = "vpc" },
        { .name = "subnet-id", .field = "id" }, { .name = "cidr-block", .field = "cidr" },
        { .name = "availability-zone", .field = "zone" },
        { .name = "availability-zone-id", .field = "zoneId" },
        { .name = "state", .constant = "available" }, { 0 } };
    static const struct ec2_listing listing = { .kind = KIND_SUBNET,
        .set = "subnetSet",
        .ids = "SubnetId",
        .filters = filters,
        .show = show_subnet };
    return ec2_list(ask, &listing);
}

// ---- network interfaces -------------------------------------------------------------------------

static void show_interface(struct ec2_ask *ask, const struct object *interface)
{
    struct xml *xml = &ask->xml;
    char text[320], mac[VPC_MAC_BYTES];
    const struct object *subnet = world_follow(interface, "subnet");
    const struct object *endpoint = world_follow(interface, "endpoint");
    const char *address = object_text(interface, "address");
    xml_text(xml, "networkInterfaceId", object_id(interface));
    xml_text(xml, "subnetId", object_text(interface, "subnet"));
    xml_text(xml, "vpcId", object_text(subnet, "vpc"));
    xml_text(xml, "availabilityZone", object_text(subnet, "zone"));
    snprintf(text, sizeof(text), "VPC Endpoint Interface %s", object_id(endpoint));
    xml_text(xml, "description", text);
    xml_text(xml, "ownerId", EC2_ACCOUNT);
    xml_text(xml, "requesterId", "727180483921");
    xml_bool(xml, "requesterManaged", true);
    xml_text(xml, "status", "in-use");
    xml_text(xml, "macAddress", vpc_mac(interface, mac));
    xml_text(xml, "privateIpAddress", address);
    xml_bool(xml, "sourceDestCheck", true);
    ec2_show_groups(ask, "groupSet", object_list(endpoint, "securityGroups"));
    xml_open(xml, "tagSet");
    xml_close(xml);
    xml_open(xml, "privateIpAddressesSet");
    xml_open(xml, "item");
    xml_text(xml, "privateIpAddress", address);
    xml_bool(xml, "primary", true);
    xml_close(xml);
    xml_close(xml);
    xml_open(xml, "ipv6AddressesSet");
    xml_close(xml);
    xml_text(xml, "interfaceType", "vpc_endpoint");
}

bool ec2_describe_interfaces(struct ec2_ask *ask)
{
    static const struct ec2_filter filters[] = { { .name = "network-interface-id", .field = "id" },
        { .name = "subnet-id", .field = "subnet" },
        { .name = "vpc-id", .field = "vpc", .via = "subnet" },
        { .name = "availability-zone", .field = "zone", .via = "subnet" },
        { .name = "group-id", .field = "securityGroups", .via = "endpoint" },
        { .name = "private-ip-address", .field = "address" },
        { .name = "addresses.private-ip-address", .field = "address" },
        { .name = "interface-type", .constant = "vpc_endpoint" },
        { .name = "status", .constant = "in-use" }, { 0 } };
    static const struct ec2_listing listing = { .kind = KIND_INTERFACE,
        .set = "networkInterfaceSet",
        .ids = "NetworkInterfaceId",
        .filters = filters,
        .show = show_interface };
    return ec2_list(ask, &listing);
}
