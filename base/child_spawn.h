// SPDX-License-Identifier: Apache-2.0
//
// The start of a program. Nobody but child.c and foreground.c includes this.
#pragma once

#include <sys/types.h>

struct child_spec;
struct foreground_spec;

// In a process group of its own, with an empty standard input and two pipes; or, when the
// specification has a stream, with `out_fd` for both input and output. The errno, 0 when it
// runs. The descriptors stay the caller's.
int child_spawn(const struct child_spec *spec, int out_fd, int errors_fd, pid_t *out_pid);
// Our own program as spawner.h's, with `socket_fd` at its place and none of our other descriptors.
int child_spawn_spawner(int socket_fd, pid_t *out_pid);
// With our standard streams and in our process group. It dies with us. The errno, 0 when it runs.
int child_spawn_foreground(const struct foreground_spec *spec, pid_t *out_pid);
