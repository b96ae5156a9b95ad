// SPDX-License-Identifier: Apache-2.0
//
// Reads a scenario file into the world. The kinds are added in the order of the schema, in which
// every reference points backward, so the lists of the file may stand in any order.
#include "emulator/scenario.h"

#include "base/err.h"
#include "base/os.h"
#include "emulator/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SCENARIO_BYTES_MAX = 4 << 20, PATH_BYTES = 64 };

static char *read_file(const char *path, struct err *err)
{
    FILE *file = os_fopen(path, "r");
    if (!file) {
        err_sys(err, ERR_FILE, errno, "cannot read the scenario %s", path);
        return NULL;
    }
    char *text = calloc(1, SCENARIO_BYTES_MAX + 1);
    if (!text)
        abort();
    size_t len = fread(text, 1, SCENARIO_BYTES_MAX + 1, file);
    bool failed = ferror(file);
    int sys = errno;
    fclose(file);
    if (failed)
        err_sys(err, ERR_FILE, sys, "cannot read the scenario %s", path);
    else if (len > SCENARIO_BYTES_MAX)
        err_set(err, ERR_FILE, "the scenario %s is over %d bytes", path, SCENARIO_BYTES_MAX);
    if (!failed && len <= SCENARIO_BYTES_MAX)
        return text;
    free(text);
    return NULL;
}

static cJSON *parse(const char *path, const char *text, struct err *err)
{
    const char *stop = text;
    cJSON *root = cJSON_ParseWithOpts(text, &stop, true);
    if (root)
        return root;
    unsigned line = 1, column = 1;
    for (const char *at = text; at < stop; at++) {
        column = *at == '\n' ? 1 : column + 1;
        line += *at == '\n';
    }
    err_set(err, ERR_OPTION, "%s:%u:%u: not JSON from here on", path, line, column);
    return NULL;
}

static bool load_list(struct world *world, enum kind_id kind, const cJSON *list, struct err *err)
{
    const char *collection = schema_kind(kind)->collection;
    if (!cJSON_IsArray(list))
        return err_set(err, ERR_OPTION, "$.%s: expected a list of objects", collection);
    int index = 0;
    for (const cJSON *item = list->child; item; item = item->next) {
        char where[PATH_BYTES];
        snprintf(where, sizeof(where), "$.%s[%d]", collection, index++);
        if (!world_add(world, kind, item, where, err))
            return false;
    }
    return true;
}

static bool known(const cJSON *member, struct err *err)
{
    if (schema_kind_named(member->string) != KINDS)
        return true;
    char names[256] = "";
    for (enum kind_id kind = KIND_SETTINGS; kind < KINDS; kind++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
            schema_kind(kind)->collection);
    }
    return err_set(err, ERR_OPTION, "$.%.60s: no such part; expected %s", member->string, names);
}

static bool load(struct world *world, const cJSON *root, struct err *err)
{
    if (!cJSON_IsObject(root))
        return err_set(err, ERR_OPTION, "$: expected an object");
    for (const cJSON *member = root->child; member; member = member->next) {
        if (!known(member, err))
            return false;
    }
    const cJSON *settings = cJSON_GetObjectItemCaseSensitive(root, "settings");
    if (settings && !world_patch(world_settings(world), settings, SCHEMA_PATCH, "$.settings", err))
        return false;
    for (enum kind_id kind = KIND_SETTINGS + 1; kind < KINDS; kind++) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, schema_kind(kind)->collection);
        if (list && !load_list(world, kind, list, err))
            return false;
    }
    return true;
}

bool scenario_load(struct world *world, const char *path, struct err *err)
{
    char *text = read_file(path, err);
    if (!text)
        return false;
    cJSON *root = parse(path, text, err);
    free(text);
    if (!root)
        return false;
    bool loaded = load(world, root, err);
    cJSON_Delete(root);
    return loaded || err_prefix(err, "%s", path);
}
