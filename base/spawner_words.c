// SPDX-License-Identifier: Apache-2.0
//
// Pure. See spawner_words.h.
#include "base/spawner_words.h"

#include "base/spawner.h"

#include <string.h>

static bool put_list(struct spawner_packet *packet, const char *const *texts, uint16_t *count)
{
    for (; texts && *texts; texts++) {
        size_t size = strlen(*texts) + 1;
        if (*count == SPAWNER_TEXTS || size > sizeof(packet->texts) - packet->len)
            return false;
        memcpy(packet->texts + packet->len, *texts, size);
        packet->len += size;
        (*count)++;
    }
    return true;
}

bool spawner_put(struct spawner_packet *packet, const char *const *argv, const char *const *env)
{
    packet->len = 0;
    packet->head.argv_count = packet->head.env_count = 0;
    return put_list(packet, argv, &packet->head.argv_count) &&
           put_list(packet, env, &packet->head.env_count);
}

static const char *read_list(
    const struct spawner_packet *packet, const char *at, uint16_t count, const char **out)
{
    const char *end = packet->texts + packet->len;
    if (count > SPAWNER_TEXTS)
        return NULL;
    for (uint16_t i = 0; i < count; i++) {
        const char *nul = memchr(at, '\0', (size_t)(end - at));
        if (!nul)
            return NULL;
        out[i] = at;
        at = nul + 1;
    }
    out[count] = NULL;
    return at;
}

bool spawner_read(const struct spawner_packet *packet, struct spawner_lists *out)
{
    const char *at = read_list(packet, packet->texts, packet->head.argv_count, out->argv);
    at = at ? read_list(packet, at, packet->head.env_count, out->env) : NULL;
    return at && at == packet->texts + packet->len;
}

// The words are few and short, and so are the ways to share them out.
static bool fits(const char *allowed, const char *word)
{
    static const char any[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:/[]";
    while (*allowed && *allowed != *SPAWNER_ANY)
        if (*allowed++ != *word++)
            return false;
    if (!*allowed)
        return !*word;
    for (size_t len = strspn(word, any); len > 0; len--)
        if (fits(allowed + 1, word + len))
            return true;
    return false;
}

bool spawner_fits(const char *allowed, const char *word)
{
    bool begins_an_option = *allowed == *SPAWNER_ANY && *word == '-';
    return !begins_an_option && fits(allowed, word);
}
