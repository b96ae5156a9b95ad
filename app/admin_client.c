// SPDX-License-Identifier: Apache-2.0
//
// HTTP over the admin's unix socket with libcurl. Used by the commands that ask a running
// proxy.
#include "app/admin_client.h"

#include "base/buf.h"
#include "base/err.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BYTES = 1024 };

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    (void)size; // always 1
    return buf_append(arg, bytes, count) ? count : 0;
}

static enum admin_result explain(CURLcode code, const char *socket, struct err *err)
{
    switch ((int)code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_GOT_NOTHING: // it ended while it was asked
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        if (access(socket, W_OK) < 0 && errno == EACCES) {
            err_sys(err, ERR_FILE, EACCES, "cannot ask the proxy on %s (be the user that runs it)",
                socket);
            return ADMIN_FAILED;
        }
        err_set(err, ERR_FILE, "no proxy answers on %s", socket);
        return ADMIN_ABSENT;
    case CURLE_OPERATION_TIMEDOUT:
        err_set(err, ERR_FILE, "the proxy on %s did not answer in time", socket);
        return ADMIN_TIMEOUT;
    case CURLE_WRITE_ERROR: // on_body took no more
        err_set(err, ERR_FILE, "the proxy on %s answered more than %d MiB", socket,
            ADMIN_ANSWER_BYTES >> 20);
        return ADMIN_FAILED;
    default:
        err_set(err, ERR_FILE, "%s: %s", socket, curl_easy_strerror(code));
        return ADMIN_FAILED;
    }
}

// NULL: out of memory, or no URL. An alias is free text, and is encoded.
static CURLU *make_url(const struct admin_question *question)
{
    char text[TEXT_BYTES];
    CURLU *url = curl_url();
    int len = snprintf(text, sizeof(text), "http://localhost%s", question->path);
    CURLUcode code =
        len < TEXT_BYTES ? curl_url_set(url, CURLUPART_URL, text, 0) : CURLUE_MALFORMED_INPUT;
    if (!code && question->cluster) {
        snprintf(text, sizeof(text), "cluster=%s", question->cluster);
        code = curl_url_set(url, CURLUPART_QUERY, text, CURLU_APPENDQUERY | CURLU_URLENCODE);
    }
    if (!code)
        return url;
    curl_url_cleanup(url);
    return NULL;
}

static CURLcode perform(CURL *curl, const struct admin_question *question, struct buf *body)
{
    const char *json = question->json ? question->json : "";
    CURLU *url = make_url(question);
    if (!url)
        return CURLE_URL_MALFORMAT;
    struct curl_slist *headers =
        *json ? curl_slist_append(NULL, "Content-Type: application/json") : NULL;
    // These fail only without memory or on an unknown option, and then curl_easy_perform does too.
    curl_easy_setopt(curl, CURLOPT_CURLU, url);
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, question->socket);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)question->timeout_ms);
    if (question->method == ADMIN_POST)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, json);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    curl_url_cleanup(url);
    return code;
}

enum admin_result admin_client_put(
    const struct admin_question *question, struct admin_answer *out, struct err *err)
{
    struct buf body;
    if (strcmp(question->socket, "off") == 0) {
        err_set(err, ERR_USAGE, "admin-socket is off, so no proxy can be asked: expected its path");
        return ADMIN_FAILED;
    }
    CURL *curl = curl_easy_init();
    if (!curl) {
        err_set(err, ERR_MEMORY, "out of memory");
        return ADMIN_FAILED;
    }
    buf_init(&body, ADMIN_ANSWER_BYTES);
    CURLcode code = perform(curl, question, &body);
    enum admin_result result = ADMIN_ANSWERED;
    if (code != CURLE_OK) {
        result = explain(code, question->socket, err);
    } else {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out->status);
        out->text = buf_take_text(&body);
        if (!out->text) {
            err_set(err, ERR_MEMORY, "out of memory");
            result = ADMIN_FAILED;
        }
    }
    buf_done(&body);
    curl_easy_cleanup(curl);
    return result;
}

enum admin_result admin_client_ask(enum admin_method method, const char *socket, const char *path,
    uint64_t timeout_ms, struct admin_answer *out, struct err *err)
{
    const struct admin_question question = {
        .method = method, .socket = socket, .path = path, .timeout_ms = timeout_ms
    };
    return admin_client_put(&question, out, err);
}
