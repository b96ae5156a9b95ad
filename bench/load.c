// SPDX-License-Identifier: Apache-2.0
//
// The load generator for the echo backend: one mode per run, one line of JSON as the result.
#include "bench/load.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static const char help[] =
    "usage: load MODE --port PORT [OPTION]...\n"
    "modes: ping     requests of 64 bytes, replies of --size (200), a closed loop\n"
    "       stream   replies, or uploads with --upload, of --size (64 MiB)\n"
    "       connect  connect, greeting, one ping, close; latency = connect() to the greeting\n"
    "       idle     open, one ping each, hold; goes on for every line on stdin\n"
    "--host ADDRESS --connections N --ms N --warmup-ms N --patience-ms N --size BYTES --upload\n"
    "--sources N --interval-us N --burst N --rounds N --cpu N\n"
    "--log-in: speak MySQL's protocol   --tls-ca PEM [--resume]: and TLS, with a log-in\n";

enum { QUERY_MAX = 16 << 20 }; // of one packet

static struct load load;

static enum mode mode_of(const char *name)
{
    static const char *const names[] = { "ping", "stream", "connect", "idle" };
    for (unsigned i = 0; name && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return (enum mode)i;
    usage(help);
}

static void read_option(struct load_options *options, int option, uint64_t value)
{
    switch (option) {
    case 'c':
        options->connections = (unsigned)value;
        break;
    case 's':
        options->seconds = (double)value / 1e3;
        break;
    case 'w':
        options->warmup = (double)value / 1e3;
        break;
    case 'e':
        options->patience = (double)value / 1e3;
        break;
    case 'b':
        options->size = value;
        break;
    case 'a':
        options->sources = (unsigned)value;
        break;
    case 'i':
        options->interval_us = value;
        break;
    case 'n':
        options->burst = (unsigned)value;
        break;
    case 'r':
        options->rounds = (unsigned)value;
        break;
    case 'k':
        options->cpu = (int)value;
        break;
    default:
        usage(help);
    }
}

static void read_options(struct load_options *options, int argc, char **argv)
{
    static const struct option known[] = {
        { "host", required_argument, NULL, 'h' },
        { "port", required_argument, NULL, 'p' },
        { "connections", required_argument, NULL, 'c' },
        { "ms", required_argument, NULL, 's' },
        { "warmup-ms", required_argument, NULL, 'w' },
        { "patience-ms", required_argument, NULL, 'e' },
        { "size", required_argument, NULL, 'b' },
        { "upload", no_argument, NULL, 'u' },
        { "sources", required_argument, NULL, 'a' },
        { "interval-us", required_argument, NULL, 'i' },
        { "burst", required_argument, NULL, 'n' },
        { "rounds", required_argument, NULL, 'r' },
        { "cpu", required_argument, NULL, 'k' },
        { "log-in", no_argument, NULL, 'l' },
        { "tls-ca", required_argument, NULL, 't' },
        { "resume", no_argument, NULL, 'm' },
        { 0 },
    };
    const char *host = "127.0.0.1", *ca = NULL;
    bool resumes = false;
    uint64_t port = 0;
    *options = (struct load_options){ .mode = mode_of(argv[1]),
        .connections = 1,
        .seconds = 2,
        .warmup = 0.3,
        .patience = 15,
        .burst = 1,
        .rounds = 1,
        .cpu = -1 };
    options->size = options->mode == MODE_STREAM ? 64 << 20 : 200;
    for (int option; (option = getopt_long(argc - 1, argv + 1, "", known, NULL)) != -1;) {
        if (option == 'h')
            host = optarg;
        else if (option == 'p')
            port = number(optarg);
        else if (option == 'u')
            options->upload = true;
        else if (option == 'l')
            options->logs_in = true;
        else if (option == 't')
            ca = optarg;
        else if (option == 'm')
            resumes = true;
        else
            read_option(options, option, option == '?' ? 0 : number(optarg));
    }
    if (port == 0 || options->connections == 0 || options->size == 0)
        usage(help);
    options->server = ipv4(host, port);
    if (ca) {
        options->logs_in = true;
        options->context = wire_client(ca, resumes);
    }
    if (options->logs_in && options->size > QUERY_MAX)
        usage("load: with a log-in, --size is at most 16 MiB\n");
}

int main(int argc, char **argv)
{
    read_options(&load.options, argc, argv);
    const struct load_options *options = &load.options;
    raise_descriptors();
    if (options->cpu >= 0)
        pin_to_cpu(options->cpu);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.clients = calloc(options->connections, sizeof(*load.clients));
    if (load.epoll < 0 || !load.clients)
        die("start");
    // Whatever happens, this program ends.
    alarm((unsigned)(options->seconds + options->warmup + options->patience) +
          (options->mode == MODE_IDLE ? 900 : 60));
    if (options->mode == MODE_IDLE) {
        load_idle(&load);
        return 0;
    }
    if (options->mode == MODE_PING && options->connections == 1 && !options->logs_in)
        ping_one(&load);
    else
        load_run(&load);
    printf("{\"seconds\": %.3f, \"requests\": %llu, \"bytes\": %llu, \"total_requests\": %llu, "
           "\"total_bytes\": %llu, \"handshakes\": %llu, \"resumed\": %llu, ",
        options->seconds, (unsigned long long)load.requests, (unsigned long long)load.bytes,
        (unsigned long long)load.total_requests, (unsigned long long)load.total_bytes,
        (unsigned long long)load.handshakes, (unsigned long long)load.resumed);
    hist_print(&load.latency, "");
    hist_print(&load.whole, "whole_");
    failures_print(&load.failures);
    return 0;
}
