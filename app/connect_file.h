// SPDX-License-Identifier: Apache-2.0
//
// An option file (my.cnf) for MySQL's and MariaDB's clients, in a folder that only its owner can
// look into; gone when the program that reads it has ended. Main thread.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct err;
struct string_request;

enum { CONNECT_FILE_BYTES = 512 };

struct connect_file {
    char folder[CONNECT_FILE_BYTES]; // for MYSQL_HOME; "": there is none
    int lock;                        // of the folder, open
};

// For a settled request. Also removes what a killed tidblink of the same user has left.
bool connect_file_make(
    struct connect_file *file, const struct string_request *request, struct err *err) MUST_CHECK;
void connect_file_remove(struct connect_file *file); // also of zeroed memory
