// SPDX-License-Identifier: Apache-2.0
//
// How long something took, counted by buckets of 0.1 ms to 30 s. One thread adds, any thread reads;
// nothing is locked or allocated.
#pragma once

#include "base/defs.h"

#include <stdatomic.h>
#include <stdint.h>

enum { HISTOGRAM_BOUNDS = 18 };
// The upper bounds of the buckets, ascending; one more bucket takes what is above the last.
extern const uint32_t histogram_bounds_us[HISTOGRAM_BOUNDS];

struct histogram {
    _Atomic uint64_t counts[HISTOGRAM_BOUNDS + 1];
    _Atomic uint64_t sum_us;
};

// Of several writers, read at about the same time.
struct histogram_sum {
    uint64_t counts[HISTOGRAM_BOUNDS + 1]; // each bucket alone
    uint64_t sum_us;
};

void histogram_add(struct histogram *histogram, uint64_t took_us); // its one writer
void histogram_collect(const struct histogram *histogram, struct histogram_sum *sum); // adds to it
