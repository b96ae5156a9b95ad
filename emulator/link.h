// SPDX-License-Identifier: Apache-2.0
//
// What happens on one side of a private link when the other side changes: an endpoint of AWS is
// discovered by TiDB Cloud, becomes available when TiDB Cloud accepts it, is rejected when its
// connection goes. And what AWS makes by itself: network interfaces. The loop's thread only.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct link;
struct object;
struct world;

// After the scenario was read: completes it, and follows every change from now on. The world stays
// the caller's and outlives it.
struct link *link_new(struct world *world);
void link_free(struct link *link);

// Adds the connections that TiDB Cloud has discovered by now; called when somebody asks for them.
void link_discover(struct world *world);
// What becomes of a connection that was registered for this endpoint: false if there is no such in
// a world that has VPCs; then *out_message says what the API will.
bool link_accepts(struct world *world, const struct object *group, const char *endpoint_id,
    char *out_message, size_t size) MUST_CHECK;
