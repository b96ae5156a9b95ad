// SPDX-License-Identifier: Apache-2.0
//
// One command of ec2_command.h as a child process, with an environment in which the CLI asks and
// pages nothing. The loop's thread only.
#pragma once

#include "base/child.h"
#include "control/ec2_command.h"
#include "control/ec2_error.h"

// As child_start.
struct child *ec2_child_start(struct loop *loop, const struct ec2_command *command,
    uint64_t timeout_ms, bool dies_with_us, child_fn fn, void *arg, struct err *err) MUST_CHECK;
// Tells the spawner (spawner.h) that the endpoints of a service may be asked for; vpc_id NULL: of
// any.
bool ec2_child_allow_describe(
    const struct ec2_options *options, const char *vpc_id, struct err *err) MUST_CHECK;
// What went wrong when it ended with another exit code than 0; `code` as ec2_explain's.
void ec2_child_explain(const struct child_result *result, const struct ec2_options *options,
    char code[EC2_CODE_BYTES], struct err *err);
// Who asks, by the options and the environment.
struct ec2_caller ec2_child_caller(const struct ec2_options *options);
