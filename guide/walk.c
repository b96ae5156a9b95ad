// SPDX-License-Identifier: Apache-2.0
//
// A loop over looking and taking. There is no event to wait for, since neither cloud tells of a
// change: it looks again every poll_ms. Called by cmd_setup.c and cmd_endpoint.c.
#include "guide/walk.h"

#include "base/clock.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAKES_MAX = 5, LATERS_MAX = 3, TELL_AGAIN_MS = 30000 };

enum pace { PACE_GOING, PACE_WAITING, PACE_DONE, PACE_STOPPED };

// Where one set-up is.
struct traveller {
    struct setup *setup;
    size_t at;
    enum pace pace;
    unsigned takes;  // of the step at `at`
    unsigned laters; // looks in a row at a step that follows others, which are all done
    unsigned rests;  // after takes that a cloud does not show yet
    bool retries;    // the last take failed, and is tried again
    uint64_t since_ms, told_ms;
    struct step_view told;
    struct err err; // PACE_STOPPED
};

static void stop(
    const struct walk *walk, struct traveller *traveller, enum err_code code, const char *text)
{
    traveller->pace = PACE_STOPPED;
    err_set(&traveller->err, code, "%s: %s", setup_step(traveller->at)->title, text);
    if (walk->count > 1)
        err_prefix(&traveller->err, "%.100s", traveller->setup->plan->world.target->alias);
}

static void tell(const struct walk *walk, struct traveller *traveller, const struct step_view *view)
{
    uint64_t now_ms = clock_ms();
    bool same = traveller->told_ms != 0 && traveller->told.status == view->status &&
                strcmp(traveller->told.text, view->text) == 0;
    if (same && now_ms - traveller->told_ms < TELL_AGAIN_MS)
        return;
    if (traveller->since_ms == 0)
        traveller->since_ms = now_ms;
    traveller->told = *view;
    traveller->told_ms = now_ms;
    if (!walk->on_view(walk->arg, traveller->setup, traveller->at, view,
            now_ms - traveller->since_ms, &traveller->err))
        traveller->pace = PACE_STOPPED;
}

static void go_on(const struct walk *walk, struct traveller *traveller)
{
    traveller->at++;
    traveller->takes = traveller->rests = 0;
    traveller->retries = false;
    traveller->since_ms = traveller->told_ms = 0;
    traveller->laters = 0;
    if (traveller->at > walk->last)
        traveller->pace = PACE_DONE;
}

static void take(const struct walk *walk, struct traveller *traveller, const struct step_view *view)
{
    struct err err = { 0 };
    const struct step *step = setup_step(traveller->at);
    if (!step->take || traveller->takes == TAKES_MAX) {
        char text[STEP_TEXT_BYTES + 80];
        snprintf(text, sizeof(text), "%s, although it was asked for %u times", view->text,
            traveller->takes);
        stop(walk, traveller, ERR_TRANSITION, text);
        return;
    }
    if (traveller->takes > traveller->rests) { // a listing may lag behind
        traveller->rests++;
        traveller->told = *view;
        traveller->pace = PACE_WAITING;
        return;
    }
    traveller->takes++;
    if (traveller->since_ms == 0)
        traveller->since_ms = clock_ms(); // what it takes to be seen counts
    if (!traveller->retries) {
        traveller->told_ms = 0;
        if (!walk->on_take(walk->arg, traveller->setup, traveller->at, view, &traveller->err)) {
            traveller->pace = PACE_STOPPED;
            return;
        }
    }
    traveller->retries = false;
    if (step->take(traveller->setup, &err)) {
        setup_again(traveller->setup, step);
    } else if (setup_may_pass(traveller->setup, &err)) {
        struct step_view failed = { 0 };
        view_is(&failed, STEP_WAIT, "%.500s", err.text);
        tell(walk, traveller, &failed);
        traveller->takes--; // steps can be repeated, and an outage has its time in max_ms
        traveller->retries = true;
        if (traveller->pace == PACE_GOING)
            traveller->pace = PACE_WAITING;
    } else {
        stop(walk, traveller, err.code, err.text);
    }
}

// An outage passes; a key or a session that ran out does not by itself.
static bool is_blind(struct traveller *traveller, struct step_view *out)
{
    const struct err *why = setup_blindness(traveller->setup);
    bool is_first_look = traveller->at == 0 && traveller->takes == 0 && traveller->since_ms == 0;
    if (!why || is_first_look)
        return false;
    if (setup_may_pass(traveller->setup, why))
        view_is(out, STEP_WAIT, "%.500s", why->text);
    else
        view_blocked(out, why->code, "%.500s", why->text);
    return true;
}

