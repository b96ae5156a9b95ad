// SPDX-License-Identifier: Apache-2.0
//
// What app/page/embed.py makes of app/page/: the document before and behind the states, and the
// Content-Security-Policy that lets its own script and style run and nothing else.
#pragma once

extern const char page_policy[];
extern const char page_head[];
extern const char page_foot[];
