// SPDX-License-Identifier: Apache-2.0
//
// Environment, output limit and failures of the AWS CLI
// (docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html). Used by ec2.c and aws.c.
#include "control/ec2_child.h"

#include "base/os.h"
#include "base/spawner.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OUTPUT_BYTES = 4 << 20 };

// Instead of options: version 1 does not know them all, and old ones of version 2 neither.
static const char *const settings[] = {
    "AWS_PAGER=", "AWS_CLI_AUTO_PROMPT=off",
    "AWS_CLI_ERROR_FORMAT=legacy", // what ec2_error.c reads
};

static bool is_set_by_us(const char *variable)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (strncmp(variable, settings[i], strcspn(settings[i], "=") + 1) == 0)
            return true;
    return strncmp(variable, "TIDBCLOUD_", strlen("TIDBCLOUD_")) == 0; // not for others to see
}

// Borrows every text; the caller frees the array.
static const char **make_environment(void)
{
    char **ours = os_environment();
    size_t count = 0;
    while (ours[count] != NULL)
        count++;
    const char **env = calloc(count + ARRAY_LEN(settings) + 1, sizeof(*env));
    if (env == NULL)
        abort();
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!is_set_by_us(ours[i]))
            env[kept++] = ours[i];
    memcpy(env + kept, settings, sizeof(settings));
    return env;
}

// NULL-terminated; the caller frees the array.
static const char **make_words(const struct ec2_command *command)
{
    const size_t count = command->argv.count;
    const char **argv = calloc(count + 3, sizeof(*argv));
    if (argv == NULL)
        abort();
    memcpy(argv, command->argv.items, count * sizeof(*argv));
    argv[count] = "--output"; // for us alone: who pastes the command has a taste of their own
    argv[count + 1] = "json";
    return argv;
}

// Stands for SPAWNER_ANY in a command, whose values are cleaned of control characters.
#define ANY "@any@"

static void put_any(struct ec2_command *command)
{
    for (size_t i = 0; i < command->argv.count; i++) {
        char *at = strstr(command->argv.items[i], ANY);
        if (at == NULL)
            continue;
        *at = *SPAWNER_ANY;
        memmove(at + 1, at + strlen(ANY), strlen(at + strlen(ANY)) + 1);
    }
}

static bool allow_describe(const struct ec2_options *options, const char *vpc_id, struct err *err)
{
    const char *env[ARRAY_LEN(settings) + 1] = { NULL };
    struct ec2_command command;
    memcpy(env, settings, sizeof(settings));
    ec2_describe_endpoints(&command, options, ANY, vpc_id);
    put_any(&command);
    const char **argv = make_words(&command);
    bool allowed = spawner_allow(argv, env, err);
    free(argv);
    ec2_command_done(&command);
    return allowed;
}

bool ec2_child_allow_describe(
    const struct ec2_options *options, const char *vpc_id, struct err *err)
{
    struct ec2_options of_region = *options;
    if (vpc_id == NULL)
        vpc_id = ANY;
    if (options->region != NULL)
        return allow_describe(options, vpc_id, err);
    of_region.region = ANY; // the cluster's, when that is known
    return allow_describe(options, vpc_id, err) && allow_describe(&of_region, vpc_id, err);
}

struct child *ec2_child_start(struct loop *loop, const struct ec2_command *command,
    uint64_t timeout_ms, bool dies_with_us, child_fn fn, void *arg, struct err *err)
{
    const char **env = make_environment();
    const char **argv = make_words(command);
    struct child_spec spec = { .argv = argv,
        .env = env,
        .timeout_ms = timeout_ms,
        .out_limit = OUTPUT_BYTES,
        .dies_with_us = dies_with_us };
    struct child *child = child_start(loop, &spec, fn, arg, err);
    free(argv);
    free(env);
    return child;
}

struct ec2_caller ec2_child_caller(const struct ec2_options *options)
{
    const char *profile = options->profile != NULL ? options->profile : getenv("AWS_PROFILE");
    return (struct ec2_caller){
        .profile = profile != NULL && profile[0] != '\0' ? profile : NULL,
        .has_environment_keys = options->profile == NULL && getenv("AWS_ACCESS_KEY_ID") != NULL,
    };
}

// A program that hands out credentials (credential_process) may put them into its error message.
// The caller frees.
static char *without_secrets(const char *errors)
{
    static const char *const variables[] = { "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN" };
    char *text = strdup(errors);
    if (text == NULL)
        abort();
    for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
        const char *secret = getenv(variables[i]);
        if (secret != NULL)
            text_hide(text, secret);
    }
    return text;
}

void ec2_child_explain(const struct child_result *result, const struct ec2_options *options,
    char code[EC2_CODE_BYTES], struct err *err)
{
    struct ec2_caller caller = ec2_child_caller(options);
    code[0] = '\0';
    if (result->errors[strspn(result->errors, " ")] == '\0') {
        err_set(err, ERR_AWS, "the AWS CLI ended with exit code %d and without a word",
            result->exit_code);
        return;
    }
    // First of all: what is explained is cut to its length.
    char *errors = without_secrets(result->errors);
    ec2_explain(errors, &caller, code, err);
    free(errors);
}
