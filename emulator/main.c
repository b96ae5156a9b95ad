// SPDX-License-Identifier: Apache-2.0
//
// tidblink-emulator: reads the command line and the scenario, starts TiDB Cloud's APIs, AWS's, the
// DNS servers, the wires and the control port on one loop, says where they are, and runs until
// SIGTERM or SIGINT.
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/net.h"
#include "base/options.h"
#include "base/os.h"
#include "emulator/api.h"
#include "emulator/aws.h"
#include "emulator/control_port.h"
#include "emulator/dns.h"
#include "emulator/imds.h"
#include "emulator/journal.h"
#include "emulator/link.h"
#include "emulator/scenario.h"
#include "emulator/tls.h"
#include "emulator/wires.h"
#include "emulator/world.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    char *scenario;
    char *api_listen, *dns_listen, *control_listen;
    char *aws_listen, *metadata_listen, *public_dns_listen, *serverless_listen;
    char *tls_cert, *tls_key; // both or none
    char *ca_out;
    char *ready_file;
    int log_level;
};

static const char *const levels[] = { "error", "warn", "info", "debug", "trace", NULL };

#define AT(member) offsetof(struct settings, member)
// clang-format off
static const struct option_row rows[] = {
    { "scenario", OPTION_TEXT, AT(scenario), .unit = "FILE", .help = "the cloud to emulate (emulator/README.md describes the format)" },
    { "api-listen", OPTION_TEXT, AT(api_listen), "127.0.0.1:0", .unit = "ADDR", .help = "where the control API is served (HTTPS)" },
    { "dns-listen", OPTION_TEXT, AT(dns_listen), "127.0.0.1:0", .unit = "ADDR", .help = "where the private DNS is served (UDP)" },
    { "control-listen", OPTION_TEXT, AT(control_listen), "127.0.0.1:0", .unit = "ADDR", .help = "where the control port is served (HTTP, loopback only)" },
    { "aws-listen", OPTION_TEXT, AT(aws_listen), "127.0.0.1:0", .unit = "ADDR", .help = "where EC2 and Route 53 are served (HTTP)" },
    { "metadata-listen", OPTION_TEXT, AT(metadata_listen), "127.0.0.1:0", .unit = "ADDR", .help = "where the instance metadata service is served (HTTP)" },
    { "public-dns-listen", OPTION_TEXT, AT(public_dns_listen), "127.0.0.1:0", .unit = "ADDR", .help = "where a DNS outside of the VPC is served (UDP)" },
    { "serverless-listen", OPTION_TEXT, AT(serverless_listen), "127.0.0.1:0", .unit = "ADDR", .help = "where the API of Starter and Essential is served (HTTPS)" },
    { "tls-cert", OPTION_TEXT, AT(tls_cert), .unit = "PATH", .help = "certificate chain of the API in PEM; without it one is made" },
    { "tls-key", OPTION_TEXT, AT(tls_key), .unit = "PATH", .help = "private key that goes with --tls-cert" },
    { "ca-out", OPTION_TEXT, AT(ca_out), .unit = "PATH", .help = "where to write the CA of the certificate that is made, for clients to trust" },
    { "ready-file", OPTION_TEXT, AT(ready_file), .unit = "PATH", .help = "where to write, once everything answers, the JSON line that is printed as well" },
    { "log-level", OPTION_CHOICE, AT(log_level), "info", .choices = levels, .help = "how much to say on standard error" },
};
// clang-format on
static const struct option_table table = { rows, ARRAY_LEN(rows) };

struct program {
    struct settings settings;
    struct loop *loop;
    struct world *world;
    struct journal journal;
    SSL_CTX *tls;
    struct addr api_addr, dns_addr, control_addr;
    struct addr aws_addr, metadata_addr, public_dns_addr, serverless_addr;
    struct link *link;
    struct wires *wires;
    struct api *api, *serverless;
    struct dns *dns, *public_dns;
    struct aws *aws;
    struct imds *imds;
    struct control_port *control_port;
    struct event *signals[2];
};

// ---- the command line ---------------------------------------------------------------------------

static void print_help(void)
{
    printf(
        "Usage: tidblink-emulator --scenario FILE [options]\n\n"
        "Stands in for TiDB Cloud Dedicated and for AWS: the control API, EC2 and Route 53, the\n"
        "instance metadata service, the DNS of a VPC and its private endpoints.\n"
        "The first line on standard output is JSON and says where they are:\n"
        "  {\"api_url\": …, \"dns\": …, \"control\": …, \"ca\": …, \"aws\": …, \"metadata\": …,\n"
        "   \"public_dns\": …, \"serverless_api_url\": …}\n"
        "Everything can be changed and broken through the control port while it runs.\n\n"
        "Options:\n");
    option_help(&table, stdout);
}

