// SPDX-License-Identifier: Apache-2.0
//
// What a command that prints and ends knows about a cluster: the control API's answer, or else the
// last known state that a proxy left on disk. Blocks its caller; main thread.
#pragma once

#include "app/settings.h"

struct facts {
    struct model *model; // a reference
    bool from_disk;
    struct err failure; // from_disk: why the API gave no answer; code ERR_NONE: it was not asked
};

enum facts_order {
    FACTS_ASK,      // the API; the disk when the API does not answer
    FACTS_REMEMBER, // the disk; the API when the disk knows nothing
};

// About one cluster, or about all when `target` is NULL (the list knows no endpoints). A refused
// key or a cluster that does not exist is an error, whatever the disk says.
bool facts_get(const struct settings *settings, const struct control_target *target,
    enum facts_order order, struct facts *out, struct err *err) MUST_CHECK;
void facts_done(struct facts *facts);

// What a new connection to this target would get, judged by these facts.
void facts_judge(
    const struct facts *facts, const struct control_target *target, struct verdict *out);
// "the control API does not answer (…): this is the last known state", on stderr.
void facts_warn(const struct facts *facts);
