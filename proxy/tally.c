// SPDX-License-Identifier: Apache-2.0
//
// Sums of what the workers count. Called by proxy.c and target.c.
#include "proxy/tally.h"

#include "base/clock.h"
#include "base/loop.h"
#include "proxy/proxy.h"
#include "proxy/tls.h"
#include "proxy/worker.h"

const char *tally_phase_name(enum tally_phase phase)
{
    static const char *const names[TALLY_PHASES] = {
        [TALLY_DNS] = "dns",
        [TALLY_TCP] = "tcp",
        [TALLY_GREETING] = "greeting",
        [TALLY_TLS] = "tls",
    };
    return names[phase];
}

void tally_waited(struct worker *worker, size_t target, enum tally_phase phase, uint64_t since_us)
{
    if (since_us)
        histogram_add(&worker->tallies[target].took[phase], clock_us() - since_us);
}

void tally_tls(struct worker *worker, size_t target, const struct tls *tls)
{
    worker_count(&worker->counters.tls_handshakes, 1);
    worker_count(&worker->counters.tls_resumed, tls_is_resumed(tls));
    tally_waited(worker, target, TALLY_TLS, tls->began_us);
    atomic_store_explicit(&worker->tallies[target].tls_ms, clock_ms(), memory_order_relaxed);
}

void tally_tls_failed(struct worker *worker, size_t target)
{
    worker_count(&worker->counters.tls_failures, 1);
    atomic_store_explicit(&worker->tallies[target].tls_failed_ms, clock_ms(), memory_order_relaxed);
}

static uint64_t value(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void later(uint64_t *last_ms, uint64_t other_ms)
{
    if (other_ms > *last_ms)
        *last_ms = other_ms;
}

void tally_target(
    struct worker *const *workers, size_t worker_count, size_t target, struct target_sum *out)
{
    uint64_t tls_ms = 0, tls_failed_ms = 0;
    *out = (struct target_sum){ 0 };
    for (size_t i = 0; i < worker_count; i++) {
        const struct target_tally *tally = &workers[i]->tallies[target];
        out->open += value(&tally->open);
        out->spares_ready += value(&tally->spares_ready);
        later(&out->reached_ms, value(&tally->reached_ms));
        later(&out->failed_ms, value(&tally->failed_ms));
        later(&tls_ms, value(&tally->tls_ms));
        later(&tls_failed_ms, value(&tally->tls_failed_ms));
        for (size_t phase = 0; phase < TALLY_PHASES; phase++)
            histogram_collect(&tally->took[phase], &out->took[phase]);
    }
    if (tls_failed_ms <= tls_ms)
        return;
    later(&out->failed_ms, tls_failed_ms);
    if (out->reached_ms >= tls_failed_ms) // greetings that led to nothing
        out->reached_ms = tls_failed_ms - 1;
}

void tally_worker(const struct worker *worker, struct proxy_counters *out)
{
    const struct worker_counters *counters = &worker->counters;
    out->open += value(&counters->open);
    for (size_t i = 0; i < CONN_STATES; i++)
        out->steps[i] += value(&counters->steps[i]);
    out->client_bytes += value(&counters->client_bytes);
    out->server_bytes += value(&counters->server_bytes);
    out->unchecked += value(&counters->unchecked);
    out->broken += value(&counters->broken);
    out->dials += value(&counters->dials);
    out->dial_failures += value(&counters->dial_failures);
    out->dial_races += value(&counters->dial_races);
    out->tls_handshakes += value(&counters->tls_handshakes);
    out->tls_resumed += value(&counters->tls_resumed);
    out->tls_failures += value(&counters->tls_failures);
    out->spares_used += value(&counters->spares_used);
    out->spares_discarded += value(&counters->spares_discarded);
    for (size_t i = 0; i < worker->target_count; i++)
        out->spares_ready += value(&worker->tallies[i].spares_ready);
    for (size_t i = 0; i < ERR_CODES; i++)
        out->refused[i] += value(&counters->refused[i]);
    for (size_t i = 0; i < CLOSE_REASONS; i++)
        out->closed[i] += value(&counters->closed[i]);
    out->stalls += loop_stalls(worker->loop);
    if (loop_stall_max_us(worker->loop) > out->stall_max_us)
        out->stall_max_us = loop_stall_max_us(worker->loop);
}
