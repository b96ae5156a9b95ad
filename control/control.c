// SPDX-License-Identifier: Apache-2.0
//
// The control thread: a loop with the poller (or the watch on a state file) on it, what is
// believed, its copy on disk, and a verdict for each target after every look. Towards the home
// thread there are only messages: news out; nudges, successes and the stop in. Below: poller.c,
// verdict.c, state_file.c.
#include "control/control.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "control/control_log.h"
#include "control/poller.h"
#include "control/session.h"
#include "control/state_file.h"
#include "control/state_json.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// How far the times on disk may lag behind when nothing else changes.
enum { SAVE_SECONDS = 300 };
// Ages have their effect (15 minutes, 5 minutes) even when no look comes.
enum { REVIEW_MS = 30000 };

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

// ---- news ---------------------------------------------------------------------------------------

struct delivery {
    struct control *control;
    struct control_news *news;
};

void control_news_free(struct control_news *news)
{
    if (news == NULL)
        return;
    model_unref(news->model);
    free(news);
}

static void control_unref(struct control *control)
{
    if (atomic_fetch_sub(&control->refs, 1) != 1)
        return;
    free(control);
}

static void on_delivery(void *arg)
{
    struct delivery *delivery = arg;
    struct control *control = delivery->control;
    if (atomic_load(&control->stopped))
        control_news_free(delivery->news);
    else
        control->fn(control->arg, delivery->news);
    free(delivery);
    control_unref(control);
}

static void deliver(struct control *control, struct control_news *news)
{
    struct delivery *delivery = calloc(1, sizeof(*delivery));
    if (delivery == NULL)
        abort();
    *delivery = (struct delivery){ control, news };
    atomic_fetch_add(&control->refs, 1);
    loop_post(control->home, on_delivery, delivery);
}

// How the last look went for a target, whatever the source.
static struct round_target look_of(const struct control *control, size_t target)
{
    if (control->poller != NULL)
        return *poller_target(control->poller, target);
    struct round_target look = { .status = control->file_status.code };
    snprintf(look.text, sizeof(look.text), "%s", control->file_status.text);
    return look;
}

static bool has_looked(const struct control *control)
{
    return control->poller != NULL ? poller_counters(control->poller)->polled : control->file_read;
}

static void find_known(const struct control *control, const struct control_target *target,
    const char *cluster_id, struct verdict_facts *facts)
{
    const struct cluster *cluster = model_find_cluster(control->belief, cluster_id);
    const struct node_group *group = NULL;
    if (cluster == NULL && !control_find_cluster(control->belief, target->cluster, &cluster, NULL))
        return;
    facts->cluster = cluster;
    if (control_find_group(cluster, target->group, &group, NULL))
        facts->group = group;
}

static void fill_counters(const struct control *control, struct control_news *news)
{
    news->rate_limit = -1;
    news->rate_remaining = -1;
    if (control->poller == NULL)
        return;
    const struct poller_counters *counters = poller_counters(control->poller);
    news->next_poll = counters->next_poll;
    news->api_requests = counters->requests;
    news->api_failures = counters->failures;
    news->rate_limit = counters->quota.limit;
    news->rate_remaining = counters->quota.remaining;
}

static void judge(struct control *control, size_t target)
{
    struct round_target look = look_of(control, target);
    struct control_news *news = calloc(1, sizeof(*news));
    if (news == NULL)
        abort();
    struct verdict_facts facts = {
        .target = &control->targets[target],
        .choice = { .endpoint_id = control->targets[target].endpoint_id },
        .api_status = look.status,
        .api_text = look.text,
        .polled = has_looked(control),
        .last_success = atomic_load_explicit(&control->last_success[target], memory_order_relaxed),
        .now = clock_wall_s(),
        .loss_refuses = control->options.loss_refuses,
        .check_off = control->source == CONTROL_SOURCE_NONE,
    };
    // A name that one lookup did not find is as weak as any absence.
    if (look.status == ERR_UNKNOWN_CLUSTER && look.misses < MODEL_ABSENT_POLLS)
        facts.api_status = ERR_NONE;
    find_known(control, facts.target, look.cluster_id, &facts);
    verdict_decide(&facts, &news->verdict);
    control_log_facts(&control->logs[target], &facts);
    news->target = target;
    news->model = model_ref(control->published);
    news->api_status = look.status;
    news->api_answered = look.answered;
    snprintf(news->api_text, sizeof(news->api_text), "%s", look.text);
    snprintf(news->cluster_id, sizeof(news->cluster_id), "%s",
        facts.cluster != NULL ? facts.cluster->id : look.cluster_id);
    fill_counters(control, news);
    deliver(control, news);
}

static void publish(struct control *control)
{
    model_unref(control->published);
    control->published = model_copy(control->belief);
    for (size_t i = 0; i < control->target_count; i++)
        judge(control, i);
    timer_start(&control->review, REVIEW_MS);
}

static void on_review(struct timer *timer)
{
    publish(CONTAINER_OF(timer, struct control, review));
}

// ---- the last known state -----------------------------------------------------------------------

static bool write_state(struct control *control, int64_t now)
{
    struct err err;
    bool written = state_file_write(control->options.state_dir, control->belief, now, &err);
    if (!written && !control->disk_failed)
        log_warn("the last known state will not survive a restart: %s", err.text);
    if (written && control->disk_failed)
        log_info("the last known state is kept on disk again");
    control->disk_failed = !written;
    return written;
}

static void save(struct control *control)
{
    if (control->options.state_dir == NULL || control->belief->cluster_count == 0)
        return;
    int64_t now = clock_wall_s();
    char *text = state_json_print(control->belief, 0);
    bool same = control->saved != NULL && strcmp(control->saved, text) == 0;
    if (same && now - control->saved_at < SAVE_SECONDS) {
        free(text);
        return;
    }
    free(control->saved);
    control->saved = NULL;
    control->saved_at = now;
    if (write_state(control, now))
        control->saved = text;
    else
        free(text); // tried again after the next look
}

// Only what is followed: the file may be an older configuration's.
static void keep_followed(struct control *control, const struct model *from)
{
    for (size_t i = 0; i < control->target_count; i++) {
        const struct cluster *cluster;
        if (control_find_cluster(from, control->targets[i].cluster, &cluster, NULL) &&
            model_find_cluster(control->belief, cluster->id) == NULL)
            model_cluster_copy(model_add_cluster(control->belief), cluster);
    }
}

static void load(struct control *control)
{
    struct model *stored = NULL;
    struct err err;
    char path[4096];
    if (control->options.state_dir == NULL || control->source == CONTROL_SOURCE_NONE)
        return;
    state_file_sweep(control->options.state_dir);
    state_file_path(control->options.state_dir, path, sizeof(path));
    if (state_file_read(path, &stored, &err))
        keep_followed(control, stored);
    else if (err.sys != ENOENT)
        log_warn("starting without the last known state: %s", err.text);
    model_unref(stored);
}

// ---- looking ------------------------------------------------------------------------------------

static void on_round(void *arg)
{
    struct control *control = arg;
    save(control);
    publish(control);
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
    control->file_read = true;
    control->file_status = read ? (struct err){ 0 } : err;
    if (read) {
        model_unref(control->belief);
        control->belief = model;
        control->file_seen = seen;
        save(control);
    }
    publish(control);
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
    own->vpc_id = keep(control, options->vpc_id);
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

static bool open_source(struct control *control, struct err *err)
{
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
    int sys = pthread_create(&control->thread, NULL, run, control);
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
    load(control);
    if (!open_source(control, err)) {
        control_stop(control);
        return NULL;
    }
    publish(control);
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
    control_unref(control);
}
