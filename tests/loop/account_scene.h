// SPDX-License-Identifier: Apache-2.0
//
// A command's account (control/account.h) against a cloud that answers from a script. The account
// blocks, so it lives on a thread of its own while the cloud runs here.
#pragma once

#include "base/err.h"
#include "base/loop.h"
#include "control/account.h"
#include "control/keys.h"

#include "cloud.h"

#include <stdatomic.h>

enum { SCENE_STEPS = 12 };

struct scene {
    struct loop *loop;
    struct cloud *cloud;
    struct keys keys;
    char public_key[32], private_key[32];
    struct control_options options;
    // the cloud: one reply after the other, 418 when there are no more
    struct cloud_reply replies[SCENE_STEPS];
    size_t reply_count;
    atomic_size_t served; // the account's thread looks as well
    char asked[4096];     // "METHOD path body\n" of every request
    // the account, and what its calls gave
    struct account *account;
    struct err err;
    bool done;
    char *text;
    struct endpoint endpoint;
    struct option_list list;
    struct model *model;
    struct account_line line;
    // pauses that were told
    uint64_t pauses_ms[SCENE_STEPS];
    char why[SCENE_STEPS][ERR_TEXT_BYTES];
    size_t served_when_paused[SCENE_STEPS]; // requests, and nothing else runs then
    size_t pause_count;
};

int scene_setup(void **state);
int scene_teardown(void **state);
// Adds a reply to the script and returns it, for headers.
struct cloud_reply *scene_reply(struct scene *scene, int status, const char *body);
// What was done, and no answer comes: the connection breaks in the middle of it.
void scene_lost_reply(struct scene *scene);
// Opens an account on another thread, calls fn there (no assertions: they would jump across
// threads), closes it. Frees the results of an earlier call; the script goes on.
typedef void (*scene_fn)(struct scene *scene);
void scene_call(struct scene *scene, scene_fn fn);
void scene_begin(struct scene *scene); // a new script
