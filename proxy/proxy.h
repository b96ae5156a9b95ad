// SPDX-License-Identifier: Apache-2.0
//
// The data path as the program sees it: listeners, the gate, workers with their connections, and
// one target per cluster that turns the control plane's news and the resolver's answers into what
// the workers act on. Everything declared here belongs to the main thread.
#pragma once

#include "base/err.h"
#include "base/net.h"
#include "control/control.h"
#include "proxy/census.h"
#include "proxy/conn.h"
#include "proxy/path_book.h"
#include "proxy/tally.h"
#include "proxy/tls_identity.h"
#include "proxy/tls_trust.h"
#include "resolver/resolver.h"

struct change;
struct inherited;
struct inherited_socket;
struct loop;
struct peer_allow;
struct proxy;
struct via;

// What TLS towards the cluster is, and who begins it.
enum tls_mode {
    TLS_PASSTHROUGH, // the application, if anybody: its TLS goes end to end
    TLS_OFF,
    TLS_VERIFY_CA,   // we do; the certificate comes from one of our authorities
    TLS_VERIFY_FULL, // and names the cluster's host
};
static inline bool tls_is_verified(enum tls_mode mode)
{
    return mode == TLS_VERIFY_CA || mode == TLS_VERIFY_FULL;
}

// What applications get from us.
enum client_tls { CLIENT_TLS_OFF, CLIENT_TLS_OPTIONAL, CLIENT_TLS_REQUIRED };

// A connection keeps the values that it was admitted under.
struct proxy_options {
    // Fixed at the start:
    uint64_t threads;           // 0: as many as CPUs may be used, at most 4
    uint64_t backlog;           // listen(2)
    uint64_t socket_mode;       // of unix listeners, 0660
    bool proves_way;            // a server of each cluster is to greet before any client comes
    bool batch;                 // workers run under SCHED_BATCH
    uint64_t busy_poll_us;      // workers look so long for an event before they sleep
    const struct addr *sources; // local addresses towards the clusters, in turn; outlive the proxy
    size_t source_count;        // 0: the system chooses
    // May change at a reload:
    uint64_t keepalive_ms; // of both legs
    uint64_t max_connections;
    uint64_t hold_timeout_ms;    // a client waits this long for a verdict to turn
    uint64_t resolve_timeout_ms; // … for the first addresses
    uint64_t connect_timeout_ms; // one address
    uint64_t dial_budget_ms;     // all addresses together
    uint64_t
        handshake_timeout_ms;  // the server's greeting; then the login, where we take part in it
    uint64_t drain_timeout_ms; // running connections at SIGTERM, or when a verdict drains
    uint64_t spares;           // warm connections per cluster, all workers together
    uint64_t spare_max_age_ms;
    bool splice;       // long streams
    bool dns_drain;    // connections to addresses that the cluster no longer has are let end
    bool loss_refuses; // control-loss = refuse
};

// A cluster as the configuration has it. `control.host` and `control.port` may be unset.
struct proxy_target {
    struct control_target control;
    const struct addr *listens;
    size_t listen_count;
    struct peer_allow *allow; // who may connect to its unix listeners; NULL: everybody
    uint64_t listener_max; // connections that each of them takes at a time; 0: no limit of its own
    enum tls_mode tls;
    enum client_tls client_tls;
    struct tls_trust_plan trust; // for TLS_VERIFY_CA and TLS_VERIFY_FULL
    const struct via *via;       // the jump; NULL: none; outlives the proxy
};

// All of them, and what the proxy shows to applications. What it points to may go after the call
// that it was given to.
struct proxy_plan {
    const struct proxy_target *targets;
    size_t target_count;
    struct tls_identity_plan identity;
    bool rsa_key_may_fail;       // then the key ends with the program
    struct inherited *inherited; // sockets that are open already; NULL: none
};

// What a target looks like from outside, for status, health and metrics. Valid until the loop
// turns.
struct proxy_target_state {
    const char *alias;
    const struct control_news *news; // NULL: none yet
    const struct addr_set *addrs;    // NULL: not resolved; with a jump, of the jump
    const struct via *via;           // the jump; NULL: none
    const struct err *dns_failure;   // NULL: none
    uint64_t connections;            // open now
    uint64_t spares;                 // opened ahead and ready
    // Monotonic milliseconds (clock_ms) of the last greeting, and of the last time that no address
    // was any good or TLS with the server failed, 0: never; and why that was.
    uint64_t reached_ms, failed_ms;
    const struct err *unreachable; // ERR_NONE: no client was told so yet
};

