// SPDX-License-Identifier: Apache-2.0
//
// Runs one command of the AWS CLI after the other, on a loop of its own that runs while its child
// does, and reads the answers with ec2_json.c. See ec2.h.
#include "control/ec2.h"

#include "base/err.h"
#include "base/loop.h"
#include "control/ec2_child.h"
#include "control/ec2_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_MS = 30000, PATH_BYTES = 4096 };

struct ec2 {
    const struct ec2_options *options;
    struct loop *loop;
    char code[EC2_CODE_BYTES];
    // of the last run
    char *out; // standard output; NULL: it failed, and `failure` tells why
    size_t out_len;
    struct err failure;
};

// ---- life ---------------------------------------------------------------------------------------

static bool is_in_path(const char *program)
{
    char file[PATH_BYTES];
    const char *folders = getenv("PATH");
    while (folders != NULL && *folders != '\0') {
        size_t len = strcspn(folders, ":");
        int written = snprintf(file, sizeof(file), "%.*s/%s", (int)len, folders, program);
        if (written > 0 && (size_t)written < sizeof(file) && access(file, X_OK) == 0)
            return true;
        folders += len + (folders[len] == ':');
    }
    return false;
}

static bool check_program(const char *program, struct err *err)
{
    if (strcmp(program, "off") == 0)
        return err_set(err, ERR_AWS, "the AWS CLI is not to be used: aws-cli is off");
    bool found = strchr(program, '/') != NULL ? access(program, X_OK) == 0 : is_in_path(program);
    return found || err_set(err, ERR_AWS,
                        "there is no AWS CLI %.128s: install it "
                        "(docs.aws.amazon.com/cli/latest/userguide), or set aws-cli to where it is",
                        program);
}

struct ec2 *ec2_open(const struct ec2_options *options, struct err *err)
{
    if (!check_program(options->cli != NULL ? options->cli : "aws", err))
        return NULL;
    struct ec2 *ec2 = calloc(1, sizeof(*ec2));
    if (ec2 == NULL)
        abort();
    ec2->options = options;
    ec2->loop = loop_new("ec2", err);
    if (ec2->loop != NULL)
        return ec2;
    ec2_close(ec2);
    return NULL;
}

void ec2_close(struct ec2 *ec2)
{
    if (ec2 == NULL)
        return;
    if (ec2->loop != NULL)
        loop_free(ec2->loop);
    free(ec2->out);
    free(ec2);
}

const char *ec2_error_code(const struct ec2 *ec2)
{
    return ec2->code;
}

// ---- one run ------------------------------------------------------------------------------------

static void on_end(void *arg, const struct child_result *result, const struct err *err)
{
    struct ec2 *ec2 = arg;
    loop_stop(ec2->loop);
    if (err != NULL) {
        ec2->failure = *err;
        return;
    }
    if (result->exit_code != 0) {
        ec2_child_explain(result, ec2->options, ec2->code, &ec2->failure);
        return;
    }
    ec2->out = malloc(result->out_len + 1);
    if (ec2->out == NULL)
        abort();
    memcpy(ec2->out, result->out, result->out_len + 1);
    ec2->out_len = result->out_len;
}

static bool run(struct ec2 *ec2, const struct ec2_command *command, struct err *err)
{
    uint64_t timeout_ms = ec2->options->timeout_ms != 0 ? ec2->options->timeout_ms : TIMEOUT_MS;
    free(ec2->out);
    ec2->out = NULL;
    ec2->out_len = 0;
    ec2->code[0] = '\0';
    if (ec2_child_start(ec2->loop, command, timeout_ms, true, on_end, ec2, &ec2->failure) != NULL)
        loop_run(ec2->loop);
    else
        ec2->failure.code = ERR_AWS;
    if (ec2->out != NULL)
        return true;
    err_set(err, ec2->failure.code, "%s", ec2->failure.text);
    return err_prefix(err, "aws %.64s %.64s", command->argv.items[1], command->argv.items[2]);
}

// The name of an operation from its verb: "create-vpc-endpoint" is CreateVpcEndpoint.
static const char *operation_name(const char *verb, char out[EC2_CODE_BYTES])
{
    size_t len = 0;
    bool starts = true;
    for (; *verb != '\0' && len < EC2_CODE_BYTES - 1; verb++) {
        if (*verb != '-')
            out[len++] = (char)(starts && *verb >= 'a' && *verb <= 'z' ? *verb - 'a' + 'A' : *verb);
        starts = *verb == '-';
    }
    out[len] = '\0';
    return out;
}

bool ec2_run(struct ec2 *ec2, const struct ec2_command *command, struct err *err)
{
    char *code;
    char *message;
    char operation[EC2_CODE_BYTES];
    const char *verb = command->argv.items[2];
    if (!run(ec2, command, err))
        return false;
    if (ec2_json_was_done(ec2->out, ec2->out_len, &code, &message))
        return true;
    struct ec2_caller caller = ec2_child_caller(ec2->options);
    struct err why;
    snprintf(ec2->code, sizeof(ec2->code), "%s", code != NULL ? code : "");
    ec2_explain_code(code, operation_name(verb, operation), message, &caller, &why);
    err_set(err, why.code, "%s", why.text);
    free(code);
    free(message);
    return err_prefix(err, "aws %.64s %.64s", command->argv.items[1], verb);
}

// ---- questions ----------------------------------------------------------------------------------

// An answer that cannot be read is not EC2's.
static bool check_answer(bool read, const struct ec2_command *command, struct err *err)
{
    if (read)
        return true;
    if (err != NULL)
        err->code = ERR_AWS;
    return err_prefix(
        err, "the answer of aws %.64s %.64s", command->argv.items[1], command->argv.items[2]);
}

