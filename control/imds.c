// SPDX-License-Identifier: Apache-2.0
//
// Three requests, one after the other: a session token, the MAC of the primary interface, its VPC.
// Off EC2 the address leads nowhere, so each has a short deadline. Used by aws.c.
#include "control/imds.h"

#include "base/err.h"
#include "control/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP_MS = 1000, ANSWER_BYTES = 1024 };

struct imds {
    struct http *http;
    struct http_request request;
    struct curl_slist *headers;
    char url[256];
    char mac[32];
    imds_fn fn;
    void *arg;
};

static void ask(struct imds *imds, const char *path, http_fn fn)
{
    char url[512];
    snprintf(url, sizeof(url), "%s%s", imds->url, path);
    curl_easy_setopt(imds->request.easy, CURLOPT_URL, url);
    curl_easy_setopt(imds->request.easy, CURLOPT_HTTPHEADER, imds->headers);
    imds->request.fn = fn;
    http_start(imds->http, &imds->request);
}

// The text of a good answer, NULL after telling of a bad one.
static const char *good_text(struct imds *imds, CURLcode result)
{
    long status = 0;
    struct err err;
    struct http_request *request = &imds->request;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result == CURLE_OK && status == 200 && request->body_len > 0) {
        request->body[strcspn(request->body, "\r\n/")] = '\0';
        return request->body;
    }
    if (result != CURLE_OK)
        err_set(&err, ERR_CHILD, "the instance metadata service does not answer: %s",
            curl_easy_strerror(result));
    else
        err_set(&err, ERR_CHILD, "the instance metadata service answers %ld", status);
    imds->fn(imds->arg, NULL, &err);
    return NULL;
}

static void on_vpc(struct http_request *request, CURLcode result)
{
    struct imds *imds = CONTAINER_OF(request, struct imds, request);
    const char *vpc_id = good_text(imds, result);
    if (vpc_id != NULL)
        imds->fn(imds->arg, vpc_id, NULL);
}

static void on_mac(struct http_request *request, CURLcode result)
{
    struct imds *imds = CONTAINER_OF(request, struct imds, request);
    const char *mac = good_text(imds, result);
    if (mac == NULL)
        return;
    char path[128];
    snprintf(imds->mac, sizeof(imds->mac), "%s", mac);
    snprintf(path, sizeof(path), "/latest/meta-data/network/interfaces/macs/%s/vpc-id", imds->mac);
    ask(imds, path, on_vpc);
}

static void on_token(struct http_request *request, CURLcode result)
{
    struct imds *imds = CONTAINER_OF(request, struct imds, request);
    const char *token = good_text(imds, result);
    if (token == NULL)
        return;
    char header[ANSWER_BYTES + 64];
    snprintf(header, sizeof(header), "X-aws-ec2-metadata-token: %s", token);
    curl_slist_free_all(imds->headers);
    imds->headers = curl_slist_append(NULL, header);
    curl_easy_setopt(request->easy, CURLOPT_CUSTOMREQUEST, NULL);
    ask(imds, "/latest/meta-data/mac", on_mac);
}

struct imds *imds_start(struct http *http, const char *url, imds_fn fn, void *arg)
{
    struct imds *imds = calloc(1, sizeof(*imds));
    CURL *easy = curl_easy_init();
    if (imds == NULL || easy == NULL)
        abort();
    imds->http = http;
    imds->fn = fn;
    imds->arg = arg;
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
    free(imds);
}
