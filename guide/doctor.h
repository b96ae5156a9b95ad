// SPDX-License-Identifier: Apache-2.0
//
// From the configuration to the server's greeting, hop by hop, and beyond: each hop is looked at,
// and one that fails says why and what repairs it. Nothing is changed. The commands' thread only.
#pragma once

#include "guide/hop.h"
#include "guide/probe.h"
#include "guide/world.h"
#include "proxy/proxy.h"

struct loop;

struct doctor_plan {
    const struct err *broken; // why the configuration cannot be used; NULL: it can
    const char *file;         // the configuration; NULL: there is none
    const char *arguments;    // behind each of our own commands: " --config FILE", ""

    // All of it needs a configuration:
    struct world_plan world; // no_account is the doctor's
    const struct proxy_target *target;
    const struct resolver_options *resolver;
    uint64_t keepalive_ms, connect_ms, greeting_ms;

    void (*look_proxy)(void *arg, struct hop_view *out);
    void (*on_view)(void *arg, size_t hop, const struct hop_view *view); // one is done; NULL
    void *arg;
};

enum { DOCTOR_SERVERS = 8, DOCTOR_ADDRESSES = 16 };

// One DNS server and what it says of the cluster's name.
struct doctor_dns {
    const char *server;
    struct addr_set *addrs; // NULL: err
    struct err err;
};
// One of the cluster's addresses and how far a connection to it came.
struct doctor_try {
    struct addr addr;
    struct probe_answer answer;
    struct err err; // ERR_NONE: all the way
};

// The owner sets plan and loop, which outlive it.
struct doctor {
    const struct doctor_plan *plan;
    struct loop *loop;
    struct hop_view views[HOPS];

    // ---- for the hops' files ----
    struct account *account;
    struct err no_account;
    struct world_plan world_plan; // the plan's, with no_account
    struct world world;
    const struct ec2_endpoint *endpoint; // of AWS, the one that is meant; NULL
    bool has_asked_names, has_tried;
    struct option_list servers; // of dns
    struct err no_servers;
    struct doctor_dns dns[DOCTOR_SERVERS];
    size_t dns_count;
    struct tls_trust *trust;
    struct err no_trust;
    struct doctor_try tries[DOCTOR_ADDRESSES];
    size_t try_count;
};

struct hop {
    const char *key;   // stable: "private-dns"
    const char *title; // "private DNS"
    void (*look)(struct doctor *doctor, struct hop_view *out);
    uint64_t needs; // hops that must have been seen and not failed, a bit each
    uint64_t after; // hops that must not have failed
};
const struct hop *doctor_hop(size_t hop); // of HOPS

// Looks at every hop in order.
void doctor_run(struct doctor *doctor);
void doctor_done(struct doctor *doctor);
// The first hop that failed; HOPS: none.
size_t doctor_first(const struct doctor *doctor);
