// SPDX-License-Identifier: Apache-2.0
//
// The two threads of a scene. See account_scene.h.
#include "account_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

enum { REQUEST_MS = 1500 }; // enough for a handshake on a busy machine

static struct cloud_reply on_asked(void *arg, const char *path)
{
    struct scene *scene = arg;
    size_t len = strlen(scene->asked);
    const char *body = cloud_body(scene->cloud);
    snprintf(scene->asked + len, sizeof(scene->asked) - len, "%s %s%s%s\n",
        cloud_method(scene->cloud), path, body[0] != '\0' ? " " : "", body);
    size_t at = scene->served++;
    return at < scene->reply_count ? scene->replies[at] : (struct cloud_reply){ .status = 418 };
}

int scene_setup(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct err err;
    scene->loop = loop_new("cloud", &err);
    scene->cloud = cloud_new(scene->loop, on_asked, scene);
    snprintf(scene->public_key, sizeof(scene->public_key), "%s", cloud_public_key);
    snprintf(scene->private_key, sizeof(scene->private_key), "%s", cloud_private_key);
    scene->keys = (struct keys){ scene->public_key, scene->private_key };
    scene->options = (struct control_options){
        .api_url = (char *)(uintptr_t)cloud_url(scene->cloud),
        .api_ca = (char *)(uintptr_t)cloud_ca_path(scene->cloud),
        .environment_keys = &scene->keys,
        .api_timeout_ms = REQUEST_MS,
    };
    *state = scene;
    return 0;
}

static void forget_results(struct scene *scene)
{
    scene->err = (struct err){ 0 };
    scene->done = false;
    scene->pause_count = 0;
    free(scene->text);
    scene->text = NULL;
    model_endpoint_done(&scene->endpoint);
    option_list_free(&scene->list);
    model_unref(scene->model);
    scene->model = NULL;
}

int scene_teardown(void **state)
{
    struct scene *scene = *state;
    forget_results(scene);
    cloud_free(scene->cloud);
    loop_free(scene->loop);
    free(scene);
    return 0;
}

void scene_begin(struct scene *scene)
{
    scene->reply_count = 0;
    scene->served = 0;
    scene->asked[0] = '\0';
}

struct cloud_reply *scene_reply(struct scene *scene, int status, const char *body)
{
    assert_true(scene->reply_count < SCENE_STEPS);
    struct cloud_reply *reply = &scene->replies[scene->reply_count++];
    *reply = (struct cloud_reply){ .status = status, .body = body };
    return reply;
}

void scene_lost_reply(struct scene *scene)
{
    scene_reply(scene, 200, "{")->cut = true;
}

static void on_wait(void *arg, uint64_t pause_ms, const struct err *why)
{
    struct scene *scene = arg;
    if (scene->pause_count == SCENE_STEPS)
        return;
    scene->pauses_ms[scene->pause_count] = pause_ms;
    scene->served_when_paused[scene->pause_count] = scene->served;
    snprintf(scene->why[scene->pause_count++], ERR_TEXT_BYTES, "%s", why->text);
}

static void on_called(void *arg)
{
    loop_stop(arg);
}

struct call {
    struct scene *scene;
    scene_fn fn;
};

static void *run(void *arg)
{
    const struct call *call = arg;
    struct scene *scene = call->scene;
    scene->account = account_open(&scene->options, on_wait, scene, &scene->err);
    if (scene->account != NULL) {
        call->fn(scene);
        scene->line = account_line(scene->account);
    }
    account_close(scene->account);
    scene->account = NULL;
    loop_post(scene->loop, on_called, scene->loop);
    return NULL;
}

void scene_call(struct scene *scene, scene_fn fn)
{
    struct call call = { scene, fn };
    pthread_t thread;
    forget_results(scene);
    assert_int_equal(pthread_create(&thread, NULL, run, &call), 0);
    loop_run(scene->loop);
    pthread_join(thread, NULL);
    assert_null(strstr(scene->err.text, cloud_private_key));
}
