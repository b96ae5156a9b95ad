// SPDX-License-Identifier: Apache-2.0
//
// One easy handle is kept for all requests, because libcurl remembers the digest nonce in it: only
// the first request pays for the challenge (RFC 7616 section 3.3). A server that forgot the nonce
// and does not say stale=true gets one more try with a new handle. Opened by session.c for the
// poller and for commands, runs on http.c.
#include "control/api.h"

#include "base/clock.h"
#include "base/cursor.h"
#include "base/err.h"
#include "base/net.h"
#include "control/http.h"
#include "control/keys.h"
#include "control/model_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { ANSWER_LIMIT = 8 << 20, PAUSE_LIMIT_S = 600 };
#define VERSION_PATH "/v1beta1"

struct api {
    struct http *http;
    struct http_request request;
    char *url; // scheme and authority, without a slash at the end
    char *ca;
    char *public_key, *private_key;
    long timeout_ms;
    bool is_loopback;
    struct curl_slist *headers; // of a request with a body
    struct api_line line;
    const char *method; // of the running request
    char *path;
    char *body;        // NULL: none
    bool nonce_is_old; // the handle's nonce has served an earlier request
    unsigned spent;    // requests of the first try, when this is the second
    api_fn fn;
    void *arg;
};

// ---- setting up -------------------------------------------------------------------------------

static bool host_is_loopback(const char *host)
{
    struct addr addr;
    char bare[64];
    size_t len = strlen(host);
    if (strcmp(host, "localhost") == 0)
        return true;
    bool bracketed = len > 2 && host[0] == '[' && len - 2 < sizeof(bare);
    if (bracketed)
        snprintf(bare, sizeof(bare), "%.*s", (int)(len - 2), host + 1);
    return addr_from_ip(bracketed ? bare : host, 0, &addr) && addr_is_loopback(&addr);
}

// What is wrong with a URL whose parts are known; NULL: nothing.
static const char *url_fault(
    const char *scheme, const char *path, const char *user, const char *query, bool is_loopback)
{
    if (strcmp(scheme, "https") != 0 && (strcmp(scheme, "http") != 0 || !is_loopback))
        return "must begin with https:// (http:// is for loopback addresses only)";
    if (user != NULL)
        return "must not hold a user or password; keys have options of their own";
    if (query != NULL || (strcmp(path, "/") != 0 && strcmp(path, VERSION_PATH) != 0))
        return "must end behind the host and port";
    return NULL;
}

static char *url_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    curl_url_get(url, part, &text, 0);
    return text;
}

static bool read_url(struct api *api, const char *text, struct err *err)
{
    CURLU *url = curl_url();
    const char *fault = "is not a URL";
    if (url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK) {
        char *scheme = url_part(url, CURLUPART_SCHEME);
        char *host = url_part(url, CURLUPART_HOST);
        char *path = url_part(url, CURLUPART_PATH);
        char *user = url_part(url, CURLUPART_USER);
        char *query = url_part(url, CURLUPART_QUERY);
        api->is_loopback = host != NULL && host_is_loopback(host);
        fault = url_fault(scheme, path, user, query, api->is_loopback);
        curl_url_set(url, CURLUPART_PATH, NULL, 0);
        api->url = url_part(url, CURLUPART_URL);
        curl_free(scheme);
        curl_free(host);
        curl_free(path);
        curl_free(user);
        curl_free(query);
    }
    curl_url_cleanup(url);
    if (fault != NULL || api->url == NULL)
        return err_set(err, ERR_OPTION,
            "api-url %s; expected something like https://dedicated.tidbapi.com",
            fault != NULL ? fault : "is not usable");
    size_t len = strlen(api->url);
    if (len > 0 && api->url[len - 1] == '/')
        api->url[len - 1] = '\0';
    return true;
}

static char *copy(const char *text)
{
    char *same = text == NULL ? NULL : strdup(text);
    if (text != NULL && same == NULL)
        abort();
    return same;
}

// A handle without a nonce. Its connections stay: they belong to the multi handle.
static void renew_handle(struct api *api)
{
    curl_easy_cleanup(api->request.easy);
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        abort();
    api->request.easy = easy;
    api->nonce_is_old = false;
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, api->is_loopback ? "http,https" : "https");
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_DIGEST);
    curl_easy_setopt(easy, CURLOPT_USERNAME, api->public_key);
    curl_easy_setopt(easy, CURLOPT_PASSWORD, api->private_key);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, api->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, api->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "tidblink/" TIDBLINK_VERSION);
    if (api->ca != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, api->ca);
    if (api->is_loopback)
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
}