// Sums over all workers.
struct proxy_counters {
    uint64_t accepted, open;
    uint64_t dropped;                    // accepted, and closed without a word: too many at once
    uint64_t steps[CONN_STATES];         // open connections by the step they are in
    uint64_t client_bytes, server_bytes; // received from clients, from servers
    uint64_t refused[ERR_CODES];
    uint64_t closed[CLOSE_REASONS];
    uint64_t unchecked; // connections allowed without a verdict
    uint64_t broken;    // refused at once, because nothing answered a moment ago
    uint64_t dials, dial_failures, dial_races; // addresses tried, failed, tried side by side
    uint64_t tls_handshakes, tls_resumed,
        tls_failures; // with clusters; resumed ones are handshakes
    uint64_t spares_ready, spares_used, spares_discarded;
    uint64_t stall_max_us, stalls; // the worst loop that accepts or relays, and turns over 100 ms
};

// How many workers these options mean on this machine.
uint64_t proxy_threads(const struct proxy_options *options);
// Opens every listener (all or none), starts the workers; nobody is accepted before proxy_accept.
// Connections are held until the first news. on_change (may be NULL) is called whenever a target's
// state changed, for those who wait.
struct proxy *proxy_start(struct loop *loop, const struct proxy_options *options,
    const struct proxy_plan *plan, struct resolver *resolver, void (*on_change)(void *arg),
    void *arg, struct err *err) MUST_CHECK;
void proxy_accept(struct proxy *proxy);
// Who may be asked to bring a poll forward and told of successes. Before the first proxy_news.
void proxy_set_control(struct proxy *proxy, struct control *control);
// Takes ownership of the news.
void proxy_news(struct proxy *proxy, struct control_news *news);
// What happened to this machine. Names are resolved anew, connections whose way is gone end, others
// are asked whether they live, what was learned of addresses is forgotten.
enum proxy_concern {
    PROXY_UNCONCERNED, // it has nothing to do with any cluster, and nothing was done
    PROXY_LOST,        // nor has it, as far as can be told, but one has no address: it may help
    PROXY_CONCERNED,
};
enum proxy_concern proxy_wake(struct proxy *proxy, const struct change *change);
// Options and everything about TLS, its files read again, for new connections; `plan` has the same
// targets. False: something of it is not usable, and all is as it was.
bool proxy_reload(struct proxy *proxy, const struct proxy_options *options,
    const struct proxy_plan *plan, struct err *err) MUST_CHECK;
// The resolver judges addresses in another way (resolver_adopt).
void proxy_look_again(struct proxy *proxy);

// Closes the listeners, refuses who waits (1053), lets running connections end at the next pause
// between statements and transactions, idle ones where that cannot be told; forces the rest after
// drain_timeout_ms; then calls on_drained once. `handed_over`: another process has the listeners,
// so there is no hurry, and who waits is served.
void proxy_drain(struct proxy *proxy, bool handed_over, void (*on_drained)(void *arg), void *arg);
bool proxy_is_draining(const struct proxy *proxy);
bool proxy_is_full(const struct proxy *proxy); // a new connection would get error 1040
// Ends everything now, joins the workers and frees. NULL is allowed.
void proxy_stop(struct proxy *proxy);

// For the heartbeat and the watchdog, see loop_ask and loop_silent_us: asks every worker for a sign
// of life; for how long one has given none, which is known once it was asked.
size_t proxy_worker_count(const struct proxy *proxy);
uint64_t proxy_worker_open(const struct proxy *proxy, size_t worker); // its connections
void proxy_ping(struct proxy *proxy);
uint64_t proxy_worker_lag_ms(const struct proxy *proxy, size_t worker);

size_t proxy_target_count(const struct proxy *proxy);
struct proxy_target_state proxy_target_state(const struct proxy *proxy, size_t target);
void proxy_count(const struct proxy *proxy, struct proxy_counters *out);
// What one target's connections did and took, over all workers.
void proxy_target_sum(const struct proxy *proxy, size_t target, struct target_sum *out);
// What the workers know of the address with this index in proxy_target_state's addrs.
struct path_sum proxy_path(const struct proxy *proxy, size_t target, size_t address);
// Asks every worker about its connections, see census.h.
struct census *proxy_census(
    struct proxy *proxy, const struct census_plan *plan, census_fn fn, void *arg) MUST_CHECK;
// Where the shared connection of a target's ssh jump is; NULL: it has none.
const char *proxy_control_path(const struct proxy *proxy, size_t target);
// The socket of the index-th listener of a target, which stays the proxy's; NULL behind the last
// one, and once a drain has closed them.
const struct inherited_socket *proxy_listener(
    const struct proxy *proxy, size_t target, size_t index);
// Somebody else has them as well and goes on with them: their files are not removed, and who is in
// their queues is left there.
void proxy_keep_sockets(struct proxy *proxy);
// The address that a listener really has (port 0 was asked for). false behind the last one.
bool proxy_listen_address(const struct proxy *proxy, size_t target, size_t index, struct addr *out);
