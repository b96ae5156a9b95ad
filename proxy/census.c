// SPDX-License-Identifier: Apache-2.0
//
// A census: one part per worker, which travels there and back and is only ever touched by the
// thread that has it. A worker looks at each of its connections once, which for some thousands is
// less than relaying one large result, and keeps the best in a heap. Called by proxy.c.
#include "proxy/census.h"

#include "base/loop.h"
#include "proxy/worker.h"

#include <stdlib.h>
#include <string.h>

// A connection and where it stands in the order: higher comes first.
struct ranked {
    uint64_t rank;
    const struct conn *conn;
};

// What one worker is asked and answers.
struct part {
    struct census *census; // the main thread only
    struct loop *home;     // the main thread's
    struct worker *worker;
    size_t worker_index;
    struct census_plan plan;
    size_t seen, row_count, closing_count;
    bool killed;
    struct closing_entry closings[CLOSINGS_MAX];
    struct ranked *heap; // of plan.limit, like the rows
    struct conn_facts rows[];
};

// Lives until it was answered or cancelled and every part is back.
struct census {
    struct timer patience;
    struct loop *loop;
    struct census_plan plan;
    census_fn fn; // NULL: it was called, or never will be
    void *arg;
    size_t worker_count, away;
    struct part *parts[CENSUS_WORKERS_MAX]; // those that are back; NULL: not yet
    struct census_result result;
};

// ---- the worker's side --------------------------------------------------------------------------

static uint64_t rank_of(const struct conn *conn, enum census_order order)
{
    uint64_t active_ms = conn->active_ms ? conn->active_ms : conn->began_ms;
    switch (order) {
    case CENSUS_NEWEST:
        return conn->id;
    case CENSUS_OLDEST:
        return UINT64_MAX - conn->id;
    case CENSUS_IDLE:
        return UINT64_MAX - active_ms;
    case CENSUS_BYTES:
    case CENSUS_ORDERS:
        break;
    }
    return conn->client.received + conn->server.received;
}

