// SPDX-License-Identifier: Apache-2.0
//
// Verdict and addresses become a view. Fed by the control plane's news (through proxy.c) and by the
// resolver; the workers see the result. Main thread only.
#include "proxy/target.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/net.h"
#include "base/way.h"
#include "proxy/jump_name.h"
#include "proxy/peer_allow.h"
#include "proxy/tls_store.h"
#include "proxy/via.h"
#include "proxy/view.h"
#include "proxy/wake.h"
#include "proxy/worker.h"
#include "resolver/addr_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct target {
    size_t index;
    char *alias;
    struct loop *loop;
    const struct via *via;    // NULL: none
    struct peer_allow *allow; // a reference; NULL: everybody
    const char *control_path;
    char *configured_host; // NULL: from the control plane
    uint16_t configured_port;
    const struct proxy_options *options;
    const struct tls_store *store;
    struct worker *const *workers;
    size_t worker_count;
    void (*on_change)(void *arg);
    void *arg;

    struct control_news *news; // NULL: none yet
    struct resolver *resolver;
    char *host;                   // what is being resolved; NULL: not known
    struct resolver_watch *watch; // of the host; NULL with a jump
    struct jump_name *jump_name;  // of the jump's host; NULL: it has none
    struct addr_set *addrs;
    struct err dns_failure;   // ERR_NONE: none
    struct err host_failure;  // the host must not be handed to the jump; ERR_NONE: it may
    struct addr_set *doubted; // NULL, or the last addrs, none of which is used until on_resolved
    struct path_book paths;   // what the workers told of the addresses
    struct err unreachable;   // why no address was any good, the last time that one was told
    uint64_t ways;            // a digest of the source addresses towards either; 0: not known
};

static uint16_t target_port(const struct target *target)
{
    if (target->news && target->news->verdict.port)
        return target->news->verdict.port;
    return target->configured_port;
}

// A jump is dialled when there is somewhere to go from it.
static struct addr_set *usable_addrs(const struct target *target)
{
    bool leads_on = target->host && target->host_failure.code == ERR_NONE;
    return !target->via || leads_on ? target->addrs : NULL;
}

// ERR_NONE: there is none.
static const struct err *failure_of(const struct target *target)
{
    return target->host_failure.code == ERR_NONE ? &target->dns_failure : &target->host_failure;
}

void target_show(struct target *target)
{
    struct view *view = view_new(target->alias);
    if (!view)
        abort(); // workers with an old verdict would be worse
    view->options = *target->options;
    view->verdict = (struct verdict){ .action = VERDICT_UNKNOWN, .age_s = -1, .what = "" };
    if (target->news)
        view->verdict = target->news->verdict;
    view->tls = tls_store_mode(target->store, target->index);
    view->client_tls = tls_store_client(target->store, target->index);
    struct tls_trust *trust = tls_store_trust(target->store, target->index);
    struct tls_identity *identity = tls_store_identity(target->store, target->index);
    view->trust = trust ? tls_trust_ref(trust) : NULL;
    view->identity = identity ? tls_identity_ref(identity) : NULL;
    view->host = target->host ? strdup(target->host) : NULL;
    if (target->host && !view->host)
        abort();
    view->port = target_port(target);
    view->via = target->via;
    view->control_path = target->control_path;
    struct addr_set *addrs = usable_addrs(target);
    view->addrs = addrs ? addr_set_ref(addrs) : NULL;
    view->dns_failure = *failure_of(target);
    for (size_t i = 0; i < target->worker_count; i++)
        worker_show(target->workers[i], target->index, view_ref(view));
    view_unref(view);
    if (target->on_change)
        target->on_change(target->arg);
}

// ---- addresses ----------------------------------------------------------------------------------

