// SPDX-License-Identifier: Apache-2.0
//
// Reads the header of Signature Version 4 (docs.aws.amazon.com/IAM/latest/UserGuide/
// create-signed-request.html) and looks the key up in the world's credentials. A scenario without
// credentials lets everybody in. Used by ec2.c and route53.c. The loop's thread only.
#include "emulator/aws_access.h"

#include "base/clock.h"
#include "emulator/world.h"

#include <event2/http.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKEW_MAX_S = 300, SCOPE_PARTS = 3 };

// "Credential=AKID/20261125/us-east-1/ec2/aws4_request": key, day and region.
void aws_caller_read(struct aws_caller *caller, struct evhttp_request *request)
{
    *caller = (struct aws_caller){ 0 };
    const char *header =
        evhttp_find_header(evhttp_request_get_input_headers(request), "Authorization");
    const char *at = header ? strstr(header, "Credential=") : NULL;
    if (!at)
        return;
    at += strlen("Credential=");
    char day[16];
    const struct {
        char *out;
        size_t size;
    } parts[SCOPE_PARTS] = { { caller->key, sizeof(caller->key) }, { day, sizeof(day) },
        { caller->region, sizeof(caller->region) } };
    for (size_t i = 0; i < SCOPE_PARTS; i++) {
        size_t len = strcspn(at, "/, ");
        snprintf(parts[i].out, parts[i].size, "%.*s", (int)len, at);
        at += len + (at[len] == '/');
    }
}

// "20261125T035620Z" as clock_parse reads it.
static bool parse_amz_date(const char *text, int64_t *out_s)
{
    char plain[CLOCK_TEXT_BYTES];
    if (strlen(text) != strlen("20261125T035620Z"))
        return false;
    snprintf(plain, sizeof(plain), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", text, text + 4, text + 6,
        text + 9, text + 11, text + 13);
    return clock_parse(plain, out_s);
}

static bool clock_is_off(struct world *world, struct evhttp_request *request)
{
    const char *date = evhttp_find_header(evhttp_request_get_input_headers(request), "X-Amz-Date");
    int64_t now = clock_wall_s() + object_int(world_settings(world), "serverClockSeconds");
    int64_t then = 0;
    return date && parse_amz_date(date, &then) && llabs(now - then) > SKEW_MAX_S;
}

static bool denies(const struct object *credential, const char *action)
{
    const char *name = strchr(action, ':') + 1;
    for (const cJSON *item = object_list(credential, "denies"); item; item = item->next) {
        if (fnmatch(item->valuestring, name, 0) == 0 || fnmatch(item->valuestring, action, 0) == 0)
            return true;
    }
    return false;
}

enum aws_refusal aws_check(struct world *world, const struct aws_caller *caller,
    struct evhttp_request *request, const char *action)
{
    if (clock_is_off(world, request))
        return AWS_BAD_KEY;
    if (!world_next(world, KIND_CREDENTIAL, NULL))
        return AWS_ALLOWED;
    const struct object *credential = world_find(world, KIND_CREDENTIAL, caller->key);
    if (!*caller->key)
        return AWS_NO_KEY;
    if (!credential)
        return AWS_BAD_KEY;
    if (object_flag(credential, "expired"))
        return AWS_EXPIRED;
    return denies(credential, action) ? AWS_DENIED : AWS_ALLOWED;
}

void aws_denial(const char *action, const char *resource, char out[AWS_TEXT_BYTES])
{
    snprintf(out, AWS_TEXT_BYTES,
        "User: arn:aws:iam::123456789012:user/emulated is not authorized to perform: %s%s%s "
        "because no identity-based policy allows the %s action",
        action, resource ? " on resource: " : "", resource ? resource : "", action);
}
