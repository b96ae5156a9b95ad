// SPDX-License-Identifier: Apache-2.0
//
// Private DNS: turns a cluster's host name into the addresses of its VPC endpoint and keeps them
// fresh. c-ares on the owner's loop; absolute A and AAAA queries to the system's servers (or
// dns-servers), no hosts file and no search list, so that a hosts entry for the cluster that points
// at this proxy cannot make it dial itself. Every answer must be private (RFC 1918, 100.64/10, ULA
// or allowed-cidrs): an answer with one public address is refused whole.
//
// Everything here belongs to the loop's thread, except that an addr_set may be held anywhere.
#pragma once

#include "base/err.h"
#include "base/net.h"
#include "base/options.h"

#include <stdatomic.h>

struct loop;
struct resolver;
struct resolver_watch;

struct resolver_options {
    struct option_list servers;       // "10.0.0.2", "10.0.0.2:5353", "[::1]:53"; empty: resolv.conf
    char *resolv_conf;                // NULL: /etc/resolv.conf
    struct option_list allowed_cidrs; // besides the private blocks
    bool allow_loopback;              // accept 127.0.0.0/8 and ::1 answers
    uint64_t timeout_ms; // own deadline of one look-up, all servers and retries together
    uint64_t ttl_min_ms, ttl_max_ms; // TTLs are kept within; 5 s and 60 s
    uint64_t negative_ms;            // how long a negative answer stands; 5 s
};

// The addresses of one name, immutable and shared by reference count.
struct addr_set {
    atomic_uint refs;
    char *host;
    size_t count;
    uint32_t ttl_s;      // as answered, before the 5–60 s bounds
    struct addr addrs[]; // port 0; IPv4 first, each family in the order of the answer
};
struct addr_set *addr_set_ref(struct addr_set *set);
void addr_set_unref(struct addr_set *set); // NULL is allowed

// What is known of a watched name. Valid during the callback; `addrs` may be kept with
// addr_set_ref.
struct resolution {
    struct addr_set *addrs; // NULL: none; with `failure` set as well they are stale but usable
    const struct err
        *failure; // NULL after a good answer; ERR_DNS_* with the server's address in its text
    uint64_t answered_ms; // clock_ms() of the last good answer, 0: never
};
typedef void (*resolver_fn)(void *arg, const struct resolution *resolution);

struct resolver *resolver_new(struct loop *loop, const struct resolver_options *options,
    struct err *err) MUST_CHECK;               // copies options
void resolver_free(struct resolver *resolver); // all watches must be gone

// Keeps `host` resolved from now on: the first answer, every change of the addresses (their order
// is none), and every change between working and failing, or to another failure, call fn, always on
// a later turn. Refreshed ahead of the TTL; a timeout or SERVFAIL after a good answer keeps serving
// it (stale); an NXDOMAIN or empty answer after a good one counts only when a second look confirms
// it. A literal IP address needs no DNS but obeys the same policy. fn and arg must live until
// resolver_unwatch.
struct resolver_watch *resolver_watch(
    struct resolver *resolver, const char *host, resolver_fn fn, void *arg);
void resolver_unwatch(struct resolver_watch *watch); // NULL is allowed
// Look again now (every address failed, or a person asked), at most once a second.
void resolver_refresh(struct resolver_watch *watch);
// The same for a name that has no good answer: a network came that may know it. A look-up that is
// under way goes on, so that many such events in a row do not keep it from its answer.
void resolver_hasten(struct resolver_watch *watch);
// This machine may be in another network: DNS servers are asked over new sockets from now on, and
// resolv.conf is read again. Look-ups that are under way start again. False: the servers and their
// sockets stay; err->sys EACCES: resolv.conf may not be read.
bool resolver_renew(struct resolver *resolver, struct err *err) MUST_CHECK;
// From now on another policy and another deadline count; the servers stay. What is known stays
// until the next look. False: allowed_cidrs cannot be read, and nothing has changed.
bool resolver_adopt(
    struct resolver *resolver, const struct resolver_options *options, struct err *err) MUST_CHECK;
// Looks again now and judges the answer anew, also a literal address.
void resolver_judge_again(struct resolver_watch *watch);
// What is known of this name may be of another network: it is looked up now. True: use none of it
// until fn is called, which is once more even if nothing is different, within a second; when there
// is no answer by then, or the look-up fails, the old addresses are stale but usable. False: it was
// not asked for by `withhold`, or the name is an address.
bool resolver_doubt(struct resolver_watch *watch, bool withhold);

// ---- address policy (pure) --------------------------------------------------------------------

struct policy {
    const struct cidr *allowed;
    size_t allowed_count;
    bool allow_loopback;
};
// Whether traffic to this address stays private under the policy.
bool policy_is_private(const struct policy *policy, const struct addr *addr);