struct api *api_new(struct http *http, const struct api_options *options, struct err *err)
{
    struct api *api = calloc(1, sizeof(*api));
    if (api == NULL) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    api->http = http;
    if (!read_url(api, options->url, err)) {
        api_free(api);
        return NULL;
    }
    if (options->ca != NULL && access(options->ca, R_OK) != 0) {
        err_sys(err, ERR_OPTION, errno, "api-ca: cannot read %s", options->ca);
        api_free(api);
        return NULL;
    }
    api->ca = copy(options->ca);
    api->public_key = keys_keep(options->keys->public_key);
    api->private_key = keys_keep(options->keys->private_key);
    api->timeout_ms = (long)options->timeout_ms;
    api->line.quota = (struct api_quota){ -1, -1, -1, -1 };
    api->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (api->headers == NULL)
        abort();
    api->request.body_limit = options->answer_limit != 0 ? options->answer_limit : ANSWER_LIMIT;
    renew_handle(api);
    return api;
}

void api_free(struct api *api)
{
    if (api == NULL)
        return;
    api_cancel(api);
    curl_easy_cleanup(api->request.easy);
    http_request_done(&api->request);
    curl_slist_free_all(api->headers);
    struct keys keys = { api->public_key, api->private_key };
    keys_wipe(&keys);
    curl_free(api->url);
    free(api->ca);
    free(api->path);
    free(api->body);
    free(api);
}

// ---- the answer -------------------------------------------------------------------------------

// A header of the last answer as a number; -1: not there, or something else (an HTTP date).
static int64_t header_number(CURL *easy, const char *name)
{
    struct curl_header *header;
    uint64_t number;
    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK ||
        !parse_uint(header->value, 0, INT32_MAX, &number))
        return -1;
    return (int64_t)number;
}

// A pause in seconds. A time of day (some servers give the reset as seconds since 1970) or one that
// would stop the polling for good counts as nothing said.
static int64_t header_pause(CURL *easy, const char *name)
{
    int64_t pause_s = header_number(easy, name);
    return pause_s <= PAUSE_LIMIT_S ? pause_s : -1;
}

static int64_t first_known(int64_t a, int64_t b)
{
    return a >= 0 ? a : b;
}

static struct api_quota read_quota(CURL *easy)
{
    return (struct api_quota){
        .limit = first_known(header_number(easy, "X-Ratelimit-Limit-Minute"),
            header_number(easy, "X-Ratelimit-Limit")),
        .remaining = first_known(header_number(easy, "X-Ratelimit-Remaining-Minute"),
            header_number(easy, "X-Ratelimit-Remaining")),
        .reset_s = header_pause(easy, "X-Ratelimit-Reset"),
        .retry_after_s = header_pause(easy, "Retry-After"),
    };
}

// Whose clock is wrong can be told from any answer, and best from a refusal.
static void note_clock(struct api *api)
{
    struct curl_header *date;
    if (curl_easy_header(api->request.easy, "Date", 0, CURLH_HEADER, -1, &date) != CURLHE_OK)
        return;
    time_t server_clock = curl_getdate(date->value, NULL);
    if (server_clock == -1)
        return;
    api->line.server_clock = server_clock;
    api->line.own_clock = clock_wall_s();
}

static void note_cost(struct api *api, const struct api_answer *answer)
{
    const struct api_quota *quota = &answer->quota;
    api->line.requests += answer->requests;
    if (quota->limit >= 0 || quota->remaining >= 0)
        api->line.quota = *quota;
}

static bool is_trust(CURLcode result)
{
    return result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE;
}

static void explain_failure(const struct api *api, CURLcode result, struct err *err)
{
    const struct http_request *request = &api->request;
    const char *words = request->error[0] != '\0' ? request->error : curl_easy_strerror(result);
    if (result == CURLE_OPERATION_TIMEDOUT)
        err_set(err, ERR_API_UNREACHABLE, "no answer from %s within %ld ms (%.160s)", api->url,
            api->timeout_ms, words);
    else if (is_trust(result))
        err_set(err, ERR_API_UNREACHABLE,
            "the certificate of %s is not trusted (%.160s); for a CA of your own set api-ca",
            api->url, words);
    else if (request->body_too_large)
        err_set(err, ERR_API_ANSWER, "the answer of %s is larger than %zu bytes", api->url,
            request->body_limit);
    else
        err_set(err, ERR_API_UNREACHABLE, "no answer from %s: %.200s", api->url, words);
}

static enum err_code status_code(long status)
{
    if (status == 401)
        return ERR_API_KEY;
    if (status == 403)
        return ERR_API_FORBIDDEN;
    if (status == 404)
        return ERR_API_NOT_FOUND;
    if (status == 409)
        return ERR_API_CONFLICT;
    if (status == 429)
        return ERR_API_RATE;
    return status >= 500 ? ERR_API_UNREACHABLE : ERR_API_ANSWER;
}

