// SPDX-License-Identifier: Apache-2.0
//
// What the emulator was asked, for tests that count: API requests and DNS queries, the last
// JOURNAL_MAX of each. The loop's thread only.
#pragma once

#include <cjson/cJSON.h>

enum { JOURNAL_MAX = 10000 };
enum journal_part { JOURNAL_REQUESTS = 0, JOURNAL_QUERIES, JOURNAL_PARTS };

struct journal {
    cJSON *parts[JOURNAL_PARTS];
    int lengths[JOURNAL_PARTS];
    double last_number; // of a request, whichever API it was for; never used again
};

void journal_init(struct journal *journal);
void journal_done(struct journal *journal);
void journal_add(struct journal *journal, enum journal_part part, cJSON *entry); // takes it
void journal_clear(struct journal *journal, enum journal_part part);
cJSON *journal_show(const struct journal *journal, enum journal_part part); // the caller deletes
