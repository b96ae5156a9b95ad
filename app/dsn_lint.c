// SPDX-License-Identifier: Apache-2.0
//
// What a client reads out of a string is strings/'s business (lint.h); here is where the string
// comes from and how the answer is printed. The string is a secret: it is overwritten after use,
// and nothing here prints a part of it that the report does not hold.
#include "app/dsn_lint.h"

#include "app/cli.h"
#include "app/facts_json.h"
#include "app/suggest.h"
#include "app/table.h"
#include "base/err.h"
#include "base/options.h"
#include "base/os.h"
#include "strings/lint.h"
#include "strings/strings.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lint_values {
    int format;
    bool json;
};

enum { FORMAT_TEXT = 0, FORMAT_JSON };
static const char *const formats[] = { "text", "json", NULL };
static const struct option_row rows[] = {
    { "format", OPTION_CHOICE, offsetof(struct lint_values, format), "text", 0, 0, 0, formats, NULL,
        "how the result is printed" },
    { "json", OPTION_BOOL, offsetof(struct lint_values, json), NULL, 0, 0, 0, NULL, NULL,
        "the same as --format json" },
};
static const struct option_table table = { rows, ARRAY_LEN(rows) };

// ---- standard input -----------------------------------------------------------------------------

struct input {
    char bytes[LINT_BYTES + 2];
    size_t len;
};

// One line end at the end is the shell's or the editor's.
static bool read_input(struct input *input, struct err *err)
{
    for (;;) {
        ssize_t got =
            read(STDIN_FILENO, input->bytes + input->len, sizeof(input->bytes) - input->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(err, ERR_FILE, errno, "lint: cannot read standard input");
        input->len += (size_t)got;
        if (got == 0 || input->len == sizeof(input->bytes))
            break;
    }
    if (input->len > 0 && input->bytes[input->len - 1] == '\n')
        input->len--;
    if (input->len > 0 && input->bytes[input->len - 1] == '\r')
        input->len--;
    if (input->len > LINT_BYTES)
        return err_set(err, ERR_USAGE,
            "lint: standard input is longer than %d bytes: expected one connection string",
            LINT_BYTES);
    return true;
}

// ---- printing -----------------------------------------------------------------------------------

static const char *severity_name(enum lint_severity severity)
{
    return severity == LINT_ERROR ? "error" : "warning";
}

static const char *tls_text(enum lint_tls tls)
{
    static const char *const texts[LINT_TLS_MODES] = {
        [LINT_TLS_CLIENT] = "the client's default",
        [LINT_TLS_OFF] = "off",
        [LINT_TLS_IDENTITY] = "verifies the certificate and its name",
        [LINT_TLS_CA] = "verifies the certificate, not its name",
        [LINT_TLS_UNVERIFIED] = "encrypted, but not verified",
        [LINT_TLS_CUSTOM] = "as the program sets it up",
    };
    return texts[tls];
}

static void print_fields(const struct string_client *client, const struct lint_report *report)
{
    char port[16] = "";
    printf("%s (%s) reads:\n", client->name, client->id);
    if (report->is_misread) {
        table_field(stdout, "not shown", "a part of the password ends up in other fields");
        return;
    }
    if (report->port)
        snprintf(port, sizeof(port), "%u", report->port);
    table_field(stdout, "host", report->host);
    table_field(stdout, "port", port);
    table_field(stdout, "socket", report->socket);
    table_field(stdout, "user", report->user);
    table_field(stdout, "password", report->has_password ? "yes (not shown)" : "none");
    table_field(stdout, "database", report->database);
    table_field(stdout, "TLS", tls_text(report->tls));
    for (size_t i = 0; i < report->param_count; i++) {
        const struct lint_param *param = &report->params[i];
        char text[512];
        snprintf(text, sizeof(text), "%s = %s", param->name,
            param->value ? param->value : "(not shown)");
        table_field(stdout, i == 0 ? "others" : "", text);
    }
}

static void print_text(const struct string_client *client, const struct lint_report *report)
{
    print_fields(client, report);
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct lint_finding *finding = &report->findings[i];
        char place[64] = "", lead[128];
        if (finding->line > 1)
            snprintf(
                place, sizeof(place), " at line %u, column %u", finding->line, finding->column);
        else if (finding->line)
            snprintf(place, sizeof(place), " at column %u", finding->column);
        snprintf(lead, sizeof(lead), "%s%s: ", severity_name(finding->severity), place);
        char text[sizeof(finding->what) + sizeof(finding->why) + 4];
        snprintf(text, sizeof(text), "%s: %s.", finding->what, finding->why);
        putchar('\n');
        table_paragraph(stdout, lead, 2, text);
    }
    if (report->finding_count == 0)
        printf("\nnothing wrong\n");
    else if (report->corrected)
        printf("\ncorrected:\n%s\n", report->corrected);
}

