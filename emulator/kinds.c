// SPDX-License-Identifier: Apache-2.0
//
// The tables of the emulated cloud: what kinds of objects there are and which fields they have.
// States of TiDB Cloud are those of its Dedicated API v1beta1
// (docs.pingcap.com/tidbcloud/api/v1beta1/dedicated), those of AWS the EC2 API's. Read by schema.c.
// Pure.
#include "emulator/schema.h"

#include <string.h>

static const char *const cluster_states[] = { "CREATING", "DELETING", "ACTIVE", "RESTORING",
    "MAINTENANCE", "DELETED", "INACTIVE", "UPGRADING", "IMPORTING", "MODIFYING", "PAUSING",
    "PAUSED", "RESUMING", NULL };
static const char *const group_states[] = { "ACTIVE", "MODIFYING", "PAUSED", NULL };
static const char *const service_states[] = { "CREATING", "ACTIVE", "DELETING", NULL };
static const char *const endpoint_states[] = { "PENDING", "ACTIVE", "DELETING", "FAILED",
    "DISCOVERED", NULL };
static const char *const name_answers[] = { "addresses", "NXDOMAIN", "NODATA", "SERVFAIL",
    "silence", NULL };
static const char *const vpc_endpoint_states[] = { "pendingAcceptance", "pending", "available",
    "deleting", "deleted", "rejected", "failed", "expired", NULL };
static const char *const plans[] = { "STARTER", "ESSENTIAL", NULL };
static const char *const breakages[] = { "", "refuse", "silent", NULL };
static const char *const digests[] = { "MD5", "SHA-256", NULL };
static const char *const fault_deeds[] = { "status", "delay", "hang", "cut", "malformed", "huge",
    "contentType", "dropTls", "dnsSilence", "dnsServfail", "dnsDelay", "lose", "awsError", NULL };

