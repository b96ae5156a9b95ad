// SPDX-License-Identifier: Apache-2.0
//
// The EC2 Query API, version 2016-11-15, as far as private endpoints need it: what one action is
// asked with, how it answers and refuses, and how a listing works. The actions are in
// ec2_network.c, ec2_groups.c and ec2_endpoints.c, the table of them in ec2.c. The loop's thread
// only.
#pragma once

#include "base/defs.h"
#include "emulator/world.h"
#include "emulator/xml.h"

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdbool.h>
#include <stddef.h>

struct call;

#define EC2_ACCOUNT "123456789012"
#define EC2_SERVICE_ACCOUNT "210987654321" // TiDB Cloud's

struct ec2_ask {
    struct world *world;
    const char *action;
    struct evkeyvalq *form;
    const char *region; // "": any
    struct xml xml;     // open in the answer's element
    int status;         // 200, or that of an error
    char code[64];
    char message[640];
};

// What came in: the action's name for faults and journal, "" if there is none.
const char *ec2_action(struct evkeyvalq *form);
// Fills the call's status and body.
void ec2_answer(struct call *call, struct world *world, struct evkeyvalq *form);
void ec2_refuse(struct call *call, const char *code, const char *message);

// ---- for the actions ----------------------------------------------------------------------------

// An action writes its answer, or refuses; false then.
bool ec2_fail(struct ec2_ask *ask, const char *code, const char *format, ...) PRINTF_LIKE(3, 4);
bool ec2_missing(struct ec2_ask *ask, const char *parameter);

const char *ec2_param(const struct ec2_ask *ask, const char *name); // NULL if absent
// "Name.N", from 1; NULL behind the last one.
const char *ec2_item(const struct ec2_ask *ask, const char *name, unsigned number);
bool ec2_is_true(const struct ec2_ask *ask, const char *name);

// An object in the region that is asked; NULL if there is none there.
struct object *ec2_find(const struct ec2_ask *ask, enum kind_id kind, const char *id);
bool ec2_is_here(const struct ec2_ask *ask, const struct object *object);
// The object that a parameter names; NULL after refusing.
struct object *ec2_named(struct ec2_ask *ask, enum kind_id kind, const char *parameter);
// Refuses with the code that EC2 has for an ID of this kind that does not exist.
bool ec2_not_found(struct ec2_ask *ask, enum kind_id kind, const char *id);

struct ec2_filter {
    const char *name;     // "vpc-id"
    const char *field;    // of the object
    const char *via;      // … to which this reference leads; NULL: the object's own
    const char *constant; // instead of a field: what all of them have
};

struct ec2_listing {
    enum kind_id kind;
    const char *set;                                // "vpcSet"
    const char *ids;                                // "VpcId"; NULL: none are taken
    const struct ec2_filter *filters;               // up to one without name
    bool (*is_hidden)(const struct object *object); // NULL: none is
    void (*show)(struct ec2_ask *ask, const struct object *object);
};
bool ec2_list(struct ec2_ask *ask, const struct ec2_listing *listing);
// Whether the filters of the request let the object pass; for listings of their own kind.
bool ec2_check_filters(struct ec2_ask *ask, const struct ec2_filter *filters);
bool ec2_admits(
    const struct ec2_ask *ask, const struct ec2_filter *filters, const struct object *object);

// <name><item><groupId/><groupName/></item>…</name>
void ec2_show_groups(struct ec2_ask *ask, const char *name, const cJSON *ids);
// <tagSet>, of the object's tags or its name.
void ec2_show_tags(struct ec2_ask *ask, const struct object *object);
void ec2_show_time(struct ec2_ask *ask, const char *name, int64_t wall_s);
bool ec2_done(struct ec2_ask *ask); // <return>true</return>

bool ec2_describe_vpcs(struct ec2_ask *ask);
bool ec2_describe_vpc_attribute(struct ec2_ask *ask);
bool ec2_modify_vpc_attribute(struct ec2_ask *ask);
bool ec2_describe_subnets(struct ec2_ask *ask);
bool ec2_describe_interfaces(struct ec2_ask *ask);
bool ec2_describe_groups(struct ec2_ask *ask);
bool ec2_authorize_ingress(struct ec2_ask *ask);
bool ec2_authorize_egress(struct ec2_ask *ask);
bool ec2_revoke_ingress(struct ec2_ask *ask);
bool ec2_revoke_egress(struct ec2_ask *ask);
bool ec2_describe_services(struct ec2_ask *ask);
bool ec2_describe_endpoints(struct ec2_ask *ask);
bool ec2_create_endpoint(struct ec2_ask *ask);
bool ec2_modify_endpoint(struct ec2_ask *ask);
bool ec2_delete_endpoints(struct ec2_ask *ask);
