// SPDX-License-Identifier: Apache-2.0
//
// The running proxy: every part of the program and the order in which they start and end. Main
// thread only.
#pragma once

#include "app/duty.h"
#include "app/lineage.h"
#include "app/settings.h"
#include "base/inherited.h"
#include "base/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct admin;
struct changes;
struct dump;
struct event;
struct handover;
struct heartbeat;
struct idle_age;
struct lockdown;
struct takeover;

enum { PROGRAM_SIGNALS_MAX = 8 };

// What happened to the machine, see base/changes.h.
enum program_event { EVENT_SLEPT, EVENT_STOPPED, EVENT_NETWORK, EVENT_RESOLV_CONF, PROGRAM_EVENTS };

// A command that has more to do than to serve. Its functions are called on the main loop.
struct program_guest {
    void *arg;
    const int *signals; // that it takes beside SIGTERM, SIGINT, SIGHUP and SIGUSR1; 0 ends the list
    bool (*on_signal)(void *arg, int number); // true: it has dealt with it
    // Somebody wants the program to end. False: not yet; the guest will call program_stop.
    bool (*on_stop)(void *arg);
    void (*on_change)(void *arg); // something about a cluster
    void (*on_end)(void *arg);    // the loop has ended
    bool runs_a_command;          // in our place: it has all our rights
};

// What it starts with beside its settings.
struct program_heritage {
    struct inherited inherited; // sockets that are open already
    struct takeover *takeover;  // from the process that has them; NULL: nobody
    int ready_fd;               // gets a newline and is closed when the program serves; -1: none
};

struct program {
    const struct settings_request *request; // for a reload
    struct settings *settings;              // in force; replaced by a reload
    struct loop *loop;
    struct resolver *resolver;
    struct proxy *proxy;
    struct control *control;
    struct admin *admin;
    struct lockdown *lockdown;         // what it gave up
    struct heartbeat *heartbeat;       // admin's, see health_now.h
    struct idle_age *idle_age;         // admin's
    struct dump *dump;                 // that is being written; NULL: none
    struct changes *changes;           // of the machine's networks, and its sleep
    uint64_t events[PROGRAM_EVENTS];   // that concerned a cluster
    const struct program_guest *guest; // NULL: none
    struct event *signals[PROGRAM_SIGNALS_MAX];
    size_t signal_count;
    struct inherited *inherited; // NULL: none
    struct takeover *takeover;   // under way; NULL: it serves
    struct handover *handover;   // NULL: nobody can ask
    struct duty duty;
    int ready_fd;
    bool owns_sockets; // it serves, and no other process has its sockets: their files are ours
    struct lineage lineage;
    bool handed_over, hurries; // … and its connections are to end soon
    bool was_told;             // to end
    bool failed;               // it has not become what it should
    int64_t started;           // wall clock
    bool was_started;          // /startup has been true once
    bool stopping;             // a drain is under way, or its delay
    uint64_t cut;              // connections that were not done when the time of the drain was up
    struct timer drain_delay;
    struct timer log_timer; // log_timer.c
};

// Takes settings over. Everything listens when this returns true; on false everything is undone.
// `guest` may be NULL, and so may `heritage`, which lives as long as the program and is empty when
// this returns false.
bool program_start(struct program *program, const struct settings_request *request,
    struct settings *settings, const struct program_guest *guest, struct program_heritage *heritage,
    struct err *err) MUST_CHECK;
// Until a signal or POST /drain has ended it; then undoes everything but `cut`.
void program_run(struct program *program);

// What SIGTERM does: the first call drains, the second stops now.
void program_stop(struct program *program, const char *why);

// exit-when-idle: there is nothing left to serve.
void program_end_idle(struct program *program);

// takeover.c: the process that had our sockets drains from now on; or it goes on, and we end.
void program_take_over(struct program *program);
void program_give_up(struct program *program);
// handover.c: another process serves with our sockets; over this descriptor, which is the
// program's, it may want more (lineage.h).
void program_hand_over(struct program *program, int heir_fd);
// lineage.c: it was told to end, and so are we.
void program_hurry(struct program *program, const char *why);

// reload.c: builds new settings and puts them in force, or keeps the old ones and says why. Logs.
bool program_reload(struct program *program, struct err *err);
// changes.c: tells everybody when the machine slept or is in another network. Logs.
bool program_watch_changes(struct program *program, struct err *err) MUST_CHECK;
// log_timer.c: from here to there the main loop writes the sums of bursts.
void program_watch_log(struct program *program);
void program_unwatch_log(struct program *program);
// news.c: logs whether the control API answers. The news stay the caller's.
void program_log_news(const struct program *program, const struct control_news *news);
