// SPDX-License-Identifier: Apache-2.0
//
// Private hosted zones of Route 53 that answer in the endpoint's place.
#pragma once

struct doctor;
struct hop_view;

// What repairs a name that another zone answers for: the command that takes this VPC out of the
// zone, if it can be found; the command that lists the VPC's zones, if AWS does not let us look.
void zones_explain(struct doctor *doctor, struct hop_view *out);
