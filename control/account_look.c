// SPDX-License-Identifier: Apache-2.0
//
// One whole look for a command: the same round as the poller's, bounded in time; a second one when
// the first misses the endpoint, since an absence is believed only when two agree.
#include "control/account_state.h"
#include "control/poller.h"

#include <inttypes.h>
#include <string.h>

struct look {
    struct account *account;
    struct poller *poller;
    struct model *belief;
    const struct control_target *target; // NULL: the list
    unsigned rounds;                     // whole ones
};

// Whether the target's endpoint was looked for and not seen, but not often enough to believe it.
static bool is_half_absent(const struct look *look)
{
    const struct cluster *cluster = NULL;
    const struct node_group *group = NULL;
    if (look->target == NULL || poller_failure(look->poller)->code != ERR_NONE ||
        !control_find(look->belief, look->target, &cluster, &group, NULL) ||
        group->endpoint_lists == 0 || group->endpoint_lists >= MODEL_ABSENT_POLLS)
        return false;
    const char *ours = look->target->endpoint_id;
    for (size_t i = 0; i < group->endpoint_count; i++) {
        const char *id = group->endpoints[i].endpoint_id;
        if (ours == NULL || (id != NULL && strcmp(id, ours) == 0))
            return false;
    }
    return true;
}

static void on_round(void *arg)
{
    struct look *look = arg;
    look->rounds++;
    if (look->rounds < MODEL_ABSENT_POLLS && is_half_absent(look))
        poller_nudge(look->poller); // nobody else takes the second look for us
    else
        loop_stop(look->account->loop);
}

// What the round means for the one target, or for the list.
static bool judge(const struct look *look, uint64_t timeout_ms, struct err *err)
{
    if (look->rounds == 0)
        return err_set(err, ERR_API_UNREACHABLE,
            "the control API gave no whole answer within %" PRIu64 " ms", timeout_ms);
    const struct err *failure = poller_failure(look->poller);
    if (look->target == NULL || failure->code != ERR_NONE)
        return failure->code == ERR_NONE || err_set(err, failure->code, "%s", failure->text);
    const struct round_target *seen = poller_target(look->poller, 0);
    if (seen->status != ERR_NONE)
        return err_set(err, seen->status, "%s", seen->text);
    const struct cluster *cluster = model_find_cluster(look->belief, seen->cluster_id);
    if (cluster == NULL || cluster->absent_polls > 0)
        return err_set(err, ERR_UNKNOWN_CLUSTER,
            "cluster %.64s is not found: it has been deleted, or it belongs to another "
            "organization than the API key",
            seen->cluster_id);
    return true;
}

bool account_look(struct account *account, const struct control_target *target, uint64_t timeout_ms,
    struct model **out, struct err *err)
{
    struct look look = { .account = account, .belief = model_new(), .target = target };
    struct poller_options options = {
        .round = { target, target != NULL ? 1 : 0, account->options->project_id },
        .steady_ms = timeout_ms * 2, // a second round only by a nudge
        .changing_ms = timeout_ms * 2,
    };
    look.poller =
        poller_new(account->loop, account->session.api, look.belief, &options, on_round, &look);
    timer_start(&account->timer, timeout_ms);
    poller_start(look.poller);
    loop_run(account->loop);
    timer_stop(&account->timer);
    bool done = judge(&look, timeout_ms, err);
    poller_free(look.poller);
    if (done)
        *out = look.belief;
    else
        model_unref(look.belief);
    return done;
}