static void log_resolution(
    const struct target *target, const char *host, const struct resolution *resolution)
{
    const struct addr_set *addrs = resolution->addrs;
    struct log_line line;
    log_start(&line, resolution->failure ? LOG_WARN : LOG_INFO, "%s",
        !resolution->failure ? "resolved"
        : addrs              ? "DNS fails, the last addresses stay in use"
                             : "DNS gives no address");
    log_str(&line, "cluster", target->alias);
    log_str(&line, "host", host);
    if (addrs && addrs->count) {
        char text[ADDR_TEXT_BYTES];
        log_uint(&line, "addresses", addrs->count);
        log_str(&line, "first", addr_format_ip(&addrs->addrs[0], text));
        if (!target->via)
            log_uint(&line, "ttl_s", addrs->ttl_s);
    }
    if (resolution->failure)
        log_err(&line, resolution->failure);
    log_write(&line);
}

// Which address of this machine leads to each of them, or none; 0: without a descriptor nobody can
// tell. *out_doubt: whether that is one of those that the plan, which may be NULL, doubts.
static uint64_t ways_to(const struct addr_set *addrs, const struct wake_plan *plan, bool *out_doubt)
{
    char text[ADDR_TEXT_BYTES];
    uint64_t ways = HASH_START;
    *out_doubt = false;
    for (size_t i = 0; addrs && i < addrs->count; i++) {
        struct addr source;
        bool found = way_source(&addrs->addrs[i], &source);
        if (!found && net_is_shortage(errno))
            return 0;
        ways = hash_text(ways, found ? addr_format_ip(&source, text) : "none");
        *out_doubt = *out_doubt || (found && plan && wake_doubts(plan, &source));
    }
    return ways;
}

static void drop_addresses(struct target *target)
{
    addr_set_unref(target->addrs);
    addr_set_unref(target->doubted);
    target->addrs = target->doubted = NULL;
}

static void on_resolved(void *arg, const struct resolution *resolution)
{
    struct target *target = arg;
    log_resolution(target, target->host, resolution);
    drop_addresses(target);
    target->addrs = resolution->addrs ? addr_set_ref(resolution->addrs) : NULL;
    bool doubt;
    if (target->addrs)
        target->ways = ways_to(target->addrs, NULL, &doubt);
    target->dns_failure = resolution->failure ? *resolution->failure : (struct err){ 0 };
    target_show(target);
}

// ---- the jump -----------------------------------------------------------------------------------

// When it cannot be resolved any more, the last addresses stay: being offline for a moment is
// nothing to forget them for.
static void on_jump_resolved(void *arg, struct addr_set *addrs, const struct err *err)
{
    struct target *target = arg;
    bool is_news =
        addrs ? !addr_set_equal(addrs, target->addrs) || target->dns_failure.code != ERR_NONE
              : target->dns_failure.code != err->code;
    if (!is_news) {
        addr_set_unref(addrs);
        return;
    }
    const struct resolution resolution = { .addrs = addrs ? addrs : target->addrs,
        .failure = addrs ? NULL : err };
    log_resolution(target, target->via->host, &resolution);
    if (addrs) {
        bool doubt;
        addr_set_unref(target->addrs);
        target->addrs = addrs;
        target->ways = ways_to(addrs, NULL, &doubt);
    }
    target->dns_failure = addrs ? (struct err){ 0 } : *err;
    target_show(target);
}

// It came from outside, and the jump may be a shell.
static void check_host(struct target *target)
{
    target->host_failure = (struct err){ 0 };
    if (!via_host_is_safe(target->host))
        err_set(&target->host_failure, ERR_JUMP,
            "the host of cluster %s is no host name, and is not handed to a jump. Set host of the "
            "cluster, or run tidblink status %s",
            target->alias, target->alias);
}

static void start_jump(struct target *target)
{
    log_facts(LOG_WARN,
        "connections go through a jump: the cluster's host name is resolved there, and that its "
        "address is private cannot be checked from here",
        "cluster", target->alias, "via", target->via->shown, NULL);
    if (via_is_program(target->via)) {
        target->addrs = addr_set_new("", 1);
        if (!target->addrs)
            abort();
        target->addrs->count = 1; // a way without an address: the program
        return;
    }
    target->jump_name = jump_name_new(target->loop, target->via->host, on_jump_resolved, target);
}

