// SPDX-License-Identifier: Apache-2.0
//
// The text format. Used by metrics.c and metrics_cluster.c.
#include "app/metrics_out.h"

#include "base/text.h"

#include <string.h>

void metrics_out_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP tidblink_%s %s\n# TYPE tidblink_%s %s\n", name, help, name, type);
}

// A value is UTF-8, and two values must not become one: what is not (a state that was cut) is told
// byte by byte.
static void put_value(FILE *out, const char *value)
{
    size_t left = strlen(value);
    while (left) {
        const unsigned char *bytes = (const unsigned char *)value;
        size_t len = text_utf8_len(bytes, left);
        if (*value == '\n')
            fputs("\\n", out);
        else if (*value == '\\' || *value == '"')
            fprintf(out, "\\%c", *value);
        else if (len)
            fwrite(value, 1, len, out);
        else
            fprintf(out, "\\\\x%02x", *bytes);
        value += len ? len : 1;
        left -= len ? len : 1;
    }
}

void metrics_out_sample(FILE *out, const char *name,
    const struct metrics_label labels[METRICS_LABELS_MAX], double number)
{
    fprintf(out, "tidblink_%s", name);
    for (size_t i = 0; i < METRICS_LABELS_MAX && labels[i].name; i++) {
        fprintf(out, "%c%s=\"", i ? ',' : '{', labels[i].name);
        put_value(out, labels[i].value);
        fputc('"', out);
    }
    fprintf(out, "%s %.15g\n", labels[0].name ? "}" : "", number);
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
