// SPDX-License-Identifier: Apache-2.0
//
// What is learned from a dial: by the worker's address book (paths.h), by what it counts (tally.h),
// by the log, and by the main thread for those who look. Part of dial.c; the worker's thread only.
#pragma once

#include "proxy/dial.h"

struct addr;
struct err;
struct paths;

struct paths *dial_paths(const struct dial *dial); // the address book of its target
// An address is connected; it began at clock_us() `began_us`.
void dial_note_connected(struct dial *dial, uint64_t began_us);
// Its server has greeted, on this socket.
void dial_note_greeted(const struct dial *dial, const struct addr *addr, int fd);
// It did not answer, or not as it should; errno `sys`.
void dial_note_failure(const struct dial *dial, const struct addr *addr, int sys);
// No address is any good; if this was the one that tried (paths_is_broken), it has.
void dial_note_broken(struct dial *dial, const struct err *why, uint64_t now_ms);
