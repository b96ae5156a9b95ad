// SPDX-License-Identifier: Apache-2.0
//
// Judges each target and sends the news home. Runs on the control thread but for on_delivery, which
// is home's, and the first publish, before the thread exists.
#include "control/control_state.h"

#include "base/clock.h"
#include "control/aws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Ages have their effect (15 minutes, 5 minutes) even when no look comes.
enum { REVIEW_MS = 30000 };

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

void control_news_unref(struct control *control)
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
    control_news_unref(control);
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

// Which endpoints are in our VPC only matters when the configuration does not say which is ours.
static void choose(struct control *control, struct verdict_facts *facts)
{
    const struct node_group *group = facts->group;
    if (control->aws == NULL || facts->target->endpoint_id != NULL || group == NULL ||
        group->service_name == NULL || facts->cluster->provider == NULL ||
        strcmp(facts->cluster->provider, "aws") != 0)
        return;
    aws_ask(control->aws, group, facts->cluster->region);
    aws_fill_choice(control->aws, group->service_name, &facts->choice);
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
        .from_file = control->source == CONTROL_SOURCE_FILE,
    };
    // A name that one lookup did not find is as weak as any absence.
    if (look.status == ERR_UNKNOWN_CLUSTER && look.misses < MODEL_ABSENT_POLLS)
        facts.api_status = ERR_NONE;
    find_known(control, facts.target, look.cluster_id, &facts);
    choose(control, &facts);
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

void control_news_publish(struct control *control)
{
    model_unref(control->published);
    control->published = model_copy(control->belief);
    for (size_t i = 0; i < control->target_count; i++)
        judge(control, i);
    timer_start(&control->review, REVIEW_MS);
}
