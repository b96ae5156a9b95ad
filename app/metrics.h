// SPDX-License-Identifier: Apache-2.0
//
// /metrics in Prometheus' text format. Main thread.
#pragma once

struct program;

// The caller frees; NULL without memory.
char *metrics_text(const struct program *program);
