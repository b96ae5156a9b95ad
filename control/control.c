// SPDX-License-Identifier: Apache-2.0
//
// The control thread: a loop with the poller, or the watch on a state file, on it. Towards the home
// thread there are only messages: news out (control_news.c); nudges, successes and the stop in.
// Below: poller.c, aws.c, control_disk.c.
#include "control/control.h"

#include "control/aws.h"
#include "control/control_state.h"
#include "control/state_file.h"

#include "base/clock.h"
#include "base/confine.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static void on_review(struct timer *timer)
{
    control_news_publish(CONTAINER_OF(timer, struct control, review));
}

static void on_vpc_answer(void *arg)
{
    control_news_publish(arg);
}

static void on_round(void *arg)
{
    struct control *control = arg;
    control_disk_save(control);
    control_news_publish(control);
}

static const char *file_path(const struct control *control)
{
    return control->options.state_source + strlen("file:");
}

// A file written by rename has a new inode even when it was written within one tick of the clock.
static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

// A file that is missing or broken is an outage: what is believed stands.
static void look_at_file(struct control *control)
{
    struct stat seen = { 0 }; // before reading: a change in between is seen next time
    bool there = stat(file_path(control), &seen) == 0;
    if (there && control->file_read && control->file_status.code == ERR_NONE &&
        is_same_file(&seen, &control->file_seen))
        return;
    struct model *model = NULL;
    struct err err;
    bool read = state_file_read(file_path(control), &model, &err);
    if (!read)
        confine_explain(&err);
    control->file_read = true;
    control->file_status = read ? (struct err){ 0 } : err;
    if (read) {
        model_unref(control->belief);
        control->belief = model;
        control->file_seen = seen;
        control_disk_save(control);
    }
    control_news_publish(control);
}

static void on_file_timer(struct timer *timer)
{
    struct control *control = CONTAINER_OF(timer, struct control, file_timer);
    look_at_file(control);
    timer_start(&control->file_timer, control->options.poll_changing_ms);
}

static void on_nudge(void *arg)
{
    struct control *control = arg;
    atomic_store(&control->nudged, false);
    if (atomic_load(&control->stopped))
        return; // delivered by loop_free
    if (control->poller != NULL)
        poller_nudge(control->poller);
    else if (control->source == CONTROL_SOURCE_FILE)
        look_at_file(control);
}

void control_nudge(struct control *control, size_t target)
{
    (void)target; // a round is about all of them
    if (!atomic_exchange(&control->nudged, true))
        loop_post(control->loop, on_nudge, control);
}

struct intervals {
    struct control *control;
    uint64_t steady_ms, changing_ms;
};

static void on_intervals(void *arg)
{
    struct intervals intervals = *(struct intervals *)arg;
    struct control *control = intervals.control;
    free(arg);
    control->options.poll_ms = intervals.steady_ms;
    control->options.poll_changing_ms = intervals.changing_ms;
    if (control->poller != NULL && !atomic_load(&control->stopped))
        poller_use_intervals(control->poller, intervals.steady_ms, intervals.changing_ms);
}

void control_use_intervals(struct control *control, uint64_t steady_ms, uint64_t changing_ms)
{
    struct intervals *intervals = malloc(sizeof(*intervals));
    if (intervals == NULL)
        abort(); // what is shown would not be in force
    *intervals = (struct intervals){ control, steady_ms, changing_ms };
    loop_post(control->loop, on_intervals, intervals);
}

struct waking {
    struct control *control;
    uint64_t slept_ms;
};

static void on_wake(void *arg)
{
    struct waking waking = *(struct waking *)arg;
    free(arg);
    if (atomic_load(&waking.control->stopped))
        return; // delivered by loop_free
    if (waking.control->poller != NULL)
        poller_wake(waking.control->poller, waking.slept_ms);
    else if (waking.control->source == CONTROL_SOURCE_FILE)
        look_at_file(waking.control);
}

void control_wake(struct control *control, uint64_t slept_ms)
{
    struct waking *waking = malloc(sizeof(*waking));
    if (waking == NULL)
        return; // the next poll comes anyway
    *waking = (struct waking){ control, slept_ms };
    loop_post(control->loop, on_wake, waking);
}

void control_note_success(struct control *control, size_t target)
{
    atomic_store_explicit(&control->last_success[target], clock_wall_s(), memory_order_relaxed);
}

// ---- start and stop -----------------------------------------------------------------------------

static char *keep(struct control *control, const char *text)
{
    if (text == NULL)
        return NULL;
    if (!option_list_add(&control->copies, text))
        abort();
    return control->copies.items[control->copies.count - 1];
}

static void copy_options(struct control *control, const struct control_options *options)
{
    struct control_options *own = &control->options;
    *own = *options;
    own->api_url = keep(control, options->api_url);
    own->api_ca = keep(control, options->api_ca);
    own->public_key_file = keep(control, options->public_key_file);
    own->private_key_file = keep(control, options->private_key_file);
    own->state_source = keep(control, options->state_source);
    own->state_dir = keep(control, options->state_dir);
    own->project_id = keep(control, options->project_id);
    own->aws_cli = keep(control, options->aws_cli);
    own->aws_profile = keep(control, options->aws_profile);
    own->aws_region = keep(control, options->aws_region);
    own->aws_endpoint_url = keep(control, options->aws_endpoint_url);
    own->serverless_api_url = keep(control, options->serverless_api_url);
    own->vpc_id = keep(control, options->vpc_id);
    own->metadata_url = keep(control, options->metadata_url);
}

