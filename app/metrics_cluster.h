// SPDX-License-Identifier: Apache-2.0
//
// The metrics that each cluster has, with the label `cluster`. Main thread; part of metrics.c.
#pragma once

#include <stdio.h>

struct program;

void metrics_cluster_print(FILE *out, const struct program *program);