// A step that follows others, and none of those is open: what it needs may show a little later, but
// nothing is at work on it.
static void look_for_nothing(const struct walk *walk, struct traveller *traveller)
{
    char text[STEP_TEXT_BYTES + 400], alias[SHELL_WORD_BYTES];
    if (++traveller->laters < LATERS_MAX)
        return;
    snprintf(text, sizeof(text),
        "%s, and nothing before it is left to wait for. What TiDB Cloud tells: tidblink status "
        "%.300s",
        traveller->told.text, setup_alias(traveller->setup, alias));
    stop(walk, traveller, ERR_TRANSITION, text);
}

// What was done may be undone by somebody else: then its step is the next one again.
static void look_back(const struct walk *walk, struct traveller *traveller)
{
    setup_again_all(traveller->setup);
    if (setup_blindness(traveller->setup))
        return;
    for (size_t i = walk->first; i < traveller->at; i++) {
        struct step_view view = { 0 };
        setup_step(i)->look(traveller->setup, &view);
        if (view.status == STEP_DONE || view.status == STEP_SKIPPED || view.status == STEP_LATER)
            continue;
        traveller->at = i;
        traveller->takes = traveller->rests = 0;
        traveller->retries = false;
        traveller->since_ms = traveller->told_ms = 0;
        traveller->laters = 0;
        return;
    }
    look_for_nothing(walk, traveller);
}

static void advance(const struct walk *walk, struct traveller *traveller)
{
    while (traveller->pace == PACE_GOING) {
        struct step_view view = { 0 };
        if (!is_blind(traveller, &view))
            setup_step(traveller->at)->look(traveller->setup, &view);
        if (view.status != STEP_TODO)
            tell(walk, traveller, &view);
        if (traveller->pace == PACE_STOPPED)
            return;
        switch (view.status) {
        case STEP_DONE:
        case STEP_SKIPPED:
            go_on(walk, traveller);
            break;
        case STEP_TODO:
            take(walk, traveller, &view);
            break;
        case STEP_WAIT:
        case STEP_LATER:
            traveller->pace = PACE_WAITING;
            break;
        case STEP_MANUAL:
            stop(walk, traveller, view.code != ERR_NONE ? view.code : ERR_TRANSITION, view.text);
            break;
        case STEP_BLOCKED:
            stop(walk, traveller, view.code, view.text);
            break;
        case STEP_TAKEN:
            break;
        }
    }
}

static size_t count_waiting(const struct traveller *travellers, size_t count)
{
    size_t waiting = 0;
    for (size_t i = 0; i < count; i++)
        waiting += travellers[i].pace == PACE_WAITING;
    return waiting;
}

static void look_again(const struct walk *walk, struct traveller *travellers)
{
    for (size_t i = 0; i < walk->count; i++) {
        struct traveller *traveller = &travellers[i];
        if (traveller->pace != PACE_WAITING)
            continue;
        traveller->pace = PACE_GOING;
        if (traveller->told.status == STEP_LATER)
            look_back(walk, traveller);
        else
            setup_again(traveller->setup, setup_step(traveller->at));
    }
}

static void give_up(const struct walk *walk, struct traveller *travellers)
{
    char after[CLOCK_TEXT_BYTES];
    for (size_t i = 0; i < walk->count; i++) {
        struct traveller *traveller = &travellers[i];
        if (traveller->pace != PACE_WAITING)
            continue;
        char text[STEP_TEXT_BYTES + 160];
        snprintf(text, sizeof(text),
            "%s. It is still so after %s; run the same command again to go on waiting",
            traveller->told.text, clock_age((int64_t)(walk->max_ms / 1000), after));
        stop(walk, traveller, ERR_TRANSITION, text);
    }
}

bool walk_run(const struct walk *walk, struct err *err)
{
    uint64_t end_ms = clock_ms() + walk->max_ms;
    struct traveller *travellers = calloc(walk->count, sizeof(*travellers));
    if (!travellers)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < walk->count; i++)
        travellers[i] = (struct traveller){ .setup = &walk->setups[i], .at = walk->first };
    for (;;) {
        for (size_t i = 0; i < walk->count; i++)
            advance(walk, &travellers[i]);
        size_t waiting = count_waiting(travellers, walk->count);
        if (waiting == 0)
            break;
        if (clock_ms() >= end_ms) {
            give_up(walk, travellers);
            break;
        }
        poll(NULL, 0, (int)(walk->poll_ms * waiting));
        look_again(walk, travellers);
    }
    bool done = true;
    for (size_t i = 0; i < walk->count; i++) {
        if (travellers[i].pace == PACE_STOPPED && done)
            *err = travellers[i].err;
        travellers[i].setup->has_arrived = travellers[i].pace == PACE_DONE;
        done = done && travellers[i].pace == PACE_DONE;
    }
    free(travellers);
    return done;
}
