// SPDX-License-Identifier: Apache-2.0
//
// tidblink endpoint list: one row for each endpoint that TiDB Cloud or AWS knows. Main thread.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct err;
struct setup;

bool endpoint_list(const struct setup *setup, bool json, struct err *err) MUST_CHECK;