static cJSON *findings_json(const struct lint_report *report)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct lint_finding *finding = &report->findings[i];
        cJSON *object = cJSON_CreateObject();
        facts_json_text(object, "severity", severity_name(finding->severity));
        facts_json_text(object, "code", finding->code);
        if (finding->line) {
            cJSON_AddNumberToObject(object, "line", finding->line);
            cJSON_AddNumberToObject(object, "column", finding->column);
        }
        facts_json_text(object, "what", finding->what);
        facts_json_text(object, "why", finding->why);
        cJSON_AddItemToArray(list, object);
    }
    return list;
}

static bool print_json(
    const struct string_client *client, const struct lint_report *report, struct err *err)
{
    cJSON *object = cJSON_CreateObject();
    cJSON *params = cJSON_CreateObject();
    facts_json_text(object, "client", client->id);
    cJSON_AddBoolToObject(object, "misread", report->is_misread);
    facts_json_text(object, "host", report->host);
    if (report->port)
        cJSON_AddNumberToObject(object, "port", report->port);
    facts_json_text(object, "socket", report->socket);
    facts_json_text(object, "user", report->user);
    cJSON_AddBoolToObject(object, "password", report->has_password);
    facts_json_text(object, "database", report->database);
    facts_json_text(object, "tls", lint_tls_name(report->tls));
    for (size_t i = 0; i < report->param_count; i++)
        cJSON_AddItemToObject(params, report->params[i].name,
            report->params[i].value ? cJSON_CreateString(report->params[i].value)
                                    : cJSON_CreateNull());
    cJSON_AddItemToObject(object, "parameters", params);
    cJSON_AddItemToObject(object, "findings", findings_json(report));
    facts_json_text(object, "corrected", report->corrected);
    bool ok = facts_json_print(object, false, err);
    cJSON_Delete(object);
    return ok;
}

// ---- the command --------------------------------------------------------------------------------

// NULL with the reason. The word may be the string itself: it is not repeated.
static const struct string_client *find_client(const char *name, struct err *err)
{
    const struct string_client *client = name ? strings_find(name) : NULL;
    if (client)
        return client;
    if (!name) {
        err_set(err, ERR_USAGE,
            "lint: which client? Expected dsn lint CLIENT, and the string on standard input");
        return NULL;
    }
    struct suggest suggest = suggest_for(name);
    for (size_t i = 0; (client = strings_at(i)); i++)
        suggest_offer(&suggest, client->id);
    err_set(err, ERR_USAGE, "lint: no client of this name: dsn --list shows them%s",
        suggest_text(&suggest));
    return NULL;
}

// A second word may be the string itself, put there by mistake: it is not repeated.
static bool read_words(
    int argc, char *const *argv, const char **client, struct lint_values *own, struct err *err)
{
    const struct option_table *const tables[] = { &table };
    struct cli cli = { 0 };
    bool ok = option_defaults(&table, own, err) && cli_split(&cli, argc, argv, tables, 1, err);
    for (size_t i = 0; ok && i < cli.count; i++) {
        const struct cli_item *item = &cli.items[i];
        if (item->row)
            ok = option_assign(item->row, own, item->text, "lint", err);
        else if (*client)
            ok = err_set(err, ERR_USAGE,
                "lint: one word too many: the string comes on standard input, where no other user "
                "of this machine sees it");
        else
            *client = item->text;
    }
    cli_done(&cli);
    return ok;
}

static bool lint_input(const struct string_client *client, struct input *input, bool json,
    int *exit_code, struct err *err)
{
    struct lint_report *report = NULL;
    if (isatty(STDIN_FILENO))
        fprintf(stderr, "the string, then Ctrl-D:\n");
    bool ok = read_input(input, err) && lint_read(client, input->bytes, input->len, &report, err);
    if (ok && json)
        ok = print_json(client, report, err);
    else if (ok)
        print_text(client, report);
    if (ok && lint_has_error(report))
        *exit_code = EXIT_FAILED;
    lint_free(report);
    return ok;
}

bool dsn_lint(int argc, char *const *argv, int *exit_code, struct err *err)
{
    struct lint_values own = { 0 };
    const char *name = NULL;
    if (!read_words(argc, argv, &name, &own, err))
        return false;
    const struct string_client *client = find_client(name, err);
    if (!client)
        return false;
    struct input *input = calloc(1, sizeof(*input));
    if (!input)
        return err_set(err, ERR_MEMORY, "out of memory");
    bool json = own.json || own.format == FORMAT_JSON;
    bool ok = lint_input(client, input, json, exit_code, err);
    os_wipe(input, sizeof(*input));
    free(input);
    return ok;
}
