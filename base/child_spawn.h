// SPDX-License-Identifier: Apache-2.0
//
// The start of a program for child.c: in a process group of its own, with an empty standard input
// and two pipes. Nobody else includes this.
#pragma once

#include <sys/types.h>

struct child_spec;

// The errno, 0 when it runs. The descriptors stay the caller's.
int child_spawn(const struct child_spec *spec, int out_fd, int errors_fd, pid_t *out_pid);
