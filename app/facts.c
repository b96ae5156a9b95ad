// SPDX-License-Identifier: Apache-2.0
//
// Asking once, and remembering. Used by cmd_status.c, cmd_clusters.c and cmd_dsn.c.
#include "app/facts.h"

#include "base/clock.h"

#include <stdio.h>

enum { PATH_BYTES = 1024, FILE_TIMEOUT_MS = 5000 };

// The silence of the API, which says nothing about the cluster.
static bool is_silence(enum err_code code)
{
    return code == ERR_API_UNREACHABLE || code == ERR_API_RATE || code == ERR_API_ANSWER;
}

static uint64_t ask_timeout_ms(const struct settings *settings)
{
    enum { REQUESTS = 4 }; // cluster, groups, service, endpoints
    return settings->control.api_timeout_ms * REQUESTS;
}

// The state file is a state document, so that the source "file:" reads it.
static bool remember(const struct settings *settings, const struct control_target *target,
    struct facts *out, struct err *err)
{
    char source[PATH_BYTES];
    struct control_options options = settings->control;
    if (!options.state_dir)
        return err_set(err, ERR_FILE, "there is no state-dir");
    snprintf(source, sizeof(source), "file:%s/state.json", options.state_dir);
    options.state_source = source;
    out->from_disk = control_fetch(&options, target, FILE_TIMEOUT_MS, &out->model, err);
    return out->from_disk;
}

static bool ask(const struct settings *settings, const struct control_target *target,
    struct facts *out, struct err *err)
{
    if (settings_state_source(settings) == CONTROL_SOURCE_NONE)
        return err_set(err, ERR_OPTION,
            "state-source is none, so nothing is known about any cluster: expected api or "
            "file:PATH");
    return control_fetch(&settings->control, target, ask_timeout_ms(settings), &out->model, err);
}

bool facts_get(const struct settings *settings, const struct control_target *target,
    enum facts_order order, struct facts *out, struct err *err)
{
    *out = (struct facts){ 0 };
    if (order == FACTS_REMEMBER && remember(settings, target, out, &out->failure)) {
        out->failure = (struct err){ 0 };
        return true;
    }
    if (ask(settings, target, out, &out->failure))
        return true;
    struct err nothing;
    bool known = is_silence(out->failure.code) && order == FACTS_ASK &&
                 remember(settings, target, out, &nothing);
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
        .polled = true,
        .from_disk = facts->from_disk,
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
