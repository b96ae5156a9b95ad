// SPDX-License-Identifier: Apache-2.0
//
// What the log says when the program starts. Main thread.
#pragma once

struct program;
struct settings;

// Versions, and warnings about settings.
void announce_start(const struct settings *settings);
// Each address, as it is now.
void announce_listeners(const struct program *program);
