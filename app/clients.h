// SPDX-License-Identifier: Apache-2.0
//
// A client of the catalogue by the name that a command line gives it.
#pragma once

#include "base/defs.h"
#include "strings/strings.h"

struct err;

// NULL and ERR_USAGE, with the nearest name, if there is none.
const struct string_client *clients_find(const char *name, struct err *err) MUST_CHECK;
