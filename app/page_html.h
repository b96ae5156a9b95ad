// SPDX-License-Identifier: Apache-2.0
//
// The states as HTML. app/page/states.js makes the same elements of the same document when the page
// refreshes itself; a test compares the two. Pure; any thread.
#pragma once

#include <stdint.h>

struct cJSON;

// The whole page for this status document (status_json.h); the caller frees; NULL without memory.
// Whatever the texts hold, they stay text.
char *page_html(const struct cJSON *status, int64_t now_wall_s);