// The least of the kept ones is on top and gives way to what is better (Knuth, 5.2.3).
static void sift_down(struct ranked *heap, size_t count, size_t at)
{
    struct ranked moved = heap[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && heap[child + 1].rank < heap[child].rank)
            child++;
        if (moved.rank <= heap[child].rank)
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

static void sift_up(struct ranked *heap, size_t at)
{
    struct ranked moved = heap[at];
    for (; at && heap[(at - 1) / 2].rank > moved.rank; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = moved;
}

static void look_at(struct part *part, const struct conn *conn)
{
    const struct census_plan *plan = &part->plan;
    if (plan->target != CENSUS_ALL_TARGETS && conn->target != plan->target)
        return;
    struct ranked ranked = { rank_of(conn, plan->order), conn };
    part->seen++;
    if (part->row_count < plan->limit) {
        part->heap[part->row_count] = ranked;
        sift_up(part->heap, part->row_count++);
    } else if (plan->limit && part->heap[0].rank < ranked.rank) {
        part->heap[0] = ranked;
        sift_down(part->heap, part->row_count, 0);
    }
}

static void list(struct part *part)
{
    const struct worker *worker = part->worker;
    const struct conn *conn = NULL;
    LIST_FOREACH(conn, &worker->busy, link)
        look_at(part, conn);
    LIST_FOREACH(conn, &worker->quiet, link)
        look_at(part, conn);
    // The least goes behind the rest, again and again: in the end the best is first.
    for (size_t i = part->row_count; i > 1; i--) {
        struct ranked least = part->heap[0];
        part->heap[0] = part->heap[i - 1];
        sift_down(part->heap, i - 1, 0);
        part->heap[i - 1] = least;
    }
    for (size_t i = 0; i < part->row_count; i++)
        closings_facts(part->heap[i].conn, &part->rows[i]);
}

static void list_closings(struct part *part)
{
    const struct closings *closings = part->worker->closings;
    uint16_t target = part->plan.target;
    for (size_t i = 0; i < CLOSINGS_MAX; i++) {
        size_t at = (closings->next + CLOSINGS_MAX - 1 - i) % CLOSINGS_MAX;
        const struct closing_entry *entry = &closings->entries[at];
        if (entry->ended_ms && (target == CENSUS_ALL_TARGETS || entry->conn.target == target))
            part->closings[part->closing_count++] = *entry;
    }
}

static struct conn *find(const struct worker *worker, uint64_t id)
{
    struct conn *conn = NULL;
    LIST_FOREACH(conn, &worker->busy, link)
        if (conn->id == id)
            return conn;
    LIST_FOREACH(conn, &worker->quiet, link)
        if (conn->id == id)
            return conn;
    return NULL;
}

static void on_back(void *arg);

static void on_asked(void *arg)
{
    struct part *part = arg;
    atomic_fetch_sub_explicit(&part->worker->questions, 1, memory_order_relaxed);
    if (part->plan.kill) {
        struct conn *conn = find(part->worker, part->plan.kill);
        part->killed = conn != NULL;
        if (conn)
            conn_close(conn, CLOSE_KILLED);
    } else {
        list(part);
        list_closings(part);
    }
    loop_post(part->home, on_back, part);
}

// ---- the main thread's side ---------------------------------------------------------------------

static void part_free(struct part *part)
{
    if (part)
        free(part->heap);
    free(part);
}

static void free_if_over(struct census *census)
{
    if (census->away || census->fn)
        return;
    for (size_t i = 0; i < census->worker_count; i++)
        part_free(census->parts[i]);
    free(census);
}

// In the same millisecond, that of the newer connection counts as the later end.
static uint64_t rank_of_closing(const struct closing_entry *entry)
{
    enum { ID_BITS = 20 };
    return entry->ended_ms << ID_BITS | (entry->conn.id & ((UINT64_C(1) << ID_BITS) - 1));
}

// The first of all that the parts have left, by their index in `from`; SIZE_MAX: none.
static size_t first_of(const struct census *census, const size_t *from, bool closings)
{
    size_t best = SIZE_MAX;
    uint64_t best_rank = 0;
    for (size_t i = 0; i < census->worker_count; i++) {
        const struct part *part = census->parts[i];
        if (!part || from[i] == (closings ? part->closing_count : part->row_count))
            continue;
        uint64_t rank =
            closings ? rank_of_closing(&part->closings[from[i]]) : part->heap[from[i]].rank;
        if (best == SIZE_MAX || rank > best_rank) {
            best = i;
            best_rank = rank;
        }
    }
    return best;
}

// Each part is in order: they are merged.
static void merge(const struct census *census, struct census_result *result)
{
    size_t from[CENSUS_WORKERS_MAX] = { 0 }, closings_from[CENSUS_WORKERS_MAX] = { 0 };
    for (size_t i;
         result->row_count < census->plan.limit && (i = first_of(census, from, false)) != SIZE_MAX;)
        result->rows[result->row_count++] = &census->parts[i]->rows[from[i]++];
    for (size_t i; result->closing_count < CLOSINGS_MAX &&
                   (i = first_of(census, closings_from, true)) != SIZE_MAX;)
        result->closings[result->closing_count++] = &census->parts[i]->closings[closings_from[i]++];
}

static void answer(struct census *census)
{
    struct census_result *result = &census->result;
    census_fn fn = census->fn;
    timer_stop(&census->patience);
    result->now_ms = loop_now_ms(census->loop);
    for (size_t i = 0; i < census->worker_count; i++) {
        const struct part *part = census->parts[i];
        result->silent += part == NULL;
        result->seen += part ? part->seen : 0;
        result->killed = result->killed || (part && part->killed);
    }
    merge(census, result);
    fn(census->arg, result);
    census->fn = NULL;
    free_if_over(census);
}

static void on_back(void *arg)
{
    struct part *part = arg;
    struct census *census = part->census;
    census->away--;
    if (!census->fn) {
        part_free(part);
        free_if_over(census);
        return;
    }
    census->parts[part->worker_index] = part;
    if (!census->away)
        answer(census);
}

static void on_patience_over(struct timer *timer)
{
    answer(CONTAINER_OF(timer, struct census, patience));
}

static struct part *part_new(struct census *census, struct worker *worker)
{
    size_t limit = census->plan.limit;
    struct part *part = calloc(1, sizeof(*part) + limit * sizeof(part->rows[0]));
    struct ranked *heap = calloc(limit + 1, sizeof(*heap));
    if (!part || !heap) {
        free(part);
        free(heap);
        return NULL;
    }
    part->census = census;
    part->home = census->loop;
    part->worker = worker;
    part->worker_index = worker->index;
    part->plan = census->plan;
    part->heap = heap;
    return part;
}

// All parts are made before the first one goes.
static bool make_parts(struct census *census, struct worker *const *workers)
{
    for (size_t i = 0; i < census->worker_count; i++) {
        census->parts[i] = part_new(census, workers[i]);
        if (!census->parts[i])
            return false;
    }
    return true;
}

// Its mailbox has no bound.
static bool may_ask(struct worker *worker)
{
    if (atomic_load_explicit(&worker->questions, memory_order_relaxed) >= CENSUS_QUESTIONS_MAX)
        return false;
    atomic_fetch_add_explicit(&worker->questions, 1, memory_order_relaxed);
    return true;
}

struct census *census_start(struct loop *loop, struct worker *const *workers, size_t worker_count,
    const struct census_plan *plan, census_fn fn, void *arg)
{
    struct census *census = calloc(1, sizeof(*census));
    if (!census)
        return NULL;
    timer_init(&census->patience, loop, on_patience_over);
    census->loop = loop;
    census->plan = *plan;
    census->arg = arg;
    census->worker_count = worker_count;
    if (census->plan.limit > CENSUS_LIMIT_MAX)
        census->plan.limit = CENSUS_LIMIT_MAX;
    if (!make_parts(census, workers)) {
        free_if_over(census);
        return NULL;
    }
    census->fn = fn;
    timer_start(&census->patience, CENSUS_PATIENCE_MS);
    for (size_t i = 0; i < worker_count; i++) {
        struct part *part = census->parts[i];
        census->parts[i] = NULL;
        if (may_ask(workers[i])) {
            census->away++;
            loop_post(workers[i]->loop, on_asked, part);
        } else {
            part_free(part);
        }
    }
    return census;
}

void census_cancel(struct census *census)
{
    if (!census)
        return;
    timer_stop(&census->patience);
    census->fn = NULL;
    free_if_over(census);
}