// Defines ask_<name>: runs a command and reads its answer as a list, which is empty on failure.
#define ASK(name, kind)                                                                            \
    static bool ask_##name(                                                                        \
        struct ec2 *ec2, struct ec2_command *command, struct kind##_list *out, struct err *err)    \
    {                                                                                              \
        *out = (struct kind##_list){ 0 };                                                          \
        bool read = run(ec2, command, err) &&                                                      \
                    check_answer(ec2_json_##name(ec2->out, ec2->out_len, out, err), command, err); \
        if (!read)                                                                                 \
            kind##_list_done(out);                                                                 \
        ec2_command_done(command);                                                                 \
        return read;                                                                               \
    }

ASK(vpcs, ec2_vpc)
ASK(subnets, ec2_subnet)
ASK(services, ec2_service)
ASK(endpoints, ec2_endpoint)
ASK(security_groups, ec2_security_group)
ASK(interfaces, ec2_interface)
ASK(zones, ec2_zone)

bool ec2_vpcs(struct ec2 *ec2, const char *vpc_id, struct ec2_vpc_list *out, struct err *err)
{
    struct ec2_command command;
    ec2_command_begin(&command, ec2->options, "describe-vpcs");
    ec2_command_add_option(&command, "--vpc-ids", vpc_id);
    return ask_vpcs(ec2, &command, out, err);
}

bool ec2_vpc_attribute(
    struct ec2 *ec2, const char *vpc_id, const char *attribute, bool *out, struct err *err)
{
    struct ec2_command command;
    ec2_command_begin(&command, ec2->options, "describe-vpc-attribute");
    ec2_command_add_option(&command, "--vpc-id", vpc_id);
    ec2_command_add_option(&command, "--attribute", attribute);
    bool read = run(ec2, &command, err) &&
                check_answer(ec2_json_vpc_attribute(ec2->out, ec2->out_len, attribute, out, err),
                    &command, err);
    ec2_command_done(&command);
    return read;
}

bool ec2_subnets_of_vpc(
    struct ec2 *ec2, const char *vpc_id, struct ec2_subnet_list *out, struct err *err)
{
    struct ec2_command command;
    ec2_describe_subnets(&command, ec2->options, vpc_id);
    return ask_subnets(ec2, &command, out, err);
}

bool ec2_endpoint_service(
    struct ec2 *ec2, const char *service_name, struct ec2_service_list *out, struct err *err)
{
    struct ec2_command command;
    ec2_command_begin(&command, ec2->options, "describe-vpc-endpoint-services");
    ec2_command_add_option(&command, "--service-names", service_name);
    return ask_services(ec2, &command, out, err);
}

bool ec2_endpoints_of_service(struct ec2 *ec2, const char *service_name, const char *vpc_id,
    struct ec2_endpoint_list *out, struct err *err)
{
    struct ec2_command command;
    ec2_describe_endpoints(&command, ec2->options, service_name, vpc_id);
    return ask_endpoints(ec2, &command, out, err);
}

// A filter finds none where an ID by itself would be an error.
bool ec2_endpoint_of_id(
    struct ec2 *ec2, const char *endpoint_id, struct ec2_endpoint_list *out, struct err *err)
{
    struct ec2_command command;
    ec2_describe_endpoint(&command, ec2->options, endpoint_id);
    return ask_endpoints(ec2, &command, out, err);
}

// Without IDs the CLI would list those of the whole account.
bool ec2_security_groups(struct ec2 *ec2, const struct option_list *ids,
    struct ec2_security_group_list *out, struct err *err)
{
    struct ec2_command command;
    *out = (struct ec2_security_group_list){ 0 };
    if (ids->count == 0)
        return true;
    ec2_command_begin(&command, ec2->options, "describe-security-groups");
    ec2_command_add_list(&command, "--group-ids", ids);
    return ask_security_groups(ec2, &command, out, err);
}

bool ec2_interfaces(
    struct ec2 *ec2, const struct option_list *ids, struct ec2_interface_list *out, struct err *err)
{
    struct ec2_command command;
    *out = (struct ec2_interface_list){ 0 };
    if (ids->count == 0)
        return true;
    ec2_command_begin(&command, ec2->options, "describe-network-interfaces");
    ec2_command_add_list(&command, "--network-interface-ids", ids);
    return ask_interfaces(ec2, &command, out, err);
}

bool ec2_zones_of_vpc(
    struct ec2 *ec2, const char *vpc_id, struct ec2_zone_list *out, struct err *err)
{
    struct ec2_command command;
    ec2_list_zones(&command, ec2->options, vpc_id);
    return ask_zones(ec2, &command, out, err);
}

bool ec2_zone_vpcs(struct ec2 *ec2, const char *zone_id, size_t *out_count, struct err *err)
{
    struct ec2_command command;
    ec2_get_zone(&command, ec2->options, zone_id);
    bool read =
        run(ec2, &command, err) &&
        check_answer(ec2_json_zone_vpcs(ec2->out, ec2->out_len, out_count, err), &command, err);
    ec2_command_done(&command);
    return read;
}

bool ec2_create(
    struct ec2 *ec2, const struct ec2_command *command, struct ec2_endpoint *out, struct err *err)
{
    *out = (struct ec2_endpoint){ 0 };
    bool created = run(ec2, command, err) &&
                   check_answer(ec2_json_created(ec2->out, ec2->out_len, out, err), command, err);
    if (!created)
        ec2_endpoint_done(out);
    return created;
}
