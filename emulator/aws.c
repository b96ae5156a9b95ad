// SPDX-License-Identifier: Apache-2.0
//
// The port that stands for AWS: reads which API and action a request is for and hands it to ec2.c
// or route53.c, by way of call.c. main.c starts this. The loop's thread only.
#include "emulator/aws.h"

#include "base/err.h"
#include "emulator/call.h"
#include "emulator/ec2.h"
#include "emulator/http.h"
#include "emulator/route53.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct aws {
    struct world *world; // not ours
    struct http *http;
    struct calls ec2, route53;
};

// The form of a request; empty if it is none.
static void read_form(struct evhttp_request *request, struct evkeyvalq *out)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    size_t len = evbuffer_get_length(body);
    char *text = calloc(1, len + 1);
    if (!text)
        abort();
    evbuffer_copyout(body, text, len);
    TAILQ_INIT(out);
    if (len > 0 && evhttp_parse_query_str(text, out) < 0)
        evhttp_clear_headers(out);
    free(text);
}

static void on_ec2_call(struct call *call, void *arg)
{
    struct aws *aws = arg;
    struct evkeyvalq form;
    read_form(call->request, &form);
    ec2_answer(call, aws->world, &form);
    evhttp_clear_headers(&form);
}

static void on_route53_call(struct call *call, void *arg)
{
    struct aws *aws = arg;
    route53_answer(call, aws->world);
}

static void on_request(struct evhttp_request *request, void *arg)
{
    struct aws *aws = arg;
    char subject[160];
    const char *uri = evhttp_request_get_uri(request);
    if (strncmp(uri, ROUTE53_PREFIX, strlen(ROUTE53_PREFIX)) == 0) {
        const char *action = route53_action(request);
        snprintf(subject, sizeof(subject), "aws %s", action);
        calls_take(&aws->route53, request, subject, action);
        return;
    }
    struct evkeyvalq form;
    read_form(request, &form);
    snprintf(subject, sizeof(subject), "aws %s", ec2_action(&form));
    calls_take(&aws->ec2, request, subject, ec2_action(&form));
    evhttp_clear_headers(&form);
}

struct aws *aws_new(struct loop *loop, struct addr *addr, struct world *world,
    struct journal *journal, struct err *err)
{
    struct aws *aws = calloc(1, sizeof(*aws));
    if (!aws)
        abort();
    aws->world = world;
    aws->ec2 = (struct calls){ .loop = loop,
        .world = world,
        .journal = journal,
        .service = "ec2",
        .content_type = "text/xml;charset=UTF-8",
        .answer = on_ec2_call,
        .refuse = ec2_refuse,
        .arg = aws };
    aws->route53 = (struct calls){ .loop = loop,
        .world = world,
        .journal = journal,
        .service = "route53",
        .content_type = "text/xml",
        .answer = on_route53_call,
        .refuse = route53_refuse,
        .arg = aws };
    calls_init(&aws->ec2);
    calls_init(&aws->route53);
    aws->http = http_new(loop, addr, NULL, on_request, aws, err);
    if (aws->http)
        return aws;
    aws_free(aws);
    return NULL;
}

void aws_free(struct aws *aws)
{
    if (!aws)
        return;
    calls_done(&aws->ec2);
    calls_done(&aws->route53);
    http_free(aws->http);
    free(aws);
}
