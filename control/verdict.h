// SPDX-License-Identifier: Apache-2.0
//
// The verdict: may a new connection go to this target now? Cluster, then node group, private link
// service, endpoint: the first that refuses wins; a value that this version does not know counts as
// ACTIVE. The table is data (verdict_row.c), one row per state; everything here is pure.
#pragma once

#include "base/err.h"
#include "control/model.h"

struct control_target;

enum verdict_action {
    VERDICT_UNKNOWN =
        0, // not known yet, an answer is on its way: hold; code and text are for its end
    VERDICT_ALLOW,
    VERDICT_HOLD,   // transitional: hold for hold-timeout, then refuse with code and text
    VERDICT_REFUSE, // refuse at once with code and text
};

enum { VERDICT_TEXT_BYTES = 381, VERDICT_HOST_BYTES = 256, VERDICT_STATE_BYTES = 32 };

struct verdict {
    enum verdict_action action;
    enum err_code code; // for the refusal: ERR_TRANSITION, ERR_REFUSED, ERR_API_KEY, …
    bool drain;         // running connections should end too
    bool unchecked;     // allowed although nothing is known (control-loss, state-source = none)
    bool contradicted;  // allowed although the API says absent: connections succeed all the time
    int64_t age_s;      // how old the knowledge behind it is; -1: there is none
    const char *what;   // "cluster", "node group", "service", "endpoint", "" ; static
    char state[VERDICT_STATE_BYTES]; // as the API spells it, "none" for an absent endpoint
    char text[VERDICT_TEXT_BYTES]; // the refusal, ASCII: "tidblink: <what is wrong>: <state>. <next
                                   // step>"
    char next_step[128];           // the command or the usual wait, for status
    char host[VERDICT_HOST_BYTES]; // where the cluster is; "" if not known
    uint16_t port;
};

// What the endpoint row of the table is decided on.
struct verdict_choice {
    const char *endpoint_id; // from the configuration; NULL: not set
    const char *const *ours; // endpoint IDs that AWS says are in this VPC; NULL: AWS was not asked
    size_t ours_count; // 0: none is here (another VPC's may be reached), which decides nothing
};

// What the poller knows beside the model.
struct verdict_facts {
    const struct control_target *target;
    const struct cluster *cluster;  // NULL: nothing known
    const struct node_group *group; // NULL: nothing known, or the cluster has no such group
    struct verdict_choice choice;
    enum err_code api_status; // of the last poll of this target; ERR_NONE: fine
    const char *api_text;     // in words; "" if fine
    bool polled;          // a poll of this run has ended, well or not; until then: from the disk
    int64_t last_success; // wall clock of the last connection that reached the server; 0: never
    int64_t now;          // wall clock
    bool loss_refuses;    // control-loss = refuse
    bool check_off;       // state-source = none
    bool from_file;       // state-source = file: the times are its writer's, no second look comes
};

// A refusal for which one holds (PENDING, CREATING) means nothing any more at this age.
enum { VERDICT_TRANSITION_SECONDS = 15 * 60 };
// Absence is not believed while a connection succeeded this recently.
enum { VERDICT_SUCCESS_SECONDS = 5 * 60 };

void verdict_decide(const struct verdict_facts *facts, struct verdict *out);

// Host and port as the API tells them, whatever the configuration says: the endpoint's, else the
// group's, else the cluster's port. host NULL and port 0 when not known.
struct verdict_address {
    const char *host;
    uint16_t port;
};
struct verdict_address verdict_api_address(const struct verdict_facts *facts);

// The words for people, from the same rows: the TiDB Cloud console's word for a state ("Pending"),
// what it means, how long it usually lasts ("about 5 minutes" or ""), and the next step, in
// which the word CLUSTER stands for the alias. Static texts.
struct state_words {
    const char *console;
    const char *meaning;
    const char *usual;
    const char *next_step;
};
struct state_words verdict_cluster_words(int cluster_state);
struct state_words verdict_group_words(int group_state);
struct state_words verdict_service_words(int service_state);
struct state_words verdict_endpoint_words(int endpoint_state);
struct state_words verdict_no_endpoint_words(void); // the list of endpoints is empty
