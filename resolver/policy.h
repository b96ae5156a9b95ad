// SPDX-License-Identifier: Apache-2.0
//
// The address policy of resolver.h, applied to a whole answer. Pure.
#pragma once

#include "resolver/resolver.h"

// False with ERR_DNS_POLICY, naming the first address that is not private.
bool policy_accepts(
    const struct policy *policy, const struct addr_set *set, struct err *err) MUST_CHECK;
