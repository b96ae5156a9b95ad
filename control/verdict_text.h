// SPDX-License-Identifier: Apache-2.0
//
// The words of a refusal, made fit for an ERR packet: ASCII and bounded. Pure.
#pragma once

#include "control/verdict.h"

// Writes out->text as "tidblink: <wrong>: <state>. <next>" and out->next_step. In `next` the word
// CLUSTER becomes the alias. Too long: `state`, which may hold the API's own words, is cut. Bytes
// that are no printable ASCII become '?', one for each UTF-8 character.
void verdict_text_set(
    struct verdict *out, const char *alias, const char *wrong, const char *state, const char *next);
