// SPDX-License-Identifier: Apache-2.0
//
// Reads and writes one value of the configuration file. The file itself counts, not the settings:
// those may have the value from the command line.
#include "app/place.h"

#include "base/options.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct look {
    struct place *place;
    bool inside;
};

static bool on_section(void *arg, const char *section, const char *origin, struct err *err)
{
    (void)origin;
    (void)err;
    struct look *look = arg;
    look->inside = strcmp(section, look->place->section) == 0;
    look->place->has_section = look->place->has_section || look->inside;
    return true;
}

static bool on_value(
    void *arg, const char *name, const char *value, const char *origin, struct err *err)
{
    (void)origin;
    (void)err;
    struct look *look = arg;
    if (look->inside && strcmp(name, "endpoint-id") == 0)
        snprintf(look->place->endpoint_id, sizeof(look->place->endpoint_id), "%s", value);
    return true;
}

// It is written beside the old file and then takes its place.
static bool may_be_replaced(const char *file)
{
    char real[PATH_MAX];
    struct stat status;
    if (!realpath(file, real) || stat(real, &status) != 0 || !S_ISREG(status.st_mode) ||
        access(real, W_OK) != 0)
        return false;
    char *slash = strrchr(real, '/');
    slash[slash == real] = '\0';
    return access(real, W_OK) == 0;
}

void place_find(
    struct place *place, const struct settings *settings, const struct cluster_settings *cluster)
{
    struct err ignored; // the settings were read from it
    *place = (struct place){ 0 };
    snprintf(place->section, sizeof(place->section), "cluster %.280s", cluster->alias);
    struct look look = { .place = place };
    const struct option_reader reader = {
        .arg = &look, .on_section = on_section, .on_value = on_value
    };
    if (!settings->file || !option_read_file(settings->file, &reader, &ignored))
        return;
    // A node group that the command line names has no section of its own.
    bool may_have_one = place->has_section || !strchr(cluster->alias, '/');
    if (may_have_one && may_be_replaced(settings->file))
        place->file = settings->file;
}

bool place_write(struct place *place, const char *endpoint_id, struct err *err)
{
    if (!option_file_set(place->file, place->section, "endpoint-id", endpoint_id, err))
        return false;
    snprintf(place->endpoint_id, sizeof(place->endpoint_id), "%s", endpoint_id ? endpoint_id : "");
    return true;
}

static bool write_for_setup(void *arg, const char *endpoint_id, struct err *err)
{
    return place_write(arg, endpoint_id, err);
}

struct setup_place place_of_setup(struct place *place)
{
    return (struct setup_place){
        .name = place->file,
        .endpoint_id = place->endpoint_id,
        .write = place->file ? write_for_setup : NULL,
        .arg = place,
    };
}
