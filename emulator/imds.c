// SPDX-License-Identifier: Apache-2.0
//
// A token by PUT, then one text per path
// (docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html): a table of paths
// and of what is there, from which the listings of folders follow. main.c starts this. The loop's
// thread only.
#include "emulator/imds.h"

#include "base/clock.h"
#include "base/cursor.h"
#include "base/err.h"
#include "base/os.h"
#include "emulator/call.h"
#include "emulator/http.h"
#include "emulator/vpc.h"
#include "emulator/world.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS_MAX = 64, TOKEN_BYTES = 40, TTL_MAX_S = 21600, PATH_BYTES = 256, VALUE_BYTES = 1024 };

struct imds {
    struct world *world; // not ours
    struct http *http;
    struct calls calls;
    struct {
        char text[TOKEN_BYTES];
        uint64_t until_ms;
    } tokens[TOKENS_MAX];
    unsigned next_token;
};

// ---- what there is ------------------------------------------------------------------------------

struct fact {
    const char *path;  // below /latest/meta-data/; "MAC" stands for the interface's address
    const char *owner; // a reference of the instance; NULL: the instance itself
    const char *field;
    const char *constant; // instead
};

#define MACS "network/interfaces/macs/MAC/"
static const struct fact facts[] = {
    { .path = "ami-id", .constant = "ami-00000000000000001" },
    { .path = "instance-id", .field = "id" },
    { .path = "instance-type", .constant = "m6i.large" },
    { .path = "local-ipv4", .field = "address" },
    { .path = "mac", .field = "MAC" },
    { .path = MACS "device-number", .constant = "0" },
    { .path = MACS "local-ipv4s", .field = "address" },
    { .path = MACS "mac", .field = "MAC" },
    { .path = MACS "owner-id", .constant = "123456789012" },
    { .path = MACS "security-group-ids", .field = "securityGroups" },
    { .path = MACS "subnet-id", .field = "subnet" },
    { .path = MACS "subnet-ipv4-cidr-block", .owner = "subnet", .field = "cidr" },
    { .path = MACS "vpc-id", .field = "vpc" },
    { .path = MACS "vpc-ipv4-cidr-block", .owner = "vpc", .field = "cidr" },
    { .path = MACS "vpc-ipv4-cidr-blocks", .owner = "vpc", .field = "cidr" },
    { .path = "placement/availability-zone", .owner = "subnet", .field = "zone" },
    { .path = "placement/availability-zone-id", .owner = "subnet", .field = "zoneId" },
    { .path = "placement/region", .field = "REGION" },
    { .path = "services/domain", .constant = "amazonaws.com" },
    { .path = "services/partition", .constant = "aws" },
};

static const char *region_of(const struct object *machine)
{
    const struct object *vpc = vpc_of(machine);
    const char *own = object_text(machine, "region");
    return *own || !vpc ? own : object_text(vpc, "region");
}

// Lists have a line for each item.
static void add_value(struct evbuffer *out, const struct object *machine, const struct fact *fact)
{
    char mac[VPC_MAC_BYTES];
    const struct object *object = fact->owner ? world_follow(machine, fact->owner) : machine;
    if (fact->constant) {
        evbuffer_add_printf(out, "%s", fact->constant);
    } else if (strcmp(fact->field, "MAC") == 0) {
        evbuffer_add_printf(out, "%s", vpc_mac(machine, mac));
    } else if (strcmp(fact->field, "REGION") == 0) {
        evbuffer_add_printf(out, "%s", region_of(machine));
    } else if (object && object_list(object, fact->field)) {
        for (const cJSON *item = object_list(object, fact->field); item; item = item->next)
            evbuffer_add_printf(out, "%s%s", item->valuestring, item->next ? "\n" : "");
    } else if (object) {
        evbuffer_add_printf(out, "%s", object_text(object, fact->field));
    }
}

// The fact's path with the address in it.
static const char *path_of(
    const struct object *machine, const struct fact *fact, char out[PATH_BYTES])
{
    char mac[VPC_MAC_BYTES];
    const char *at = strstr(fact->path, "MAC");
    if (at)
        snprintf(out, PATH_BYTES, "%.*s%s%s", (int)(at - fact->path), fact->path,
            vpc_mac(machine, mac), at + strlen("MAC"));
    else
        snprintf(out, PATH_BYTES, "%s", fact->path);
    return out;
}

// What is directly in a folder, "" or "placement/", one name a line; false if there is nothing.
static bool add_listing(struct evbuffer *out, const struct object *machine, const char *folder)
{
    char last[PATH_BYTES] = "", path[PATH_BYTES];
    size_t len = strlen(folder);
    for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
        if (strncmp(path_of(machine, &facts[i], path), folder, len) != 0)
            continue;
        const char *name = path + len;
        size_t name_len = strcspn(name, "/");
        name_len += name[name_len] == '/';
        if (strlen(last) == name_len && strncmp(last, name, name_len) == 0)
            continue;
        evbuffer_add_printf(out, "%s%.*s", *last ? "\n" : "", (int)name_len, name);
        snprintf(last, sizeof(last), "%.*s", (int)name_len, name);
    }
    return *last != '\0';
}