// clang-format off
static const struct field settings_fields[] = {
    { "requestsPerMinute", FIELD_INT, .fallback = "100", .min = 1, .max = 1000000 },
    { "nonceSeconds", FIELD_SECONDS, .fallback = "300" },
    { "digests", FIELD_CHOICES, .fallback = "[\"MD5\"]", .choices = digests },
    { "acceptSeconds", FIELD_SECONDS, .fallback = "5" },
    { "deleteSeconds", FIELD_SECONDS, .fallback = "3" },
    { "pauseSeconds", FIELD_SECONDS, .fallback = "3" },
    { "resumeSeconds", FIELD_SECONDS, .fallback = "3" },
    { "availableSeconds", FIELD_SECONDS, .fallback = "1" },
    { "deletingSeconds", FIELD_SECONDS, .fallback = "1" },
    { "listingLagSeconds", FIELD_SECONDS, .fallback = "0" },
    { "discovers", FIELD_BOOL, .fallback = "true" },
    { "discoverSeconds", FIELD_SECONDS, .fallback = "0" },
    { "serverClockSeconds", FIELD_INT, .fallback = "0", .min = -SECONDS_MAX, .max = SECONDS_MAX },
};
static const struct field key_fields[] = {
    { "publicKey", FIELD_TEXT, .flags = FIELD_ID },
    { "privateKey", FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SECRET },
    { "forbidden", FIELD_BOOL, .fallback = "false" },
};
static const struct field credential_fields[] = {
    { "accessKeyId", FIELD_TEXT, .flags = FIELD_ID },
    { "expired", FIELD_BOOL, .fallback = "false" },
    { "denies", FIELD_TEXTS, .fallback = "[]" },
};
static const struct field project_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_ID },
    { "default", FIELD_BOOL, .fallback = "false" },
};
static const struct field region_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_ID },
    { "displayName", FIELD_TEXT, .flags = FIELD_REQUIRED },
};
static const struct field cluster_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_ID },
    { "displayName", FIELD_TEXT, .flags = FIELD_REQUIRED },
    { "project", FIELD_REF, .flags = FIELD_REQUIRED | FIELD_OWNER, .refers = KIND_PROJECT },
    { "region", FIELD_REF, .flags = FIELD_REQUIRED, .refers = KIND_REGION },
    { "state", FIELD_CHOICE, .flags = FIELD_OPEN, .fallback = "\"ACTIVE\"", .choices = cluster_states },
    { "port", FIELD_INT, .fallback = "4000", .min = 1024, .max = 65535 },
    { "version", FIELD_TEXT, .fallback = "\"v8.5.2\"" },
};
static const struct field group_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_ID },
    { "cluster", FIELD_REF, .flags = FIELD_REQUIRED | FIELD_FIXED | FIELD_OWNER, .refers = KIND_CLUSTER },
    { "displayName", FIELD_TEXT, .fallback = "\"DefaultGroup\"" },
    { "default", FIELD_BOOL, .fallback = "true" },
    { "state", FIELD_CHOICE, .flags = FIELD_OPEN, .fallback = "\"ACTIVE\"", .choices = group_states },
    { "nodeCount", FIELD_INT, .fallback = "2", .min = 1, .max = 1000 },
    { "host", .type = FIELD_TEXT },
    { "port", FIELD_INT, .min = 1, .max = 65535 },
};
static const struct field service_fields[] = {
    { "group", FIELD_REF, .flags = FIELD_ID | FIELD_OWNER, .refers = KIND_GROUP },
    { "state", FIELD_CHOICE, .flags = FIELD_OPEN, .fallback = "\"ACTIVE\"", .choices = service_states },
    { "serviceName", FIELD_TEXT, .flags = FIELD_REQUIRED },
    { "dnsName", FIELD_TEXT, .flags = FIELD_REQUIRED },
    { "zones", FIELD_TEXTS, .fallback = "[]" },
    { "tellsZones", FIELD_BOOL, .fallback = "true" },
    { "backend", .type = FIELD_ADDR },
};
static const struct field endpoint_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_FIXED | FIELD_AUTO },
    { "group", FIELD_REF, .flags = FIELD_REQUIRED | FIELD_FIXED | FIELD_OWNER, .refers = KIND_GROUP },
    { "endpointId", FIELD_TEXT, .flags = FIELD_REQUIRED },
    { "state", FIELD_CHOICE, .flags = FIELD_OPEN, .fallback = "\"PENDING\"", .choices = endpoint_states },
    { "message", FIELD_TEXT, .fallback = "\"\"" },
    { "privateIpAddress", FIELD_TEXT, .fallback = "\"\"" },
    { "host", .type = FIELD_TEXT },
    { "port", FIELD_INT, .min = 1, .max = 65535 },
};
static const struct field name_fields[] = {
    { "name", FIELD_TEXT, .flags = FIELD_ID },
    { "a", FIELD_IPV4S, .fallback = "[]" },
    { "aaaa", FIELD_IPV6S, .fallback = "[]" },
    { "ttlSeconds", FIELD_INT, .fallback = "30", .min = 0, .max = SECONDS_MAX },
    { "privateDns", FIELD_BOOL, .fallback = "true" },
    { "answer", FIELD_CHOICE, .fallback = "\"addresses\"", .choices = name_answers },
    { "delaySeconds", FIELD_SECONDS, .fallback = "0" },
};
static const struct field public_name_fields[] = {
    { "name", FIELD_TEXT, .flags = FIELD_ID },
    { "a", FIELD_IPV4S, .fallback = "[]" },
    { "aaaa", FIELD_IPV6S, .fallback = "[]" },
    { "ttlSeconds", FIELD_INT, .fallback = "30", .min = 0, .max = SECONDS_MAX },
};
static const struct field instance_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_ID },
    { "displayName", FIELD_TEXT, .flags = FIELD_REQUIRED },
    { "plan", FIELD_CHOICE, .fallback = "\"STARTER\"", .choices = plans },
    { "region", FIELD_TEXT, .fallback = "\"aws-us-east-1\"" },
    { "state", FIELD_TEXT, .fallback = "\"ACTIVE\"" },
};
static const struct field vpc_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_FIXED | FIELD_AUTO, .prefix = "vpc-" },
    { "cidr", FIELD_CIDR, .flags = FIELD_REQUIRED },
    { "region", FIELD_TEXT, .fallback = "\"us-east-1\"" },
    { "dnsSupport", FIELD_BOOL, .fallback = "true" },
    { "dnsHostnames", FIELD_BOOL, .fallback = "false" },
    { "name", FIELD_TEXT, .fallback = "\"\"" },
};
static const struct field subnet_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_FIXED | FIELD_AUTO, .prefix = "subnet-" },
    { "vpc", FIELD_REF, .flags = FIELD_REQUIRED | FIELD_FIXED | FIELD_OWNER, .refers = KIND_VPC },
    { "cidr", FIELD_CIDR, .flags = FIELD_REQUIRED },
    { "zone", FIELD_TEXT, .flags = FIELD_REQUIRED },
    { "zoneId", FIELD_TEXT, .flags = FIELD_REQUIRED },
    { "name", FIELD_TEXT, .fallback = "\"\"" },
};
static const struct field security_group_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_FIXED | FIELD_AUTO, .prefix = "sg-" },
    { "vpc", FIELD_REF, .flags = FIELD_REQUIRED | FIELD_FIXED | FIELD_OWNER, .refers = KIND_VPC },
    { "name", FIELD_TEXT, .flags = FIELD_REQUIRED },
    { "description", FIELD_TEXT, .fallback = "\"\"" },
    { "ingress", FIELD_RULES, .fallback = "[]" },
    { "egress", FIELD_RULES, .fallback = "[\"all to 0.0.0.0/0\"]" },
};
static const struct field machine_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_FIXED | FIELD_AUTO, .prefix = "i-" },
    { "vpc", FIELD_REF, .flags = FIELD_REQUIRED | FIELD_OWNER, .refers = KIND_VPC },
    { "subnet", FIELD_REF, .flags = FIELD_REQUIRED | FIELD_OWNER, .refers = KIND_SUBNET },
    { "securityGroups", FIELD_TEXTS, .fallback = "[]" },
    { "address", .type = FIELD_IPV4 },
    { "region", .type = FIELD_TEXT },
};
static const struct field vpc_endpoint_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_FIXED | FIELD_AUTO, .prefix = "vpce-" },
    { "vpc", FIELD_REF, .flags = FIELD_REQUIRED | FIELD_FIXED | FIELD_OWNER, .refers = KIND_VPC },
    { "service", FIELD_REF, .flags = FIELD_REQUIRED | FIELD_FIXED, .refers = KIND_SERVICE },
    { "subnets", FIELD_TEXTS, .fallback = "[]" },
    { "securityGroups", FIELD_TEXTS, .fallback = "[]" },
    { "state", FIELD_CHOICE, .flags = FIELD_OPEN, .fallback = "\"pendingAcceptance\"", .choices = vpc_endpoint_states },
    { "privateDns", FIELD_BOOL, .fallback = "false" },
    { "message", FIELD_TEXT, .fallback = "\"\"" },
    { "clientToken", FIELD_TEXT, .fallback = "\"\"" },
    { "request", FIELD_TEXT, .fallback = "\"\"" },
    { "tags", FIELD_MAP, .fallback = "{}" },
};
static const struct field interface_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_FIXED | FIELD_AUTO, .prefix = "eni-" },
    { "endpoint", FIELD_REF, .flags = FIELD_REQUIRED | FIELD_FIXED | FIELD_OWNER, .refers = KIND_VPC_ENDPOINT },
    { "subnet", FIELD_REF, .flags = FIELD_REQUIRED | FIELD_FIXED | FIELD_OWNER, .refers = KIND_SUBNET },
    { "address", .type = FIELD_IPV4 },
    { "broken", FIELD_CHOICE, .fallback = "\"\"", .choices = breakages },
    { "wire", FIELD_TEXT, .fallback = "\"\"" },
};
static const struct field hosted_zone_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_FIXED | FIELD_AUTO, .prefix = "Z" },
    { "name", FIELD_TEXT, .flags = FIELD_REQUIRED },
    { "vpc", FIELD_REF, .fallback = "\"\"", .refers = KIND_VPC },
    { "a", FIELD_IPV4S, .fallback = "[]" },
    { "ttlSeconds", FIELD_INT, .fallback = "300", .min = 0, .max = SECONDS_MAX },
    { "shared", FIELD_BOOL, .fallback = "true" },
};
static const struct field fault_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_FIXED | FIELD_AUTO },
    { "does", FIELD_CHOICE, .flags = FIELD_REQUIRED, .choices = fault_deeds },
    { "match", FIELD_TEXT, .fallback = "\"\"" },
    { "count", FIELD_INT, .fallback = "0", .min = 0, .max = 1000000 },
    { "skip", FIELD_INT, .fallback = "0", .min = 0, .max = 1000000 },
    { "after", FIELD_TEXT, .fallback = "\"\"" },
    { "delaySeconds", FIELD_SECONDS, .fallback = "0" },
    { "status", FIELD_INT, .min = 200, .max = 599 },
    { "body", .type = FIELD_TEXT },
    { "retryAfterSeconds", FIELD_INT, .min = 0, .max = SECONDS_MAX },
    { "megabytes", FIELD_INT, .fallback = "16", .min = 1, .max = 4096 },
    { "code", .type = FIELD_TEXT },
    { "message", .type = FIELD_TEXT },
};

