// SPDX-License-Identifier: Apache-2.0
//
// A session token, then one small text after the other, as a table of steps says: the proxy wants
// the VPC only, a command wants everything. Off EC2 the address leads nowhere, so each request has
// a short deadline. Used by aws.c and by commands.
#include "control/imds.h"

#include "base/err.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/text.h"
#include "control/http.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP_MS = 1000, ANSWER_BYTES = 4096, MAC_BYTES = 32 };
#define MACS "network/interfaces/macs/"

// What is asked for and where it goes.
struct step {
    const char *path; // below /latest/meta-data/
    size_t offset;    // in struct imds: of a char *, or of an option_list
    bool of_mac;      // the path is below the primary interface
    bool is_list;     // one item on each line
    bool is_optional; // 404 means that there is none
};

struct imds {
    struct http *http;
    struct http_request request;
    struct curl_slist *headers;
    char url[256];
    const struct step *steps;
    size_t step_count, next;
    char *mac;
    struct imds_facts facts;
    void (*done)(struct imds *imds, const struct err *err); // err NULL: facts are filled
    imds_fn fn;
    void *arg;
    // of imds_look
    struct loop *loop;
    struct timer deadline;
    struct err *err; // NULL: nobody wants to know
    bool seen;
};

static const struct step vpc_steps[] = {
    { "mac", offsetof(struct imds, mac), false, false, false },
    { "vpc-id", offsetof(struct imds, facts.vpc_id), true, false, false },
};
static const struct step all_steps[] = {
    { "instance-id", offsetof(struct imds, facts.instance_id), false, false, false },
    { "mac", offsetof(struct imds, mac), false, false, false },
    { "placement/region", offsetof(struct imds, facts.region), false, false, true },
    { "local-ipv4", offsetof(struct imds, facts.address), false, false, true },
    { "vpc-id", offsetof(struct imds, facts.vpc_id), true, false, true },
    { "subnet-id", offsetof(struct imds, facts.subnet_id), true, false, true },
    { "security-group-ids", offsetof(struct imds, facts.security_group_ids), true, true, true },
};

// ---- the sequence -------------------------------------------------------------------------------

static void ask(struct imds *imds, const char *path, http_fn fn)
{
    char url[512];
    snprintf(url, sizeof(url), "%s%s", imds->url, path);
    curl_easy_setopt(imds->request.easy, CURLOPT_URL, url);
    curl_easy_setopt(imds->request.easy, CURLOPT_HTTPHEADER, imds->headers);
    imds->request.fn = fn;
    http_start(imds->http, &imds->request);
}

static long status_of(const struct imds *imds)
{
    long status = 0;
    curl_easy_getinfo(imds->request.easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static bool has_text(const struct imds *imds, CURLcode result)
{
    return result == CURLE_OK && status_of(imds) == 200 && imds->request.body_len > 0;
}

static void fail(struct imds *imds, CURLcode result)
{
    struct err err;
    if (result != CURLE_OK)
        err_set(&err, ERR_AWS, "the instance metadata service does not answer: %s",
            curl_easy_strerror(result));
    else
        err_set(&err, ERR_AWS, "the instance metadata service answers %ld", status_of(imds));
    imds->done(imds, &err);
}

static void keep(struct imds *imds, const struct step *step)
{
    char *text = imds->request.body;
    void *place = (char *)imds + step->offset;
    text[step->is_list ? imds->request.body_len : strcspn(text, "\r\n/")] = '\0';
    if (!step->is_list) {
        char **to = place;
        text_clean(text);
        *to = strdup(text);
        if (*to == NULL)
            abort();
        return;
    }
    for (char *line = os_strsep(&text, "\r\n"); line != NULL; line = os_strsep(&text, "\r\n")) {
        text_clean(line);
        if (*line != '\0' && !option_list_add(place, line))
            abort();
    }
}

static void take_step(struct imds *imds);

static void on_text(struct http_request *request, CURLcode result)
{
    struct imds *imds = CONTAINER_OF(request, struct imds, request);
    const struct step *step = &imds->steps[imds->next];
    bool absent = step->is_optional && result == CURLE_OK &&
                  (status_of(imds) == 404 || (status_of(imds) == 200 && request->body_len == 0));
    if (!absent && !has_text(imds, result)) {
        fail(imds, result);
        return;
    }
    if (!absent)
        keep(imds, step);
    imds->next++;
    take_step(imds);
}

static void take_step(struct imds *imds)
{
    char path[160];
    if (imds->next == imds->step_count) {
        imds->done(imds, NULL);
        return;
    }
    const struct step *step = &imds->steps[imds->next];
    snprintf(path, sizeof(path), "/latest/meta-data/%s%.*s%s%s", step->of_mac ? MACS : "",
        MAC_BYTES, step->of_mac ? imds->mac : "", step->of_mac ? "/" : "", step->path);
    ask(imds, path, on_text);
}

static void on_token(struct http_request *request, CURLcode result)
{
    struct imds *imds = CONTAINER_OF(request, struct imds, request);
    char header[ANSWER_BYTES + 64];
    if (!has_text(imds, result)) {
        fail(imds, result);
        return;
    }
    request->body[strcspn(request->body, "\r\n")] = '\0';
    snprintf(header, sizeof(header), "X-aws-ec2-metadata-token: %s", request->body);
    curl_slist_free_all(imds->headers);
    imds->headers = curl_slist_append(NULL, header);
    curl_easy_setopt(request->easy, CURLOPT_CUSTOMREQUEST, NULL);
    take_step(imds);
}

static struct imds *start(struct http *http, const char *url, const struct step *steps,
    size_t step_count, void (*done)(struct imds *imds, const struct err *err))
{
    struct imds *imds = calloc(1, sizeof(*imds));
    CURL *easy = curl_easy_init();
    if (imds == NULL || easy == NULL)
        abort();
    imds->http = http;
    imds->steps = steps;
    imds->step_count = step_count;
    imds->done = done;
    imds->request.easy = easy;
    imds->request.body_limit = ANSWER_BYTES;
    snprintf(imds->url, sizeof(imds->url), "%s", url != NULL ? url : "http://169.254.169.254");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)STEP_MS);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PUT");
    imds->headers = curl_slist_append(NULL, "X-aws-ec2-metadata-token-ttl-seconds: 60");
    ask(imds, "/latest/api/token", on_token);
    return imds;
}

