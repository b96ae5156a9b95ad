// SPDX-License-Identifier: Apache-2.0
//
// What the AWS CLI says when it fails, as versions 1 and 2 print it (escaped as child.c does), and
// what becomes of it.
#include "control/ec2_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct sample {
    const char *errors;
    enum err_code code;
    const char *ec2_code;
    const char *text; // all of it
};

static const struct ec2_caller nobody = { NULL, false };
static const struct ec2_caller prod = { "prod", false };
static const struct ec2_caller with_keys = { NULL, true };

static void expect(const struct sample *samples, size_t count, const struct ec2_caller *caller)
{
    for (size_t i = 0; i < count; i++) {
        struct err err = { 0 };
        char code[EC2_CODE_BYTES] = "x";
        ec2_explain(samples[i].errors, caller, code, &err);
        assert_string_equal(err.text, samples[i].text);
        assert_int_equal(err.code, samples[i].code);
        assert_string_equal(code, samples[i].ec2_code);
    }
}

static void test_what_ec2_refuses(void **unused)
{
    static const struct sample samples[] = {
        { "\\nAn error occurred (InvalidVpcEndpointId.NotFound) when calling the "
          "ModifyVpcEndpoint operation: The Vpc Endpoint Id 'vpce-1' does not exist\\n",
            ERR_AWS, "InvalidVpcEndpointId.NotFound",
            "InvalidVpcEndpointId.NotFound: The Vpc Endpoint Id 'vpce-1' does not exist" },
        { "\\naws: [ERROR]: An error occurred (InvalidServiceName) when calling the "
          "CreateVpcEndpoint operation: The Vpc Endpoint Service 'svc' does not exist\\n\\n"
          "Additional error details:\\nType: Sender\\n",
            ERR_AWS, "InvalidServiceName",
            "InvalidServiceName: The Vpc Endpoint Service 'svc' does not exist" },
        { "An error occurred (RequestLimitExceeded) when calling the DescribeVpcs operation "
          "(reached max retries: 4): Request limit exceeded.",
            ERR_AWS, "RequestLimitExceeded", "RequestLimitExceeded: Request limit exceeded" },
        { "An error occurred (Odd) when calling the X operation: ", ERR_AWS, "Odd",
            "Odd: no reason is given" },
    };
    expect(samples, ARRAY_LEN(samples), &nobody);
}

static void test_what_the_cli_itself_says(void **unused)
{
    static const struct sample samples[] = {
        { "\\nCould not connect to the endpoint URL: \"http://127.0.0.1:1/\"\\n", ERR_AWS, "",
            "Could not connect to the endpoint URL: \"http://127.0.0.1:1/\"" },
        { "usage: aws [options] <command>\\nTo see help text, you can run:\\n\\n  aws help\\n\\n"
          "Unknown options: --no-such\\n\\n",
            ERR_AWS, "", "Unknown options: --no-such" },
        { "\\naws: [ERROR]: An error occurred (NoRegion): You must specify a region.\\n", ERR_AWS,
            "NoRegion", "NoRegion: You must specify a region" },
        { "\\naws: [ERROR]: Something else\\n", ERR_AWS, "", "Something else" },
        { "An error occurred (", ERR_AWS, "", "An error occurred (" },
        { "\\n \\n", ERR_AWS, "", "no reason is given" },
    };
    expect(samples, ARRAY_LEN(samples), &nobody);
}

static void test_credentials(void **unused)
{
    static const struct sample samples[] = {
        { "\\nUnable to locate credentials. You can configure credentials by running \"aws "
          "configure\".\\n",
            ERR_AWS_CREDENTIALS, "",
            "Unable to locate credentials. You can configure credentials by running \"aws "
            "configure\"; run `aws sso login --profile prod` or `aws configure --profile prod`" },
        { "\\naws: [ERROR]: An error occurred (NoCredentials): Unable to locate credentials.\\n",
            ERR_AWS_CREDENTIALS, "NoCredentials",
            "NoCredentials: Unable to locate credentials; run `aws sso login --profile prod` or "
            "`aws configure --profile prod`" },
        { "\\nThe config profile (prod) could not be found\\n", ERR_AWS_CREDENTIALS, "",
            "The config profile (prod) could not be found; name another with aws-profile, or run "
            "`aws configure --profile prod`" },
        { "\\nThe SSO session associated with this profile has expired or is otherwise invalid.\\n",
            ERR_AWS_CREDENTIALS, "",
            "The SSO session associated with this profile has expired or is otherwise invalid; "
            "run `aws sso login --profile prod`" },
        { "\\nError when retrieving token from sso: Token has expired and refresh failed\\n",
            ERR_AWS_CREDENTIALS, "",
            "Error when retrieving token from sso: Token has expired and refresh failed; run `aws "
            "sso login --profile prod`" },
        { "\\nAn error occurred (AuthFailure) when calling the DescribeVpcs operation: AWS was not "
          "able to validate the provided access credentials\\n",
            ERR_AWS_CREDENTIALS, "AuthFailure",
            "AuthFailure: AWS was not able to validate the provided access credentials; run `aws "
            "sso login --profile prod` or `aws configure --profile prod`" },
    };
    expect(samples, ARRAY_LEN(samples), &prod);
    static const struct sample in_environment[] = {
        { "An error occurred (ExpiredToken) when calling the AssumeRole operation: expired",
            ERR_AWS_CREDENTIALS, "ExpiredToken",
            "ExpiredToken: expired; renew AWS_ACCESS_KEY_ID and what belongs to it" },
        { "An error occurred (RequestExpired) when calling the DescribeVpcs operation: Request "
          "has expired.",
            ERR_AWS_CREDENTIALS, "RequestExpired",
            "RequestExpired: Request has expired; renew AWS_ACCESS_KEY_ID and what belongs to "
            "it, and see that this machine's clock is right" },
    };
    expect(in_environment, ARRAY_LEN(in_environment), &with_keys);
}

