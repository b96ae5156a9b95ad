// SPDX-License-Identifier: Apache-2.0
//
// Admission. Main thread only; called by listener.c.
#include "proxy/gate.h"

#include "base/err.h"

enum { GATE_REFUSALS = 64 };

bool gate_admit(const struct gate *gate, uint64_t open, struct err *err)
{
    if (gate->draining)
        return err_set(err, ERR_DRAINING,
            "tidblink: this proxy is shutting down: draining. Connect again when it is back");
    if (open < gate->max_connections)
        return true;
    return err_set(err, ERR_LIMIT,
        "tidblink: too many connections: %llu are open and max-connections is %llu. Close some, or "
        "raise max-connections",
        (unsigned long long)open, (unsigned long long)gate->max_connections);
}

bool gate_may_explain(const struct gate *gate, uint64_t open)
{
    return open < gate->max_connections + GATE_REFUSALS;
}