void imds_free(struct imds *imds)
{
    if (imds == NULL)
        return;
    http_cancel(imds->http, &imds->request);
    http_request_done(&imds->request);
    curl_easy_cleanup(imds->request.easy);
    curl_slist_free_all(imds->headers);
    free(imds->mac);
    imds_facts_done(&imds->facts);
    free(imds);
}

// ---- the proxy's question -----------------------------------------------------------------------

static void tell_vpc(struct imds *imds, const struct err *err)
{
    imds->fn(imds->arg, err == NULL ? imds->facts.vpc_id : NULL, err);
}

struct imds *imds_start(struct http *http, const char *url, imds_fn fn, void *arg)
{
    struct imds *imds = start(http, url, vpc_steps, ARRAY_LEN(vpc_steps), tell_vpc);
    imds->fn = fn;
    imds->arg = arg;
    return imds;
}

// ---- a command's --------------------------------------------------------------------------------

void imds_facts_done(struct imds_facts *facts)
{
    free(facts->instance_id);
    free(facts->region);
    free(facts->vpc_id);
    free(facts->subnet_id);
    free(facts->address);
    option_list_free(&facts->security_group_ids);
    *facts = (struct imds_facts){ 0 };
}

static void end_look(struct imds *imds, const struct err *err)
{
    imds->seen = err == NULL;
    if (err != NULL && imds->err != NULL)
        *imds->err = *err;
    loop_stop(imds->loop);
}

static void on_deadline(struct timer *timer)
{
    struct imds *imds = CONTAINER_OF(timer, struct imds, deadline);
    err_set(imds->err, ERR_AWS, "the instance metadata service does not answer in time");
    loop_stop(imds->loop);
}

static bool look(struct loop *loop, struct http *http, const char *url, uint64_t timeout_ms,
    struct imds_facts *out, struct err *err)
{
    struct imds *imds = start(http, url, all_steps, ARRAY_LEN(all_steps), end_look);
    imds->loop = loop;
    imds->err = err;
    timer_init(&imds->deadline, loop, on_deadline);
    timer_start(&imds->deadline, timeout_ms);
    loop_run(loop);
    timer_stop(&imds->deadline);
    bool seen = imds->seen;
    if (seen) {
        *out = imds->facts;
        imds->facts = (struct imds_facts){ 0 };
    }
    imds_free(imds);
    return seen;
}

bool imds_look(const char *url, uint64_t timeout_ms, struct imds_facts *out, struct err *err)
{
    *out = (struct imds_facts){ 0 };
    struct loop *loop = loop_new("imds", err);
    struct http *http = loop != NULL ? http_new(loop, err) : NULL;
    bool seen = http != NULL && look(loop, http, url, timeout_ms, out, err);
    http_free(http);
    if (loop != NULL)
        loop_free(loop);
    return seen;
}
