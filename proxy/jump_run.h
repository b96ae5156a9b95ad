// SPDX-License-Identifier: Apache-2.0
//
// One connection's way through a jump that is a program (ssh -W, a command), inside its dial: the
// program is started with our stream as its input and output, and whether it leads to the cluster
// shows when the cluster's first byte comes: a MySQL server speaks first. Nothing waits: the dial
// has the deadline. The worker's thread only.
//
// Only so many start at a time. sshd begins to drop connections when ten are not logged in yet
// (MaxStartups in sshd_config(5)), and once the first has logged in, the others go through it.
#pragma once

#include "base/defs.h"
#include "proxy/jump.h"

struct jump_run;

// Our end of the stream is the caller's from now on: before it closes it, it releases the program
// (jump_child.h). Otherwise as jump_start. NULL with errno.
struct jump_run *jump_run_start(const struct jump_plan *plan, int *out_fd) MUST_CHECK;
void jump_run_end(struct jump_run *run); // also from fn; NULL is allowed
