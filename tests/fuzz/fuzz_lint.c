// SPDX-License-Identifier: Apache-2.0
//
// Connection strings: a byte that chooses what is done, the id of a client, a line end, bytes.
#include "base/err.h"
#include "strings/encode.h"
#include "strings/lint.h"
#include "strings/strings.h"
#include "tests/fuzz/fuzz.h"

#define MARK "HUNTER"

enum { TEXT_BYTES = 1 << 16, RAW_BYTES = 3 };

static bool shows(const char *text)
{
    return text && strstr(text, MARK);
}

static bool report_shows(const struct lint_report *report)
{
    bool found = shows(report->host) || shows(report->socket) || shows(report->user) ||
                 shows(report->database) || shows(report->corrected);
    for (size_t i = 0; i < report->param_count; i++)
        found = found || shows(report->params[i].name) || shows(report->params[i].value);
    for (size_t i = 0; i < report->finding_count; i++)
        found = found || shows(report->findings[i].what) || shows(report->findings[i].why);
    return found;
}

static void check_report(const struct lint_report *report)
{
    CHECK(report->param_count <= LINT_PARAMS && report->finding_count <= LINT_FINDINGS);
    CHECK(report->tls < LINT_TLS_MODES && report->port <= 65535);
    for (size_t i = 0; i < report->param_count; i++)
        CHECK(report->params[i].name != NULL);
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct lint_finding *finding = &report->findings[i];
        CHECK(finding->code && finding->what[0] && finding->why[0]);
        CHECK(!finding->line == !finding->column);
    }
    CHECK(!report->is_misread || (!report->host && !report->user && report->param_count == 0));
}

// NULL: refused.
static struct lint_report *lint(const struct string_client *client, const char *text, size_t len)
{
    struct lint_report *report = NULL;
    struct err err = { 0 };
    uint8_t *copy = fuzz_copy((const uint8_t *)text, len);
    bool done = lint_read(client, (const char *)copy, len, &report, &err);
    free(copy);
    CHECK(done == (report != NULL));
    CHECK(done || (err.text[0] && !shows(err.text)));
    if (report)
        check_report(report);
    return report;
}

// Any bytes for any client, and what is corrected is read again.
static void read_any(const struct string_client *client, const char *text, size_t len)
{
    struct lint_report *report = lint(client, text, len);
    if (report && report->corrected)
        lint_free(lint(client, report->corrected, strlen(report->corrected)));
    lint_free(report);
}

static bool print(const struct string_client *client, const char *password, bool has_socket,
    struct string_output *output)
{
    const struct string_request request = {
        .host = "127.0.0.1",
        .port = 4000,
        .socket = has_socket ? "/run/tidblink/c1.sock" : NULL,
        .user = "app",
        .database = "shop",
        .password = password,
        .tls = STRING_TLS_OFF,
    };
    struct err err;
    return strings_print(client, &request, output, &err);
}

static void explain(const char *text, const struct lint_report *report)
{
    fprintf(stderr, "%s\n", text);
    for (size_t i = 0; report && i < report->finding_count; i++)
        fprintf(stderr, "%s: %s: %s\n", report->findings[i].code, report->findings[i].what,
            report->findings[i].why);
}

// What is printed with this password has nothing wrong, is read as it was meant, and not shown.
static void read_printed(const struct string_client *client, const char *bytes, size_t len)
{
    char password[TEXT_BYTES];
    struct string_output output;
    struct err err;
    bool has_socket = len % 2;
    int size = snprintf(password, sizeof(password), MARK "%.*s" MARK, (int)len, bytes);
    if (len > 4096 || memchr(bytes, '\0', len) ||
        !strings_check_password(password, (size_t)size, &err) ||
        !print(client, password, has_socket, &output))
        return;
    struct lint_report *report = lint(client, output.text, strlen(output.text));
    bool is_clean = report && !report_shows(report) && !lint_has_error(report) &&
                    !report->is_misread &&
                    (has_socket ? report->socket != NULL : report->port == 4000);
    if (!is_clean)
        explain(output.text, report);
    CHECK(is_clean);
    lint_free(report);
    strings_output_done(&output);
}

// A password that somebody has pasted as it is, three bytes of any kind in its middle.
static void read_pasted(const struct string_client *client, const char *bytes, size_t len)
{
    static char text[TEXT_BYTES];
    struct string_output output;
    if (!print(client, "SECRET", false, &output))
        return;
    const char *at = strstr(output.text, "SECRET");
    if (at) {
        size_t head = (size_t)(at - output.text), raw = len < RAW_BYTES ? len : RAW_BYTES;
        int size = snprintf(text, sizeof(text), "%.*s" MARK, (int)head, output.text);
        memcpy(text + size, bytes, raw);
        size_t used = (size_t)size + raw;
        used += (size_t)snprintf(text + used, sizeof(text) - used, MARK "%s", at + 6);
        struct lint_report *report = lint(client, text, used);
        if (report && report_shows(report))
            explain(text, report);
        CHECK(!report || !report_shows(report));
        lint_free(report);
    }
    strings_output_done(&output);
}

static const struct string_client *choose(const char *id, size_t len)
{
    char name[64];
    size_t count = 1, sum = 0;
    snprintf(name, sizeof(name), "%.*s", (int)(len < 63 ? len : 63), id);
    const struct string_client *client = strings_find(name);
    for (size_t i = 0; i < len; i++)
        sum += (unsigned char)id[i];
    while (strings_at(count))
        count++;
    return client ? client : strings_at(sum % count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static void (*const reads[])(const struct string_client *client, const char *bytes,
        size_t len) = { read_any, read_printed, read_pasted };
    const char *text = (const char *)data + 1;
    const char *line_end = len > 1 ? memchr(text, '\n', len - 1) : NULL;
    if (!line_end || len > TEXT_BYTES / 4)
        return 0;
    const struct string_client *client = choose(text, (size_t)(line_end - text));
    size_t used = (size_t)(line_end + 1 - (const char *)data);
    reads[data[0] % 3](client, line_end + 1, len - used);
    return 0;
}
