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

// A section while it is read.
struct section {
    char name[OPTION_LINE_BYTES + 1], cluster_id[OPTION_LINE_BYTES + 1];
    char group[OPTION_LINE_BYTES + 1], endpoint_id[sizeof(((struct place *)NULL)->endpoint_id)];
};

// What is looked for: the section of this name, or one about this cluster and group.
struct look {
    struct place *place;
    const char *cluster_id, *cluster_name, *group; // NULL: by name
    struct section now;
};

static const char cluster_prefix[] = "cluster ";

static bool is_same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

// Without cluster-id the section's name says which cluster it is.
static bool is_about(const struct section *section, const struct look *look)
{
    const size_t prefix = strlen(cluster_prefix);
    if (strncmp(section->name, cluster_prefix, prefix) != 0)
        return false;
    const char *word = *section->cluster_id ? section->cluster_id : section->name + prefix;
    bool is_cluster = is_same(word, look->cluster_id) ||
                      (!*section->cluster_id && is_same(word, look->cluster_name));
    return is_cluster && is_same(section->group, look->group);
}

static void end_section(struct look *look)
{
    struct place *place = look->place;
    const struct section *now = &look->now;
    if (place->has_section || !*now->name ||
        !(look->cluster_id ? is_about(now, look) : is_same(now->name, place->section)))
        return;
    place->has_section = true;
    snprintf(place->section, sizeof(place->section), "%s", now->name);
    snprintf(place->endpoint_id, sizeof(place->endpoint_id), "%s", now->endpoint_id);
}

static bool on_section(void *arg, const char *section, const char *origin, struct err *err)
{
    (void)origin;
    (void)err;
    struct look *look = arg;
    end_section(look);
    look->now = (struct section){ 0 };
    snprintf(look->now.name, sizeof(look->now.name), "%s", section);
    return true;
}

static bool on_value(
    void *arg, const char *name, const char *value, const char *origin, struct err *err)
{
    (void)origin;
    (void)err;
    struct section *now = &((struct look *)arg)->now;
    if (strcmp(name, "endpoint-id") == 0)
        snprintf(now->endpoint_id, sizeof(now->endpoint_id), "%s", value);
    else if (strcmp(name, "cluster-id") == 0)
        snprintf(now->cluster_id, sizeof(now->cluster_id), "%s", value);
    else if (strcmp(name, "group") == 0)
        snprintf(now->group, sizeof(now->group), "%s", value);
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

static bool read_file(struct look *look, const char *file)
{
    struct err ignored; // the settings were read from it
    const struct option_reader reader = { look, on_section, on_value };
    if (!file || !option_read_file(file, &reader, &ignored))
        return false;
    end_section(look);
    return true;
}

static void choose_file(struct place *place, const struct settings *settings, const char *alias)
{
    place->fits = option_section_fits(place->section);
    // A node group that the command line names has no section of its own.
    bool may_have_one = place->has_section || !strchr(alias, '/');
    bool writable =
        may_have_one && place->fits && settings->file && may_be_replaced(settings->file);
    place->file = writable ? settings->file : NULL;
}

void place_find(
    struct place *place, const struct settings *settings, const struct cluster_settings *cluster)
{
    *place = (struct place){ 0 };
    snprintf(place->section, sizeof(place->section), "%s%.280s", cluster_prefix, cluster->alias);
    struct look look = { .place = place };
    if (read_file(&look, settings->file))
        choose_file(place, settings, cluster->alias);
    else
        place->fits = option_section_fits(place->section);
}

bool place_find_by_id(struct place *place, const struct settings *settings,
    const struct control_target *target, const char *cluster_id, const char *cluster_name)
{
    struct look look = {
        .place = place,
        .cluster_id = cluster_id,
        .cluster_name = cluster_name,
        .group = target->group,
    };
    if (place->has_section)
        return false;
    if (read_file(&look, settings->file) && place->has_section)
        choose_file(place, settings, target->alias);
    else if (!place->fits)
        snprintf(place->hint, sizeof(place->hint),
            "no section can be called \"%.100s\"; add to your file, under a plain name: "
            "[cluster NAME], cluster-id = %.64s",
            target->alias, cluster_id);
    return place->has_section;
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
        .hint = *place->hint ? place->hint : NULL,
        .endpoint_id = place->endpoint_id,
        .write = place->file ? write_for_setup : NULL,
        .arg = place,
    };
}
