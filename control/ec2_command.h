// SPDX-License-Identifier: Apache-2.0
//
// The commands of the AWS CLI that this program runs or prints: one vector of arguments for both,
// so that what is printed is what would be run. Pure.
// Source: docs.aws.amazon.com/cli/latest/reference/ec2, …/route53.
#pragma once

#include "base/defs.h"
#include "base/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How the CLI is called.
struct ec2_options {
    const char *cli;          // program
    const char *profile;      // --profile; NULL: the CLI's own choice
    const char *region;       // --region, "us-east-1"; NULL: the CLI's own
    const char *endpoint_url; // --endpoint-url: another EC2 than Amazon's; NULL: Amazon's
    uint64_t timeout_ms;      // of one call; 0: 30 s
};

// Arguments in order, without a NULL at the end; argv.items[0] is the program. The builders below
// overwrite the struct.
struct ec2_command {
    struct option_list argv;
};
void ec2_command_done(struct ec2_command *command);

// "PROGRAM ec2 VERB" and the options that `options` asks for. The other functions begin with it.
void ec2_command_begin(
    struct ec2_command *command, const struct ec2_options *options, const char *verb);
void ec2_command_add(struct ec2_command *command, const char *argument);
// A value that came from elsewhere. No value of EC2's begins with "-" or "file://": one that does
// gets a "?" in front, which EC2 refuses, so that nobody's ID can be an option of the CLI, or have
// it read a file.
void ec2_command_add_value(struct ec2_command *command, const char *value);
// An option and its value or values, as above; nothing if there are none (NULL, or an empty list).
void ec2_command_add_option(struct ec2_command *command, const char *name, const char *value);
void ec2_command_add_list(
    struct ec2_command *command, const char *name, const struct option_list *list);

enum { EC2_TEXT_BYTES = 2048 };
// As one line for a shell, quoted where it must be (POSIX sh). Returns out. Of what does not fit
// (about eighty IDs do) the arguments at the end are left out, and an ellipsis stands for them.
const char *ec2_command_text(const struct ec2_command *command, char out[EC2_TEXT_BYTES]);
// The same over several lines of at most 76 columns, so that they can be indented, "\" at their
// ends. A longer argument has a line of its own and is not broken: blanks in front would end it.
const char *ec2_command_lines(const struct ec2_command *command, char out[EC2_TEXT_BYTES]);

struct ec2_endpoint_plan {
    const char *vpc_id, *service_name;
    const struct option_list *subnet_ids;
    const struct option_list *security_group_ids; // NULL or empty: the VPC's default group
    const char *client_token;                     // NULL: none (printed commands)
    // For the tag tidblink-cluster; NULL: no tag. What a tag may not hold becomes "_".
    const char *cluster;
};
// Without private DNS, which EC2 otherwise tries at once and refuses as long as nobody has accepted
// the endpoint.
void ec2_create_endpoint(struct ec2_command *command, const struct ec2_options *options,
    const struct ec2_endpoint_plan *plan);
void ec2_enable_private_dns(
    struct ec2_command *command, const struct ec2_options *options, const char *endpoint_id);
void ec2_delete_endpoint(
    struct ec2_command *command, const struct ec2_options *options, const char *endpoint_id);
void ec2_describe_subnets(
    struct ec2_command *command, const struct ec2_options *options, const char *vpc_id);
// Those of a service, in a VPC unless that is NULL.
void ec2_describe_endpoints(struct ec2_command *command, const struct ec2_options *options,
    const char *service_name, const char *vpc_id);
// The one of this ID, or none.
void ec2_describe_endpoint(
    struct ec2_command *command, const struct ec2_options *options, const char *endpoint_id);
// attribute: "enableDnsSupport" or "enableDnsHostnames".
void ec2_enable_vpc_attribute(struct ec2_command *command, const struct ec2_options *options,
    const char *vpc_id, const char *attribute);
// TCP to `port` from a security group or, when that is NULL, from a CIDR block.
void ec2_allow_ingress(struct ec2_command *command, const struct ec2_options *options,
    const char *group_id, uint16_t port, const char *source_group, const char *cidr);
void ec2_allow_egress(struct ec2_command *command, const struct ec2_options *options,
    const char *group_id, uint16_t port, const char *target_group, const char *cidr);

// Route 53, which the same CLI and credentials reach: the private hosted zones of a VPC, taking
// a VPC out of one of them, one zone, and deleting one that is empty. The first two need
// options->region.
void ec2_list_zones(
    struct ec2_command *command, const struct ec2_options *options, const char *vpc_id);
void ec2_leave_zone(struct ec2_command *command, const struct ec2_options *options,
    const char *zone_id, const char *vpc_id);
void ec2_get_zone(
    struct ec2_command *command, const struct ec2_options *options, const char *zone_id);
void ec2_delete_zone(
    struct ec2_command *command, const struct ec2_options *options, const char *zone_id);
