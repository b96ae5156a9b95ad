// SPDX-License-Identifier: Apache-2.0
//
// One question at a time: first the VPC (imds.c, once), then `aws ec2 describe-vpc-endpoints` for
// one service after the other
// (docs.aws.amazon.com/cli/latest/reference/ec2/describe-vpc-endpoints.html). Used by control.c.
#include "control/aws.h"

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/options.h"
#include "base/os.h"
#include "control/ec2_child.h"
#include "control/ec2_json.h"
#include "control/http.h"
#include "control/imds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CACHE_MS = 10 * 60 * 1000, KEEP_MS = 2 * CACHE_MS, CLI_MS = 20000 };

struct question {
    char *service_name;
    char *region;             // "us-east-1"; NULL: the CLI's own
    struct option_list known; // what the control API has listed when AWS was asked, or earlier
    struct option_list ids;   // the answer
    bool answered;
    bool waiting;      // to be asked, or being asked
    bool outdated;     // an endpoint has appeared since the asking began
    uint64_t asked_ms; // when the last answer or failure came; 0: never
};

struct aws {
    struct loop *loop;
    struct http *http;
    struct imds *imds;
    struct child *child;
    struct timer turn; // starts the next question: nothing starts from inside a callback
    char *cli, *profile, *region, *endpoint_url; // cli NULL: never asked
    char *vpc_id, *metadata_url;
    struct question *questions;
    size_t question_count;
    size_t asked; // the index of the one that the child answers
    bool failure_logged;
    void (*fn)(void *arg);
    void *arg;
};

static char *copy(const char *text)
{
    char *same = text != NULL ? strdup(text) : NULL;
    if (text != NULL && same == NULL)
        abort();
    return same;
}

// ---- answers ------------------------------------------------------------------------------------

static void forget_answer(struct question *question)
{
    option_list_free(&question->ids);
    question->answered = false;
}

static void log_failure(struct aws *aws, const char *reason)
{
    if (aws->failure_logged)
        return;
    aws->failure_logged = true;
    struct log_line line;
    log_start(&line, LOG_INFO,
        "AWS does not tell which endpoints are in this VPC; all of the node group's count");
    log_str(&line, "reason", reason);
    log_write(&line);
}

// Not asked, then, and what was answered before is too old to stand; it may be asked again when the
// cache would have run out.
static void give_up(struct aws *aws, const char *reason)
{
    bool forgotten = false;
    for (size_t i = 0; i < aws->question_count; i++) {
        struct question *question = &aws->questions[i];
        if (!question->waiting)
            continue;
        forgotten = forgotten || question->answered;
        forget_answer(question);
        question->waiting = false;
        question->asked_ms = loop_now_ms(aws->loop);
    }
    log_failure(aws, reason);
    if (forgotten)
        aws->fn(aws->arg);
}

static bool is_gone(const char *state)
{
    static const char *const gone[] = { "deleted", "rejected", "failed", "expired" };
    for (size_t i = 0; state != NULL && i < ARRAY_LEN(gone); i++)
        if (strcasecmp(state, gone[i]) == 0)
            return true;
    return false;
}

static bool read_answer(const char *text, size_t len, struct option_list *ids, struct err *err)
{
    struct ec2_endpoint_list list;
    bool read = ec2_json_endpoints(text, len, &list, err);
    for (size_t i = 0; read && i < list.count; i++)
        if (!is_gone(list.items[i].state) && !option_list_add(ids, list.items[i].id))
            abort();
    ec2_endpoint_list_done(&list);
    return read;
}

static struct ec2_options cli_options(const struct aws *aws, const struct question *question)
{
    return (struct ec2_options){ .cli = aws->cli,
        .profile = aws->profile,
        .region = aws->region != NULL ? aws->region : question->region,
        .endpoint_url = aws->endpoint_url };
}

static void on_described(void *arg, const struct child_result *result, const struct err *failure)
{
    struct aws *aws = arg;
    struct question *question = &aws->questions[aws->asked];
    struct option_list ids = { 0 };
    struct err err;
    aws->child = NULL;
    if (failure != NULL) {
        give_up(aws, failure->text);
        return;
    }
    if (result->exit_code != 0) {
        const struct ec2_options options = cli_options(aws, question);
        char code[EC2_CODE_BYTES];
        ec2_child_explain(result, &options, code, &err);
        give_up(aws, err.text);
        return;
    }
    if (!read_answer(result->out, result->out_len, &ids, &err)) {
        option_list_free(&ids);
        give_up(aws, err.text);
        return;
    }
    timer_start(&aws->turn, 0); // there may be another, or the same again
    if (question->outdated) {
        option_list_free(&ids);
        return;
    }
    forget_answer(question);
    question->ids = ids;
    question->answered = true;
    question->waiting = false;
    question->asked_ms = loop_now_ms(aws->loop);
    aws->fn(aws->arg);
}

static void on_vpc_id(void *arg, const char *vpc_id, const struct err *err)
{
    struct aws *aws = arg;
    if (vpc_id != NULL)
        aws->vpc_id = copy(vpc_id);
    else
        give_up(aws, err->text);
    timer_start(&aws->turn, 0);
}

