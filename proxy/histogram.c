// SPDX-License-Identifier: Apache-2.0
//
// The histogram. Written by dial.c and the steps behind it, read by tally.c.
#include "proxy/histogram.h"

const uint32_t histogram_bounds_us[HISTOGRAM_BOUNDS] = { 100, 250, 500, 1000, 2500, 5000, 10000,
    25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 20000000, 30000000 };

static void add(_Atomic uint64_t *counter, uint64_t change)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + change, memory_order_relaxed);
}

void histogram_add(struct histogram *histogram, uint64_t took_us)
{
    size_t bucket = 0;
    while (bucket < HISTOGRAM_BOUNDS && took_us > histogram_bounds_us[bucket])
        bucket++;
    add(&histogram->counts[bucket], 1);
    add(&histogram->sum_us, took_us);
}

void histogram_collect(const struct histogram *histogram, struct histogram_sum *sum)
{
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
        sum->counts[i] += atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
    sum->sum_us += atomic_load_explicit(&histogram->sum_us, memory_order_relaxed);
}
