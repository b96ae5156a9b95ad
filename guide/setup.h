// SPDX-License-Identifier: Apache-2.0
//
// The way from a cluster to a working private endpoint, as steps: each looks at the world, says
// whether it is done, and can take itself. Nothing is remembered but the client token (token.h): to
// go on after anything that went wrong is to walk again. The commands' thread only.
// Source: docs.pingcap.com/tidbcloud, "Connect to a TiDB Cloud Dedicated Cluster via AWS
// PrivateLink".
#pragma once

#include "guide/shell.h"
#include "guide/token.h"
#include "guide/world.h"
#include "resolver/resolver.h"

struct loop;
struct setup;

enum step_status {
    STEP_DONE = 0,
    STEP_TODO,    // can be taken now
    STEP_WAIT,    // somebody else is at it
    STEP_LATER,   // can be told only when the steps before are done
    STEP_MANUAL,  // has to be taken elsewhere: `command` says how
    STEP_BLOCKED, // a person has to decide or to repair something: `text` says what
    STEP_SKIPPED, // not for this cluster, or not from this machine
    STEP_TAKEN,   // is being taken: no step says so itself
};

enum { STEP_TEXT_BYTES = 640, WORLD_CLOUD = 1 << 8 };

struct step_view {
    enum step_status status;
    enum err_code code;           // of STEP_BLOCKED; decides the exit code
    char text[STEP_TEXT_BYTES];   // what was seen, or what is missing
    char command[EC2_TEXT_BYTES]; // for a shell, may have several lines; "": none
};

struct step {
    const char *key;   // stable: "cluster", "service", "vpc", …
    const char *title; // "private link service"
    const char *usual; // how long its waiting lasts; NULL: it does not wait
    void (*look)(struct setup *setup, struct step_view *out);
    bool (*take)(struct setup *setup, struct err *err); // NULL: nothing of ours to do
    unsigned again; // WORLD_CLOUD, and parts of AWS: what to look at after taking or waiting
};

// Where `endpoint-id` belongs; the steps do not know configuration files.
struct setup_place {
    const char *name;        // of the file; NULL: there is none
    const char *endpoint_id; // what it says now; NULL: nothing
    const char *hint; // where a person can write it, before "endpoint-id = …"; NULL: not told
    // Writes it, and makes endpoint_id say so. NULL: it cannot be written.
    bool (*write)(void *arg, const char *endpoint_id, struct err *err);
    void *arg;
};

struct setup_plan {
    struct world_plan world;
    // The one of `world`, for who lets endpoint-id be forgotten: the file's own value, when AWS
    // says that there is no such endpoint any more, or that it is in another VPC than vpc_id.
    // NULL: it stays.
    struct control_target *target;
    const struct resolver_options *resolver;
    const char *private_ip; // Azure's; NULL elsewhere
    struct setup_place place;
    bool is_of_many; // other clusters are set up with it, and share the wanted lists
    bool resume;     // a paused cluster may be resumed
    // How long name and connection may take once everything is Active: on an EC2 instance, and on a
    // machine that does not tell where it is.
    uint64_t settle_ms, settle_elsewhere_ms;
    uint64_t connect_ms, greeting_ms;
};

// The owner sets plan, account and loop, all of which outlive it.
struct setup {
    const struct setup_plan *plan;
    struct account *account;
    struct loop *loop; // for the probes
    struct world world;
    struct token token; // opened by the step that needs it
    bool saw_aws;       // when it began
    bool acts;          // it will take steps: opens the token
    bool has_arrived;   // its walk passed the last step
    bool is_under_way;  // AWS says that an earlier creation with this token differs
    // Why the connection was not tested from here, for the end; "": it was, or that is not known
    // yet.
    char untested[STEP_TEXT_BYTES];
    uint64_t settled_ms; // when the name or the connection was first found missing; 0: not yet
};

// The steps in their order; NULL behind the last one.
const struct step *setup_step(size_t index);
size_t setup_find(const char *key); // its index

// Looks at the world for the first time.
void setup_begin(struct setup *setup);
// Looks again at what this step depends on, and at AWS when the service has just become known.
void setup_again(struct setup *setup, const struct step *step);
// Looks again at everything.
void setup_again_all(struct setup *setup);
// Why one of the clouds, which was seen when the set-up began, is not seen any more; NULL: it is.
const struct err *setup_blindness(const struct setup *setup);
// Whether a failure passes by itself: a cloud that does not answer, or has too much to do.
bool setup_may_pass(const struct setup *setup, const struct err *err);
void setup_done(struct setup *setup); // a zeroed one is allowed

// What the steps say now, without taking any, up to `count` of them.
void setup_view(struct setup *setup, struct step_view *views, size_t count);

// ---- for the steps' files -----------------------------------------------------------------------

void view_is(struct step_view *view, enum step_status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
// STEP_BLOCKED with a code.
void view_blocked(struct step_view *view, enum err_code code, const char *format, ...)
    PRINTF_LIKE(3, 4);
// Our endpoint's ID as far as anybody knows it, "" if nobody does.
const char *setup_endpoint_id(const struct setup *setup);
const struct ec2_endpoint *setup_endpoint(const struct setup *setup); // ours that lives, or NULL
const struct endpoint *setup_connection(const struct setup *setup);   // ours, or NULL
// The word CLUSTER of commands: the alias, quoted where a shell needs it.
const char *setup_alias(const struct setup *setup, char out[SHELL_WORD_BYTES]);
bool setup_is_aws(const struct setup *setup);
// Those that were asked for, else this machine's; the items are not owned.
struct option_list setup_subnets(struct setup *setup);
const char *setup_vpc_word(const struct setup *setup); // for commands, "VPC_ID" if not known
// Whether a step of AWS's is one for this cluster, and enough is known to talk of it.
bool setup_applies(const struct setup *setup, struct step_view *out);
bool setup_sees_aws(const struct setup *setup);            // AWS tells which endpoints there are
const struct err *setup_no_aws(const struct setup *setup); // why it does not
// The note about a creation, when steps are taken: locked from the first look at it. False, and
// `out` says why: not even a look is taken.
bool setup_open_token(struct setup *setup, struct step_view *out);
// Whether what an open note stands for is on its way out, or was not listed for so long that it
// never will be. True of an empty note.
bool setup_token_is_spent(const struct setup *setup);

void step_cluster_look(struct setup *setup, struct step_view *out);
bool step_cluster_take(struct setup *setup, struct err *err);
void step_service_look(struct setup *setup, struct step_view *out);
void step_vpc_look(struct setup *setup, struct step_view *out);
void step_attributes_look(struct setup *setup, struct step_view *out);
bool step_attributes_take(struct setup *setup, struct err *err);
void step_endpoint_look(struct setup *setup, struct step_view *out);
bool step_endpoint_take(struct setup *setup, struct err *err);
void step_group_look(struct setup *setup, struct step_view *out);
bool step_group_take(struct setup *setup, struct err *err);
void step_connection_look(struct setup *setup, struct step_view *out);
bool step_connection_take(struct setup *setup, struct err *err);
void step_accepted_look(struct setup *setup, struct step_view *out);
void step_dns_look(struct setup *setup, struct step_view *out);
bool step_dns_take(struct setup *setup, struct err *err);
void step_name_look(struct setup *setup, struct step_view *out);
void step_test_look(struct setup *setup, struct step_view *out);
void step_configuration_look(struct setup *setup, struct step_view *out);
bool step_configuration_take(struct setup *setup, struct err *err);
