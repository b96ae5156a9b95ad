// SPDX-License-Identifier: Apache-2.0
//
// The table of error codes and the few functions that fill a struct err. Any thread.
// MySQL error numbers: dev.mysql.com "Server Error Message Reference"; SQLSTATEs as TiDB has them
// (pingcap/tidb pkg/parser/mysql/state.go). No number of 2000–2999: Debian 12's mariadb client and
// mysqlclient answer those with "malformed packet" and lose the text.
#include "base/err.h"

#include "base/os.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// clang-format off
static const struct err_row rows[ERR_CODES] = {
    [ERR_NONE]            = { "none",            1105, "HY000", false, EXIT_DONE },
    [ERR_INTERNAL]        = { "internal",        1105, "HY000", false, EXIT_FAILED },
    [ERR_MEMORY]          = { "memory",          1040, "08004", true,  EXIT_FAILED },
    [ERR_USAGE]           = { "usage",           1105, "HY000", false, EXIT_USAGE },
    [ERR_OPTION]          = { "option",          1105, "HY000", false, EXIT_USAGE },
    [ERR_LISTEN]          = { "listen",          1105, "HY000", false, EXIT_USAGE },
    [ERR_FILE]            = { "file",            1105, "HY000", false, EXIT_FAILED },
    [ERR_CHILD]           = { "child",           1105, "HY000", false, EXIT_FAILED },
    [ERR_LIMIT]           = { "limit",           1040, "08004", true,  EXIT_FAILED },
    [ERR_DRAINING]        = { "draining",        1053, "08S01", true,  EXIT_FAILED },
    [ERR_TRANSITION]      = { "transition",      1053, "08S01", true,  EXIT_STATE },
    [ERR_REFUSED]         = { "state",           1105, "HY000", false, EXIT_STATE },
    [ERR_UNKNOWN_CLUSTER] = { "unknown-cluster", 1105, "HY000", false, EXIT_USAGE },
    [ERR_API_UNREACHABLE] = { "api-unreachable", 1053, "08S01", true,  EXIT_FAILED },
    [ERR_API_KEY]         = { "api-key",         1105, "HY000", false, EXIT_CONTROL },
    [ERR_API_FORBIDDEN]   = { "api-forbidden",   1105, "HY000", false, EXIT_CONTROL },
    [ERR_API_RATE]        = { "api-rate",        1053, "08S01", true,  EXIT_CONTROL },
    [ERR_API_ANSWER]      = { "api-answer",      1053, "08S01", true,  EXIT_FAILED },
    [ERR_API_NOT_FOUND]   = { "api-not-found",   1105, "HY000", false, EXIT_FAILED },
    [ERR_API_CONFLICT]    = { "api-conflict",    1105, "HY000", false, EXIT_FAILED },
    [ERR_AWS]             = { "aws",             1105, "HY000", false, EXIT_FAILED },
    [ERR_AWS_CREDENTIALS] = { "aws-credentials", 1105, "HY000", false, EXIT_CONTROL },
    [ERR_AWS_DENIED]      = { "aws-denied",      1105, "HY000", false, EXIT_CONTROL },
    [ERR_DNS_NXDOMAIN]    = { "dns-nxdomain",    1042, "08S01", true,  EXIT_FAILED },
    [ERR_DNS_NODATA]      = { "dns-nodata",      1042, "08S01", true,  EXIT_FAILED },
    [ERR_DNS_SERVFAIL]    = { "dns-servfail",    1042, "08S01", true,  EXIT_FAILED },
    [ERR_DNS_TIMEOUT]     = { "dns-timeout",     1042, "08S01", true,  EXIT_FAILED },
    [ERR_DNS_POLICY]      = { "dns-policy",      1042, "08S01", false, EXIT_FAILED },
    [ERR_DIAL]            = { "dial",            1042, "08S01", true,  EXIT_FAILED },
    [ERR_DIAL_TIMEOUT]    = { "dial-timeout",    1042, "08S01", true,  EXIT_FAILED },
    [ERR_JUMP]            = { "jump",            1042, "08S01", true,  EXIT_FAILED },
    [ERR_GREETING]        = { "greeting",        1042, "08S01", true,  EXIT_FAILED },
    [ERR_TLS]             = { "tls",             1105, "HY000", false, EXIT_FAILED },
    [ERR_LOGIN]           = { "login",           1042, "08S01", true,  EXIT_FAILED },
    [ERR_DENIED]          = { "denied",          1130, "HY000", false, EXIT_FAILED },
    [ERR_TLS_REQUIRED]    = { "tls-required",    3159, "HY000", false, EXIT_FAILED },
    [ERR_CLIENT_PROTOCOL] = { "client-protocol", 1043, "08S01", false, EXIT_FAILED },
    [ERR_CLIENT_OLD]      = { "client-old",      1251, "08004", false, EXIT_FAILED },
    [ERR_CLIENT_TLS]      = { "client-tls",      1043, "08S01", false, EXIT_FAILED },
    [ERR_CLIENT_SLOW]     = { "client-slow",     1159, "08S01", true,  EXIT_FAILED },
};
// clang-format on

const struct err_row *err_row(enum err_code code)
{
    if ((unsigned)code >= ERR_CODES)
        return &rows[ERR_INTERNAL];
    return &rows[code];
}

const char *err_errno_text(int sys)
{
    static _Thread_local char text[128];
    return os_error_text(sys, text, sizeof(text));
}

bool err_set(struct err *err, enum err_code code, const char *format, ...)
{
    if (!err)
        return false;
    va_list values;
    va_start(values, format);
    vsnprintf(err->text, sizeof(err->text), format, values);
    va_end(values);
    err->code = code;
    err->sys = 0;
    return false;
}

bool err_sys(struct err *err, enum err_code code, int sys, const char *format, ...)
{
    if (!err)
        return false;
    va_list values;
    va_start(values, format);
    vsnprintf(err->text, sizeof(err->text), format, values);
    va_end(values);
    size_t len = strlen(err->text);
    snprintf(err->text + len, sizeof(err->text) - len, ": %s", err_errno_text(sys));
    err->code = code;
    err->sys = sys;
    return false;
}

bool err_prefix(struct err *err, const char *format, ...)
{
    if (!err)
        return false;
    char text[ERR_TEXT_BYTES];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    size_t len = strlen(text);
    snprintf(text + len, sizeof(text) - len, ": %s", err->text);
    memcpy(err->text, text, sizeof(text));
    return false;
}
