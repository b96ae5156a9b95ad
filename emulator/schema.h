// SPDX-License-Identifier: Apache-2.0
//
// What kinds of objects the emulated cloud has and which fields each of them has, as tables. The
// scenario file, the control port and GET /state share these: one format, checked in one place.
#pragma once

#include "base/defs.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct err;

enum { SECONDS_MAX = 86400 };

enum kind_id {
    KIND_SETTINGS = 0, // exactly one
    KIND_KEY,
    KIND_CREDENTIAL,
    KIND_PROJECT,
    KIND_REGION,
    KIND_CLUSTER,
    KIND_GROUP,
    KIND_SERVICE,
    KIND_ENDPOINT,
    KIND_NAME,
    KIND_PUBLIC_NAME,
    KIND_INSTANCE, // of Starter and Essential
    KIND_VPC,
    KIND_SUBNET,
    KIND_SECURITY_GROUP,
    KIND_MACHINE, // the EC2 instance; at most one
    KIND_VPC_ENDPOINT,
    KIND_INTERFACE,
    KIND_HOSTED_ZONE,
    KIND_FAULT,
    KINDS
};

enum field_type {
    FIELD_TEXT = 0,
    FIELD_BOOL,
    FIELD_INT,     // min..max
    FIELD_SECONDS, // 0..86400, fractions allowed
    FIELD_CHOICE,  // one of choices
    FIELD_CHOICES, // a list of them, not empty
    FIELD_TEXTS,
    FIELD_IPV4S,
    FIELD_IPV6S,
    FIELD_IPV4,
    FIELD_CIDR,  // an IPv4 block
    FIELD_ADDR,  // an address and port on this machine
    FIELD_RULES, // of a security group, see rules.h
    FIELD_MAP,   // an object of texts
    FIELD_REF,   // the id of an object of kind `refers`; "" where it is not required
};

enum {
    FIELD_REQUIRED = 1 << 0,
    FIELD_FIXED = 1 << 1,  // set when the object is added, never changed
    FIELD_AUTO = 1 << 2,   // an id that is made up when it is not given
    FIELD_SECRET = 1 << 3, // never shown
    FIELD_OWNER = 1 << 4,  // a FIELD_REF: this object goes when that one goes
    FIELD_OPEN = 1 << 5,   // SCHEMA_OPEN allows values that are no choice
    FIELD_ID = FIELD_REQUIRED | FIELD_FIXED,
};

struct field {
    const char *name;
    enum field_type type;
    unsigned flags;
    const char *fallback; // JSON; NULL: absent
    const char *const *choices;
    double min, max;
    enum kind_id refers;
    const char *prefix; // of an id that is made up, "vpce-"; NULL: it is a number
};

struct kind {
    const char *collection;     // in the scenario, and the path on the control port
    const struct field *fields; // the first one is the id, but in settings
    size_t count;
};

const struct kind *schema_kind(enum kind_id id);
// By its collection; KINDS if there is none.
enum kind_id schema_kind_named(const char *collection);
const struct field *schema_field(const struct kind *kind, const char *name); // NULL: no such field

enum schema_mode {
    SCHEMA_NEW = 0, // a whole object
    SCHEMA_PATCH,   // some fields of an object that exists
    SCHEMA_OPEN,    // likewise, and states may be what no API knows
};

// Whether `fields` fits the kind; the error names the JSON path below `path` and what was expected.
// References are only known to be texts afterwards. Steps of "then" are checked too.
bool schema_check(const struct kind *kind, const cJSON *fields, enum schema_mode mode,
    const char *path, struct err *err) MUST_CHECK;
