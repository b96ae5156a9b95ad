// SPDX-License-Identifier: Apache-2.0
//
// Writes states for tests: `write_state DIRECTORY FILE [FILE…]` reads state documents and writes
// them to DIRECTORY/state.json in turn, as fast as it can, until it is killed. Says "writing" once
// it does.
#include "base/err.h"
#include "control/state_file.h"

#include <stdio.h>

enum { MODELS_MAX = 8 };

int main(int argc, char **argv)
{
    struct model *models[MODELS_MAX] = { 0 };
    struct err err = { 0 };
    int count = argc - 2;
    if (count < 1 || count > MODELS_MAX)
        return 2;
    for (int i = 0; i < count; i++) {
        if (!state_file_read(argv[i + 2], &models[i], &err)) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
    }
    puts("writing");
    fflush(stdout);
    for (int i = 0;; i++) {
        if (!state_file_write(argv[1], models[i % count], i, &err)) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
    }
}