#define KIND(name, rows) { name, rows, ARRAY_LEN(rows) }
static const struct kind kinds[KINDS] = {
    [KIND_SETTINGS] = KIND("settings", settings_fields),
    [KIND_KEY] = KIND("keys", key_fields),
    [KIND_CREDENTIAL] = KIND("credentials", credential_fields),
    [KIND_PROJECT] = KIND("projects", project_fields),
    [KIND_REGION] = KIND("regions", region_fields),
    [KIND_CLUSTER] = KIND("clusters", cluster_fields),
    [KIND_GROUP] = KIND("groups", group_fields),
    [KIND_SERVICE] = KIND("services", service_fields),
    [KIND_ENDPOINT] = KIND("endpoints", endpoint_fields),
    [KIND_NAME] = KIND("names", name_fields),
    [KIND_PUBLIC_NAME] = KIND("publicNames", public_name_fields),
    [KIND_INSTANCE] = KIND("instances", instance_fields),
    [KIND_VPC] = KIND("vpcs", vpc_fields),
    [KIND_SUBNET] = KIND("subnets", subnet_fields),
    [KIND_SECURITY_GROUP] = KIND("securityGroups", security_group_fields),
    [KIND_MACHINE] = KIND("instance", machine_fields),
    [KIND_VPC_ENDPOINT] = KIND("vpcEndpoints", vpc_endpoint_fields),
    [KIND_INTERFACE] = KIND("interfaces", interface_fields),
    [KIND_HOSTED_ZONE] = KIND("hostedZones", hosted_zone_fields),
    [KIND_FAULT] = KIND("faults", fault_fields),
};
// clang-format on

const struct kind *schema_kind(enum kind_id id)
{
    return &kinds[id];
}

enum kind_id schema_kind_named(const char *collection)
{
    enum kind_id id = 0;
    while (id < KINDS && strcmp(kinds[id].collection, collection) != 0)
        id++;
    return id;
}

const struct field *schema_field(const struct kind *kind, const char *name)
{
    for (size_t i = 0; i < kind->count; i++) {
        if (strcmp(kind->fields[i].name, name) == 0)
            return &kind->fields[i];
    }
    return NULL;
}
