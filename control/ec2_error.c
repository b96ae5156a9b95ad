// SPDX-License-Identifier: Apache-2.0
//
// Sorting the AWS CLI's errors. See ec2_error.h; used by ec2_child.c and ec2.c.
#include "control/ec2_error.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { MESSAGE_BYTES = 260, OPERATION_BYTES = 64, ACTION_BYTES = 96, STEP_BYTES = 160 };

// Whose business a failure is, and what helps.
enum cure { CURE_NONE = 0, CURE_KEYS, CURE_SSO, CURE_CLOCK, CURE_PROFILE, CURE_RIGHTS };

static const struct {
    const char *code;
    enum cure cure;
} codes[] = {
    { "AuthFailure", CURE_KEYS },
    { "InvalidClientTokenId", CURE_KEYS },
    { "UnrecognizedClientException", CURE_KEYS },
    { "MissingAuthenticationToken", CURE_KEYS },
    { "IncompleteSignature", CURE_KEYS },
    { "ExpiredToken", CURE_KEYS },
    { "ExpiredTokenException", CURE_KEYS },
    { "NoCredentials", CURE_KEYS },
    { "RequestExpired", CURE_CLOCK },
    { "SignatureDoesNotMatch", CURE_CLOCK },
    { "UnauthorizedException", CURE_SSO },
    { "UnauthorizedOperation", CURE_RIGHTS },
    { "AccessDenied", CURE_RIGHTS },
    { "AccessDeniedException", CURE_RIGHTS },
    { "ForbiddenException", CURE_RIGHTS },
};

// What the CLI says before EC2 is asked. The first that fits counts.
static const struct {
    const char *words;
    enum cure cure;
} phrases[] = {
    { "The config profile", CURE_PROFILE },
    { "SSO", CURE_SSO },
    { "Token has expired", CURE_SSO },
    { "Error when retrieving token", CURE_SSO },
    { "Unable to locate credentials", CURE_KEYS },
    { "Partial credentials", CURE_KEYS },
    { "Error when retrieving credentials", CURE_KEYS },
    { "credentials are still expired", CURE_KEYS },
};

static enum cure cure_for(const char *code, const char *message)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (strcmp(code, codes[i].code) == 0)
            return codes[i].cure;
    for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
        if (code[0] == '\0' && strstr(message, phrases[i].words) != NULL)
            return phrases[i].cure;
    return CURE_NONE;
}

// ---- the next step ------------------------------------------------------------------------------

static void write_step(enum cure cure, const struct ec2_caller *caller, char out[STEP_BYTES])
{
    char profile[72] = "";
    if (caller->profile != NULL)
        snprintf(profile, sizeof(profile), " --profile %.60s", caller->profile);
    if (cure == CURE_PROFILE)
        snprintf(
            out, STEP_BYTES, "name another with aws-profile, or run `aws configure%s`", profile);
    else if (cure == CURE_SSO)
        snprintf(out, STEP_BYTES, "run `aws sso login%s`", profile);
    else if (caller->has_environment_keys)
        snprintf(out, STEP_BYTES, "renew AWS_ACCESS_KEY_ID and what belongs to it");
    else
        snprintf(out, STEP_BYTES, "run `aws sso login%s` or `aws configure%s`", profile, profile);
    size_t len = strlen(out);
    if (cure == CURE_CLOCK)
        snprintf(out + len, STEP_BYTES - len, ", and see that this machine's clock is right");
}

// What an operation belongs to, as IAM calls it.
static const char *service_of(const char *operation)
{
    if (strncmp(operation, "AssumeRole", strlen("AssumeRole")) == 0)
        return "sts";
    if (strcmp(operation, "GetRoleCredentials") == 0)
        return "sso";
    return strstr(operation, "HostedZone") != NULL ? "route53" : "ec2";
}

// The IAM action that is missing: EC2's message names it where it is another than the operation's
// own (ec2:CreateTags), and its region or account may be hidden.
static void write_action(const char *operation, const char *message, char out[ACTION_BYTES])
{
    static const char names[] = "not authorized to perform: ";
    const char *named = strstr(message, names);
    if (named != NULL && strchr(named + strlen(names), ':') != NULL) {
        named += strlen(names);
        snprintf(out, ACTION_BYTES, "%.*s", (int)strcspn(named, " \\"), named);
    } else {
        snprintf(out, ACTION_BYTES, "%s:%s", service_of(operation),
            operation[0] != '\0' ? operation : "*");
    }
}

