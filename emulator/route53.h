// SPDX-License-Identifier: Apache-2.0
//
// Route 53, API version 2013-04-01, as far as private hosted zones of a VPC are concerned. The
// loop's thread only.
#pragma once

struct call;
struct evhttp_request;
struct world;

#define ROUTE53_PREFIX "/2013-04-01/"

// The action's name for faults and journal, "" if there is none.
const char *route53_action(struct evhttp_request *request);
// Fills the call's status and body.
void route53_answer(struct call *call, struct world *world);
void route53_refuse(struct call *call, const char *code, const char *message);
