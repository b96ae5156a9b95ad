// SPDX-License-Identifier: Apache-2.0
//
// Which endpoints of a private link service are in our VPC, from the AWS CLI (it brings every
// source of credentials) where it is installed and has the right to ec2:DescribeVpcEndpoints. Any
// failure means "not asked": it is logged once, and the set rule decides (verdict.h). The loop's
// thread only.
#pragma once

#include "control/verdict.h"

struct aws;
struct err;
struct loop;

struct aws_options {
    const char *cli;          // program; NULL or "off": never asked
    const char *profile;      // as in struct ec2_options
    const char *region;       // "us-east-1"; NULL: the one that aws_ask is told
    const char *endpoint_url; // as in struct ec2_options
    const char *vpc_id;       // NULL: asked from the instance metadata service
    const char *metadata_url; // NULL: http://169.254.169.254
};

// fn: an answer has come, or one has been dropped because asking again failed. Copies the options.
// NULL only with err, out of memory aborts.
struct aws *aws_new(struct loop *loop, const struct aws_options *options, void (*fn)(void *arg),
    void *arg, struct err *err) MUST_CHECK;
void aws_free(struct aws *aws); // NULL is allowed; no callback afterwards

// Makes sure, in the background, that the answer about a group's service is at most 10 minutes old
// and that AWS was asked after the newest endpoint of the group appeared: an older answer is
// dropped here and now, because it would tell a swap of endpoints from its wrong end. The group has
// a service name. `region` as the TiDB Cloud API spells it, "aws-us-east-1", or NULL.
void aws_ask(struct aws *aws, const struct node_group *group, const char *region);
// The last answer about a service; nothing if there is none, or if asking again has failed.
void aws_fill_choice(
    const struct aws *aws, const char *service_name, struct verdict_choice *choice);