static bool add_metadata(struct evbuffer *out, const struct object *machine, const char *asked)
{
    char path[PATH_BYTES], folder[PATH_BYTES];
    size_t len = strlen(asked);
    bool has_slash = len > 0 && asked[len - 1] == '/';
    for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
        path_of(machine, &facts[i], path);
        if (strncmp(path, asked, len - has_slash) == 0 && path[len - has_slash] == '\0') {
            add_value(out, machine, &facts[i]);
            return true;
        }
    }
    snprintf(folder, sizeof(folder), "%s%s", asked, has_slash || len == 0 ? "" : "/");
    return add_listing(out, machine, folder);
}

// ---- tokens -------------------------------------------------------------------------------------

static const char *header(struct call *call, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(call->request), name);
}

static void issue(struct imds *imds, struct call *call)
{
    uint64_t ttl_s = 0, random[2] = { 0 };
    const char *text = header(call, "X-aws-ec2-metadata-token-ttl-seconds");
    if (!text || !parse_uint(text, 1, TTL_MAX_S, &ttl_s)) {
        call->status = 400;
        return;
    }
    if (header(call, "X-Forwarded-For")) { // a proxy, which must not hand it out
        call->status = 403;
        return;
    }
    if (!os_random(random, sizeof(random)))
        abort();
    unsigned slot = imds->next_token++ % TOKENS_MAX;
    snprintf(imds->tokens[slot].text, TOKEN_BYTES,
        "%016llx%016llx==", (unsigned long long)random[0], (unsigned long long)random[1]);
    imds->tokens[slot].until_ms = clock_ms() + ttl_s * 1000;
    evbuffer_add_printf(call->body, "%s", imds->tokens[slot].text);
    http_header(call->request, "X-aws-ec2-metadata-token-ttl-seconds", "%s", text);
}

static bool is_known(const struct imds *imds, const char *token)
{
    for (size_t i = 0; token && i < TOKENS_MAX; i++) {
        if (*token && strcmp(imds->tokens[i].text, token) == 0)
            return clock_ms() < imds->tokens[i].until_ms;
    }
    return false;
}

// ---- the way of a request -----------------------------------------------------------------------

static int answer_get(struct call *call, const struct object *machine, const char *path)
{
    static const char metadata[] = "/latest/meta-data";
    if (strncmp(path, metadata, strlen(metadata)) != 0)
        return 404;
    path += strlen(metadata);
    return add_metadata(call->body, machine, path + (*path == '/')) ? 200 : 404;
}

static void on_call(struct call *call, void *arg)
{
    struct imds *imds = arg;
    const struct object *machine = vpc_machine(imds->world);
    const char *method = http_method(call->request);
    const char *path = evhttp_request_get_uri(call->request);
    call->status = 200;
    if (!machine)
        call->status = 404;
    else if (strcmp(path, "/latest/api/token") == 0 && strcmp(method, "PUT") == 0)
        issue(imds, call);
    else if (strcmp(method, "GET") != 0)
        call->status = 405;
    else if (!is_known(imds, header(call, "X-aws-ec2-metadata-token")))
        call->status = 401;
    else
        call->status = answer_get(call, machine, path);
    if (call->status != 200)
        evbuffer_add_printf(call->body, "%d", call->status);
}

static void on_refusal(struct call *call, const char *code, const char *message)
{
    (void)code;
    evbuffer_add_printf(call->body, "%s", message);
}

static void on_request(struct evhttp_request *request, void *arg)
{
    struct imds *imds = arg;
    char subject[512];
    snprintf(subject, sizeof(subject), "imds %s", evhttp_request_get_uri(request));
    calls_take(&imds->calls, request, subject, NULL);
}

struct imds *imds_new(struct loop *loop, struct addr *addr, struct world *world,
    struct journal *journal, struct err *err)
{
    struct imds *imds = calloc(1, sizeof(*imds));
    if (!imds)
        abort();
    imds->world = world;
    imds->calls = (struct calls){ .loop = loop,
        .world = world,
        .journal = journal,
        .service = "imds",
        .content_type = "text/plain",
        .answer = on_call,
        .refuse = on_refusal,
        .arg = imds };
    calls_init(&imds->calls);
    imds->http = http_new(loop, addr, NULL, on_request, imds, err);
    if (imds->http)
        return imds;
    imds_free(imds);
    return NULL;
}

void imds_free(struct imds *imds)
{
    if (!imds)
        return;
    calls_done(&imds->calls);
    http_free(imds->http);
    free(imds);
}
