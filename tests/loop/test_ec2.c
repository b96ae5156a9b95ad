// SPDX-License-Identifier: Apache-2.0
//
// Commands of EC2 with an AWS CLI that is a shell script: what it is told, what its answers and
// failures become, and that it does not outlive us.
#include "base/clock.h"
#include "base/cursor.h"
#include "base/err.h"
#include "base/os.h"
#include "control/ec2.h"

#include "aws_fixture.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 20000 };

struct fixture {
    struct fake_cli cli;
    struct ec2_options options;
    struct ec2 *ec2;
    struct err err;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fake_cli_init(&fixture->cli);
    fixture->options = (struct ec2_options){ .cli = fixture->cli.program, .timeout_ms = WAIT_MS };
    fixture->ec2 = ec2_open(&fixture->options, &fixture->err);
    assert_non_null(fixture->ec2);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ec2_close(fixture->ec2);
    fake_cli_done(&fixture->cli);
    free(fixture);
    return 0;
}

static bool run_delete(struct fixture *fixture)
{
    struct ec2_command command;
    ec2_delete_endpoint(&command, &fixture->options, "vpce-1");
    fixture->err = (struct err){ 0 };
    bool done = ec2_run(fixture->ec2, &command, &fixture->err);
    ec2_command_done(&command);
    return done;
}

// ---- questions ----------------------------------------------------------------------------------

static void test_vpcs(void **state)
{
    struct fixture *fixture = *state;
    struct ec2_vpc_list list;
    bool on = false;
    fake_cli_does(
        &fixture->cli, "echo '{\"Vpcs\":[{\"VpcId\":\"vpc-1\",\"CidrBlock\":\"10.0.0.0/16\"}]}'");
    assert_true(ec2_vpcs(fixture->ec2, "vpc-1", &list, &fixture->err));
    assert_string_equal(
        fake_cli_said(&fixture->cli), "ec2 describe-vpcs --vpc-ids vpc-1 --output json");
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].cidrs.items[0], "10.0.0.0/16");
    ec2_vpc_list_done(&list);
    assert_true(ec2_vpcs(fixture->ec2, NULL, &list, &fixture->err));
    assert_string_equal(fake_cli_said(&fixture->cli), "ec2 describe-vpcs --output json");
    ec2_vpc_list_done(&list);
    fake_cli_does(
        &fixture->cli, "echo '{\"VpcId\":\"vpc-1\",\"EnableDnsHostnames\":{\"Value\":true}}'");
    assert_true(ec2_vpc_attribute(fixture->ec2, "vpc-1", "enableDnsHostnames", &on, &fixture->err));
    assert_true(on);
    assert_string_equal(fake_cli_said(&fixture->cli),
        "ec2 describe-vpc-attribute --vpc-id vpc-1 --attribute enableDnsHostnames --output json");
}

static void test_services_and_endpoints(void **state)
{
    struct fixture *fixture = *state;
    struct ec2_service_list services;
    struct ec2_endpoint_list endpoints;
    struct ec2_subnet_list subnets;
    fake_cli_does(&fixture->cli, "echo '{\"ServiceDetails\":[{\"ServiceName\":\"svc\","
                                 "\"AcceptanceRequired\":true}]}'");
    assert_true(ec2_endpoint_service(fixture->ec2, "svc", &services, &fixture->err));
    assert_string_equal(fake_cli_said(&fixture->cli),
        "ec2 describe-vpc-endpoint-services --service-names svc --output json");
    assert_true(services.items[0].acceptance_required);
    ec2_service_list_done(&services);
    fake_cli_does(&fixture->cli, "echo '{\"VpcEndpoints\":[{\"VpcEndpointId\":\"vpce-1\"}]}'");
    assert_true(ec2_endpoints_of_service(fixture->ec2, "svc", "vpc-1", &endpoints, &fixture->err));
    assert_string_equal(fake_cli_said(&fixture->cli),
        "ec2 describe-vpc-endpoints --filters Name=service-name,Values=svc "
        "Name=vpc-id,Values=vpc-1 --output json");
    assert_string_equal(endpoints.items[0].id, "vpce-1");
    ec2_endpoint_list_done(&endpoints);
    fake_cli_does(&fixture->cli, "echo '{\"Subnets\":[{\"SubnetId\":\"subnet-1\"}]}'");
    assert_true(ec2_subnets_of_vpc(fixture->ec2, "vpc-1", &subnets, &fixture->err));
    assert_string_equal(fake_cli_said(&fixture->cli),
        "ec2 describe-subnets --filters Name=vpc-id,Values=vpc-1 --output json");
    ec2_subnet_list_done(&subnets);
}

