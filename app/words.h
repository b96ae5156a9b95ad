// SPDX-License-Identifier: Apache-2.0
//
// Words that logs, metrics and JSON share, so that one can be searched for in the other. Pure.
#pragma once

#include "control/verdict.h"
#include "proxy/proxy.h"

// What a new connection gets: "wait", "allow", "allow-unchecked", "hold", "refuse".
const char *words_action(const struct verdict *verdict);
const char *words_effect(enum verdict_action action); // of a state alone
const char *words_action_at(size_t index);            // all of them; NULL behind the last one

// As the options tls and client-tls have them, never "auto".
const char *words_tls(enum tls_mode mode);
const char *words_client_tls(enum client_tls client);

enum { WORDS_STEP_BYTES = 256 };
// A next step of the state tables, in which the word CLUSTER stands for the alias; returns out.
const char *words_step(const char *step, const char *alias, char out[WORDS_STEP_BYTES]);
// The same for who may have no proxy running, which is what `tidblink wait` asks.
const char *words_step_alone(
    const char *step, const char *alias, bool is_endpoint, char out[WORDS_STEP_BYTES]);
// "no (endpoint PENDING)", for people.
enum { WORDS_CONNECT_BYTES = 128 };
const char *words_connect(const struct verdict *verdict, char out[WORDS_CONNECT_BYTES]);
