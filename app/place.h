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
    bool fits;      // the section's name can stand in a file
    char hint[700]; // what to write where, for a person; "": it is written here
};

// Looks into the file of the settings for the cluster's section. A file that cannot be written is
// no place.
void place_find(
    struct place *place, const struct settings *settings, const struct cluster_settings *cluster);
// The same once it is known which cluster is meant: a section that has its ID, whatever it is
// called, is the cluster's, and a second one would have a proxy serve it twice. True when this
// found one, where there was none.
bool place_find_by_id(struct place *place, const struct settings *settings,
    const struct control_target *target, const char *cluster_id, const char *cluster_name);
// What the steps see of it; points into place.
struct setup_place place_of_setup(struct place *place);
// endpoint_id NULL takes it out.
bool place_write(struct place *place, const char *endpoint_id, struct err *err) MUST_CHECK;