static void forget_addresses(struct target *target)
{
    resolver_unwatch(target->watch);
    target->watch = NULL;
    drop_addresses(target);
    target->dns_failure = (struct err){ 0 };
}

// The name that the control plane gives, else the configured one; a changed name is resolved anew.
static void follow_host(struct target *target)
{
    const char *host = target->configured_host;
    if (target->news && target->news->verdict.host[0])
        host = target->news->verdict.host;
    if (!host || (target->host && strcmp(target->host, host) == 0))
        return;
    free(target->host);
    target->host = strdup(host);
    if (!target->host)
        abort();
    if (target->via) {
        check_host(target);
        return;
    }
    forget_addresses(target);
    target->watch = resolver_watch(target->resolver, host, on_resolved, target);
    if (!target->watch)
        abort(); // out of memory: workers would wait for addresses that never come
}

// Whether the way to the cluster is another one now, or in doubt.
static bool look_at_ways(struct target *target, const struct wake_plan *plan)
{
    bool doubt = false;
    const struct addr_set *addrs = target->addrs ? target->addrs : target->doubted;
    uint64_t before = target->ways, now = ways_to(addrs, plan, &doubt);
    if (!addrs || !now)
        return plan->slept; // nothing to look at, or nothing to look with
    target->ways = now;
    return plan->slept || doubt || (before && now != before);
}

enum proxy_concern target_wake(
    struct target *target, const struct wake_plan *plan, bool other_names)
{
    bool is_lost = !target->addrs || target->dns_failure.code != ERR_NONE;
    bool is_news = look_at_ways(target, plan);
    enum proxy_concern concern = is_news   ? PROXY_CONCERNED
                                 : is_lost ? PROXY_LOST
                                           : PROXY_UNCONCERNED;
    if (target->jump_name && (is_news || is_lost || other_names))
        jump_name_renew(target->jump_name);
    if (!target->watch)
        return concern;
    if (!is_news && !other_names) {
        // The network that just came may be the one that knows the name.
        if (is_lost)
            resolver_hasten(target->watch);
    } else if (resolver_doubt(target->watch, is_news)) {
        if (target->addrs) {
            addr_set_unref(target->doubted);
            target->doubted = target->addrs;
            target->addrs = NULL;
        }
        target->dns_failure = (struct err){ 0 };
        target_show(target);
    }
    return concern;
}

void target_look_again(struct target *target)
{
    if (target->watch)
        resolver_judge_again(target->watch);
}

void target_use_control_path(struct target *target, const char *path)
{
    target->control_path = path;
    target_show(target);
}

void target_unreachable(struct target *target, const struct err *err)
{
    target->unreachable = *err;
    if (target->watch)
        resolver_refresh(target->watch);
    if (target->jump_name)
        jump_name_refresh(target->jump_name);
}

// A change is told to those who wait for it: at most once a second per address and worker.
void target_path_told(struct target *target, size_t worker, const struct path *path)
{
    path_book_told(&target->paths, worker, path);
    if (target->on_change)
        target->on_change(target->arg);
}

void target_forget_paths(struct target *target)
{
    path_book_done(&target->paths);
    target->unreachable = (struct err){ 0 };
}

struct path_sum target_path(const struct target *target, size_t address)
{
    return path_book_sum(&target->paths, &target->addrs->addrs[address], loop_now_ms(target->loop));
}

void target_sum(const struct target *target, struct target_sum *out)
{
    tally_target(target->workers, target->worker_count, target->index, out);
}

// ---- verdict ------------------------------------------------------------------------------------

static const char *const action_names[] = { "unknown", "allow", "hold", "refuse" };

