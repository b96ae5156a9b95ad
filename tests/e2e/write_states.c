// SPDX-License-Identifier: Apache-2.0
//
// Writes the state file of a directory again and again, as fast as it can, each time with other
// states and another size, until it is killed: tests/e2e/test_state_file.py. With "read" it reads
// the file and prints what it holds.
#include "base/err.h"
#include "control/state_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text_of(const char *prefix, unsigned number)
{
    char text[64];
    snprintf(text, sizeof(text), "%s%u", prefix, number);
    return strdup(text);
}

// Every cluster of one document carries the document's number.
static struct model *make(unsigned number)
{
    struct model *model = model_new();
    for (unsigned i = 0; i < 1 + number % 50; i++) {
        struct cluster *cluster = model_add_cluster(model);
        cluster->id = text_of("", i);
        cluster->name = text_of("number-", number);
        cluster->state.text = strdup("ACTIVE");
        cluster->state.value = CLUSTER_ACTIVE;
        cluster->seen = 1800000000 + number;
    }
    return model;
}

static int read_back(const char *directory)
{
    char path[512];
    struct model *model;
    struct err err;
    if (!state_file_read(state_file_path(directory, path, sizeof(path)), &model, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    unsigned number = (unsigned)(model->clusters[0].seen - 1800000000);
    bool whole = model->cluster_count == 1 + number % 50;
    for (size_t i = 0; i < model->cluster_count; i++)
        whole = whole && model->clusters[i].seen == model->clusters[0].seen;
    printf("%u %s\n", number, whole ? "whole" : "mixed");
    model_unref(model);
    return whole ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "read") == 0)
        return read_back(argv[2]);
    if (argc != 2)
        return 2;
    for (unsigned number = 1;; number++) {
        struct model *model = make(number);
        struct err err;
        bool written = state_file_write(argv[1], model, 1800000000, &err);
        model_unref(model);
        if (!written) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        if (number == 1)
            printf("writing\n");
        fflush(stdout);
    }
}
