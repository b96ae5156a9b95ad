// SPDX-License-Identifier: Apache-2.0
//
// The main of a harness without libFuzzer: runs it on every file of the directories that are named,
// and on files that are named themselves; on all of it, and cut after each byte.
#include "base/os.h"
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <limits.h>

enum { INPUT_MAX = 1 << 20 };

static unsigned replayed;

static bool replay_file(const char *path)
{
    static uint8_t bytes[INPUT_MAX];
    FILE *file = os_fopen(path, "r");
    if (!file) {
        perror(path);
        return false;
    }
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    bool whole = !ferror(file) && len < sizeof(bytes);
    fclose(file);
    if (!whole) {
        fprintf(stderr, "%s: cannot be read, or is too long\n", path);
        return false;
    }
    fprintf(stderr, "%s\n", path); // so that the last line before a crash says where
    for (size_t cut = 0; cut <= len; cut++) {
        uint8_t *copy = fuzz_copy(bytes, cut);
        LLVMFuzzerTestOneInput(copy, cut);
        free(copy);
    }
    replayed++;
    return true;
}

static bool replay(const char *path)
{
    DIR *directory = opendir(path);
    if (!directory)
        return replay_file(path);
    bool done = true;
    for (struct dirent *entry; (entry = readdir(directory));) {
        char inside[PATH_MAX];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name);
        done &= replay_file(inside);
    }
    closedir(directory);
    return done;
}

int main(int argc, char **argv)
{
    bool done = true;
    for (int i = 1; i < argc; i++)
        done &= replay(argv[i]);
    printf("%u inputs\n", replayed);
    return done && replayed ? EXIT_SUCCESS : EXIT_FAILURE;
}
