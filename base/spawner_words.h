// SPDX-License-Identifier: Apache-2.0
//
// What spawner.c and spawner_serve.c say to each other: packets of a kind, flags, and texts. Nobody
// else includes this.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPAWNER_FD = 3, SPAWNER_PACKET_BYTES = 32 * 1024, SPAWNER_TEXTS = 256 };
enum spawner_kind { SPAWNER_ALLOW = 1, SPAWNER_SEAL, SPAWNER_RUN };
enum { SPAWNER_DIES_WITH_US = 1, SPAWNER_HAS_STREAM = 2 };
enum { SPAWNER_LINE, SPAWNER_OUT, SPAWNER_ERRORS, SPAWNER_FDS };

// Two lists of texts behind it, of argv_count and env_count, each text with its NUL.
struct spawner_head {
    uint8_t kind, flags;
    uint16_t argv_count, env_count;
};
struct spawner_packet {
    struct spawner_head head;
    char texts[SPAWNER_PACKET_BYTES];
    size_t len; // of texts
};

// Read from a packet: NULL-terminated lists that point into it.
struct spawner_lists {
    const char *argv[SPAWNER_TEXTS + 1];
    const char *env[SPAWNER_TEXTS + 1];
};

// On a line: first this, once, about the start; then, once, about the end.
struct spawner_news {
    int32_t sys;       // 0: it runs
    int32_t exit_code; // of its end
};

// On the socket, to our side: one that served was killed, and another one takes its place.
struct spawner_loss {
    int32_t exit_code; // of the one that was killed
};

// False: too many, or too long.
bool spawner_put(struct spawner_packet *packet, const char *const *argv, const char *const *env);
// False: not what spawner_put made.
bool spawner_read(const struct spawner_packet *packet, struct spawner_lists *out);
// Whether a word is what is allowed, SPAWNER_ANY in it included.
bool spawner_fits(const char *allowed, const char *word);