static bool take_option(
    struct settings *settings, const char *arg, const char *next, int *out_used, struct err *err)
{
    char name[32], origin[40];
    const char *equals = strchr(arg, '=');
    size_t len = equals ? (size_t)(equals - arg) : strlen(arg);
    const struct option_row *row = NULL;
    if (strncmp(arg, "--", 2) == 0 && len - 2 < sizeof(name)) {
        snprintf(name, sizeof(name), "%.*s", (int)(len - 2), arg + 2);
        row = option_find(&table, name);
    }
    if (!row)
        return err_set(err, ERR_USAGE, "unknown argument %.60s; see --help", arg);
    snprintf(origin, sizeof(origin), "--%s", row->name);
    *out_used = equals ? 1 : 2;
    if (!equals && !next)
        return err_set(err, ERR_USAGE, "%s needs a value", origin);
    return option_assign(row, settings, equals ? equals + 1 : next, origin, err);
}

static bool check(const struct settings *settings, struct err *err)
{
    if (!settings->scenario)
        return err_set(err, ERR_USAGE, "--scenario FILE is required; see --help");
    if (!settings->tls_cert != !settings->tls_key)
        return err_set(err, ERR_USAGE, "--tls-cert and --tls-key go together");
    if (settings->tls_cert && settings->ca_out)
        return err_set(err, ERR_USAGE, "--ca-out goes without --tls-cert: no CA is made then");
    return true;
}

static bool read_arguments(struct settings *settings, int argc, char **argv, struct err *err)
{
    if (!option_defaults(&table, settings, err))
        return false;
    int used = 1;
    for (int i = 1; i < argc; i += used) {
        if (!take_option(settings, argv[i], argv[i + 1], &used, err))
            return false;
    }
    return check(settings, err);
}

// ---- start --------------------------------------------------------------------------------------

static bool parse_addr(const char *text, const char *option, struct addr *out, struct err *err)
{
    if (!addr_parse(text, out, err))
        return err_prefix(err, "%s", option);
    if (out->any.sa_family == AF_UNIX)
        return err_set(err, ERR_USAGE, "%s: expected an IP address and port", option);
    return true;
}

static bool parse_addrs(struct program *program, struct err *err)
{
    const struct settings *settings = &program->settings;
    const struct {
        const char *text, *option;
        struct addr *out;
    } listens[] = { { settings->api_listen, "--api-listen", &program->api_addr },
        { settings->dns_listen, "--dns-listen", &program->dns_addr },
        { settings->control_listen, "--control-listen", &program->control_addr },
        { settings->aws_listen, "--aws-listen", &program->aws_addr },
        { settings->metadata_listen, "--metadata-listen", &program->metadata_addr },
        { settings->public_dns_listen, "--public-dns-listen", &program->public_dns_addr },
        { settings->serverless_listen, "--serverless-listen", &program->serverless_addr } };
    for (size_t i = 0; i < ARRAY_LEN(listens); i++) {
        if (!parse_addr(listens[i].text, listens[i].option, listens[i].out, err))
            return false;
    }
    if (!addr_is_loopback(&program->control_addr))
        return err_set(err, ERR_USAGE, "--control-listen: expected a loopback address, found %s",
            settings->control_listen);
    return true;
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    struct program *program = arg;
    (void)number;
    (void)what;
    loop_stop(program->loop);
}

static bool watch_signals(struct program *program, struct err *err)
{
    static const int numbers[] = { SIGTERM, SIGINT };
    sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        struct event *event =
            evsignal_new(loop_base(program->loop), numbers[i], on_signal, program);
        program->signals[i] = event;
        if (!event || evsignal_add(event, NULL) < 0)
            return err_set(err, ERR_INTERNAL, "cannot watch signals");
    }
    return true;
}

static bool start_tidb_cloud(struct program *program, struct err *err)
{
    program->api = api_new(program->loop, &program->api_addr, program->tls, program->world,
        &program->journal, API_DEDICATED, err);
    if (!program->api)
        return false;
    program->serverless = api_new(program->loop, &program->serverless_addr, program->tls,
        program->world, &program->journal, API_SERVERLESS, err);
    return program->serverless != NULL;
}

static bool start_aws(struct program *program, struct err *err)
{
    struct loop *loop = program->loop;
    struct world *world = program->world;
    struct journal *journal = &program->journal;
    program->aws = aws_new(loop, &program->aws_addr, world, journal, err);
    if (!program->aws)
        return false;
    program->imds = imds_new(loop, &program->metadata_addr, world, journal, err);
    if (!program->imds)
        return false;
    program->dns = dns_new(loop, &program->dns_addr, world, journal, false, err);
    if (!program->dns)
        return false;
    program->public_dns = dns_new(loop, &program->public_dns_addr, world, journal, true, err);
    return program->public_dns != NULL;
}

