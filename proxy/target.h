// SPDX-License-Identifier: Apache-2.0
//
// One cluster as the data path sees it: the control plane's latest news and the resolver's latest
// answer about it, put together into a view and shown to every worker whenever either changed. Main
// thread only.
#pragma once

#include "proxy/proxy.h"

struct loop;
struct peer_allow;
struct target;
struct tls_store;
struct via;
struct wake_plan;
struct worker;

struct target_plan {
    size_t index;
    const struct control_target *control; // need not outlive the call
    // What follows must outlive the target:
    struct loop *loop;
    const struct via *via;    // NULL: none
    const char *control_path; // of the jump's ssh; NULL: none
    const struct proxy_options *options;
    const struct tls_store *store;
    struct worker *const *workers;
    size_t worker_count;
    struct resolver *resolver;
    void (*on_change)(void *arg);
    void *arg;
};

// Shows a first view ("nothing known yet") at once.
struct target *target_new(const struct target_plan *plan, struct err *err) MUST_CHECK;
// Who may connect to its unix listeners; takes a reference; NULL: everybody.
void target_use_allow(struct target *target, struct peer_allow *allow);
// As peer_allow_admits.
bool target_admits(const struct target *target, int client_fd, const struct peer *client,
    struct err *err) MUST_CHECK;
void target_free(struct target *target); // NULL is allowed

void target_news(struct target *target, struct control_news *news); // takes ownership
// Something happened to the machine, to its resolv.conf for one if `other_names`: the name is
// looked up again where that may matter.
enum proxy_concern target_wake(
    struct target *target, const struct wake_plan *plan, bool other_names);
void target_use_control_path(struct target *target, const char *path); // see target_plan
// Its name is looked up, and the answer judged, anew.
void target_look_again(struct target *target);
void target_show(struct target *target); // again, because the options changed
// Every address failed: look the name up again, and remember why.
void target_unreachable(struct target *target, const struct err *err);
// A worker has learned something of an address.
void target_path_told(struct target *target, size_t worker, const struct path *path);
void target_forget_paths(struct target *target); // the workers have
// What the workers know of the address with this index in target_state's addrs.
struct path_sum target_path(const struct target *target, size_t address);
void target_sum(const struct target *target, struct target_sum *out);
struct proxy_target_state target_state(const struct target *target);