static void copy_targets(struct control *control, const struct control_target *targets)
{
    for (size_t i = 0; i < control->target_count; i++)
        control->targets[i] = (struct control_target){
            .alias = keep(control, targets[i].alias),
            .cluster = keep(control, targets[i].cluster),
            .group = keep(control, targets[i].group),
            .endpoint_id = keep(control, targets[i].endpoint_id),
            .host = keep(control, targets[i].host),
            .port = targets[i].port,
        };
}

static bool read_source(struct control *control, struct err *err)
{
    const char *source = control->options.state_source;
    if (source == NULL || strcmp(source, "api") == 0)
        control->source = CONTROL_SOURCE_API;
    else if (strcmp(source, "none") == 0)
        control->source = CONTROL_SOURCE_NONE;
    else if (strncmp(source, "file:", 5) == 0 && source[5] != '\0')
        control->source = CONTROL_SOURCE_FILE;
    else
        return err_set(
            err, ERR_OPTION, "state-source: %s; expected api, file:PATH or none", source);
    return true;
}

static bool open_aws(struct control *control, struct err *err)
{
    struct aws_options options = {
        .cli = control->options.aws_cli,
        .profile = control->options.aws_profile,
        .region = control->options.aws_region,
        .endpoint_url = control->options.aws_endpoint_url,
        .vpc_id = control->options.vpc_id,
        .metadata_url = control->options.metadata_url,
    };
    control->aws = aws_new(control->loop, &options, on_vpc_answer, control, err);
    return control->aws != NULL;
}

static bool open_source(struct control *control, struct err *err)
{
    if (control->source != CONTROL_SOURCE_NONE && !open_aws(control, err))
        return false;
    if (control->source == CONTROL_SOURCE_FILE)
        timer_start(&control->file_timer, 0);
    if (control->source != CONTROL_SOURCE_API)
        return true;
    if (!session_open(&control->session, &control->options, control->loop, err))
        return false;
    struct poller_options options = {
        .round = { control->targets, control->target_count, control->options.project_id },
        .steady_ms = control->options.poll_ms,
        .changing_ms = control->options.poll_changing_ms,
    };
    control->poller = poller_new(
        control->loop, control->session.api, control->belief, &options, on_round, control);
    poller_start(control->poller);
    return true;
}

static void *run(void *arg)
{
    const struct control *control = arg;
    loop_run(control->loop);
    return NULL;
}

// Signals are the home thread's business.
static bool start_thread(struct control *control, struct err *err)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int sys = confine_thread_start(&control->thread, NULL, run, control);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    control->has_thread = sys == 0;
    return sys == 0 || err_sys(err, ERR_INTERNAL, sys, "cannot start the control thread");
}

struct control *control_start(const struct control_options *options,
    const struct control_target *targets, size_t target_count, struct loop *home, control_fn fn,
    void *arg, struct err *err)
{
    struct control *control = calloc(1, sizeof(*control));
    if (control == NULL)
        abort();
    atomic_init(&control->refs, 1);
    control->home = home;
    control->fn = fn;
    control->arg = arg;
    control->target_count = target_count;
    control->targets = calloc(target_count + 1, sizeof(*control->targets));
    control->logs = calloc(target_count + 1, sizeof(*control->logs));
    control->last_success = calloc(target_count + 1, sizeof(*control->last_success));
    control->belief = model_new();
    control->loop = loop_new("control", err);
    if (control->targets == NULL || control->logs == NULL || control->last_success == NULL)
        abort();
    copy_options(control, options);
    copy_targets(control, targets);
    if (control->loop != NULL) {
        timer_init(&control->review, control->loop, on_review);
        timer_init(&control->file_timer, control->loop, on_file_timer);
    }
    if (control->loop == NULL || !read_source(control, err)) {
        control_stop(control);
        return NULL;
    }
    control_disk_load(control);
    if (!open_source(control, err)) {
        control_stop(control);
        return NULL;
    }
    control_news_publish(control);
    if (!start_thread(control, err)) {
        control_stop(control);
        return NULL;
    }
    return control;
}

static void on_stop(void *arg)
{
    const struct control *control = arg;
    loop_stop(control->loop);
}

void control_stop(struct control *control)
{
    if (control == NULL)
        return;
    atomic_store(&control->stopped, true);
    if (control->has_thread) {
        loop_post(control->loop, on_stop, control);
        pthread_join(control->thread, NULL);
    }
    poller_free(control->poller);
    aws_free(control->aws);
    session_close(&control->session);
    if (control->loop != NULL) {
        timer_stop(&control->review);
        timer_stop(&control->file_timer);
        loop_free(control->loop);
    }
    model_unref(control->published);
    model_unref(control->belief);
    option_list_free(&control->copies);
    free(control->saved);
    free(control->targets);
    free(control->logs);
    free((int64_t *)(uintptr_t)control->last_success);
    control_news_unref(control);
}