static bool start(struct program *program, struct err *err)
{
    const struct settings *settings = &program->settings;
    journal_init(&program->journal);
    program->loop = loop_new("emulator", err);
    if (!program->loop || !parse_addrs(program, err) || !watch_signals(program, err))
        return false;
    program->world = world_new(program->loop);
    if (!scenario_load(program->world, settings->scenario, err))
        return false;
    program->link = link_new(program->world);
    program->tls = settings->tls_cert ? tls_from_files(settings->tls_cert, settings->tls_key, err)
                                      : tls_made(settings->ca_out, err);
    if (!program->tls || !start_tidb_cloud(program, err) || !start_aws(program, err))
        return false;
    program->wires = wires_new(program->loop, program->world);
    program->control_port = control_port_new(
        program->loop, &program->control_addr, program->world, &program->journal, err);
    return program->control_port != NULL;
}

// ---- saying where things are --------------------------------------------------------------------

static void say_where(cJSON *ready, const char *name, const char *scheme, const struct addr *addr)
{
    char text[ADDR_TEXT_BYTES], url[ADDR_TEXT_BYTES + 16];
    snprintf(url, sizeof(url), "%s%s", scheme, addr_format(addr, text));
    cJSON_AddStringToObject(ready, name, url);
}

static char *ready_line(const struct program *program)
{
    cJSON *ready = cJSON_CreateObject();
    say_where(ready, "api_url", "https://", &program->api_addr);
    say_where(ready, "dns", "", &program->dns_addr);
    say_where(ready, "control", "http://", &program->control_addr);
    if (program->settings.ca_out)
        cJSON_AddStringToObject(ready, "ca", program->settings.ca_out);
    else
        cJSON_AddNullToObject(ready, "ca");
    say_where(ready, "aws", "http://", &program->aws_addr);
    say_where(ready, "metadata", "http://", &program->metadata_addr);
    say_where(ready, "public_dns", "", &program->public_dns_addr);
    say_where(ready, "serverless_api_url", "https://", &program->serverless_addr);
    char *line = cJSON_PrintUnformatted(ready);
    cJSON_Delete(ready);
    return line;
}

// By rename: whoever sees the file sees it whole.
static bool write_ready_file(const char *path, const char *line, struct err *err)
{
    char part[4096];
    if ((size_t)snprintf(part, sizeof(part), "%s.part", path) >= sizeof(part))
        return err_set(err, ERR_FILE, "the path of --ready-file is too long");
    FILE *file = os_fopen(part, "w");
    bool written = file && fprintf(file, "%s\n", line) > 0;
    if (file && fclose(file) != 0)
        written = false;
    if (!written || rename(part, path) != 0)
        return err_sys(err, ERR_FILE, errno, "cannot write %s", path);
    return true;
}

static bool announce(const struct program *program, struct err *err)
{
    char *line = ready_line(program);
    bool told = printf("%s\n", line) > 0 && fflush(stdout) == 0;
    if (!told)
        err_sys(err, ERR_FILE, errno, "cannot write to standard output");
    else if (program->settings.ready_file)
        told = write_ready_file(program->settings.ready_file, line, err);
    cJSON_free(line);
    return told;
}

static void stop(struct program *program)
{
    control_port_free(program->control_port);
    wires_free(program->wires);
    dns_free(program->public_dns);
    dns_free(program->dns);
    imds_free(program->imds);
    aws_free(program->aws);
    api_free(program->serverless);
    api_free(program->api);
    link_free(program->link);
    SSL_CTX_free(program->tls);
    world_free(program->world);
    for (size_t i = 0; i < ARRAY_LEN(program->signals); i++) {
        if (program->signals[i])
            event_free(program->signals[i]);
    }
    loop_free(program->loop);
    journal_done(&program->journal);
    option_free(&table, &program->settings);
}

int main(int argc, char **argv)
{
    struct program program = { 0 };
    struct err err;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_help();
        return EXIT_DONE;
    }
    bool done = read_arguments(&program.settings, argc, argv, &err);
    if (done) {
        log_setup((enum log_level)program.settings.log_level, LOG_TEXT, 0);
        done = start(&program, &err) && announce(&program, &err);
    }
    if (done) {
        log_info("serving %s", program.settings.scenario);
        loop_run(program.loop);
    }
    stop(&program);
    if (done)
        return EXIT_DONE;
    fprintf(stderr, "tidblink-emulator: %s\n", err.text);
    return err_row(err.code)->exit_code;
}
