// SPDX-License-Identifier: Apache-2.0
//
// A small process of its own that starts programs, so that ours can give up starting any. It is
// started before there are threads or secrets, is told which programs there may ever be, and ends
// with ours, however that ends. Behind a sandbox ours could not start it again, so that these are
// two: one that serves, and one that replaces it should it be killed. child.h uses it when it is
// there. One for the process.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <sys/types.h>

struct child_spec;
struct err;
struct loop;

// In a word of spawner_allow: at least one of the letters, digits and "-._:/[]"; no option begins
// so.
#define SPAWNER_ANY "\001"
// The command line of that process: main() calls spawner_serve for it.
#define SPAWNER_COMMAND "spawner"

// ---- our side -----------------------------------------------------------------------------------

// Main thread, before there are others: start, allow what has to be, then use it. False: there is
// none, and programs are started as ever.
bool spawner_start(struct err *err) MUST_CHECK;
// The program that argv[0] names with exactly these words; `env` ("NAME=value", or NULL) is put on
// top of its environment, which is ours of now; both end with NULL.
bool spawner_allow(const char *const *argv, const char *const *env, struct err *err) MUST_CHECK;
// Nothing else is ever allowed.
bool spawner_seal(struct err *err) MUST_CHECK;
// It ends by itself then; may_wait: not before it has, which a sandbox forbids.
void spawner_end(bool may_wait);
bool spawner_is_there(void); // any thread

// Main thread, once there is one. fn hears with which exit code it was killed, and that another one
// is in its place; SPAWNER_GONE: there is none, and none can be had, which is said once.
enum { SPAWNER_GONE = -1 };
typedef void (*spawner_fn)(void *arg, int exit_code);
void spawner_watch(struct loop *loop, spawner_fn fn, void *arg);
void spawner_unwatch(void); // before the loop is freed; nothing is allowed

// Any thread. Starts what child_spawn would, but with the environment that was allowed for it, and
// waits until it runs. *out_line is the caller's: it is readable once the program has ended; who
// closes it before leaves a program that dies with us to SIGTERM. The errno, 0 when it runs; EPIPE:
// the spawner is gone; ECONNABORTED: it was killed over this, and the next may succeed.
int spawner_run(const struct child_spec *spec, int out_fd, int errors_fd, int *out_line);
void spawner_signal(int line, int number); // to its process group
// Whether it has ended; the exit code as exit_watch_reap says it, 128 + SIGKILL when the spawner is
// gone.
bool spawner_has_ended(int line, int *out_exit_code);

// ---- its side -----------------------------------------------------------------------------------

// Whether a spawner has started this process.
bool spawner_is_called(void);
// Until our side has ended. The exit code.
int spawner_serve(void);
