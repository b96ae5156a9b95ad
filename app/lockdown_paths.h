// SPDX-License-Identifier: Apache-2.0
//
// What of the file system a running proxy has to do with: the configuration's files and folders,
// and what its libraries read. Read-only on the settings; main thread.
#pragma once

#include "app/settings.h"

enum { LOCKDOWN_ORIGIN_BYTES = 96 };

struct lockdown_place {
    char *path;                         // absolute, without links, as it was found
    unsigned rights;                    // enum os_right
    char origin[LOCKDOWN_ORIGIN_BYTES]; // the option's name; "" for what libraries read
    bool is_folder;
    uint64_t device, inode; // of a file: one that takes its place is another one
};

struct lockdown_places {
    struct lockdown_place *items;
    size_t count;
    bool is_strict;      // the files themselves, not their folders
    bool has_all_of_etc; // resolv.conf, or passwd and group, may be replaced there
};

// False: out of memory. What is not there is left out. lockdown_places_done in any case.
bool lockdown_places_collect(
    struct lockdown_places *places, const struct settings *settings) MUST_CHECK;
bool lockdown_places_add(struct lockdown_places *places, const char *origin, const char *path,
    unsigned rights) MUST_CHECK;
void lockdown_places_done(struct lockdown_places *places);

// Whether whoever is fenced in with these places may read everything that `fresh` names. ERR_OPTION
// names what not.
bool lockdown_places_cover(
    const struct lockdown_places *places, const struct settings *fresh, struct err *err) MUST_CHECK;
