// SPDX-License-Identifier: Apache-2.0
//
// Where a cluster's endpoint-id stands in the configuration file, for setup and endpoint delete.
// Main thread.
#pragma once

#include "app/settings.h"
#include "guide/setup.h"

struct place {
    const char *file;      // NULL: there is none, or it may not be written
    char section[300];     // "cluster orders"
    char endpoint_id[600]; // what the file says, on Azure a whole path; "": nothing
    bool has_section;
};

// Looks into the file of the settings for the cluster's section. A file that cannot be written is
// no place.
void place_find(
    struct place *place, const struct settings *settings, const struct cluster_settings *cluster);
// What the steps see of it; points into place.
struct setup_place place_of_setup(struct place *place);
// endpoint_id NULL takes it out.
bool place_write(struct place *place, const char *endpoint_id, struct err *err) MUST_CHECK;