static void test_credential_codes(void **unused)
{
    static const char *const codes[] = { "AuthFailure", "InvalidClientTokenId", "ExpiredToken",
        "RequestExpired", "ExpiredTokenException", "SignatureDoesNotMatch",
        "UnrecognizedClientException", "MissingAuthenticationToken", "IncompleteSignature" };
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct err err;
        ec2_explain_code(codes[i], "DescribeVpcs", "no", &nobody, &err);
        assert_int_equal(err.code, ERR_AWS_CREDENTIALS);
        assert_non_null(strstr(err.text, "`aws configure`"));
    }
}

static void test_rights(void **unused)
{
    static const struct sample samples[] = {
        { "\\nAn error occurred (UnauthorizedOperation) when calling the CreateVpcEndpoint "
          "operation: You are not authorized to perform this operation.\\n",
            ERR_AWS_DENIED, "UnauthorizedOperation",
            "UnauthorizedOperation: You are not authorized to perform this operation; these "
            "credentials need the IAM action ec2:CreateVpcEndpoint" },
        { "\\nAn error occurred (UnauthorizedOperation) when calling the CreateVpcEndpoint "
          "operation: You are not authorized. User: arn:aws:iam::1:user/x is not authorized to "
          "perform: ec2:CreateTags on resource: y because. Encoded authorization failure message: "
          "SECRETLOOKING\\n",
            ERR_AWS_DENIED, "UnauthorizedOperation",
            "UnauthorizedOperation: You are not authorized. User: arn:aws:iam::1:user/x is not "
            "authorized to perform: ec2:CreateTags on resource: y because; these credentials "
            "need the IAM action ec2:CreateTags" },
        { "\\nAn error occurred (AccessDenied) when calling the AssumeRole operation: no\\n",
            ERR_AWS_DENIED, "AccessDenied",
            "AccessDenied: no; these credentials need the IAM action sts:AssumeRole" },
        { "\\nAn error occurred (ForbiddenException) when calling the GetRoleCredentials "
          "operation: No access\\n",
            ERR_AWS_DENIED, "ForbiddenException",
            "ForbiddenException: No access; these credentials need the IAM action "
            "sso:GetRoleCredentials" },
        { "\\nAn error occurred (AccessDenied) when calling the ListHostedZonesByVPC operation: "
          "no\\n",
            ERR_AWS_DENIED, "AccessDenied",
            "AccessDenied: no; these credentials need the IAM action "
            "route53:ListHostedZonesByVPC" },
        { "\\nAn error occurred (AccessDenied) when calling the "
          "DisassociateVPCFromHostedZone operation: no\\n",
            ERR_AWS_DENIED, "AccessDenied",
            "AccessDenied: no; these credentials need the IAM action "
            "route53:DisassociateVPCFromHostedZone" },
    };
    expect(samples, ARRAY_LEN(samples), &nobody);
}

// What was signed, and with it the session token, is behind the first line.
static void test_nothing_behind_the_first_line(void **unused)
{
    struct err err;
    char code[EC2_CODE_BYTES];
    ec2_explain("\\nAn error occurred (SignatureDoesNotMatch) when calling the DescribeVpcs "
                "operation: The signature does not match.\\n\\nThe Canonical String was\\n"
                "'POST\\nx-amz-security-token:TOKEN4711'\\n",
        &nobody, code, &err);
    assert_int_equal(err.code, ERR_AWS_CREDENTIALS);
    assert_null(strstr(err.text, "TOKEN4711"));
    assert_null(strchr(err.text, '\\'));
    assert_non_null(strstr(err.text, "clock"));
}

static void test_long_and_odd(void **unused)
{
    char errors[4096];
    char code[EC2_CODE_BYTES];
    struct err err;
    memset(errors, 'x', sizeof(errors) - 1);
    errors[sizeof(errors) - 1] = '\0';
    ec2_explain(errors, &prod, code, &err);
    assert_true(strlen(err.text) < 300);
    memcpy(errors, "An error occurred (", 19);
    memcpy(errors + 3000, ") when calling the ", 19);
    memcpy(errors + 3500, " operation: UnauthorizedOperation \xff\xc3(", 37);
    ec2_explain(errors, &prod, code, &err);
    assert_int_equal(strlen(code), EC2_CODE_BYTES - 1);
    assert_true(strlen(err.text) < ERR_TEXT_BYTES - 1);
    assert_null(strchr(err.text, '\xff'));
    ec2_explain_code(NULL, NULL, NULL, &nobody, &err);
    assert_int_equal(err.code, ERR_AWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_ec2_refuses),
        cmocka_unit_test(test_what_the_cli_itself_says),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_credential_codes),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_nothing_behind_the_first_line),
        cmocka_unit_test(test_long_and_odd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
