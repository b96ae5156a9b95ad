// SPDX-License-Identifier: Apache-2.0
//
// Amazon EC2 through the AWS CLI: what it is told (ec2_command.h) and what it answers, one call at
// a time, each blocks its caller. Every credential source of the CLI (profiles, SSO, roles) works.
// The commands' thread only.
//
// When this process ends, however it does, the CLI gets SIGTERM (child.h, dies_with_us). A request
// that it has sent by then may still be carried out: a create is found again by its client token or
// by its tag. What a wrapper script starts is the wrapper's to stop.
// Source: docs.aws.amazon.com/cli/latest/reference/ec2 and the EC2 API Reference's data types.
#pragma once

#include "base/defs.h"
#include "base/options.h"
#include "control/ec2_command.h"

#include <stdbool.h>
#include <stdint.h>

struct ec2;
struct err;

// Lists are option_lists of IDs. All structs: NULL is "not told"; freed by their _done.
struct ec2_vpc {
    char *id;
    struct option_list cidrs; // "10.0.0.0/16"
    char *name;               // of its tag Name
};

struct ec2_subnet {
    char *id, *vpc_id, *cidr;
    char *zone, *zone_id; // "us-east-1a", "use1-az4"
};

struct ec2_endpoint {
    char *id, *vpc_id, *service_name;
    char *state; // "pendingAcceptance", "pending", "available", "deleting", "rejected", "failed", …
    bool private_dns;
    struct option_list subnet_ids, security_group_ids, interface_ids;
    char *error; // LastError's message
    char *tag;   // of the tag tidblink-cluster
};

struct ec2_service {
    char *name, *private_dns_name;
    struct option_list zones; // "us-east-1a"
    bool acceptance_required;
};

// One permission of a security group: a range of ports and one list for each kind of peer.
struct ec2_permission {
    char *protocol;                  // "tcp", "-1" for all
    int64_t from_port, to_port;      // -1: all
    struct option_list cidrs;        // IPv4 and IPv6
    struct option_list groups;       // security groups
    struct option_list prefix_lists; // "pl-…"
};

struct ec2_security_group {
    char *id, *name, *vpc_id;
    struct ec2_permission *ingress, *egress;
    size_t ingress_count, egress_count;
};

struct ec2_interface {
    char *id, *subnet_id, *zone;
    char *address; // its private IPv4 address
};

// A private hosted zone of Route 53.
struct ec2_zone {
    char *id, *name; // "Z0…", "example.com."
    char *service;   // the AWS service that made it; NULL: the account itself
};

#define EC2_LIST(kind)                                                                             \
    struct kind##_list {                                                                           \
        struct kind *items;                                                                        \
        size_t count;                                                                              \
    };                                                                                             \
    void kind##_list_done(struct kind##_list *list)
EC2_LIST(ec2_vpc);
EC2_LIST(ec2_subnet);
EC2_LIST(ec2_endpoint);
EC2_LIST(ec2_service);
EC2_LIST(ec2_security_group);
EC2_LIST(ec2_interface);
EC2_LIST(ec2_zone);

// The options must outlive it. Fails (ERR_AWS) when there is no such program.
struct ec2 *ec2_open(const struct ec2_options *options, struct err *err) MUST_CHECK;
void ec2_close(struct ec2 *ec2); // NULL is allowed

// The code of the last failure as EC2 has it ("UnauthorizedOperation", "RequestExpired",
// "InvalidVpcEndpointId.NotFound"), "" if it came from elsewhere. Valid until the next call.
const char *ec2_error_code(const struct ec2 *ec2);

// Runs any command; for those whose answer means nothing but "done": one that says otherwise
// ("Unsuccessful", "Return": false) is a failure although the CLI's exit code is 0. Errors:
// ERR_AWS_CREDENTIALS (none, expired, wrong), ERR_AWS_DENIED (no right to this), ERR_AWS (anything
// else EC2 refuses), ERR_CHILD (no answer in time); each text has EC2's own message.
bool ec2_run(struct ec2 *ec2, const struct ec2_command *command, struct err *err) MUST_CHECK;

// The lists below are overwritten; on failure they are empty.
bool ec2_vpcs(struct ec2 *ec2, const char *vpc_id, struct ec2_vpc_list *out,
    struct err *err) MUST_CHECK; // NULL: all
// "enableDnsSupport" and "enableDnsHostnames": describe-vpc-attribute takes one at a time.
bool ec2_vpc_attribute(struct ec2 *ec2, const char *vpc_id, const char *attribute, bool *out,
    struct err *err) MUST_CHECK;
bool ec2_subnets_of_vpc(
    struct ec2 *ec2, const char *vpc_id, struct ec2_subnet_list *out, struct err *err) MUST_CHECK;
bool ec2_endpoint_service(struct ec2 *ec2, const char *service_name, struct ec2_service_list *out,
    struct err *err) MUST_CHECK;
// No IDs: an empty list, without asking. Otherwise all of them must exist.
bool ec2_security_groups(struct ec2 *ec2, const struct option_list *ids,
    struct ec2_security_group_list *out, struct err *err) MUST_CHECK;
bool ec2_interfaces(struct ec2 *ec2, const struct option_list *ids, struct ec2_interface_list *out,
    struct err *err) MUST_CHECK;
// Those of a service in a VPC (vpc_id NULL: in any), whatever their state.
bool ec2_endpoints_of_service(struct ec2 *ec2, const char *service_name, const char *vpc_id,
    struct ec2_endpoint_list *out, struct err *err) MUST_CHECK;
// The one of this ID, if there is one.
bool ec2_endpoint_of_id(struct ec2 *ec2, const char *endpoint_id, struct ec2_endpoint_list *out,
    struct err *err) MUST_CHECK;
// Those that answer in a VPC of the options' region.
bool ec2_zones_of_vpc(
    struct ec2 *ec2, const char *vpc_id, struct ec2_zone_list *out, struct err *err) MUST_CHECK;
// In how many VPCs a zone answers.
bool ec2_zone_vpcs(
    struct ec2 *ec2, const char *zone_id, size_t *out_count, struct err *err) MUST_CHECK;
// `command` is ec2_create_endpoint's.
bool ec2_create(struct ec2 *ec2, const struct ec2_command *command, struct ec2_endpoint *out,
    struct err *err) MUST_CHECK;
void ec2_endpoint_done(struct ec2_endpoint *endpoint);
