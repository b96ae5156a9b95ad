// SPDX-License-Identifier: Apache-2.0
//
// The commands of the AWS CLI: every one's exact arguments, and that a shell reads what is printed
// as what is run.
#include "control/ec2_command.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SERVICE "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"

static const struct ec2_options plain = { .cli = "aws" };

// The arguments with a bar between them. Ends the command.
static void expect(struct ec2_command *command, const char *expected)
{
    char seen[EC2_TEXT_BYTES] = "";
    for (size_t i = 0; i < command->argv.count; i++) {
        size_t len = strlen(seen);
        snprintf(seen + len, sizeof(seen) - len, "%s%s", i > 0 ? "|" : "", command->argv.items[i]);
    }
    assert_string_equal(seen, expected);
    ec2_command_done(command);
}

static void test_how_the_cli_is_called(void **unused)
{
    struct ec2_command command;
    const struct ec2_options all = { .cli = "/opt/aws",
        .profile = "prod",
        .region = "us-east-1",
        .endpoint_url = "https://ec2.example" };
    const struct ec2_options none = { 0 };
    ec2_command_begin(&command, &all, "describe-vpcs");
    expect(&command, "/opt/aws|ec2|describe-vpcs|--region|us-east-1|--profile|prod|--endpoint-url|"
                     "https://ec2.example");
    ec2_command_begin(&command, &none, "describe-vpcs");
    ec2_command_add(&command, "--vpc-ids");
    ec2_command_add_value(&command, "vpc-1");
    ec2_command_add_value(&command, "--debug");
    ec2_command_add_value(&command, "");
    expect(&command, "aws|ec2|describe-vpcs|--vpc-ids|vpc-1|?--debug|");
}

// Each of these the CLI would take for something else than a value.
static void test_values_stay_values(void **unused)
{
    static const char *const values[] = { "--debug", "-", "file:///etc/shadow", "fileb://x",
        "http://169.254.169.254/", "https://x", "FILE://x" };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct ec2_command command;
        char expected[128];
        ec2_delete_endpoint(&command, &plain, values[i]);
        snprintf(expected, sizeof(expected), "aws|ec2|delete-vpc-endpoints|--vpc-endpoint-ids|?%s",
            values[i]);
        expect(&command, expected);
    }
    struct ec2_command command;
    ec2_delete_endpoint(&command, &plain, "vpce-1://x");
    expect(&command, "aws|ec2|delete-vpc-endpoints|--vpc-endpoint-ids|vpce-1://x");
}

// Nor can one leave its place in a word of more than one.
static void test_values_inside_of_words(void **unused)
{
    struct ec2_command command;
    const struct ec2_options west = { .cli = "aws", .region = "us-west-2,x" };
    ec2_describe_subnets(&command, &plain, "vpc-1,Values@=file:///etc/shadow");
    expect(&command, "aws|ec2|describe-subnets|--filters|"
                     "Name=vpc-id,Values=vpc-1_Values@_file:///etc/shadow");
    ec2_describe_endpoints(&command, &plain, "*", "vpc-?");
    expect(&command, "aws|ec2|describe-vpc-endpoints|--filters|Name=service-name,Values=_|"
                     "Name=vpc-id,Values=vpc-_");
    ec2_leave_zone(&command, &west, "Z1", "vpc-1,VPCId=vpc-2");
    expect(&command, "aws|route53|disassociate-vpc-from-hosted-zone|--region|us-west-2,x|"
                     "--hosted-zone-id|Z1|--vpc|VPCRegion=us-west-2_x,VPCId=vpc-1_VPCId_vpc-2");
    ec2_allow_ingress(&command, &plain, "sg-1", 4000, NULL, "::/0}],x=[{");
    expect(&command, "aws|ec2|authorize-security-group-ingress|--group-id|sg-1|--ip-permissions|"
                     "IpProtocol=tcp,FromPort=4000,ToPort=4000,"
                     "Ipv6Ranges=[{CidrIpv6=::/0___x___}]");
}

