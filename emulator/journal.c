// SPDX-License-Identifier: Apache-2.0
//
// The log of what was asked, kept as the JSON that GET /requests and GET /queries print. Written by
// call.c and dns.c, read by control_port.c. The loop's thread only.
#include "emulator/journal.h"

#include <stdbool.h>
#include <stddef.h>

void journal_init(struct journal *journal)
{
    *journal = (struct journal){ 0 };
    for (size_t part = 0; part < JOURNAL_PARTS; part++)
        journal->parts[part] = cJSON_CreateArray();
}

void journal_done(struct journal *journal)
{
    for (size_t part = 0; part < JOURNAL_PARTS; part++)
        cJSON_Delete(journal->parts[part]);
}

void journal_add(struct journal *journal, enum journal_part part, cJSON *entry)
{
    if (part == JOURNAL_REQUESTS)
        cJSON_AddNumberToObject(entry, "number", ++journal->last_number);
    cJSON_AddItemToArray(journal->parts[part], entry);
    if (journal->lengths[part] == JOURNAL_MAX)
        cJSON_DeleteItemFromArray(journal->parts[part], 0);
    else
        journal->lengths[part]++;
}

void journal_clear(struct journal *journal, enum journal_part part)
{
    cJSON_Delete(journal->parts[part]);
    journal->parts[part] = cJSON_CreateArray();
    journal->lengths[part] = 0;
}

cJSON *journal_show(const struct journal *journal, enum journal_part part)
{
    return cJSON_Duplicate(journal->parts[part], true);
}
