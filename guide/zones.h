// SPDX-License-Identifier: Apache-2.0
//
// Private hosted zones of Route 53 that answer in the endpoint's place.
#pragma once

#include <stdbool.h>

struct doctor;
struct hop_view;

// Looks for the private hosted zone of the VPC that answers for the cluster's name. True: there is
// one, and `out` says which and how to take the VPC out of it.
bool zones_find(struct doctor *doctor, struct hop_view *out);
// The same, and what else there is to say when none is found or AWS does not let us look.
void zones_explain(struct doctor *doctor, struct hop_view *out);
