// SPDX-License-Identifier: Apache-2.0
//
// Admission. Main thread only; called by proxy.c for every accepted socket.
#include "proxy/gate.h"

#include "proxy/refusal.h"

bool gate_admit(const struct gate *gate, const struct gate_load *load, struct err *err)
{
    // The counters are those of several threads: never let them wrap below zero.
    uint64_t served = load->open > load->lingering ? load->open - load->lingering : 0;
    if (gate->draining)
        refusal_draining(err);
    else if (served >= gate->max_connections)
        refusal_limit(served, gate->max_connections, err);
    else if (load->listener_max && load->listener_open >= load->listener_max)
        refusal_listener_limit(load->listener_max, err);
    else
        return true;
    return false;
}

bool gate_may_explain(const struct gate *gate, const struct gate_load *load)
{
    return load->open < gate->max_connections + GATE_REFUSALS;
}
