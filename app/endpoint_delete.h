// SPDX-License-Identifier: Apache-2.0
//
// tidblink endpoint delete: the undoing of a set-up, on both sides. Main thread.
#pragma once

#include "app/setups.h"

// Asks (unless `yes`), deletes the connection at TiDB Cloud and the interface endpoint at AWS,
// waits until both are gone, and takes endpoint-id out of the configuration. Safe to repeat.
bool endpoint_delete(struct setups *setups, bool yes, uint64_t max_ms, struct err *err) MUST_CHECK;
// TiDB Cloud's side alone, until it is gone.
bool endpoint_delete_connection(struct setups *setups, uint64_t max_ms, struct err *err) MUST_CHECK;
