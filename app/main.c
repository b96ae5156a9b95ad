// SPDX-License-Identifier: Apache-2.0
//
// The program's entry: finds the command and turns its error into a text and an exit code. Help and
// dispatch come from the same rows.
#include "app/cli.h"
#include "app/command.h"
#include "app/completion.h"
#include "app/secret.h"
#include "app/settings.h"
#include "app/version.h"
#include "base/err.h"
#include "base/foreground.h"
#include "base/os.h"
#include "base/spawner.h"
#include "base/suggest.h"
#include "control/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command *const commands[] = {
    &cmd_proxy,
    &cmd_connect,
    &cmd_dsn,
    &cmd_clusters,
    &cmd_status,
    &cmd_setup,
    &cmd_endpoint,
    &cmd_doctor,
    &cmd_connections,
    &cmd_wait,
    &cmd_drain,
    &cmd_reload,
    &cmd_upgrade,
};

static const char summary[] =
    "tidblink: local proxy and connection strings for TiDB Cloud Dedicated clusters\n"
    "behind AWS PrivateLink.\n";

static const char epilogue[] =
    "\n"
    "Options come from the command line, else from TIDBLINK_* variables, else from the\n"
    "configuration file (" SETTINGS_DEFAULT_FILE "), else from their defaults.\n"
    "The API key comes from files or from TIDBCLOUD_PUBLIC_KEY and\n"
    "TIDBCLOUD_PRIVATE_KEY.\n"
    "\n"
    "Exit codes: 0 done; 1 it failed; 2 wrong usage or configuration, or an address in\n"
    "use; 3 refused by a state; 4 the control API refused (key, rights, rate); 75 proxy\n"
    "cut connections at the end of drain-timeout; connect -- CMD: CMD's own.\n";

static void print_help(FILE *out)
{
    fprintf(out, "%s\nusage: tidblink COMMAND [options]\n\ncommands:\n", summary);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\nother:\n"
                 "  COMMAND --help   a command's usage and options\n"
                 "  --version        this version and those of the libraries\n");
    fputs(epilogue, out);
}

static void print_command_help(const struct command *command)
{
    printf("usage: tidblink %s %s\n\n%s\n", command->name, command->usage, command->help);
    if (command->own) {
        printf("\noptions of %s:\n", command->name);
        option_help(command->own, stdout);
    }
    if (command->all_options) {
        printf("\noptions of one cluster, behind its CLUSTER:\n");
        option_help(&settings_cluster_table, stdout);
        printf("\noptions:\n");
        option_help(&settings_source_table, stdout);
        option_help(&settings_global_table, stdout);
        return;
    }
    printf("\nThe configuration's options (--config, --api-url and the others that\n"
           "tidblink proxy --help lists) are accepted too.\n");
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

static int unknown_command(const char *name)
{
    struct suggest suggest = suggest_for(name);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        suggest_offer(&suggest, commands[i]->name);
    fprintf(stderr, "tidblink: unknown command \"%.60s\"%s\n", name, suggest_text(&suggest));
    fprintf(stderr, "tidblink --help lists the commands\n");
    return EXIT_USAGE;
}

static bool wants_help(int argc, char *const *argv)
{
    int end = cli_end(argc, argv);
    for (int i = 0; i < end; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

// It may hold a jump's password, which is none of what we run: ssh, the AWS CLI, a command's.
static char *take_via(void)
{
    char *value = getenv("TIDBLINK_VIA"); // before there are threads
    char *copy = value && *value ? strdup(value) : NULL;
    if (value) {
        os_wipe(value, strlen(value));
        (void)unsetenv("TIDBLINK_VIA");
    }
    return copy;
}

static int run_command(const struct command *command, struct command_line *line)
{
    struct err err = { 0 };
    struct keys keys = { 0 };
    int exit_code = EXIT_DONE;
    keys_take_environment(&keys);
    line->keys = &keys;
    char *via = take_via();
    line->via = via;
    bool done = command->run(line, &exit_code, &err);
    keys_wipe(&keys);
    secret_free(via);
    if (done)
        return exit_code;
    fprintf(stderr, "tidblink %s: %s\n", command->name, err.text);
    if (err.code == ERR_USAGE)
        fprintf(stderr, "tidblink %s --help shows the usage\n", command->name);
    return err_row(err.code)->exit_code;
}

// A standard stream that is closed would be the number of the next thing that is opened, and the
// log would go into that: a client's socket, or the pipe by which signals reach the loop. What
// takes its place fails where the stream would.
static void fill_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY); // the lowest number
}

// Keys and passwords pass through this memory. A peer that is gone must be an error of write(2),
// not the end of the process; OpenSSL has no MSG_NOSIGNAL.
static void protect_process(void)
{
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    const struct sigaction normal = { .sa_handler = SIG_DFL };
    sigaction(SIGPIPE, &ignore, NULL);
    // Ignored by who started us, it would go through exec, and no program's end could be asked for
    // (waitpid(2), ECHILD).
    sigaction(SIGCHLD, &normal, NULL);
    os_protect_memory();
}

static int dispatch(int argc, char **argv, struct command_line *line)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (!*name) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        version_print(stdout);
        return EXIT_DONE;
    }
    if (strcmp(name, "--completion") == 0) {
        completion_print(commands, ARRAY_LEN(commands), stdout);
        return EXIT_DONE;
    }
    const struct command *command = find_command(name);
    if (!command)
        return unknown_command(name);
    if (wants_help(argc - 2, argv + 2)) {
        print_command_help(command);
        return EXIT_DONE;
    }
    line->argc = argc - 2;
    line->argv = argv + 2;
    return run_command(command, line);
}

// What was printed is the result: a full disk behind stdout is a failure, also when it was found
// out about by an earlier flush, which leaves the mark alone.
static bool was_printed(void)
{
    bool flushed = fflush(stdout) == 0;
    if (flushed && !ferror(stdout))
        return true;
    fprintf(stderr, "tidblink: standard output: %s\n",
        flushed ? "not all of it could be written" : err_errno_text(errno));
    return false;
}

int main(int argc, char **argv)
{
    fill_standard_streams();
    if (argc == 2 && strcmp(argv[1], SPAWNER_COMMAND) == 0 && spawner_is_called()) {
        os_protect_memory();
        return spawner_serve();
    }
    struct foreground_legacy legacy;
    foreground_note(&legacy);
    struct command_line line = { .legacy = &legacy };
    protect_process();
    int exit_code = dispatch(argc, argv, &line);
    log_finish();
    return exit_code == EXIT_DONE && !was_printed() ? EXIT_FAILED : exit_code;
}