static void test_create(void **unused)
{
    struct ec2_command command;
    char *subnets[] = { (char *)(uintptr_t) "subnet-1", (char *)(uintptr_t) "subnet-2" };
    char *groups[] = { (char *)(uintptr_t) "sg-1" };
    const struct option_list subnet_ids = { subnets, 2 };
    const struct option_list group_ids = { groups, 1 };
    const struct option_list empty = { 0 };
    struct ec2_endpoint_plan plan = { .vpc_id = "vpc-1",
        .service_name = SERVICE,
        .subnet_ids = &subnet_ids,
        .security_group_ids = &group_ids,
        .client_token = "tidblink-7",
        .cluster = "13" };
    ec2_create_endpoint(&command, &plain, &plan);
    expect(&command,
        "aws|ec2|create-vpc-endpoint|--vpc-endpoint-type|Interface|--vpc-id|vpc-1|"
        "--service-name|" SERVICE "|--subnet-ids|subnet-1|subnet-2|--security-group-ids|sg-1|"
        "--no-private-dns-enabled|--client-token|tidblink-7|--tag-specifications|"
        "ResourceType=vpc-endpoint,Tags=[{Key=tidblink-cluster,Value=13}]");
    plan = (struct ec2_endpoint_plan){ .vpc_id = "vpc-1",
        .service_name = "svc",
        .subnet_ids = &subnet_ids,
        .security_group_ids = &empty };
    ec2_create_endpoint(&command, &plain, &plan);
    expect(&command, "aws|ec2|create-vpc-endpoint|--vpc-endpoint-type|Interface|"
                     "--vpc-id|vpc-1|--service-name|svc|--subnet-ids|subnet-1|subnet-2|"
                     "--no-private-dns-enabled");
}

// Brackets and commas would be syntax of the CLI's.
static void test_what_a_tag_may_not_hold(void **unused)
{
    struct ec2_command command;
    const struct option_list empty = { 0 };
    const struct ec2_endpoint_plan plan = { .vpc_id = "v",
        .service_name = "s",
        .subnet_ids = &empty,
        .cluster = "my shop},{Key=\xc3\xa9" };
    ec2_create_endpoint(&command, &plain, &plan);
    assert_string_equal(command.argv.items[command.argv.count - 1],
        "ResourceType=vpc-endpoint,Tags=[{Key=tidblink-cluster,Value=my_shop___Key___}]");
    ec2_command_done(&command);
}

static void test_changes(void **unused)
{
    struct ec2_command command;
    ec2_enable_private_dns(&command, &plain, "vpce-1");
    expect(&command, "aws|ec2|modify-vpc-endpoint|--vpc-endpoint-id|vpce-1|"
                     "--private-dns-enabled");
    ec2_delete_endpoint(&command, &plain, "vpce-1");
    expect(&command, "aws|ec2|delete-vpc-endpoints|--vpc-endpoint-ids|vpce-1");
    ec2_enable_vpc_attribute(&command, &plain, "vpc-1", "enableDnsSupport");
    expect(&command, "aws|ec2|modify-vpc-attribute|--vpc-id|vpc-1|--enable-dns-support");
    ec2_enable_vpc_attribute(&command, &plain, "vpc-1", "enableDnsHostnames");
    expect(&command, "aws|ec2|modify-vpc-attribute|--vpc-id|vpc-1|--enable-dns-hostnames");
    ec2_describe_endpoints(&command, &plain, "svc", NULL);
    expect(&command, "aws|ec2|describe-vpc-endpoints|--filters|"
                     "Name=service-name,Values=svc");
    ec2_describe_endpoint(&command, &plain, "vpce-1");
    expect(&command, "aws|ec2|describe-vpc-endpoints|--filters|"
                     "Name=vpc-endpoint-id,Values=vpce-1");
}

