// SPDX-License-Identifier: Apache-2.0
//
// The state document: what is believed about clusters, as JSON with a version, on disk. It is the
// last known state of one tidblink and, as `state-source = file:PATH`, the source of another. Any
// thread.
#pragma once

#include "control/model.h"

struct err;

// ERR_FILE; err->sys is ENOENT when there is no such file.
bool state_file_read(const char *path, struct model **out, struct err *err) MUST_CHECK;
// Replaces DIRECTORY/state.json: at every moment, also across a crash or power loss, the file is
// whole, the old one or the new one.
bool state_file_write(
    const char *directory, const struct model *model, int64_t now, struct err *err) MUST_CHECK;
// Removes what a crash in the middle of a write has left behind.
void state_file_sweep(const char *directory);
// DIRECTORY/state.json; returns out.
const char *state_file_path(const char *directory, char *out, size_t size);