// ---- questions ----------------------------------------------------------------------------------

static void describe(struct aws *aws, size_t index)
{
    struct question *question = &aws->questions[index];
    const struct ec2_options options = cli_options(aws, question);
    struct ec2_command command;
    struct err err;
    ec2_describe_endpoints(&command, &options, question->service_name, aws->vpc_id);
    question->outdated = false;
    aws->asked = index;
    aws->child = ec2_child_start(aws->loop, &command, CLI_MS, false, on_described, aws, &err);
    ec2_command_done(&command);
    if (aws->child == NULL)
        give_up(aws, err.text);
}

static void on_turn(struct timer *timer)
{
    struct aws *aws = CONTAINER_OF(timer, struct aws, turn);
    if (aws->child != NULL)
        return;
    imds_free(aws->imds); // has answered
    aws->imds = NULL;
    for (size_t i = 0; i < aws->question_count; i++) {
        if (!aws->questions[i].waiting)
            continue;
        if (aws->vpc_id == NULL)
            aws->imds = imds_start(aws->http, aws->metadata_url, on_vpc_id, aws);
        else
            describe(aws, i);
        return;
    }
}

static struct question *find(const struct aws *aws, const char *service_name)
{
    for (size_t i = 0; i < aws->question_count; i++)
        if (strcmp(aws->questions[i].service_name, service_name) == 0)
            return &aws->questions[i];
    return NULL;
}

static struct question *add(struct aws *aws, const char *service_name, const char *region)
{
    size_t count = aws->question_count + 1;
    struct question *grown = os_reallocarray(aws->questions, count, sizeof(*grown));
    if (grown == NULL)
        abort();
    aws->questions = grown;
    aws->question_count = count;
    grown[count - 1] = (struct question){ .service_name = copy(service_name),
        .region = copy(model_aws_region(region)) };
    return &grown[count - 1];
}

static bool has(const struct option_list *list, const char *item)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], item) == 0)
            return true;
    return false;
}

// Whether the control API lists an endpoint that it did not list when AWS was last asked.
static bool learn_endpoints(struct question *question, const struct node_group *group)
{
    bool learned = false;
    for (size_t i = 0; i < group->endpoint_count; i++) {
        const char *id = group->endpoints[i].endpoint_id;
        if (has(&question->known, id))
            continue;
        if (!option_list_add(&question->known, id))
            abort();
        learned = true;
    }
    return learned;
}

void aws_ask(struct aws *aws, const struct node_group *group, const char *region)
{
    if (aws->cli == NULL)
        return;
    struct question *question = find(aws, group->service_name);
    if (question == NULL)
        question = add(aws, group->service_name, region);
    if (learn_endpoints(question, group)) {
        forget_answer(question);
        question->outdated = true;
    } else if (question->asked_ms != 0 && loop_now_ms(aws->loop) - question->asked_ms < CACHE_MS) {
        return;
    }
    question->waiting = true;
    if (aws->child == NULL && aws->imds == NULL)
        timer_start(&aws->turn, 0);
}

void aws_fill_choice(const struct aws *aws, const char *service_name, struct verdict_choice *choice)
{
    const struct question *question = find(aws, service_name);
    if (question == NULL || !question->answered ||
        loop_now_ms(aws->loop) - question->asked_ms >= KEEP_MS)
        return;
    choice->ours = (const char *const *)question->ids.items;
    choice->ours_count = question->ids.count;
}

// ---- life ---------------------------------------------------------------------------------------

struct aws *aws_new(struct loop *loop, const struct aws_options *options, void (*fn)(void *arg),
    void *arg, struct err *err)
{
    struct aws *aws = calloc(1, sizeof(*aws));
    if (aws == NULL)
        abort();
    aws->loop = loop;
    aws->fn = fn;
    aws->arg = arg;
    timer_init(&aws->turn, loop, on_turn);
    bool off = options->cli == NULL || strcmp(options->cli, "off") == 0;
    aws->cli = copy(off ? NULL : options->cli);
    aws->profile = copy(options->profile);
    aws->region = copy(options->region);
    aws->endpoint_url = copy(options->endpoint_url);
    aws->vpc_id = copy(options->vpc_id);
    aws->metadata_url = copy(options->metadata_url);
    aws->http = http_new(loop, err);
    if (aws->http != NULL)
        return aws;
    aws_free(aws);
    return NULL;
}

void aws_free(struct aws *aws)
{
    if (aws == NULL)
        return;
    timer_stop(&aws->turn);
    child_cancel(aws->child);
    imds_free(aws->imds);
    http_free(aws->http);
    for (size_t i = 0; i < aws->question_count; i++) {
        free(aws->questions[i].service_name);
        free(aws->questions[i].region);
        option_list_free(&aws->questions[i].known);
        option_list_free(&aws->questions[i].ids);
    }
    free(aws->questions);
    free(aws->cli);
    free(aws->profile);
    free(aws->region);
    free(aws->endpoint_url);
    free(aws->vpc_id);
    free(aws->metadata_url);
    free(aws);
}
