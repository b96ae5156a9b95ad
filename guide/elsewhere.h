// SPDX-License-Identifier: Apache-2.0
//
// What has to be done outside this program: the other clouds' own commands, and the same set-up as
// clicks in the two consoles. Texts only; pure.
#pragma once

#include "guide/setup.h"

#include <stdio.h>

// The commands that create an endpoint for the cluster's private link service on Google Cloud or
// Azure. Words in capitals are the reader's. False: this cloud is not known.
bool elsewhere_creation(const struct setup *setup, char out[EC2_TEXT_BYTES]);
// Those that delete the endpoint of this ID.
bool elsewhere_deletion(
    const struct setup *setup, const char *endpoint_id, char out[EC2_TEXT_BYTES]);
// TiDB Cloud must be told the endpoint's address as well, and nobody has said it.
bool elsewhere_lacks_address(const struct setup *setup);
// The word behind --endpoint-id in commands, as far as it can be known before there is one.
const char *elsewhere_endpoint_word(const struct setup *setup, char out[SHELL_WORD_BYTES]);
// How the endpoint is then named to TiDB Cloud: "its name", "its resource ID and …".
const char *elsewhere_endpoint_id(const struct setup *setup);

// The whole set-up as clicks, with what is known filled in. AWS only; for the others the provider's
// page is named.
void elsewhere_clicks(const struct setup *setup, FILE *out);