// ---- the whole ----------------------------------------------------------------------------------

// Without the full stop: the sentence goes on. EC2 appends an encoded copy of the whole request to
// what it denies: long, and of no use here.
static void copy_message(const char *from, char out[MESSAGE_BYTES])
{
    const char *encoded = strstr(from, "Encoded authorization failure message");
    const char *end = strstr(from, "\\n");
    size_t len = strlen(from);
    if (end != NULL)
        len = (size_t)(end - from);
    if (encoded != NULL && (size_t)(encoded - from) < len)
        len = (size_t)(encoded - from);
    while (len > 0 && strchr(" .", from[len - 1]) != NULL)
        len--;
    snprintf(out, MESSAGE_BYTES, "%.*s", (int)len, from);
}

void ec2_explain_code(const char *code, const char *operation, const char *message,
    const struct ec2_caller *caller, struct err *err)
{
    char words[MESSAGE_BYTES];
    char step[STEP_BYTES];
    char action[ACTION_BYTES];
    const char *name = code != NULL ? code : "";
    copy_message(message != NULL && message[0] != '\0' ? message : "no reason is given", words);
    enum cure cure = cure_for(name, words);
    const char *colon = name[0] != '\0' ? ": " : "";
    if (cure == CURE_NONE) {
        err_set(err, ERR_AWS, "%.79s%s%s", name, colon, words);
    } else if (cure == CURE_RIGHTS) {
        write_action(operation != NULL ? operation : "", words, action);
        err_set(err, ERR_AWS_DENIED, "%.79s%s%s; these credentials need the IAM action %s", name,
            colon, words, action);
    } else {
        write_step(cure, caller, step);
        err_set(err, ERR_AWS_CREDENTIALS, "%.79s%s%s; %s", name, colon, words, step);
    }
    text_clean(err->text);
}

// The text between `from` and the next `end`, and what is behind that; NULL if there is no end.
static const char *take(const char *from, const char *end, char *out, size_t size)
{
    const char *at = strstr(from, end);
    if (at == NULL)
        return NULL;
    snprintf(out, size, "%.*s", (int)(at - from), from);
    return at + strlen(end);
}

// The last line that says something. Version 2 puts its name in front.
static void last_line(const char *errors, char out[MESSAGE_BYTES])
{
    static const char prefix[] = "aws: [ERROR]: ";
    out[0] = '\0';
    while (*errors != '\0') {
        const char *end = strstr(errors, "\\n");
        size_t len = end != NULL ? (size_t)(end - errors) : strlen(errors);
        size_t blanks = strspn(errors, " ");
        if (blanks < len)
            snprintf(out, MESSAGE_BYTES, "%.*s", (int)(len - blanks), errors + blanks);
        errors += end != NULL ? len + 2 : len;
    }
    if (strncmp(out, prefix, strlen(prefix)) == 0)
        memmove(out, out + strlen(prefix), strlen(out + strlen(prefix)) + 1);
}

void ec2_explain(
    const char *errors, const struct ec2_caller *caller, char code[EC2_CODE_BYTES], struct err *err)
{
    static const char start[] = "An error occurred (";
    char operation[OPERATION_BYTES] = "";
    char line[MESSAGE_BYTES];
    const char *message = NULL;
    const char *at = strstr(errors, start);
    code[0] = '\0';
    if (at != NULL)
        message = take(at + strlen(start), ")", code, EC2_CODE_BYTES);
    if (message == NULL) {
        last_line(errors, line);
        ec2_explain_code(NULL, NULL, line, caller, err);
        return;
    }
    static const char calling[] = " when calling the ";
    if (strncmp(message, calling, strlen(calling)) == 0) {
        const char *behind =
            take(message + strlen(calling), " operation", operation, sizeof(operation));
        message = behind != NULL ? behind : message;
    }
    if (strncmp(message, " (", 2) == 0) // "(reached max retries: 4)"
        message += strcspn(message, ")") + (strchr(message, ')') != NULL);
    if (strncmp(message, ": ", 2) == 0)
        message += 2;
    ec2_explain_code(code, operation, message, caller, err);
}
