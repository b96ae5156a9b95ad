// SPDX-License-Identifier: Apache-2.0
//
// Descriptors: what the configured max-connections needs against what the system grants.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct err;
struct settings;

// Raises the soft limit of open files to the hard one; ERR_OPTION when even that cannot hold
// max-connections, with the number that could.
bool descriptors_raise(const struct settings *settings, struct err *err) MUST_CHECK;
