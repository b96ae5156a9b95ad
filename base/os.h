// SPDX-License-Identifier: Apache-2.0
//
// What a system has beyond POSIX.1-2008 (XSI), under names of ours. Linux's and glibc's own way is
// in base/linux/, what POSIX alone can do, with a few names of macOS and FreeBSD, in
// base/portable/; the build's option `portable` chooses. The same goes for cpus.h, exit_watch.h,
// service.h, and parts of net.h and loop.h. Nothing else in the tree names what only Linux or glibc
// has (tests/lint/portable.py). Any thread.
#pragma once

#include "base/defs.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>

// The word that `tidblink --version` shows behind the version; "" for Linux's own way.
extern const char os_build[];

// ---- descriptors: close-on-exec from birth ------------------------------------------------------
// In the portable way two calls make one, and a program that another thread starts in between
// inherits it. -1 or false with errno.

int os_socket(int family, int type);                          // non-blocking
int os_accept(int fd, struct sockaddr *addr, socklen_t *len); // non-blocking
bool os_pipe(int out[2]) MUST_CHECK;
bool os_socketpair(int out[2]) MUST_CHECK;                     // of unix stream sockets, blocking
bool os_packet_pair(int out[2]) MUST_CHECK;                    // the same, of packets
FILE *os_fopen(const char *path, const char *mode) MUST_CHECK; // "r", "w"
// Like mkstemps(3): `path` ends in XXXXXX and suffix_len more characters; mode 0600.
int os_mkstemps(char *path, size_t suffix_len);

// The flags of send(2): a peer that is gone is an error, not a signal. Where a system has no such
// flag, the program ignores SIGPIPE in any case.
#ifdef MSG_NOSIGNAL
enum { OS_SEND = MSG_NOSIGNAL };
#else
enum { OS_SEND = 0 };
#endif

// For error texts: the commands that show who listens on a TCP port, or on unix sockets, and which
// addresses the machine has.
enum { OS_COMMAND_BYTES = 64 };
const char *os_port_command(unsigned port, char out[OS_COMMAND_BYTES]);
extern const char os_unix_sockets_command[];
extern const char os_addresses_command[];

// ---- between sockets and pipes ------------------------------------------------------------------

// A non-blocking pipe of about `bytes` for os_splice. False where there is none: copy.
bool os_splice_pipe(int out[2], size_t bytes) MUST_CHECK;
// splice(2): moves up to `bytes` without copying or waiting. As read(2) tells it.
ssize_t os_splice(int from_fd, int to_fd, size_t bytes);

// ---- wake-ups between threads -------------------------------------------------------------------

// read_fd is readable from ring to quiet, however often it rings.
struct os_bell {
    int read_fd, write_fd; // -1: not open; one descriptor twice where the system can do that
};
bool os_bell_open(struct os_bell *bell) MUST_CHECK; // errno
void os_bell_ring(const struct os_bell *bell);
void os_bell_quiet(const struct os_bell *bell);
void os_bell_close(struct os_bell *bell);

// ---- processes ----------------------------------------------------------------------------------

// The peer of a connected unix socket; false: not known. *out_pid is 0 where only the user is.
bool os_peer(int fd, uint32_t *out_pid, uint32_t *out_uid);
// What tells the file of the running program from another one, also when that has its path by now;
// false: not known.
enum { OS_PROGRAM_ID_BYTES = 96 };
bool os_program_id(char out[OS_PROGRAM_ID_BYTES]);
extern const bool os_knows_peers; // whether os_peer can know anybody
// Whether this group is one of the peer's: the effective one or, where the system tells them, one
// of the others. As they were at its connect(2).
bool os_peer_is_in(int fd, uint32_t group);
// No core dump, no debugger of the same user.
void os_protect_memory(void);
// This thread wakes up others less often, so that they and it work in larger batches (sched(7),
// SCHED_BATCH). The errno, 0 when done.
int os_batch_scheduling(void);

// Whatever those leave behind that we start becomes a child of ours, not of the first process,
// where the system can do that.
void os_adopt_orphans(void);

// Between fork and exec; they make system calls only. SIGTERM when `parent`, or its thread that
// forked, ends, where the system can do that. The errno, 0 when done.
int os_follow_parent(pid_t parent);
// All open descriptors from first to last. Best effort.
void os_close_at_exec(unsigned first, unsigned last);
// Searches PATH for the program: our own, in the portable way that of `env`. Returns only on
// failure, with errno.
void os_execvpe(const char *name, char *const *argv, char *const *env);
extern const char os_own_program[]; // its path
int os_signal_limit(void);          // all signals are below it
char **os_environment(void);

// ---- what libraries of C have more or less in common --------------------------------------------

void os_wipe(void *bytes, size_t len);            // explicit_bzero(3): is not optimized away
bool os_random(void *out, size_t len) MUST_CHECK; // unpredictable; false with errno
uint32_t os_random_below(uint32_t limit);         // evenly from 0 to limit - 1
const char *os_error_text(int sys, char *buffer, size_t size); // strerror_r(3)
struct tm;
int64_t os_timegm(const struct tm *utc); // seconds since 1970

// As in their man pages.
int os_asprintf(char **out, const char *format, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
int os_vasprintf(char **out, const char *format, va_list values) PRINTF_LIKE(2, 0) MUST_CHECK;
void *os_reallocarray(void *array, size_t count, size_t size) MUST_CHECK;
void *os_memmem(const void *in, size_t in_len, const void *what, size_t what_len);
char *os_strcasestr(const char *in, const char *what); // ASCII
char *os_strsep(char **rest, const char *separators);
