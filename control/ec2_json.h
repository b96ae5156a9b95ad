// SPDX-License-Identifier: Apache-2.0
//
// What the AWS CLI prints with --output json, as the structs of ec2.h. Absent members stay NULL,
// false or empty, an ID must be there. On failure (ERR_API_ANSWER) the output may be half filled;
// the caller frees it as usual. Lists are overwritten. Any thread.
// Source: docs.aws.amazon.com/cli/latest/reference/ec2, "Output" of each command.
#pragma once

#include "control/ec2.h"

bool ec2_json_vpcs(
    const char *text, size_t len, struct ec2_vpc_list *out, struct err *err) MUST_CHECK;
// describe-vpc-attribute: attribute "enableDnsSupport" or "enableDnsHostnames".
bool ec2_json_vpc_attribute(
    const char *text, size_t len, const char *attribute, bool *out, struct err *err) MUST_CHECK;
bool ec2_json_subnets(
    const char *text, size_t len, struct ec2_subnet_list *out, struct err *err) MUST_CHECK;
bool ec2_json_services(
    const char *text, size_t len, struct ec2_service_list *out, struct err *err) MUST_CHECK;
bool ec2_json_endpoints(
    const char *text, size_t len, struct ec2_endpoint_list *out, struct err *err) MUST_CHECK;
// create-vpc-endpoint.
bool ec2_json_created(
    const char *text, size_t len, struct ec2_endpoint *out, struct err *err) MUST_CHECK;
bool ec2_json_security_groups(
    const char *text, size_t len, struct ec2_security_group_list *out, struct err *err) MUST_CHECK;
bool ec2_json_interfaces(
    const char *text, size_t len, struct ec2_interface_list *out, struct err *err) MUST_CHECK;
// route53 list-hosted-zones-by-vpc.
bool ec2_json_zones(
    const char *text, size_t len, struct ec2_zone_list *out, struct err *err) MUST_CHECK;

// route53 get-hosted-zone: how many VPCs it is in.
bool ec2_json_zone_vpcs(
    const char *text, size_t len, size_t *out_count, struct err *err) MUST_CHECK;

// Some commands succeed (exit code 0) and tell in their answer what they did not do: "Return" is
// false, or "Unsuccessful" lists errors. False if so; `code` and `message` are the first error's,
// or NULL, and the caller's to free. False as well if one of the two is of a type that tells
// nothing; `message` says so. An answer that is empty or no JSON is success.
bool ec2_json_was_done(const char *text, size_t len, char **code, char **message);
