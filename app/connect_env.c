// SPDX-License-Identifier: Apache-2.0
//
// Used by connect_forms.c and connect_run.c.
#include "app/connect_env.h"

#include "base/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void wipe(char *item)
{
    os_wipe(item, strlen(item));
    free(item);
}

static bool add(struct connect_env *env, char *item)
{
    char **grown = item ? os_reallocarray(env->items, env->count + 2, sizeof(*grown)) : NULL;
    if (!grown) {
        if (item)
            wipe(item);
        return false;
    }
    env->items = grown;
    grown[env->count++] = item;
    grown[env->count] = NULL;
    return true;
}

bool connect_env_init(struct connect_env *env)
{
    *env = (struct connect_env){ .items = calloc(1, sizeof(char *)) };
    bool ok = env->items;
    for (char **item = os_environment(); ok && *item; item++)
        ok = add(env, strdup(*item));
    return ok;
}

static void unset(struct connect_env *env, const char *name)
{
    size_t len = strlen(name), kept = 0;
    for (size_t i = 0; i < env->count; i++) {
        char *item = env->items[i];
        if (strncmp(item, name, len) == 0 && item[len] == '=')
            wipe(item);
        else
            env->items[kept++] = item;
    }
    env->count = kept;
    env->items[kept] = NULL;
}

bool connect_env_set(struct connect_env *env, const char *name, const char *value)
{
    char *item = NULL;
    unset(env, name);
    return !value || (os_asprintf(&item, "%s=%s", name, value) >= 0 && add(env, item));
}

void connect_env_done(struct connect_env *env)
{
    for (size_t i = 0; i < env->count; i++)
        wipe(env->items[i]);
    free(env->items);
    *env = (struct connect_env){ 0 };
}
