// SPDX-License-Identifier: Apache-2.0
//
// /api/v1/status: what the running proxy knows and does, as one JSON object. Main thread.
#pragma once

struct program;

// The caller frees; NULL without memory.
char *status_json(struct program *program);
