// SPDX-License-Identifier: Apache-2.0
//
// The state of the running program in the log, one line per item, whatever log-level is: what a
// person wants to see who has nothing but the log and a signal (SIGUSR1). The admin's status says
// the same to programs. Nothing waits: the workers are asked by messages. Main thread only.
#pragma once

struct dump;
struct program;

// One at a time: a second call while the workers are asked is dropped.
void dump_begin(struct program *program);
void dump_cancel(struct program *program); // before the proxy ends
