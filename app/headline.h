// SPDX-License-Identifier: Apache-2.0
//
// What stands at the top of a cluster's card on the page: the state that decides, in the console's
// word, and the next step with its command apart, so that it can be copied. Pure.
#pragma once

struct cJSON;
struct control_news;
struct control_target;

// Adds "connects", "headline" and "next" to a cluster of the status document; news NULL: none yet.
// What is not known is left out. Main thread.
void headline_json(
    struct cJSON *object, const struct control_news *news, const struct control_target *target);
