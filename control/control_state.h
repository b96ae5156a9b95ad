// SPDX-License-Identifier: Apache-2.0
//
// What the control thread is made of, shared by control.c (life, sources), control_news.c (verdicts
// out) and control_disk.c (the last known state). Nobody else includes this.
#pragma once

#include "base/loop.h"
#include "base/options.h"
#include "control/control.h"
#include "control/control_log.h"
#include "control/poller.h"
#include "control/session.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

struct control {
    atomic_uint refs; // one for control_stop, one for each news on its way
    atomic_bool stopped;
    struct loop *home;
    control_fn fn;
    void *arg;

    enum control_source source;
    struct control_options options; // borrowed texts: see `copies`
    struct control_target *targets;
    size_t target_count;
    struct option_list copies; // every text of the two above
    struct loop *loop;
    pthread_t thread;
    bool has_thread;

    struct session session;
    struct poller *poller;
    struct model *belief;     // the control thread's own
    struct model *published;  // a copy of it that may be shared
    struct aws *aws;          // NULL: not asked
    struct control_log *logs; // one for each target
    struct timer review;
    char *saved;      // what the disk holds, without times; NULL: nothing of ours
    int64_t saved_at; // wall clock
    bool disk_failed; // the last write did; said once

    struct timer file_timer; // source file
    struct stat file_seen;
    struct err file_status;
    bool file_read; // at least once tried

    atomic_bool nudged;
    _Atomic int64_t *last_success; // wall clock, for each target
};

// A verdict for each target from what is believed now, on its way to the home thread.
void control_news_publish(struct control *control);
// The last reference frees: control_stop's own, and one for each news on its way.
void control_news_unref(struct control *control);

void control_disk_load(struct control *control); // what is followed; problems are only warned of
void control_disk_save(struct control *control); // if it is worth it
