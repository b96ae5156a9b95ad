// SPDX-License-Identifier: Apache-2.0
//
// What becomes of an object that was told to change: now one state, later others. The loop's thread
// only.
#pragma once

#include <stddef.h>

struct object;

struct step {
    const char *seconds; // after the one before: a field of settings
    const char *state;   // NULL: the object goes
    const char *message; // NULL: stays
};

// Replaces the steps that the object had.
void steps_go(struct object *object, const char *state, const struct step *steps, size_t count);
