// SPDX-License-Identifier: Apache-2.0
//
// A control thread that follows clusters 11 to 15 of a small cloud (cloud.h), for test_control.c
// and test_control_asks.c.
#pragma once

#include "base/loop.h"
#include "control/control.h"
#include "control/keys.h"

#include "cloud.h"

enum { WAIT_MS = 20000, TARGETS = 5 };

// The cloud's world: clusters 11 to 15 named c11 … c15, each with one group and one endpoint.
struct sky {
    const char *cluster_state, *service_state, *endpoint_state;
    bool endpoint_listed, cluster_there;
    int status;        // other than 200: every answer
    unsigned failing;  // a cluster about which every answer is 500; 0: none
    char names[2][16]; // display names of clusters 11 and 12
    unsigned asked, asked_clusters, asked_single, asked_endpoints, asked_project_endpoints;
    char body[8192];
};

struct control_fixture {
    struct loop *home;
    struct cloud *cloud;
    struct sky sky;
    struct keys keys;
    char public_key[32], private_key[32];
    char directory[64];
    struct control_options options;
    struct control_target targets[TARGETS];
    char aliases[TARGETS][16];
    struct control *control;
    struct control_news *news[TARGETS]; // the last for each target
    unsigned news_count;
    // what a test waits for
    bool (*reached)(const struct control_fixture *fixture);
    struct timer deadline;
};

int control_fixture_setup(void **state);
int control_fixture_teardown(void **state);
void control_fixture_start(struct control_fixture *fixture, size_t targets);
void control_fixture_stop(struct control_fixture *fixture);
void control_fixture_on_news(void *arg, struct control_news *news);

// Runs the home loop until news have come with which the condition holds.
typedef bool (*control_fixture_fn)(const struct control_fixture *fixture);
void control_fixture_wait(
    struct control_fixture *fixture, control_fixture_fn reached, const char *what);
#define WAIT_FOR(fixture, condition) control_fixture_wait(fixture, condition, #condition)
void control_fixture_on_deadline(struct timer *timer); // stops the home loop
// About the first target.
bool control_fixture_any(const struct control_fixture *fixture);
bool control_fixture_allowed(const struct control_fixture *fixture);
bool control_fixture_held(const struct control_fixture *fixture);
bool control_fixture_refused(const struct control_fixture *fixture);
bool control_fixture_fails(const struct control_fixture *fixture);
bool control_fixture_works(const struct control_fixture *fixture);
