// SPDX-License-Identifier: Apache-2.0
//
// The words of a jump's program: ssh's, or those of a command with %h and %p filled in. No shell
// sees them. Pure.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>

struct via;
struct view;

enum { JUMP_SSH_WORDS = 32, JUMP_TEXTS = 8 };

struct jump_words {
    const char *const *argv; // NULL-terminated
    const char *list[JUMP_SSH_WORDS];
    char *texts[JUMP_TEXTS]; // of list; owned
    size_t count, text_count;
    char **expanded; // a command's; owned
};

// For a connection under this view; `alone`: ssh goes by itself, not through a master. False: out
// of memory. jump_words_done in any case.
bool jump_words_make(struct jump_words *words, const struct view *view, bool alone) MUST_CHECK;
// ssh's that becomes the master at this path once it is logged in, and may ask for that. It lasts
// eight hours longer than the last connection, since it may not be able to log in again by itself.
bool jump_words_log_in(
    struct jump_words *words, const struct via *via, const char *path) MUST_CHECK;
// ssh's that tells the master at this path to "exit", or to "stop": to end with its last
// connection, and to take no others.
bool jump_words_tell_master(
    struct jump_words *words, const struct via *via, const char *path, const char *what) MUST_CHECK;
// ssh's that ends, whatever its exit code, as soon as the other end of this master has answered.
bool jump_words_ask_master(
    struct jump_words *words, const struct via *via, const char *path) MUST_CHECK;
// The words of all of them, one command for each index from 0 on, with `any` for what depends on
// the connection.
bool jump_words_pattern(struct jump_words *words, const struct via *via, size_t index,
    const char *any, bool *out_last) MUST_CHECK;
void jump_words_done(struct jump_words *words);

// Whether ssh's last words say that a master has turned the connection away.
bool jump_words_is_of_master(const char *said);
// The next step of somebody whose program failed, without its full stop.
void jump_words_try(const struct via *via, char *out, size_t size);
