// SPDX-License-Identifier: Apache-2.0
//
// Models of how clients read their connection strings, written from the clients' documentation and
// sources, not from our encoders: what a string means is what these say.
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { READING_BYTES = 1024, READING_PARAMS = 16 };

struct reading_param {
    char name[64];
    char value[READING_BYTES];
};

struct reading {
    char host[READING_BYTES]; // empty: none
    char port[READING_BYTES];
    char socket[READING_BYTES];
    char user[READING_BYTES];
    char password[READING_BYTES]; // the bytes that the client would hash
    char database[READING_BYTES];
    bool asks_password;
    struct reading_param params[READING_PARAMS]; // everything else
    size_t param_count;
};

// False: the client would refuse the string.
typedef bool reader_fn(const char *text, struct reading *out);

reader_fn readers_params, readers_mysql_url, readers_command, readers_connector_j,
    readers_mariadb_j, readers_go, readers_pymysql, readers_mysql2;

// The reader of a client of the catalogue; NULL if it has none.
reader_fn *readers_of(const char *client_id);
const char *readers_param(const struct reading *reading, const char *name); // NULL: not there
