// SPDX-License-Identifier: Apache-2.0
//
// Asking once, and remembering. Used by cmd_status.c, cmd_clusters.c and cmd_dsn.c.
#include "app/facts.h"

#include "base/clock.h"
#include "control/state_file.h"

#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 1024 };

// The silence of the API, which says nothing about the cluster.
static bool is_silence(enum err_code code)
{
    return code == ERR_API_UNREACHABLE || code == ERR_API_RATE || code == ERR_API_ANSWER;
}

static bool remember(const struct settings *settings, struct facts *out, struct err *err)
{
    char path[PATH_BYTES];
    const char *dir = settings->control.state_dir;
    if (!dir)
        return err_set(err, ERR_FILE, "there is no state-dir");
    out->from_disk = state_file_read(state_file_path(dir, path, sizeof(path)), &out->model, err);
    return out->from_disk;
}

// ---- since when -----------------------------------------------------------------------------

static void date_state(struct observed_state *state, const struct observed_state *remembered)
{
    bool same =
        remembered && remembered->text && state->text && strcmp(remembered->text, state->text) == 0;
    state->since = same ? remembered->since : 0;
}

static void date_group(struct node_group *group, const struct node_group *remembered)
{
    date_state(&group->state, remembered ? &remembered->state : NULL);
    date_state(&group->service, remembered ? &remembered->service : NULL);
    for (size_t i = 0; i < group->endpoint_count; i++) {
        struct endpoint *endpoint = &group->endpoints[i];
        const struct endpoint *known =
            remembered ? model_find_endpoint(remembered, endpoint) : NULL;
        date_state(&endpoint->state, known ? &known->state : NULL);
    }
}

// An answer that was heard just now does not say since when it is true. A proxy on this machine may
// have seen the same before; otherwise the time is left out. `model` is ours alone still.
static void date_model(struct model *model, const struct model *remembered)
{
    for (size_t i = 0; i < model->cluster_count; i++) {
        struct cluster *cluster = &model->clusters[i];
        const struct cluster *known =
            remembered ? model_find_cluster(remembered, cluster->id) : NULL;
        date_state(&cluster->state, known ? &known->state : NULL);
        for (size_t g = 0; g < cluster->group_count; g++) {
            struct node_group *group = &cluster->groups[g];
            date_group(group, known ? model_find_group(known, group->id) : NULL);
        }
    }
}

// ---- asking -------------------------------------------------------------------------------------

static bool ask(const struct settings *settings, const struct control_target *target,
    struct facts *out, struct err *err)
{
    if (settings_state_source(settings) == CONTROL_SOURCE_NONE)
        return err_set(err, ERR_OPTION,
            "state-source is none, so nothing is known about any cluster: expected api or "
            "file:PATH");
    if (!control_fetch(
            &settings->control, target, control_look_ms(&settings->control), &out->model, err))
        return false;
    if (settings_state_source(settings) != CONTROL_SOURCE_API)
        return true;
    struct facts remembered = { 0 };
    struct err nothing;
    const bool known = remember(settings, &remembered, &nothing);
    date_model(out->model, known ? remembered.model : NULL);
    facts_done(&remembered);
    return true;
}

static bool knows(const struct model *model, const struct control_target *target)
{
    const struct cluster *cluster = NULL;
    const struct node_group *group = NULL;
    return !target || control_find(model, target, &cluster, &group, NULL);
}

bool facts_get(const struct settings *settings, const struct control_target *target,
    enum facts_order order, struct facts *out, struct err *err)
{
    *out = (struct facts){ 0 };
    if (order == FACTS_REMEMBER && remember(settings, out, &out->failure)) {
        if (knows(out->model, target))
            return true;
        facts_done(out);
    }
    out->failure = (struct err){ 0 };
    if (ask(settings, target, out, &out->failure))
        return true;
    struct err nothing;
    bool known =
        is_silence(out->failure.code) && order == FACTS_ASK && remember(settings, out, &nothing);
    if (!known)
        *err = out->failure;
    return known;
}

void facts_done(struct facts *facts)
{
    model_unref(facts->model);
    *facts = (struct facts){ 0 };
}

void facts_judge(
    const struct facts *facts, const struct control_target *target, struct verdict *out)
{
    struct verdict_facts known = {
        .target = target,
        .choice = { .endpoint_id = target->endpoint_id },
        .api_text = "",
        .polled = !facts->from_disk,
        .now = clock_wall_s(),
    };
    // What is not found stays NULL, which is a verdict too.
    if (!control_find(facts->model, target, &known.cluster, &known.group, &(struct err){ 0 }))
        known.group = NULL;
    verdict_decide(&known, out);
}

void facts_warn(const struct facts *facts)
{
    if (facts->from_disk && facts->failure.code != ERR_NONE)
        fprintf(stderr, "tidblink: %s; this is the last known state\n", facts->failure.text);
}