static bool same_verdict(const struct control_news *a, const struct control_news *b)
{
    return a && a->verdict.action == b->verdict.action && a->verdict.drain == b->verdict.drain &&
           a->verdict.unchecked == b->verdict.unchecked &&
           strcmp(a->verdict.state, b->verdict.state) == 0 &&
           strcmp(a->verdict.what, b->verdict.what) == 0;
}

static void log_news(const struct target *target, const struct control_news *news)
{
    const struct verdict *verdict = &news->verdict;
    struct log_line line;
    bool turns_away = verdict->action == VERDICT_HOLD || verdict->action == VERDICT_REFUSE;
    log_start(&line, turns_away ? LOG_WARN : LOG_INFO, "verdict");
    log_str(&line, "cluster", target->alias);
    log_str(&line, "verdict", action_names[verdict->action]);
    log_str(&line, "of", verdict->what[0] ? verdict->what : NULL);
    log_str(&line, "state", verdict->state[0] ? verdict->state : NULL);
    log_str(&line, "unchecked", verdict->unchecked ? "yes" : NULL);
    log_str(&line, "drain", verdict->drain ? "yes" : NULL);
    log_str(&line, "text", verdict->text[0] ? verdict->text : NULL);
    log_str(&line, "api", news->api_text[0] ? news->api_text : NULL);
    log_write(&line);
}

void target_news(struct target *target, struct control_news *news)
{
    if (!same_verdict(target->news, news))
        log_news(target, news);
    control_news_free(target->news);
    target->news = news;
    follow_host(target);
    target_show(target);
}

struct proxy_target_state target_state(const struct target *target)
{
    struct target_sum sum;
    target_sum(target, &sum);
    return (struct proxy_target_state){
        .alias = target->alias,
        .news = target->news,
        .addrs = usable_addrs(target),
        .via = target->via,
        .dns_failure = failure_of(target)->code == ERR_NONE ? NULL : failure_of(target),
        .connections = sum.open,
        .spares = sum.spares_ready,
        .reached_ms = sum.reached_ms,
        .failed_ms = sum.failed_ms,
        .unreachable = &target->unreachable,
    };
}

// ---- life ---------------------------------------------------------------------------------------

struct target *target_new(const struct target_plan *plan, struct err *err)
{
    const struct control_target *control = plan->control;
    struct target *target = calloc(1, sizeof(*target));
    if (target) {
        target->alias = strdup(control->alias);
        target->configured_host = control->host ? strdup(control->host) : NULL;
    }
    if (!target || !target->alias || (control->host && !target->configured_host)) {
        err_set(err, ERR_MEMORY, "out of memory for cluster %s", control->alias);
        target_free(target);
        return NULL;
    }
    target->index = plan->index;
    target->configured_port = control->port;
    target->options = plan->options;
    target->store = plan->store;
    target->workers = plan->workers;
    target->worker_count = plan->worker_count;
    target->resolver = plan->resolver;
    target->on_change = plan->on_change;
    target->arg = plan->arg;
    target->loop = plan->loop;
    target->via = plan->via;
    target->control_path = plan->control_path;
    if (target->via)
        start_jump(target);
    follow_host(target);
    target_show(target);
    return target;
}

void target_use_allow(struct target *target, struct peer_allow *allow)
{
    struct peer_allow *before = target->allow;
    target->allow = peer_allow_ref(allow);
    peer_allow_unref(before);
}

bool target_admits(
    const struct target *target, int client_fd, const struct peer *client, struct err *err)
{
    return peer_allow_admits(target->allow, client_fd, client, target->alias, err);
}

void target_free(struct target *target)
{
    if (!target)
        return;
    jump_name_free(target->jump_name);
    forget_addresses(target);
    path_book_done(&target->paths);
    peer_allow_unref(target->allow);
    free(target->host);
    control_news_free(target->news);
    free(target->configured_host);
    free(target->alias);
    free(target);
}