static void test_by_ids(void **state)
{
    struct fixture *fixture = *state;
    struct ec2_security_group_list groups;
    struct ec2_interface_list interfaces;
    struct option_list none = { 0 };
    char *texts[] = { (char *)(uintptr_t) "a-1", (char *)(uintptr_t) "--debug" };
    struct option_list two = { texts, 2 };
    fake_cli_does(&fixture->cli,
        "echo '{\"SecurityGroups\":[{\"GroupId\":\"a-1\"}],\"NetworkInterfaces\":[{"
        "\"NetworkInterfaceId\":\"a-1\"}]}'");
    assert_true(ec2_security_groups(fixture->ec2, &none, &groups, &fixture->err));
    assert_true(ec2_interfaces(fixture->ec2, &none, &interfaces, &fixture->err));
    assert_string_equal(fake_cli_said(&fixture->cli), ""); // nobody needs all of the account
    assert_int_equal(groups.count + interfaces.count, 0);
    assert_true(ec2_security_groups(fixture->ec2, &two, &groups, &fixture->err));
    assert_string_equal(fake_cli_said(&fixture->cli),
        "ec2 describe-security-groups --group-ids a-1 ?--debug --output json");
    assert_true(ec2_interfaces(fixture->ec2, &two, &interfaces, &fixture->err));
    assert_string_equal(fake_cli_said(&fixture->cli),
        "ec2 describe-network-interfaces "
        "--network-interface-ids a-1 ?--debug --output json");
    ec2_security_group_list_done(&groups);
    ec2_interface_list_done(&interfaces);
}

static void test_answers_that_cannot_be_read(void **state)
{
    struct fixture *fixture = *state;
    static const char *const answers[] = { "echo nonsense", "true", "echo '{\"Subnets\":7}'",
        "echo '{\"Subnets\":[{\"SubnetId\":\"a\"},{}]}'" };
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct ec2_subnet_list subnets;
        fake_cli_does(&fixture->cli, answers[i]);
        assert_false(ec2_subnets_of_vpc(fixture->ec2, "vpc-1", &subnets, &fixture->err));
        assert_int_equal(fixture->err.code, ERR_AWS);
        assert_non_null(strstr(fixture->err.text, "the answer of aws ec2 describe-subnets: "));
        assert_int_equal(subnets.count, 0);
        assert_null(subnets.items);
    }
}

// ---- changes ------------------------------------------------------------------------------------

static void test_create(void **state)
{
    struct fixture *fixture = *state;
    struct ec2_command command;
    struct ec2_endpoint endpoint;
    char *subnet = (char *)(uintptr_t) "subnet-1";
    const struct option_list subnets = { &subnet, 1 };
    const struct ec2_endpoint_plan plan = {
        .vpc_id = "vpc-1", .service_name = "svc", .subnet_ids = &subnets, .client_token = "t"
    };
    ec2_create_endpoint(&command, &fixture->options, &plan);
    fake_cli_does(&fixture->cli, "echo '{\"VpcEndpoint\":{\"VpcEndpointId\":\"vpce-1\",\"State\":"
                                 "\"pendingAcceptance\"},\"ClientToken\":\"t\"}'");
    assert_true(ec2_create(fixture->ec2, &command, &endpoint, &fixture->err));
    assert_string_equal(endpoint.id, "vpce-1");
    assert_string_equal(endpoint.state, "pendingAcceptance");
    ec2_endpoint_done(&endpoint);
    fake_cli_does(&fixture->cli, "echo '{}'");
    assert_false(ec2_create(fixture->ec2, &command, &endpoint, &fixture->err));
    assert_null(endpoint.id);
    ec2_command_done(&command);
}

// Exit code 0, and yet nothing was done.
static void test_refusals_inside_of_success(void **state)
{
    struct fixture *fixture = *state;
    fake_cli_does(&fixture->cli, "echo '{\"Unsuccessful\":[]}'");
    assert_true(run_delete(fixture));
    fake_cli_does(&fixture->cli, "true");
    assert_true(run_delete(fixture));
    fake_cli_does(&fixture->cli, "echo '{\"Unsuccessful\":[{\"Error\":{\"Code\":"
                                 "\"InvalidVpcEndpointId.NotFound\",\"Message\":\"no such\"},"
                                 "\"ResourceId\":\"vpce-1\"}]}'");
    assert_false(run_delete(fixture));
    assert_int_equal(fixture->err.code, ERR_AWS);
    assert_string_equal(ec2_error_code(fixture->ec2), "InvalidVpcEndpointId.NotFound");
    assert_non_null(strstr(fixture->err.text, "no such"));
    fake_cli_does(&fixture->cli, "echo '{\"Unsuccessful\":[{\"Error\":{\"Code\":"
                                 "\"UnauthorizedOperation\"}}]}'");
    assert_false(run_delete(fixture));
    assert_int_equal(fixture->err.code, ERR_AWS_DENIED);
    assert_non_null(strstr(fixture->err.text, "ec2:DeleteVpcEndpoints"));
    fake_cli_does(&fixture->cli, "echo '{\"Return\":false}'");
    assert_false(run_delete(fixture));
    assert_string_equal(ec2_error_code(fixture->ec2), "");
    fake_cli_does(&fixture->cli, "echo '{\"Return\":true}'");
    assert_true(run_delete(fixture));
    fake_cli_does(&fixture->cli, "echo '{\"Unsuccessful\":\"vpce-1\"}'");
    assert_false(run_delete(fixture));
    assert_int_equal(fixture->err.code, ERR_AWS);
    assert_string_equal(fixture->err.text,
        "aws ec2 delete-vpc-endpoints: the answer cannot be read: Unsuccessful: expected an array, "
        "got a string");
}