static void test_permissions(void **unused)
{
    struct ec2_command command;
    ec2_allow_ingress(&command, &plain, "sg-1", 4000, "sg-2", NULL);
    expect(&command, "aws|ec2|authorize-security-group-ingress|--group-id|sg-1|"
                     "--protocol|tcp|--port|4000|--source-group|sg-2");
    ec2_allow_ingress(&command, &plain, "sg-1", 4000, NULL, "10.0.0.0/16");
    expect(&command, "aws|ec2|authorize-security-group-ingress|--group-id|sg-1|"
                     "--protocol|tcp|--port|4000|--cidr|10.0.0.0/16");
    ec2_allow_egress(&command, &plain, "sg-1", 65535, "sg-2", "10.0.0.0/16");
    expect(&command, "aws|ec2|authorize-security-group-egress|--group-id|sg-1|"
                     "--protocol|tcp|--port|65535|--source-group|sg-2");
    ec2_allow_egress(&command, &plain, "sg-1", 4000, NULL, "fd00::/8");
    expect(&command, "aws|ec2|authorize-security-group-egress|--group-id|sg-1|"
                     "--ip-permissions|IpProtocol=tcp,FromPort=4000,ToPort=4000,"
                     "Ipv6Ranges=[{CidrIpv6=fd00::/8}]");
}

// ---- text ---------------------------------------------------------------------------------------

