// SPDX-License-Identifier: Apache-2.0
//
// The set-ups of the clusters that a command is about, made from the settings: what setup and
// endpoint share. Main thread.
#pragma once

#include "app/place.h"
#include "app/settings.h"
#include "guide/setup.h"
#include "guide/walk.h"

// What the command line says beside the settings.
struct setups_wish {
    const char *subnet_ids;         // separated by blanks or commas; NULL: not said
    const char *security_group_ids; // likewise
    const char *private_ip;
    bool resume;
    bool acts;     // steps may be taken
    bool replaces; // a configured endpoint that is gone is forgotten
};

enum { SETUPS_VPC_BYTES = 64 };

struct setups {
    const struct settings *settings;
    struct account *account;
    struct loop *loop;
    struct option_list subnet_ids, security_group_ids;
    struct control_target *targets; // as the settings have them
    struct setup_plan *plans;
    struct setup *setups;
    struct place *places;
    char (*vpc_ids)[SETUPS_VPC_BYTES]; // those that a person chose
    size_t count;
};

// Opens the control API and looks at every cluster of the settings. ERR_USAGE when there is none.
bool setups_open(struct setups *setups, const struct settings *settings,
    const struct setups_wish *wish, struct err *err) MUST_CHECK;
void setups_close(struct setups *setups); // a zeroed one is allowed

// Walks with the progress told on `out`.
bool setups_walk(struct setups *setups, const char *first, const char *last, uint64_t max_ms,
    FILE *out, struct err *err) MUST_CHECK;

// "  ok     3. VPC and subnets: …", wrapped at 80 columns, with the command below if there is one
// and it is to be run: in the first column, ready to be pasted.
void setups_print_step(FILE *out, size_t step, const struct step_view *view, bool with_command);

// Whether something is left to do: also of a step that is skipped here, when its command is to be
// run elsewhere.
bool setups_is_open(const struct step_view *view);

// A step's status for programs: "done", "to-do", …
const char *setups_status_key(enum step_status status);

// Ctrl-C ends the process with a word about going on; between two calls to a cloud or within one.
void setups_catch_interrupt(void);