// ---- failures -----------------------------------------------------------------------------------

static void test_failures(void **state)
{
    struct fixture *fixture = *state;
    fake_cli_does(&fixture->cli,
        "printf '\\nAn error occurred (UnauthorizedOperation) when calling the "
        "DeleteVpcEndpoints operation: You are not authorized.\\n' >&2; exit 254");
    assert_false(run_delete(fixture));
    assert_int_equal(fixture->err.code, ERR_AWS_DENIED);
    assert_string_equal(fixture->err.text,
        "aws ec2 delete-vpc-endpoints: UnauthorizedOperation: You are not authorized; these "
        "credentials need the IAM action ec2:DeleteVpcEndpoints");
    assert_string_equal(ec2_error_code(fixture->ec2), "UnauthorizedOperation");
    fake_cli_does(&fixture->cli, "exit 3");
    assert_false(run_delete(fixture));
    assert_int_equal(fixture->err.code, ERR_AWS);
    assert_non_null(strstr(fixture->err.text, "exit code 3"));
    assert_string_equal(ec2_error_code(fixture->ec2), "");
    fake_cli_does(&fixture->cli, "kill -9 $$");
    assert_false(run_delete(fixture));
    assert_non_null(strstr(fixture->err.text, "exit code 137"));
}

static void test_secrets_stay_secret(void **state)
{
    struct fixture *fixture = *state;
    setenv("AWS_SECRET_ACCESS_KEY", "top/secret+key", 1);
    setenv("AWS_SESSION_TOKEN", "session-4711", 1);
    fake_cli_does(&fixture->cli,
        "echo \"helper failed: $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN\" >&2\n"
        "exit 1");
    assert_false(run_delete(fixture));
    assert_non_null(strstr(fixture->err.text, "helper failed: *** ***"));
    assert_null(strstr(fixture->err.text, "secret"));
    assert_null(strstr(fixture->err.text, "4711"));
    // Where the message is cut, in the middle of the key, and where its beginning is cut off.
    fake_cli_does(&fixture->cli, "printf '%0255d%s' 0 \"$AWS_SECRET_ACCESS_KEY\" >&2\nexit 1");
    assert_false(run_delete(fixture));
    assert_null(strstr(fixture->err.text, "top"));
    fake_cli_does(&fixture->cli, "printf '%s%04084d' \"$AWS_SECRET_ACCESS_KEY\" 0 >&2\nexit 1");
    assert_false(run_delete(fixture));
    assert_non_null(strstr(fixture->err.text, "***000"));
    assert_null(strstr(fixture->err.text, "secret"));
    unsetenv("AWS_SECRET_ACCESS_KEY");
    unsetenv("AWS_SESSION_TOKEN");
}

static void test_environment(void **state)
{
    struct fixture *fixture = *state;
    setenv("AWS_PAGER", "less", 1);
    setenv("AWS_CLI_ERROR_FORMAT", "json", 1);
    setenv("TIDBCLOUD_PRIVATE_KEY", "hidden", 1);
    setenv("AWS_EXAMPLE", "kept", 1);
    fake_cli_does(&fixture->cli, "echo \"<$AWS_PAGER><$AWS_CLI_ERROR_FORMAT><$AWS_CLI_AUTO_PROMPT>"
                                 "<$TIDBCLOUD_PRIVATE_KEY><$AWS_EXAMPLE>\" >&2; exit 1");
    assert_false(run_delete(fixture));
    assert_non_null(strstr(fixture->err.text, "<><legacy><off><><kept>"));
    unsetenv("AWS_PAGER");
    unsetenv("AWS_CLI_ERROR_FORMAT");
    unsetenv("TIDBCLOUD_PRIVATE_KEY");
    unsetenv("AWS_EXAMPLE");
}

