// SPDX-License-Identifier: Apache-2.0
//
// The public face: reads, judges, and leaves out of the report what may be a part of the password.
// Pure; any thread.
#include "base/buf.h"
#include "base/err.h"
#include "base/os.h"
#include "strings/encode.h"
#include "strings/lint_rows.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA_FIXED = 1 << 16, ARENA_PER_BYTE = 64 };

bool lint_knows(const struct string_client *client)
{
    return lint_client_find(client->id) != NULL;
}

static bool is_secret(const char *name)
{
    static const char *const words[] = { "password", "passwd", "pwd", "secret", "token" };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (os_strcasestr(name, words[i]))
            return true;
    }
    return false;
}

// What the client reads, before any fix: what it would take a piece of the password for is left
// out.
static void report_fields(struct lint *lint)
{
    const struct lint_reading *reading = &lint->reading;
    struct lint_report *report = &lint->report;
    report->has_password = reading->password.text && *reading->password.text;
    report->is_misread = reading->is_misread;
    if (reading->is_misread)
        return;
    report->user = reading->user.text;
    report->host = reading->host.text;
    report->socket = reading->socket.text;
    report->database =
        reading->database.text && *reading->database.text ? reading->database.text : NULL;
    report->port = lint_port(lint);
    for (size_t i = 0; i < reading->pair_count; i++) {
        const struct lint_pair *pair = &reading->pairs[i];
        if (pair->is_hidden || pair->is_inner || pair->is_added)
            continue;
        report->params[report->param_count++] = (struct lint_param){ pair->name.text,
            is_secret(pair->name.text) ? NULL : pair->value.text };
    }
}

static void correct(struct lint *lint)
{
    const struct lint_client *form = lint->file ? lint->file : lint->client;
    struct buf out;
    buf_init(&out, SIZE_MAX / 2);
    if (!lint->reading.is_unwritten && form->write(lint, &out)) {
        char *text = lint_alloc(lint, buf_len(&out) + 1);
        if (!lint->failed) {
            memcpy(text, buf_head(&out), buf_len(&out));
            text[buf_len(&out)] = '\0';
            lint->report.corrected = text;
        }
    }
    buf_done(&out);
}

static bool check_text(const char *text, size_t len, struct err *err)
{
    if (len > LINT_BYTES)
        return err_set(err, ERR_USAGE,
            "the text is longer than %d bytes: that is no connection string", LINT_BYTES);
    if (!encode_is_utf8(text, len) || memchr(text, '\0', len))
        return err_set(err, ERR_USAGE, "the text is not UTF-8, or holds a NUL byte");
    if (len == 0)
        return err_set(err, ERR_USAGE,
            "there is nothing to read: expected the string on standard "
            "input");
    return true;
}

static struct lint *make(const struct string_client *row, const char *source, size_t len)
{
    struct lint *lint = calloc(1, sizeof(*lint));
    if (!lint)
        return NULL;
    lint->arena_size = ARENA_FIXED + ARENA_PER_BYTE * len;
    lint->arena = malloc(lint->arena_size);
    lint->row = row;
    lint->client = lint_client_find(row->id);
    lint->source = source;
    lint->source_len = len;
    lint->failed = !lint->arena;
    return lint;
}

static bool read_and_judge(struct lint *lint, struct err *err)
{
    size_t len = lint->source_len;
    uint32_t *from = lint_alloc(lint, (len + 1) * sizeof(uint32_t));
    if (lint->failed)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i <= len; i++)
        from[i] = (uint32_t)i;
    struct lint_text text = { lint->source, len, from };
    bool is_file = lint->client->read == lint_read_lines || lint->client->read == lint_read_xml;
    if (lint->client->carrier && !is_file)
        text = lint_peel(lint, text, lint->client->carrier);
    if (!lint->failed && !lint->client->read(lint, text, err))
        return false;
    if (!lint->failed) {
        report_fields(lint);
        lint_judge(lint);
        correct(lint);
    }
    return !lint->failed ||
           err_set(err, ERR_MEMORY, "out of memory, or too many parts in the string");
}

bool lint_read(const struct string_client *client, const char *text, size_t len,
    struct lint_report **out, struct err *err)
{
    *out = NULL;
    if (!lint_knows(client))
        return err_set(err, ERR_USAGE,
            "there is no reader for the strings of %s: tidblink dsn --client %s prints a correct "
            "one",
            client->id, client->id);
    if (!check_text(text, len, err))
        return false;
    struct lint *lint = make(client, text, len);
    if (!lint)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (!read_and_judge(lint, err)) {
        lint_free(&lint->report);
        return false;
    }
    lint->source = NULL;
    *out = &lint->report;
    return true;
}

bool lint_has_error(const struct lint_report *report)
{
    for (size_t i = 0; i < report->finding_count; i++) {
        if (report->findings[i].severity == LINT_ERROR)
            return true;
    }
    return false;
}

// The password was in it.
void lint_free(struct lint_report *report)
{
    struct lint *lint = CONTAINER_OF(report, struct lint, report);
    if (!report)
        return;
    if (lint->arena)
        os_wipe(lint->arena, lint->arena_size);
    free(lint->arena);
    os_wipe(lint, sizeof(*lint));
    free(lint);
}
