// SPDX-License-Identifier: Apache-2.0
//
// Picks the fault that strikes a request, an answer, a TLS handshake or a DNS query. Faults are
// objects of the world like all others, so that scenarios and the control port need nothing special
// for them. The loop's thread only.
#include "emulator/faults.h"

#include "emulator/world.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const enum fault_stage stages[] = {
    [FAULT_STATUS] = FAULT_AT_REQUEST,
    [FAULT_DELAY] = FAULT_AT_REQUEST,
    [FAULT_HANG] = FAULT_AT_REQUEST,
    [FAULT_CUT] = FAULT_AT_ANSWER,
    [FAULT_MALFORMED] = FAULT_AT_ANSWER,
    [FAULT_HUGE] = FAULT_AT_ANSWER,
    [FAULT_CONTENT_TYPE] = FAULT_AT_ANSWER,
    [FAULT_DROP_TLS] = FAULT_AT_HANDSHAKE,
    [FAULT_DNS_SILENCE] = FAULT_AT_QUERY,
    [FAULT_DNS_SERVFAIL] = FAULT_AT_QUERY,
    [FAULT_DNS_DELAY] = FAULT_AT_QUERY,
    [FAULT_LOSE] = FAULT_AT_ANSWER,
    [FAULT_AWS_ERROR] = FAULT_AT_REQUEST,
};

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

// Without a match a fault strikes TiDB Cloud alone, an awsError all of EC2 and Route 53.
static bool matches_request(const char *match, enum fault_deed deed, const char *subject)
{
    bool of_aws = begins_with(subject, "aws ");
    if (deed == FAULT_AWS_ERROR)
        return of_aws && begins_with(subject, *match ? match : "aws ");
    if (of_aws || begins_with(subject, "imds "))
        return *match && begins_with(subject, match);
    return begins_with(*match == '/' ? strchr(subject, ' ') + 1 : subject, match);
}

static bool matches(
    const char *match, enum fault_stage stage, enum fault_deed deed, const char *subject)
{
    if (stage == FAULT_AT_HANDSHAKE)
        return true;
    if (stage == FAULT_AT_QUERY)
        return !*match || strcasecmp(match, subject) == 0;
    return matches_request(match, deed, subject);
}

static char *copy(const struct object *object, const char *field)
{
    return object_has(object, field) ? strdup(object_text(object, field)) : NULL;
}

// Takes one off "count"; the fault goes with the last one. 0 stays: until it is removed.
static void count_down(struct object *object)
{
    unsigned count = object_uint(object, "count");
    if (count == 0)
        return;
    if (count == 1) {
        world_remove(object);
        return;
    }
    cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(object->fields, "count"), count - 1);
}

// Whether it lets this one pass.
static bool skips(struct object *object)
{
    if (*object_text(object, "after"))
        return true;
    unsigned skip = object_uint(object, "skip");
    if (skip > 0)
        cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(object->fields, "skip"), skip - 1);
    return skip > 0;
}

// EC2 refuses with 400, where nothing else is said.
static unsigned status_of(const struct object *object, enum fault_deed deed)
{
    unsigned status = object_uint(object, "status");
    return status ? status : deed == FAULT_AWS_ERROR ? 400 : 500;
}

static int64_t retry_after_of(const struct object *object)
{
    return object_has(object, "retryAfterSeconds") ? object_int(object, "retryAfterSeconds") : -1;
}

// What was told to wait for a good answer to this begins.
static void begin_after(struct world *world, const char *subject)
{
    struct object *object = NULL;
    while ((object = world_next(world, KIND_FAULT, object))) {
        const char *after = object_text(object, "after");
        if (*after && begins_with(subject, after))
            object_set(object, "after", cJSON_CreateString(""));
    }
}

static struct fault pick(struct world *world, enum fault_stage stage, const char *subject)
{
    struct object *object = NULL;
    while ((object = world_next(world, KIND_FAULT, object))) {
        enum fault_deed deed = (enum fault_deed)object_choice(object, "does");
        if (stages[deed] != stage || !matches(object_text(object, "match"), stage, deed, subject) ||
            skips(object))
            continue;
        struct fault fault = {
            .deed = deed,
            .delay_ms = object_ms(object, "delaySeconds"),
            .status = status_of(object, deed),
            .megabytes = object_uint(object, "megabytes"),
            .retry_after_s = retry_after_of(object),
            .body = copy(object, "body"),
            .code = copy(object, "code"),
            .message = copy(object, "message"),
        };
        count_down(object);
        return fault;
    }
    return (struct fault){ .deed = FAULT_NONE };
}

struct fault faults_strike(struct world *world, enum fault_stage stage, const char *subject)
{
    struct fault fault = pick(world, stage, subject);
    if (stage == FAULT_AT_ANSWER)
        begin_after(world, subject);
    return fault;
}

void faults_done(struct fault *fault)
{
    free(fault->body);
    free(fault->code);
    free(fault->message);
    *fault = (struct fault){ .deed = FAULT_NONE };
}

const char *faults_name(const struct fault *fault)
{
    const struct field *does = schema_field(schema_kind(KIND_FAULT), "does");
    return fault->deed == FAULT_NONE ? "" : does->choices[fault->deed];
}