static void test_no_answer_in_time(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.timeout_ms = 200;
    fake_cli_does(&fixture->cli, "sleep 100");
    uint64_t before_ms = clock_ms();
    assert_false(run_delete(fixture));
    assert_int_equal(fixture->err.code, ERR_CHILD);
    assert_non_null(strstr(fixture->err.text, "within 200 ms"));
    assert_true(clock_ms() - before_ms < WAIT_MS);
}

static void test_no_cli(void **state)
{
    struct fixture *fixture = *state;
    static const char *const missing[] = { "/nonexistent/aws", "no-such-aws", "off" };
    for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
        struct ec2_options options = { .cli = missing[i] };
        assert_null(ec2_open(&options, &fixture->err));
        assert_int_equal(fixture->err.code, ERR_AWS);
        assert_non_null(strstr(fixture->err.text, missing[i]));
    }
    struct ec2_options in_path = { .cli = "sh" };
    struct ec2 *ec2 = ec2_open(&in_path, &fixture->err);
    assert_non_null(ec2);
    ec2_close(ec2);
    unlink(fixture->cli.program); // went away in between
    assert_false(run_delete(fixture));
    assert_int_equal(fixture->err.code, ERR_AWS);
}

// ---- our end ------------------------------------------------------------------------------------

static void pause_ms(int ms)
{
    poll(NULL, 0, ms);
}

// The process ID that the CLI has written, 0 if it does not come.
static pid_t wait_for_pid(const char *path)
{
    uint64_t pid = 0;
    for (int waited = 0; waited < WAIT_MS && pid == 0; waited += 20) {
        char text[32] = "";
        FILE *file = fopen(path, "r");
        bool whole = file != NULL && fgets(text, sizeof(text), file) != NULL &&
                     text[strcspn(text, "\n")] == '\n';
        if (file != NULL)
            fclose(file);
        text[strcspn(text, "\n")] = '\0';
        if (!whole || !parse_uint(text, 1, INT32_MAX, &pid))
            pause_ms(20);
    }
    return (pid_t)pid;
}

static bool ends(pid_t pid)
{
    for (int waited = 0; waited < WAIT_MS; waited += 20) {
        char path[64];
        char state[256] = "";
        snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        FILE *file = fopen(path, "r");
        const char *text = file != NULL ? fgets(state, sizeof(state), file) : NULL;
        if (file != NULL)
            fclose(file);
        if (text == NULL || strstr(text, ") Z ") != NULL) // a zombie waits for an init to reap it
            return true;
        pause_ms(20);
    }
    return false;
}

// Re-executed as the parent that gets killed: it runs the CLI until then.
static int be_the_parent(const char *cli)
{
    struct err err;
    struct ec2_command command;
    const struct ec2_options options = { .cli = cli, .timeout_ms = WAIT_MS };
    struct ec2 *ec2 = ec2_open(&options, &err);
    if (ec2 == NULL)
        return 1;
    ec2_delete_endpoint(&command, &options, "vpce-1");
    bool done = ec2_run(ec2, &command, &err);
    ec2_command_done(&command);
    ec2_close(ec2);
    return done ? 0 : 1;
}

static void test_dies_with_us(void **state)
{
    struct fixture *fixture = *state;
    if (*os_build) {
        puts("the portable build cannot tell a program of its parent's end");
        skip();
    }
    char pid_path[160];
    char script[256];
    snprintf(pid_path, sizeof(pid_path), "%s/pid", fixture->cli.directory);
    snprintf(script, sizeof(script), "echo $$ > %s\nexec sleep 100\n", pid_path);
    static const int signals[] = { SIGKILL, SIGTERM };
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        fake_cli_does(&fixture->cli, script);
        unlink(pid_path);
        char self[] = "/proc/self/exe";
        char *const argv[] = { self, fixture->cli.program, NULL };
        pid_t parent;
        assert_int_equal(posix_spawn(&parent, self, NULL, NULL, argv, os_environment()), 0);
        pid_t cli = wait_for_pid(pid_path);
        assert_int_not_equal(cli, 0);
        assert_int_equal(kill(parent, signals[i]), 0);
        assert_int_equal(waitpid(parent, NULL, 0), parent);
        assert_true(ends(cli));
    }
    unlink(pid_path);
}

#define EC2_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(int argc, char **argv)
{
    if (argc == 2)
        return be_the_parent(argv[1]);
    const struct CMUnitTest tests[] = {
        EC2_TEST(test_vpcs),
        EC2_TEST(test_services_and_endpoints),
        EC2_TEST(test_by_ids),
        EC2_TEST(test_answers_that_cannot_be_read),
        EC2_TEST(test_create),
        EC2_TEST(test_refusals_inside_of_success),
        EC2_TEST(test_failures),
        EC2_TEST(test_secrets_stay_secret),
        EC2_TEST(test_environment),
        EC2_TEST(test_no_answer_in_time),
        EC2_TEST(test_no_cli),
        EC2_TEST(test_dies_with_us),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
