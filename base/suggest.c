// SPDX-License-Identifier: Apache-2.0
//
// "Did you mean": edit distance (insert, delete, replace, swap of neighbours) over short names.
// Used by the command line and the configuration file. Pure; any thread.
#include "base/suggest.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_LEN = 40 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

// Optimal string alignment distance; names longer than NAME_MAX_LEN are far from everything.
static unsigned distance_of(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b);
    if (rows > NAME_MAX_LEN || columns > NAME_MAX_LEN)
        return NAME_MAX_LEN;
    unsigned cost[NAME_MAX_LEN + 1][NAME_MAX_LEN + 1];
    for (size_t i = 0; i <= rows; i++)
        cost[i][0] = (unsigned)i;
    for (size_t j = 0; j <= columns; j++)
        cost[0][j] = (unsigned)j;
    for (size_t i = 1; i <= rows; i++) {
        for (size_t j = 1; j <= columns; j++) {
            unsigned replace = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            cost[i][j] = min3(cost[i - 1][j] + 1, cost[i][j - 1] + 1, replace);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && cost[i - 2][j - 2] + 1 < cost[i][j])
                cost[i][j] = cost[i - 2][j - 2] + 1;
        }
    }
    return cost[rows][columns];
}

struct suggest suggest_for(const char *word)
{
    // A third of the letters may be wrong: farther names are no help.
    unsigned limit = (unsigned)strlen(word) / 3 + 1;
    return (struct suggest){ .word = word, .distance = limit + 1 };
}

void suggest_offer(struct suggest *suggest, const char *name)
{
    unsigned distance = distance_of(suggest->word, name);
    if (distance >= suggest->distance)
        return;
    suggest->distance = distance;
    suggest->best = name;
}

const char *suggest_text(const struct suggest *suggest)
{
    static _Thread_local char text[NAME_MAX_LEN + 32];
    if (!suggest->best)
        return "";
    snprintf(text, sizeof(text), "; did you mean \"%s\"?", suggest->best);
    return text;
}
