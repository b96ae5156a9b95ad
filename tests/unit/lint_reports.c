// SPDX-License-Identifier: Apache-2.0
#include "lint_reports.h"

#include "base/err.h"
#include "strings/strings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct lint_report *lint_report_of(const char *client, const char *text)
{
    struct lint_report *report;
    struct err err;
    const struct string_client *row = strings_find(client);
    assert_non_null(row);
    if (!lint_read(row, text, strlen(text), &report, &err))
        fail_msg("%s cannot read\n%s\n%s", client, text, err.text);
    return report;
}

static void assert_silent(const char *client, const char *text, const char *shown)
{
    if (shown && strstr(shown, "HUNT"))
        fail_msg("%s: the password is shown: %s\n%s", client, shown, text);
}

static void assert_no_password(
    const char *client, const char *text, const struct lint_report *report)
{
    assert_silent(client, text, report->host);
    assert_silent(client, text, report->socket);
    assert_silent(client, text, report->user);
    assert_silent(client, text, report->database);
    assert_silent(client, text, report->corrected);
    for (size_t i = 0; i < report->param_count; i++) {
        assert_silent(client, text, report->params[i].name);
        assert_silent(client, text, report->params[i].value);
    }
    for (size_t i = 0; i < report->finding_count; i++) {
        assert_silent(client, text, report->findings[i].what);
        assert_silent(client, text, report->findings[i].why);
    }
}

const struct lint_finding *lint_report_find(const struct lint_report *report, const char *code)
{
    for (size_t i = 0; i < report->finding_count; i++) {
        if (!strcmp(report->findings[i].code, code))
            return &report->findings[i];
    }
    return NULL;
}

void lint_traps_are_found(const struct lint_trap *traps, size_t count)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        struct lint_report *report = lint_report_of(traps[i].client, traps[i].text);
        const struct lint_finding *finding = lint_report_find(report, traps[i].code);
        assert_no_password(traps[i].client, traps[i].text, report);
        bool ok = finding && finding->severity == traps[i].severity &&
                  (!traps[i].column || finding->column == traps[i].column);
        bool is_corrected = !traps[i].corrected ||
                            (report->corrected && strstr(report->corrected, traps[i].corrected));
        if (!ok || !is_corrected) {
            fprintf(stderr, "%s %s: %s (severity %d, column %u), corrected %s\n  %s\n",
                traps[i].client, traps[i].code, finding ? "found" : "not found",
                finding ? (int)finding->severity : 0, finding ? finding->column : 0,
                report->corrected ? report->corrected : "-", traps[i].text);
            wrong++;
        }
        lint_free(report);
    }
    assert_int_equal(wrong, 0);
}

size_t lint_traps_are_corrected(const struct lint_trap *traps, size_t count)
{
    size_t wrong = 0, corrected = 0;
    for (size_t i = 0; i < count; i++) {
        static const char *const stay[] = { "tls-identity", "wrong-port", "ipv6", "not-utf8",
            "user-colon", "truthy" };
        struct lint_report *report = lint_report_of(traps[i].client, traps[i].text);
        bool stays = !report->corrected;
        for (size_t j = 0; j < ARRAY_LEN(stay); j++)
            stays = stays || lint_report_find(report, stay[j]);
        if (!stays) {
            struct lint_report *again = lint_report_of(traps[i].client, report->corrected);
            corrected++;
            for (size_t j = 0; j < again->finding_count; j++) {
                if (again->findings[j].severity == LINT_WARNING)
                    continue;
                fprintf(stderr, "%s: %s\n  %s\n  %s\n", traps[i].client, again->findings[j].what,
                    traps[i].text, report->corrected);
                wrong++;
            }
            lint_free(again);
        }
        lint_free(report);
    }
    assert_int_equal(wrong, 0);
    return corrected;
}