static void test_quoting(void **unused)
{
    static const struct {
        const char *argument, *quoted;
    } cases[] = {
        { "vpc-1", "vpc-1" },
        { "10.0.0.0/16", "10.0.0.0/16" },
        { "a@b%c+d:e,f", "'a@b%c+d:e,f'" },
        { "", "''" },
        { "two words", "'two words'" },
        { "it's", "'it'\\''s'" },
        { "$(id)`id`", "'$(id)`id`'" },
        { "a;b&c|d", "'a;b&c|d'" },
        { "*?[x]{y}~!#", "'*?[x]{y}~!#'" },
        { "A=b", "'A=b'" },
        { "back\\slash \"q\"", "'back\\slash \"q\"'" },
        { "\xc3\xa9", "'\xc3\xa9'" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[EC2_TEXT_BYTES];
        char expected[128];
        struct ec2_command command = { 0 };
        ec2_command_add(&command, "aws");
        ec2_command_add(&command, cases[i].argument);
        snprintf(expected, sizeof(expected), "aws %s", cases[i].quoted);
        assert_ptr_equal(ec2_command_text(&command, text), text);
        assert_string_equal(text, expected);
        assert_string_equal(ec2_command_lines(&command, text), expected);
        ec2_command_done(&command);
    }
}

// What a shell makes of a text: words, quotes, and lines that go on. The texts hold nothing else.
static void read_as_shell(const char *text, struct ec2_command *out)
{
    char word[EC2_TEXT_BYTES];
    size_t len = 0;
    bool in_word = false;
    bool in_quotes = false;
    for (;; text++) {
        if (!in_quotes && (*text == '\0' || *text == ' ' || *text == '\n')) {
            word[len] = '\0';
            if (in_word)
                ec2_command_add(out, word);
            in_word = false;
            len = 0;
            if (*text == '\0')
                return;
            continue;
        }
        assert_int_not_equal(*text, '\0'); // inside of quotes
        if (!in_quotes && *text == '\\') {
            text++;
            if (*text == '\n')
                continue;
            word[len++] = *text;
        } else if (*text == '\'') {
            in_quotes = !in_quotes;
        } else {
            word[len++] = *text;
        }
        in_word = true;
    }
}

static void expect_round_trip(const struct ec2_command *command, const char *text)
{
    struct ec2_command seen = { 0 };
    read_as_shell(text, &seen);
    assert_int_equal(seen.argv.count, command->argv.count);
    for (size_t i = 0; i < seen.argv.count; i++)
        assert_string_equal(seen.argv.items[i], command->argv.items[i]);
    ec2_command_done(&seen);
}

// A line is wider only when one word alone is.
static void expect_narrow(const char *text)
{
    for (const char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        const char *word = line + strspn(line, " ");
        bool is_one_word = (*word == '\'' || strcspn(word, " ") + 2 >= len - (size_t)(word - line));
        assert_true(len <= 76 || is_one_word);
        assert_true(line[len] == '\0' || line[len - 1] == '\\');
        line += len + (line[len] == '\n');
    }
}

static void test_lines(void **unused)
{
    struct ec2_command command;
    char text[EC2_TEXT_BYTES];
    char *subnets[] = { (char *)(uintptr_t) "subnet-0123456789abcdef0",
        (char *)(uintptr_t) "subnet-0123456789abcdef1",
        (char *)(uintptr_t) "subnet-0123456789abcdef2" };
    const struct option_list subnet_ids = { subnets, 3 };
    const struct ec2_options options = { .cli = "aws", .region = "us-east-1" };
    const struct ec2_endpoint_plan plan = { .vpc_id = "vpc-0123456789abcdef0",
        .service_name = SERVICE,
        .subnet_ids = &subnet_ids,
        .cluster = "1379661944646227111" };
    ec2_create_endpoint(&command, &options, &plan);
    assert_string_equal(ec2_command_lines(&command, text),
        "aws ec2 create-vpc-endpoint --region us-east-1 \\\n"
        "    --vpc-endpoint-type Interface --vpc-id vpc-0123456789abcdef0 \\\n"
        "    --service-name com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0 \\\n"
        "    --subnet-ids subnet-0123456789abcdef0 subnet-0123456789abcdef1 \\\n"
        "    subnet-0123456789abcdef2 --no-private-dns-enabled --tag-specifications \\\n"
        "    "
        "'ResourceType=vpc-endpoint,Tags=[{Key=tidblink-cluster,Value=1379661944646227111}]'");
    expect_round_trip(&command, text);
    expect_narrow(text);
    expect_round_trip(&command, ec2_command_text(&command, text));
    assert_null(strchr(text, '\n'));
    ec2_command_done(&command);
}

static void test_long_words(void **unused)
{
    char text[EC2_TEXT_BYTES];
    char word[400];
    static const char *const patterns[] = { "x", "'", "a b,", "\xc3\xa9", "'''," };
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
        for (size_t len = 60; len < 180; len++) {
            struct ec2_command command = { 0 };
            size_t period = strlen(patterns[i]);
            for (size_t at = 0; at < len; at++)
                word[at] = patterns[i][at % period];
            word[len - len % period] = '\0';
            ec2_command_add(&command, len % 2 ? word : "aws");
            ec2_command_add(&command, "--option");
            ec2_command_add(&command, word);
            ec2_command_add(&command, "--next");
            expect_round_trip(&command, ec2_command_lines(&command, text));
            expect_narrow(text);
            expect_round_trip(&command, ec2_command_text(&command, text));
            ec2_command_done(&command);
        }
}

static void test_too_long_for_the_buffer(void **unused)
{
    struct ec2_command command = { 0 };
    char text[EC2_TEXT_BYTES];
    ec2_command_add(&command, "aws");
    for (int i = 0; i < 300; i++)
        ec2_command_add(&command, i % 2 ? "subnet-0123456789abcdef0" : "it's");
    for (int i = 0; i < 2; i++) {
        const char *seen =
            i == 0 ? ec2_command_text(&command, text) : ec2_command_lines(&command, text);
        size_t len = strlen(seen);
        assert_true(len > EC2_TEXT_BYTES - 100);
        assert_string_equal(seen + len - 4, " ...");
        assert_true(isalnum((unsigned char)seen[len - 5]) || seen[len - 5] == '\'');
    }
    ec2_command_done(&command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_how_the_cli_is_called),
        cmocka_unit_test(test_values_stay_values),
        cmocka_unit_test(test_values_inside_of_words),
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_what_a_tag_may_not_hold),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_quoting),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_long_words),
        cmocka_unit_test(test_too_long_for_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
