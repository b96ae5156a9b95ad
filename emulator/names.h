// SPDX-License-Identifier: Apache-2.0
//
// What a name resolves to, in the VPC and outside. The loop's thread only.
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct world;

// In the order of the choices of "answer" in kinds.c.
enum name_answer {
    ANSWER_ADDRESSES = 0,
    ANSWER_NXDOMAIN,
    ANSWER_NODATA,
    ANSWER_SERVFAIL,
    ANSWER_SILENCE
};

struct name_result {
    enum name_answer answer;
    cJSON *a, *aaaa; // lists of addresses, or NULL
    unsigned ttl_s;
    uint64_t delay_ms;
};

// is_public: as a resolver outside of the VPC would.
void names_look(struct world *world, const char *asked, bool is_public, struct name_result *out);
void names_done(struct name_result *result);
