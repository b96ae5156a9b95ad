// SPDX-License-Identifier: Apache-2.0
//
// A program (program.h) that serves one person: it waits until the way to the cluster is open, then
// prints the address or runs a command, and ends with that. Main thread.
#pragma once

#include "app/connect_file.h"
#include "app/health.h"
#include "app/program.h"
#include "strings/strings.h"

enum { CONNECT_FORMS_MAX = 16 };

struct connect_form;
struct foreground;
struct foreground_legacy;

struct connect_plan {
    char *const *command;                                // NULL: none
    const struct connect_form *forms[CONNECT_FORMS_MAX]; // of its environment
    size_t form_count;
    const struct foreground_legacy *legacy; // of the command
    const struct string_client *client;     // whose string a terminal shows
    struct string_request request;          // where it leads to is not known yet
    uint64_t wait_ms;
};

struct connect_run {
    struct connect_plan plan;
    struct program program;
    struct program_guest guest;
    bool is_started; // the program is
    bool is_open;    // the way was: what was asked for has begun
    bool is_ending;  // nothing begins any more
    bool is_told;    // that it waits, and what for
    char told[HEALTH_REASON_BYTES];
    struct foreground *child; // NULL: none runs
    struct foreground *login; // at an ssh jump; NULL: none runs
    bool is_logged_in;        // or need not be
    struct connect_file file;
    struct timer deadline; // of the wait
    struct timer patience; // before it says that it waits
    struct timer grace;    // of a child that was told to end
    struct timer settling; // of connections that the child has just closed
    unsigned settlings;
    int exit_code;
    struct err failure; // ERR_NONE: none
};

// Takes settings over. The plan's texts must outlive the run. ERR_LISTEN: the address is taken.
bool connect_run_start(struct connect_run *run, const struct connect_plan *plan,
    const struct settings_request *request, struct settings *settings, struct err *err) MUST_CHECK;
// Until it has ended. False: err says why the way did not open.
bool connect_run(struct connect_run *run, int *exit_code, struct err *err) MUST_CHECK;
