// SPDX-License-Identifier: Apache-2.0
//
// What a hop shows, and the words with which the hops' files say it.
#pragma once

#include "control/ec2_command.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;
struct doctor;
struct doctor_dns;

// In the order in which they are looked at.
enum hop_id {
    HOP_CONFIGURATION = 0,
    HOP_KEYS,
    HOP_API,
    HOP_API_KEY,
    HOP_RIGHTS,
    HOP_CLOCK,
    HOP_QUOTA,
    HOP_CLUSTER,
    HOP_GROUP,
    HOP_SERVICE,
    HOP_CONNECTION,
    HOP_AWS,
    HOP_ENDPOINT,
    HOP_ENDPOINT_STATE,
    HOP_VPC,
    HOP_VPC_DNS,
    HOP_PRIVATE_DNS,
    HOP_SUBNETS,
    HOP_INGRESS,
    HOP_EGRESS,
    HOP_DNS_SERVERS,
    HOP_NAME,
    HOP_ANSWER,
    HOP_SERVERS_AGREE,
    HOP_TCP,
    HOP_GREETING,
    HOP_TLS,
    HOP_PLUGIN,
    HOP_IDLE,
    HOP_PROXY,
    HOPS
};
#define HOP_BIT(hop) (UINT64_C(1) << (hop))

enum hop_status { HOP_OK = 0, HOP_WARN, HOP_FAIL, HOP_SKIP };

enum { HOP_TEXT_BYTES = 640 };

struct hop_view {
    enum hop_status status;
    char saw[HOP_TEXT_BYTES];
    char why[HOP_TEXT_BYTES]; // what it means; ""
    char fix[EC2_TEXT_BYTES]; // one line; ""
    bool is_command;          // the fix can be pasted into a shell
    bool is_refused;          // it would be a command, and one that is too long
    // HOP_SKIP: the failed hop that makes this one mean nothing; HOPS: another reason, in `saw`.
    size_t because;
    struct cJSON *details; // an object, or NULL
};

// ---- for the hops' files, and for the last hop, which is the program's
// ---------------------------

void hop_is(struct hop_view *view, enum hop_status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
void hop_saw_more(struct hop_view *view, const char *format, ...) PRINTF_LIKE(2, 3); // appends
void hop_why(struct hop_view *view, const char *format, ...) PRINTF_LIKE(2, 3);      // appends
// What a person has to do.
void hop_advise(struct hop_view *view, const char *format, ...) PRINTF_LIKE(2, 3);
// A command, or one more behind "&&".
void hop_command(struct hop_view *view, const char *command);
void hop_ec2(struct hop_view *view, struct ec2_command *command); // frees it
// "tidblink BEFORE ALIAS AFTER"; `after` may be "".
void hop_tidblink(
    const struct doctor *doctor, struct hop_view *view, const char *before, const char *after);
// Deletes both sides of an endpoint and goes through the set-up again. While TiDB Cloud lets
// connections through it, the delete asks before it does anything.
void hop_make_another(const struct doctor *doctor, struct hop_view *view, const char *endpoint_id);

void hop_detail(struct hop_view *view, const char *key, const char *text); // NULL: left out
void hop_detail_number(struct hop_view *view, const char *key, double number);
void hop_detail_bool(struct hop_view *view, const char *key, bool value);

// Skipped because of another hop, which has failed or was skipped itself.
void hop_blocked(const struct doctor *doctor, struct hop_view *view, enum hop_id by);
// A failure that follows from one of `earlier` (a bit each) if one of those failed: then it is
// skipped because of that. What was seen stays.
void hop_follows(const struct doctor *doctor, struct hop_view *view, uint64_t earlier);
bool hop_has_failed(const struct doctor *doctor, enum hop_id hop);

// The cluster's name and port, whoever tells them. NULL, 0: nobody does.
const char *doctor_host(const struct doctor *doctor);
// "FILE", or "the configuration".
const char *doctor_file(const struct doctor *doctor);

// hops_dns.c: asks every DNS server, once; which of them decides, or NULL.
const struct doctor_dns *doctor_names(struct doctor *doctor);
// Every address that it gave is one of the endpoint's (or, if those are not known, private).
bool doctor_name_is_right(struct doctor *doctor);
// hops_server.c: tries every address, once. Whether one of them connected.
bool doctor_reaches(struct doctor *doctor);

// clang-format off
void hop_configuration(struct doctor *doctor, struct hop_view *out);
void hop_keys(struct doctor *doctor, struct hop_view *out);
void hop_api(struct doctor *doctor, struct hop_view *out);
void hop_api_key(struct doctor *doctor, struct hop_view *out);
void hop_rights(struct doctor *doctor, struct hop_view *out);
void hop_clock(struct doctor *doctor, struct hop_view *out);
void hop_quota(struct doctor *doctor, struct hop_view *out);
void hop_cluster(struct doctor *doctor, struct hop_view *out);
void hop_group(struct doctor *doctor, struct hop_view *out);
void hop_service(struct doctor *doctor, struct hop_view *out);
void hop_connection(struct doctor *doctor, struct hop_view *out);
void hop_aws(struct doctor *doctor, struct hop_view *out);
void hop_endpoint(struct doctor *doctor, struct hop_view *out);
void hop_endpoint_state(struct doctor *doctor, struct hop_view *out);
void hop_vpc(struct doctor *doctor, struct hop_view *out);
void hop_vpc_dns(struct doctor *doctor, struct hop_view *out);
void hop_private_dns(struct doctor *doctor, struct hop_view *out);
void hop_subnets(struct doctor *doctor, struct hop_view *out);
void hop_ingress(struct doctor *doctor, struct hop_view *out);
void hop_egress(struct doctor *doctor, struct hop_view *out);
void hop_dns_servers(struct doctor *doctor, struct hop_view *out);
void hop_name(struct doctor *doctor, struct hop_view *out);
void hop_answer(struct doctor *doctor, struct hop_view *out);
void hop_servers_agree(struct doctor *doctor, struct hop_view *out);
void hop_tcp(struct doctor *doctor, struct hop_view *out);
void hop_greeting(struct doctor *doctor, struct hop_view *out);
void hop_tls(struct doctor *doctor, struct hop_view *out);
void hop_plugin(struct doctor *doctor, struct hop_view *out);
void hop_idle(struct doctor *doctor, struct hop_view *out);
// clang-format on
