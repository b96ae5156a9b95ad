// SPDX-License-Identifier: Apache-2.0
//
// One more record of the hand-over (handover_wire.h): "hurry". Used by program.c.
#include "app/lineage.h"

#include "app/handover_wire.h"
#include "app/program.h"
#include "base/log.h"

#include <string.h>
#include <unistd.h>

static void let_go(struct watch *watch, int *fd)
{
    if (*fd < 0)
        return;
    watch_stop(watch);
    close(*fd);
    *fd = -1;
}

static void end_wait(struct lineage *lineage)
{
    void (*on_alone)(void *arg) = lineage->on_alone;
    lineage->on_alone = NULL;
    timer_stop(&lineage->patience);
    if (on_alone)
        on_alone(lineage->program);
}

// It says nothing any more, so that this is its end.
static void on_former(struct watch *watch, unsigned what)
{
    struct lineage *lineage = CONTAINER_OF(watch, struct lineage, former);
    (void)what;
    let_go(&lineage->former, &lineage->former_fd);
    end_wait(lineage);
}

static void on_patience_over(struct timer *timer)
{
    struct lineage *lineage = CONTAINER_OF(timer, struct lineage, patience);
    log_warn("the former process has not ended in time, and is waited for no longer");
    end_wait(lineage);
}

// Records go at once or not at all.
static void on_heir(struct watch *watch, unsigned what)
{
    struct lineage *lineage = CONTAINER_OF(watch, struct lineage, heir);
    struct handover_record record = { .fd = -1 };
    (void)what;
    enum handover_got got = handover_get(lineage->heir_fd, &record);
    bool hurries = got == HANDOVER_WHOLE && strcmp(record.fields[0], "hurry") == 0;
    handover_empty(&record);
    if (got == HANDOVER_ENDED)
        let_go(&lineage->heir, &lineage->heir_fd);
    if (hurries)
        program_hurry(lineage->program, "the process that took over ends");
}

void lineage_start(struct lineage *lineage, struct program *program)
{
    *lineage = (struct lineage){ .program = program, .former_fd = -1, .heir_fd = -1 };
    timer_init(&lineage->patience, program->loop, on_patience_over);
}

void lineage_add_former(struct lineage *lineage, int fd)
{
    lineage->former_fd = fd;
    watch_init(&lineage->former, lineage->program->loop, fd, on_former);
    watch_want(&lineage->former, WATCH_READ);
}

void lineage_add_heir(struct lineage *lineage, int fd)
{
    lineage->heir_fd = fd;
    watch_init(&lineage->heir, lineage->program->loop, fd, on_heir);
    watch_want(&lineage->heir, WATCH_READ);
}

void lineage_hurry(struct lineage *lineage)
{
    static const char *const hurry[] = { "hurry", NULL };
    if (lineage->former_fd >= 0)
        (void)handover_put(lineage->former_fd, -1, hurry); // fails when it has just ended
}

bool lineage_is_alone(struct lineage *lineage, uint64_t longest_ms, void (*fn)(void *arg))
{
    if (lineage->former_fd < 0)
        return true;
    log_info("waiting for the end of the former process, which still has connections");
    lineage->on_alone = fn;
    timer_start(&lineage->patience, longest_ms);
    return false;
}

bool lineage_has_former(const struct lineage *lineage)
{
    return lineage->former_fd >= 0;
}

void lineage_stop(struct lineage *lineage)
{
    if (!lineage->program)
        return;
    timer_stop(&lineage->patience);
    let_go(&lineage->former, &lineage->former_fd);
    let_go(&lineage->heir, &lineage->heir_fd);
}
