// SPDX-License-Identifier: Apache-2.0
//
// Prometheus' text format, line by line (prometheus.io/docs/instrumenting/exposition_formats,
// version 0.0.4). Every name gets the prefix "tidblink_". Pure; any thread.
#pragma once

#include <stdio.h>

// Of one sample; a NULL name ends the list early.
struct metrics_label {
    const char *name, *value;
};
enum { METRICS_LABELS_MAX = 4 };

// The two lines before a metric's samples. type: "counter", "gauge", "histogram".
void metrics_out_head(FILE *out, const char *name, const char *type, const char *help);
void metrics_out_sample(FILE *out, const char *name,
    const struct metrics_label labels[METRICS_LABELS_MAX], double number);
// With one label.
void metrics_out_labelled(
    FILE *out, const char *name, const char *label, const char *value, double number);
// A metric of one sample, without labels.
void metrics_out_single(
    FILE *out, const char *name, const char *type, const char *help, double number);
