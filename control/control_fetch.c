// SPDX-License-Identifier: Apache-2.0
//
// One look for a command that prints and ends: the same round as the poller's, on a loop of its
// own, bounded in time; a second one when the first misses the endpoint, since an absence is
// believed only when two agree. No thread, no state file.
#include "base/loop.h"
#include "control/control.h"
#include "control/poller.h"
#include "control/session.h"
#include "control/state_file.h"

#include <string.h>

struct fetch {
    struct loop *loop;
    struct session session;
    struct poller *poller;
    struct model *belief;
    const struct control_target *target; // NULL: the list
    struct timer deadline;
    unsigned rounds; // whole ones
};

// Whether the target's endpoint was looked for and not seen, but not often enough to believe it.
static bool is_half_absent(const struct fetch *fetch)
{
    const struct cluster *cluster = NULL;
    const struct node_group *group = NULL;
    if (fetch->target == NULL || poller_failure(fetch->poller)->code != ERR_NONE ||
        !control_find(fetch->belief, fetch->target, &cluster, &group, NULL) ||
        group->endpoint_lists == 0 || group->endpoint_lists >= MODEL_ABSENT_POLLS)
        return false;
    const char *ours = fetch->target->endpoint_id;
    for (size_t i = 0; i < group->endpoint_count; i++) {
        const char *id = group->endpoints[i].endpoint_id;
        if (ours == NULL || (id != NULL && strcmp(id, ours) == 0))
            return false;
    }
    return true;
}

static void on_round(void *arg)
{
    struct fetch *fetch = arg;
    fetch->rounds++;
    if (fetch->rounds < MODEL_ABSENT_POLLS && is_half_absent(fetch))
        poller_nudge(fetch->poller); // nobody else takes the second look for us
    else
        loop_stop(fetch->loop);
}

static void on_deadline(struct timer *timer)
{
    const struct fetch *fetch = CONTAINER_OF(timer, struct fetch, deadline);
    loop_stop(fetch->loop);
}

// What the round means for the one target, or for the list.
static bool judge(const struct fetch *fetch, const struct control_target *target,
    uint64_t timeout_ms, struct err *err)
{
    if (fetch->rounds == 0)
        return err_set(err, ERR_API_UNREACHABLE,
            "the control API gave no whole answer within %llu ms", (unsigned long long)timeout_ms);
    const struct err *failure = poller_failure(fetch->poller);
    if (target == NULL || failure->code != ERR_NONE)
        return failure->code == ERR_NONE || err_set(err, failure->code, "%s", failure->text);
    const struct round_target *look = poller_target(fetch->poller, 0);
    if (look->status != ERR_NONE)
        return err_set(err, look->status, "%s", look->text);
    const struct cluster *cluster = model_find_cluster(fetch->belief, look->cluster_id);
    if (cluster == NULL || cluster->absent_polls > 0)
        return err_set(err, ERR_UNKNOWN_CLUSTER,
            "cluster %.64s is not found: it has been deleted, or it belongs to another "
            "organization "
            "than the API key",
            look->cluster_id);
    return true;
}

static bool ask_api(struct fetch *fetch, const struct control_options *options,
    const struct control_target *target, uint64_t timeout_ms, struct err *err)
{
    fetch->loop = loop_new("fetch", err);
    if (fetch->loop == NULL || !session_open(&fetch->session, options, fetch->loop, err))
        return false;
    struct poller_options poller_options = {
        .round = { target, target != NULL ? 1 : 0, options->project_id },
        .steady_ms = timeout_ms * 2, // a second round only by a nudge
        .changing_ms = timeout_ms * 2,
    };
    fetch->poller = poller_new(
        fetch->loop, fetch->session.api, fetch->belief, &poller_options, on_round, fetch);
    timer_init(&fetch->deadline, fetch->loop, on_deadline);
    timer_start(&fetch->deadline, timeout_ms);
    poller_start(fetch->poller);
    loop_run(fetch->loop);
    timer_stop(&fetch->deadline);
    return judge(fetch, target, timeout_ms, err);
}

static bool fetch_from_api(const struct control_options *options,
    const struct control_target *target, uint64_t timeout_ms, struct model **out_model,
    struct err *err)
{
    struct fetch fetch = { .belief = model_new(), .target = target };
    bool done = ask_api(&fetch, options, target, timeout_ms, err);
    poller_free(fetch.poller);
    session_close(&fetch.session);
    if (fetch.loop != NULL)
        loop_free(fetch.loop);
    if (done)
        *out_model = fetch.belief;
    else
        model_unref(fetch.belief);
    return done;
}

bool control_fetch(const struct control_options *options, const struct control_target *target,
    uint64_t timeout_ms, struct model **out_model, struct err *err)
{
    const char *source = options->state_source;
    if (source != NULL && strncmp(source, "file:", 5) == 0)
        return state_file_read(source + 5, out_model, err);
    if (source != NULL && strcmp(source, "none") == 0)
        return err_set(err, ERR_OPTION, "state-source is none, so there is nobody to ask");
    return fetch_from_api(options, target, timeout_ms, out_model, err);
}
