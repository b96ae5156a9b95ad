// SPDX-License-Identifier: Apache-2.0
//
// Admission. Main thread only; called by listener.c.
#include "proxy/gate.h"

#include "proxy/refusal.h"

enum { GATE_REFUSALS = 64 };

bool gate_admit(const struct gate *gate, uint64_t open, struct err *err)
{
    if (gate->draining)
        refusal_draining(err);
    else if (open >= gate->max_connections)
        refusal_limit(open, gate->max_connections, err);
    else
        return true;
    return false;
}

bool gate_may_explain(const struct gate *gate, uint64_t open)
{
    return open < gate->max_connections + GATE_REFUSALS;
}
