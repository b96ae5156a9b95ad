// SPDX-License-Identifier: Apache-2.0
//
// The text format. Used by metrics.c and metrics_cluster.c.
#include "app/metrics_out.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

void metrics_out_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP tidblink_%s %s\n# TYPE tidblink_%s %s\n", name, help, name, type);
}

// How many bytes from here on stand for themselves.
static size_t plain_len(const char *value, size_t left)
{
    size_t len = 0, step = 1;
    for (; len < left && step; len += step) {
        step = text_utf8_len((const unsigned char *)value + len, left - len);
        if (value[len] == '\n' || value[len] == '\\' || value[len] == '"')
            step = 0;
    }
    return len;
}

// A value is UTF-8, and two values must not become one: what is not (a state that was cut) is told
// byte by byte.
static void put_value(FILE *out, const char *value)
{
    for (size_t left = strlen(value); left > 0;) {
        size_t len = plain_len(value, left);
        fwrite(value, 1, len, out);
        value += len;
        left -= len;
        if (left == 0)
            return;
        if (*value == '\n')
            fputs("\\n", out);
        else if (*value == '\\' || *value == '"')
            fprintf(out, "\\%c", *value);
        else
            fprintf(out, "\\\\x%02x", (unsigned char)*value);
        value++;
        left--;
    }
}

// As "%.15g" has it, which takes much longer for a whole number.
static void put_number(FILE *out, double number)
{
    static const double whole_max = 1e15;
    bool is_whole = number >= 0 && number < whole_max && number == (double)(uint64_t)number;
    if (is_whole)
        fprintf(out, " %" PRIu64 "\n", (uint64_t)number);
    else
        fprintf(out, " %.15g\n", number);
}

// Thousands of lines a scrape, on the thread that accepts clients: no format that can be avoided.
void metrics_out_sample(FILE *out, const char *name,
    const struct metrics_label labels[METRICS_LABELS_MAX], double number)
{
    fputs("tidblink_", out);
    fputs(name, out);
    for (size_t i = 0; i < METRICS_LABELS_MAX && labels[i].name; i++) {
        putc(i ? ',' : '{', out);
        fputs(labels[i].name, out);
        fputs("=\"", out);
        put_value(out, labels[i].value);
        putc('"', out);
    }
    if (labels[0].name)
        putc('}', out);
    put_number(out, number);
}

void metrics_out_labelled(
    FILE *out, const char *name, const char *label, const char *value, double number)
{
    const struct metrics_label labels[METRICS_LABELS_MAX] = { { label, value } };
    metrics_out_sample(out, name, labels, number);
}

void metrics_out_single(
    FILE *out, const char *name, const char *type, const char *help, double number)
{
    const struct metrics_label none[METRICS_LABELS_MAX] = { { NULL, NULL } };
    metrics_out_head(out, name, type, help);
    metrics_out_sample(out, name, none, number);
}
