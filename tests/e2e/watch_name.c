// SPDX-License-Identifier: Apache-2.0
//
// Watches a name for tests: `watch_name SERVER[,SERVER…] HOST [TTL_MAX_MS [TIMEOUT_MS]]`. One line
// per report: addresses (comma-separated), TTL, error key, error text, separated by tabs. A line on
// standard input refreshes; its end ends the program.
#include "base/cursor.h"
#include "base/err.h"
#include "base/loop.h"
#include "resolver/resolver.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NEGATIVE_MS = 200 };

struct program {
    struct loop *loop;
    struct resolver_watch *name;
    struct watch input;
};

static void on_resolution(void *arg, const struct resolution *resolution)
{
    const struct addr_set *addrs = resolution->addrs;
    const struct err *failure = resolution->failure;
    (void)arg;
    for (size_t i = 0; addrs && i < addrs->count; i++) {
        char ip[ADDR_TEXT_BYTES];
        printf("%s%s", i > 0 ? "," : "", addr_format_ip(&addrs->addrs[i], ip));
    }
    printf("\t%u\t%s\t%s\n", addrs ? addrs->ttl_s : 0, failure ? err_row(failure->code)->key : "",
        failure ? failure->text : "");
    fflush(stdout);
}

static void on_input(struct watch *watch, unsigned what)
{
    struct program *program = CONTAINER_OF(watch, struct program, input);
    char line[64];
    (void)what;
    if (read(STDIN_FILENO, line, sizeof(line)) > 0)
        resolver_refresh(program->name);
    else
        loop_stop(program->loop);
}

static bool read_arguments(int count, char **args, struct resolver_options *options)
{
    if (count < 3)
        return false;
    for (char *server = strtok_r(args[1], ",", &args[1]); server;
         server = strtok_r(NULL, ",", &args[1])) {
        if (!option_list_add(&options->servers, server))
            return false;
    }
    if (count > 3 && !parse_uint(args[3], 1, 1000000, &options->ttl_max_ms))
        return false;
    return count <= 4 || parse_uint(args[4], 1, 1000000, &options->timeout_ms);
}

static int run(const struct resolver_options *options, const char *host)
{
    struct err err;
    struct program program = { .loop = loop_new("test", &err) };
    struct resolver *resolver = program.loop ? resolver_new(program.loop, options, &err) : NULL;
    if (!resolver) {
        fprintf(stderr, "%s\n", err.text);
        loop_free(program.loop);
        return EXIT_FAILED;
    }
    watch_init(&program.input, program.loop, STDIN_FILENO, on_input);
    watch_want(&program.input, WATCH_READ);
    program.name = resolver_watch(resolver, host, on_resolution, NULL);
    loop_run(program.loop);
    watch_stop(&program.input);
    resolver_unwatch(program.name);
    resolver_free(resolver);
    loop_free(program.loop);
    return EXIT_DONE;
}

int main(int count, char **args)
{
    struct resolver_options options = {
        .ttl_max_ms = 300, .timeout_ms = 5000, .negative_ms = NEGATIVE_MS
    };
    int exit_code = EXIT_USAGE;
    if (read_arguments(count, args, &options))
        exit_code = run(&options, args[2]);
    else
        fprintf(stderr, "usage: watch_name SERVER[,SERVER...] HOST [TTL_MAX_MS [TIMEOUT_MS]]\n");
    option_list_free(&options.servers);
    return exit_code;
}
