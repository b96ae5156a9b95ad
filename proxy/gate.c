// SPDX-License-Identifier: Apache-2.0
//
// Admission. Main thread only; called by proxy.c for every accepted socket.
#include "proxy/gate.h"

#include "proxy/refusal.h"

// The counters are those of several threads: never let them wrap below zero.
static uint64_t served(const struct gate_load *load)
{
    return load->open > load->lingering ? load->open - load->lingering : 0;
}

bool gate_is_full(const struct gate *gate, const struct gate_load *load)
{
    return served(load) >= gate->max_connections;
}

bool gate_admit(const struct gate *gate, const struct gate_load *load, struct err *err)
{
    if (gate->draining)
        refusal_draining(err);
    else if (gate_is_full(gate, load))
        refusal_limit(served(load), gate->max_connections, err);
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