static const char *status_words(long status)
{
    if (status == 401)
        return "the API key is not accepted";
    if (status == 403)
        return "the API key has no right to this";
    if (status == 404)
        return "not found";
    if (status == 409)
        return "it exists already, or its state does not allow this";
    if (status == 429)
        return "too many requests with this key";
    if (status >= 500)
        return "the server failed";
    return status >= 300 && status < 400 ? "a redirect, which is not followed"
                                         : "the request was not accepted";
}

// Source: docs.pingcap.com/tidbcloud/set-up-private-endpoint-connections. The API only says "no".
static const char *role_needed(const struct api *api, long status)
{
    bool changes_endpoints =
        strcmp(api->method, "GET") != 0 && strstr(api->path, "/privateEndpointConnections") != NULL;
    return status == 403 && changes_endpoints
               ? "; only Organization Owner and Project Owner may create private endpoints"
               : "";
}

static void explain_status(const struct api *api, long status, struct err *err)
{
    char *message = model_json_error(api->request.body, api->request.body_len);
    const char *words = message != NULL && message[0] != '\0' ? message : status_words(status);
    int path_len = (int)strcspn(api->path, "?");
    err_set(err, status_code(status), "%s %s%s%.*s: %ld, %.200s%s", api->method, api->url,
        VERSION_PATH, path_len, api->path, status, words, role_needed(api, status));
    free(message);
}

// Something on the way (a captive portal, a proxy) may answer 200 with a page of its own. A type
// that is missing is no contradiction, nor is that of nothing (an answer to DELETE).
static bool explain_type(const struct api *api, struct err *err)
{
    static const char json[] = "application/json";
    const char *type = NULL;
    bool is_nothing = strcmp(api->method, "DELETE") == 0 && api->request.body_len == 0;
    curl_easy_getinfo(api->request.easy, CURLINFO_CONTENT_TYPE, &type);
    if (type == NULL || is_nothing || strncasecmp(type, json, sizeof(json) - 1) == 0)
        return false;
    err_set(err, ERR_API_ANSWER, "the answer of %s is %.60s, not %s; does a proxy answer for it?",
        api->url, type, json);
    return true;
}

static void send_request(struct api *api);

static void on_answer(struct http_request *request, CURLcode result)
{
    struct api *api = CONTAINER_OF(request, struct api, request);
    long status = 0;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    bool with_old_nonce = api->nonce_is_old && request->answers == 1;
    bool has_status = result == CURLE_OK || request->body_too_large;
    struct api_answer answer = {
        .status = has_status ? status : 0,
        .body = request->body != NULL ? request->body : "",
        .len = request->body_len,
        .requests = api->spent + (request->answers > 0 ? request->answers : 1),
        .quota = read_quota(request->easy),
    };
    note_clock(api); // before the handle goes, and with it the headers
    if (answer.status == 401)
        renew_handle(api);
    if (answer.status == 401 && with_old_nonce) {
        api->spent = 1;
        send_request(api);
        return;
    }
    struct err err;
    note_cost(api, &answer);
    bool failed = result != CURLE_OK || status != 200 || explain_type(api, &err);
    if (has_status && status != 200)
        explain_status(api, status, &err);
    else if (result != CURLE_OK)
        explain_failure(api, result, &err);
    else
        api->nonce_is_old = true;
    answer.may_pass = failed && err.code == ERR_API_UNREACHABLE && !is_trust(result);
    api->fn(api->arg, &answer, failed ? &err : NULL);
}

// The handle remembers the last request, so each says everything about itself.
static void prepare_method(struct api *api)
{
    CURL *easy = api->request.easy;
    bool posts = strcmp(api->method, "POST") == 0;
    bool gets = strcmp(api->method, "GET") == 0;
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, posts || gets ? NULL : api->method);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, posts ? api->headers : NULL);
    if (!posts)
        return;
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, -1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, api->body != NULL ? api->body : "");
}

static void send_request(struct api *api)
{
    char url[4096];
    snprintf(url, sizeof(url), "%s%s%s", api->url, VERSION_PATH, api->path);
    curl_easy_setopt(api->request.easy, CURLOPT_URL, url);
    prepare_method(api);
    api->request.fn = on_answer;
    http_start(api->http, &api->request);
}

void api_send(
    struct api *api, const char *method, const char *path, const char *body, api_fn fn, void *arg)
{
    free(api->path);
    free(api->body);
    api->method = method;
    api->path = copy(path);
    api->body = copy(body);
    api->fn = fn;
    api->arg = arg;
    api->spent = 0;
    send_request(api);
}

void api_get(struct api *api, const char *path, api_fn fn, void *arg)
{
    api_send(api, "GET", path, NULL, fn, arg);
}

struct api_line api_line(const struct api *api)
{
    return api->line;
}

void api_cancel(struct api *api)
{
    http_cancel(api->http, &api->request);
}

void api_renew(struct api *api)
{
    api_cancel(api);
    http_renew(api->http);
}
