// SPDX-License-Identifier: Apache-2.0
//
// See aws_fixture.h. Paths and headers of the metadata service:
// docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html.
#include "aws_fixture.h"

#include "base/defs.h"
#include "base/loop.h"
#include "base/net.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// ---- the CLI ------------------------------------------------------------------------------------

static void write_file(const char *path, const char *text, unsigned mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

void fake_cli_init(struct fake_cli *cli)
{
    char wrapper[512];
    snprintf(cli->directory, sizeof(cli->directory), "/tmp/tidblink-test-XXXXXX");
    assert_non_null(mkdtemp(cli->directory));
    snprintf(cli->program, sizeof(cli->program), "%s/aws", cli->directory);
    snprintf(cli->script, sizeof(cli->script), "%s/script", cli->directory);
    snprintf(cli->calls, sizeof(cli->calls), "%s/calls", cli->directory);
    snprintf(
        wrapper, sizeof(wrapper), "#!/bin/sh\necho \"$*\" >> %s\n. %s\n", cli->calls, cli->script);
    write_file(cli->program, wrapper, 0700);
    fake_cli_does(cli, "");
}

void fake_cli_done(struct fake_cli *cli)
{
    unlink(cli->program);
    unlink(cli->script);
    unlink(cli->calls);
    rmdir(cli->directory);
}

void fake_cli_does(struct fake_cli *cli, const char *shell)
{
    write_file(cli->script, shell, 0600);
}

size_t fake_cli_count(struct fake_cli *cli)
{
    size_t count = 0;
    FILE *file = fopen(cli->calls, "r");
    cli->said[0] = '\0';
    while (file != NULL && fgets(cli->said, sizeof(cli->said), file) != NULL)
        count++;
    cli->said[strcspn(cli->said, "\n")] = '\0';
    if (file != NULL)
        fclose(file);
    return count;
}

const char *fake_cli_said(struct fake_cli *cli)
{
    (void)fake_cli_count(cli);
    return cli->said;
}

// ---- the metadata service -----------------------------------------------------------------------

#define META "/latest/meta-data/"
#define INTERFACE META "network/interfaces/macs/0e:49:61:0f:c3:11/"
static const char token_path[] = "/latest/api/token";
static const char token[] = "to/ken==";

static const char *const texts[][2] = {
    { META "instance-id", "i-1" },
    { META "mac", "0e:49:61:0f:c3:11" },
    { META "placement/region", "us-east-1" },
    { META "local-ipv4", "10.0.1.7" },
    { INTERFACE "vpc-id", "vpc-7" },
    { INTERFACE "subnet-id", "subnet-1\n" },
    { INTERFACE "security-group-ids", "sg-1\nsg-2\n" },
};

static const char *text_for(struct evhttp_request *request, const char *path)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *shown = evhttp_find_header(headers, "X-aws-ec2-metadata-token");
    if (strcmp(path, token_path) == 0) {
        bool asks = evhttp_request_get_command(request) == EVHTTP_REQ_PUT &&
                    evhttp_find_header(headers, "X-aws-ec2-metadata-token-ttl-seconds") != NULL;
        return asks ? token : NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (shown != NULL && strcmp(shown, token) == 0 && strcmp(path, texts[i][0]) == 0)
            return texts[i][1];
    return NULL;
}

static void on_metadata(struct evhttp_request *request, void *arg)
{
    struct fake_metadata *metadata = arg;
    const char *path = evhttp_request_get_uri(request);
    const char *text = text_for(request, path);
    int status = strcmp(path, token_path) == 0 ? metadata->token_status : 200;
    metadata->requests++;
    if (metadata->stop_when_asked)
        loop_stop(metadata->loop);
    if (metadata->silent != NULL && strstr(path, metadata->silent) != NULL)
        return;
    if (text == NULL || (metadata->missing != NULL && strstr(path, metadata->missing) != NULL))
        status = 404;
    struct evbuffer *out = evbuffer_new();
    evbuffer_add_printf(out, "%s", status == 200 ? text : "<html>404</html>");
    evhttp_send_reply(request, status, "Test", out);
    evbuffer_free(out);
}

void fake_metadata_start(struct fake_metadata *metadata, struct loop *loop)
{
    metadata->loop = loop;
    metadata->token_status = 200;
    metadata->http = evhttp_new(loop_base(loop));
    evhttp_set_allowed_methods(metadata->http, EVHTTP_REQ_GET | EVHTTP_REQ_PUT);
    evhttp_set_gencb(metadata->http, on_metadata, metadata);
    struct evhttp_bound_socket *bound =
        evhttp_bind_socket_with_handle(metadata->http, "127.0.0.1", 0);
    assert_non_null(bound);
    struct addr addr = { .len = sizeof(addr.in4) };
    getsockname(evhttp_bound_socket_get_fd(bound), &addr.any, &addr.len);
    snprintf(metadata->url, sizeof(metadata->url), "http://127.0.0.1:%u", addr_port(&addr));
}

void fake_metadata_stop(struct fake_metadata *metadata)
{
    evhttp_free(metadata->http);
}
