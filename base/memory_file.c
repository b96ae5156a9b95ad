// SPDX-License-Identifier: Apache-2.0
//
// open_memstream(3); what had no memory shows at the latest when it is closed.
#include "base/memory_file.h"

#include <stdlib.h>

bool memory_file_open(struct memory_file *file)
{
    *file = (struct memory_file){ 0 };
    file->out = open_memstream(&file->text, &file->size);
    return file->out;
}

char *memory_file_take(struct memory_file *file)
{
    bool is_whole = !ferror(file->out);
    is_whole = fclose(file->out) == 0 && is_whole;
    file->out = NULL;
    if (is_whole)
        return file->text;
    free(file->text);
    return NULL;
}
