// SPDX-License-Identifier: Apache-2.0
//
// Puts the data path together: listeners, gate, workers, targets; hands accepted sockets to
// workers; drains and stops. Main thread only; the program (app/) talks to nothing else of proxy/.
#include "proxy/proxy.h"

#include "base/changes.h"
#include "base/confine.h"
#include "base/cpus.h"
#include "base/err.h"
#include "base/inherited.h"
#include "base/log.h"
#include "base/loop.h"
#include "proxy/gate.h"
#include "proxy/home.h"
#include "proxy/jump_master.h"
#include "proxy/listeners.h"
#include "proxy/target.h"
#include "proxy/tls_store.h"
#include "proxy/via.h"
#include "proxy/wake.h"
#include "proxy/worker.h"

#include <stdlib.h>
#include <unistd.h>

enum { PROXY_THREADS_MAX = 4 };

struct proxy {
    struct loop *loop;
    struct proxy_options options;
    struct home *home;
    struct gate gate;
    uint64_t accepted; // also the last connection's id
    uint64_t dropped;
    struct tls_store *store;
    struct worker **workers;
    size_t worker_count;
    struct target **targets;
    struct jump_master **masters; // by target; NULL: it has none
    size_t master_count;
    size_t target_count;
    struct listeners listeners;
    bool accepts;
    bool keeps_sockets; // see proxy_keep_sockets
    struct resolver *resolver;
    size_t drained_workers;
    void (*on_drained)(void *arg);
    void *drained_arg;
};

// ---- a new connection --------------------------------------------------------------------------

static uint64_t worker_open(const struct worker *worker)
{
    return atomic_load_explicit(&worker->counters.open, memory_order_relaxed);
}

static uint64_t worker_lingering(const struct worker *worker)
{
    return atomic_load_explicit(&worker->counters.steps[CONN_LINGER], memory_order_relaxed);
}

static struct worker *least_loaded(const struct proxy *proxy)
{
    struct worker *least = proxy->workers[0];
    for (size_t i = 1; i < proxy->worker_count; i++)
        if (worker_open(proxy->workers[i]) < worker_open(least))
            least = proxy->workers[i];
    return least;
}

static struct gate_load load_now(const struct proxy *proxy)
{
    struct gate_load load = { 0 };
    for (size_t i = 0; i < proxy->worker_count; i++) {
        load.open += worker_open(proxy->workers[i]);
        load.lingering += worker_lingering(proxy->workers[i]);
    }
    return load;
}

// Nobody is there to be told, so the log and a counter are.
static void note_dropped(struct proxy *proxy, const struct peer *client)
{
    proxy->dropped++;
    char text[PEER_TEXT_BYTES];
    struct log_line line;
    log_start(&line, LOG_WARN,
        "too many refused clients at once: closed without a word; raise max-connections");
    log_uint(&line, "conn", proxy->accepted);
    log_str(&line, "client", peer_format(client, text));
    log_uint(&line, "so_far", proxy->dropped);
    log_write(&line);
}

// Places that the listener's connections take on all workers.
static uint64_t listener_open_now(const struct proxy *proxy, size_t listener)
{
    uint64_t open = 0;
    for (size_t i = 0; i < proxy->worker_count; i++)
        open +=
            atomic_load_explicit(&proxy->workers[i]->listener_open[listener], memory_order_relaxed);
    return open;
}

static bool admit(const struct proxy *proxy, size_t listener, int client_fd,
    const struct peer *client, struct gate_load *out_load, struct err *err)
{
    size_t target = listener_target(proxy->listeners.items[listener]);
    *out_load = load_now(proxy);
    out_load->listener_max = listener_max(proxy->listeners.items[listener]);
    if (out_load->listener_max)
        out_load->listener_open = listener_open_now(proxy, listener);
    return gate_admit(&proxy->gate, out_load, err) &&
           target_admits(proxy->targets[target], client_fd, client, err);
}

static void on_accepted(void *arg, size_t listener, int client_fd, const struct peer *client)
{
    struct proxy *proxy = arg;
    struct gate_load load;
    struct err refusal;
    bool admitted = admit(proxy, listener, client_fd, client, &load, &refusal);
    proxy->accepted++;
    if (!admitted && !gate_may_explain(&proxy->gate, &load)) {
        note_dropped(proxy, client);
        close(client_fd);
        return;
    }
    struct arrival arrival = {
        .id = proxy->accepted,
        .client_fd = client_fd,
        .target = (uint16_t)listener_target(proxy->listeners.items[listener]),
        .listener = admitted ? (uint16_t)listener : CONN_NO_PLACE,
        .client = *client,
    };
    if (!admitted) {
        arrival.refusal = malloc(sizeof(refusal));
        if (!arrival.refusal) {
            close(client_fd);
            return;
        }
        *arrival.refusal = refusal;
    }
    worker_take(least_loaded(proxy), &arrival);
}

// ---- what workers and the control plane tell ---------------------------------------------------

static void on_unreachable(void *owner, size_t target, const struct err *err)
{
    struct proxy *proxy = owner;
    target_unreachable(proxy->targets[target], err);
    jump_master_doubt(proxy->masters[target], false);
}

static void on_path(void *owner, size_t target, size_t worker, const struct path *path)
{
    const struct proxy *proxy = owner;
    target_path_told(proxy->targets[target], worker, path);
}

static void on_files_changed(void *arg, size_t target)
{
    struct proxy *proxy = arg;
    if (target < proxy->target_count)
        target_show(proxy->targets[target]);
}

static void on_worker_drained(void *owner)
{
    struct proxy *proxy = owner;
    proxy->drained_workers++;
    if (proxy->drained_workers == proxy->worker_count && proxy->on_drained)
        proxy->on_drained(proxy->drained_arg);
}

void proxy_news(struct proxy *proxy, struct control_news *news)
{
    target_news(proxy->targets[news->target], news);
}

void proxy_set_control(struct proxy *proxy, struct control *control)
{
    for (size_t i = 0; i < proxy->worker_count; i++)
        worker_use_control(proxy->workers[i], control);
}

// Targets first: the workers see their views before they act. What a look-up was asked over is of
// the other network as well, but only then: a storm of events must not begin it again and again.
enum proxy_concern proxy_wake(struct proxy *proxy, const struct change *change)
{
    struct wake_plan plan = wake_plan_of(change);
    struct err err;
    enum proxy_concern most = PROXY_UNCONCERNED;
    for (size_t i = 0; i < proxy->target_count; i++) {
        enum proxy_concern concern = target_wake(proxy->targets[i], &plan, change->names);
        most = concern > most ? concern : most;
    }
    plan.forget = plan.slept || most == PROXY_CONCERNED;
    if ((plan.forget || change->names) && !resolver_renew(proxy->resolver, &err)) {
        confine_explain(&err);
        log_facts(LOG_WARN, "the DNS servers stay as they were", "reason", err.text, NULL);
    }
    for (size_t i = 0; i < proxy->worker_count; i++)
        worker_wake(proxy->workers[i], &plan);
    for (size_t i = 0; plan.forget && i < proxy->target_count; i++)
        target_forget_paths(proxy->targets[i]);
    bool is_another_network = change->addresses || change->routes || change->back_count;
    for (size_t i = 0; i < proxy->target_count; i++)
        if (plan.slept || is_another_network)
            jump_master_doubt(proxy->masters[i], true);
    return change->names || plan.forget ? PROXY_CONCERNED : most;
}

// Who is being connected would wait for the old one.
static void on_master_moved(void *arg, size_t target)
{
    const struct proxy *proxy = arg;
    const struct wake_plan plan = { .forget = true };
    target_use_control_path(proxy->targets[target], jump_master_path(proxy->masters[target]));
    for (size_t i = 0; i < proxy->worker_count; i++)
        worker_wake(proxy->workers[i], &plan);
}

bool proxy_reload(struct proxy *proxy, const struct proxy_options *options,
    const struct proxy_plan *plan, struct err *err)
{
    if (!tls_store_reload(proxy->store, plan, err))
        return false;
    proxy->options = *options;
    proxy->gate.max_connections = options->max_connections;
    listeners_adopt(&proxy->listeners, plan, options);
    for (size_t i = 0; i < proxy->target_count; i++) {
        target_use_allow(proxy->targets[i], plan->targets[i].allow);
        target_show(proxy->targets[i]);
    }
    return true;
}

void proxy_look_again(struct proxy *proxy)
{
    for (size_t i = 0; i < proxy->target_count; i++)
        target_look_again(proxy->targets[i]);
}

// ---- start -------------------------------------------------------------------------------------

uint64_t proxy_threads(const struct proxy_options *options)
{
    uint64_t cpus = options->threads ? options->threads : cpus_usable();
    return options->threads || cpus < PROXY_THREADS_MAX ? cpus : PROXY_THREADS_MAX;
}

static bool start_workers(struct proxy *proxy, size_t target_count, struct err *err)
{
    uint64_t count = proxy_threads(&proxy->options);
    proxy->workers = calloc(count + 1, sizeof(struct worker *));
    if (!proxy->workers)
        return err_set(err, ERR_MEMORY, "out of memory for workers");
    for (unsigned i = 0; i < count; i++) {
        const struct worker_plan plan = {
            .index = i,
            .worker_count = count,
            .target_count = target_count,
            .listener_count = proxy->listeners.count,
            .options = &proxy->options,
        };
        proxy->workers[i] = worker_start(&plan, proxy->home, err);
        if (!proxy->workers[i])
            return false;
        proxy->worker_count++;
    }
    return true;
}

static bool make_targets(struct proxy *proxy, const struct proxy_plan *plan,
    struct resolver *resolver, void (*on_change)(void *arg), void *arg, struct err *err)
{
    proxy->targets = calloc(plan->target_count + 1, sizeof(struct target *));
    proxy->masters = calloc(plan->target_count + 1, sizeof(struct jump_master *));
    proxy->master_count = plan->target_count;
    if (!proxy->targets || !proxy->masters)
        return err_set(err, ERR_MEMORY, "out of memory for clusters");
    for (size_t i = 0; i < plan->target_count; i++) {
        const struct via *via = plan->targets[i].via;
        const struct jump_master_plan master = {
            .loop = proxy->loop,
            .via = via,
            .on_moved = on_master_moved,
            .arg = proxy,
            .target = i,
        };
        if (via && via->kind == VIA_SSH)
            proxy->masters[i] = jump_master_new(&master);
        const struct target_plan target = {
            .index = i,
            .control = &plan->targets[i].control,
            .loop = proxy->loop,
            .via = via,
            .control_path = jump_master_path(proxy->masters[i]),
            .options = &proxy->options,
            .store = proxy->store,
            .workers = proxy->workers,
            .worker_count = proxy->worker_count,
            .resolver = resolver,
            .on_change = on_change,
            .arg = arg,
        };
        proxy->targets[i] = target_new(&target, err);
        if (!proxy->targets[i])
            return false;
        target_use_allow(proxy->targets[i], plan->targets[i].allow);
        proxy->target_count++;
    }
    return true;
}

struct proxy *proxy_start(struct loop *loop, const struct proxy_options *options,
    const struct proxy_plan *plan, struct resolver *resolver, void (*on_change)(void *arg),
    void *arg, struct err *err)
{
    struct proxy *proxy = calloc(1, sizeof(*proxy));
    if (!proxy) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    proxy->loop = loop;
    proxy->options = *options;
    proxy->resolver = resolver;
    proxy->gate.max_connections = options->max_connections;
    proxy->home = home_new(loop, proxy);
    if (!proxy->home) {
        err_set(err, ERR_MEMORY, "out of memory");
        free(proxy);
        return NULL;
    }
    proxy->home->on_unreachable = on_unreachable;
    proxy->home->on_path = on_path;
    proxy->home->on_drained = on_worker_drained;
    proxy->store = tls_store_new(loop, plan, on_files_changed, proxy, err);
    // Listeners first: a port in use ends the program before it starts threads.
    if (!proxy->store ||
        !listeners_open(&proxy->listeners, loop, plan, options, on_accepted, proxy, err) ||
        !start_workers(proxy, plan->target_count, err) ||
        !make_targets(proxy, plan, resolver, on_change, arg, err)) {
        proxy_stop(proxy);
        return NULL;
    }
    return proxy;
}

void proxy_accept(struct proxy *proxy)
{
    proxy->accepts = true;
    listeners_start(&proxy->listeners);
}

// ---- end ---------------------------------------------------------------------------------------

void proxy_drain(struct proxy *proxy, bool handed_over, void (*on_drained)(void *arg), void *arg)
{
    proxy->gate.draining = true;
    proxy->on_drained = on_drained;
    proxy->drained_arg = arg;
    // Who is in the kernel's queue already would be reset by the close: they are told instead.
    bool go_on = handed_over || proxy->keeps_sockets;
    if (!go_on && proxy->accepts)
        listeners_accept_all(&proxy->listeners);
    listeners_close(&proxy->listeners, go_on);
    const struct worker_drain_plan plan = {
        .timeout_ms = proxy->options.drain_timeout_ms,
        .at_once = !handed_over,
        .serves_waiting = go_on,
    };
    for (size_t i = 0; i < proxy->worker_count; i++)
        worker_drain(proxy->workers[i], &plan);
}

bool proxy_is_full(const struct proxy *proxy)
{
    const struct gate_load load = load_now(proxy);
    return gate_is_full(&proxy->gate, &load);
}

bool proxy_is_draining(const struct proxy *proxy)
{
    return proxy->gate.draining;
}

void proxy_stop(struct proxy *proxy)
{
    if (!proxy)
        return;
    listeners_close(&proxy->listeners, proxy->keeps_sockets);
    proxy->home->owner = NULL;
    for (size_t i = 0; i < proxy->target_count; i++)
        target_free(proxy->targets[i]);
    for (size_t i = 0; i < proxy->worker_count; i++)
        worker_stop(proxy->workers[i]);
    for (size_t i = 0; proxy->masters && i < proxy->master_count; i++)
        jump_master_free(proxy->masters[i]);
    tls_store_free(proxy->store);
    home_unref(proxy->home);
    free(proxy->targets);
    free(proxy->masters);
    free(proxy->workers);
    free(proxy);
}

// ---- what others may know ----------------------------------------------------------------------

uint64_t proxy_worker_open(const struct proxy *proxy, size_t worker)
{
    return worker_open(proxy->workers[worker]);
}

size_t proxy_worker_count(const struct proxy *proxy)
{
    return proxy->worker_count;
}

void proxy_ping(struct proxy *proxy)
{
    for (size_t i = 0; i < proxy->worker_count; i++)
        loop_ask(proxy->workers[i]->loop);
}

uint64_t proxy_worker_lag_ms(const struct proxy *proxy, size_t worker)
{
    return loop_silent_us(proxy->workers[worker]->loop) / 1000;
}

size_t proxy_target_count(const struct proxy *proxy)
{
    return proxy->target_count;
}

struct proxy_target_state proxy_target_state(const struct proxy *proxy, size_t target)
{
    return target_state(proxy->targets[target]);
}

struct path_sum proxy_path(const struct proxy *proxy, size_t target, size_t address)
{
    return target_path(proxy->targets[target], address);
}

void proxy_target_sum(const struct proxy *proxy, size_t target, struct target_sum *out)
{
    target_sum(proxy->targets[target], out);
}

struct census *proxy_census(
    struct proxy *proxy, const struct census_plan *plan, census_fn fn, void *arg)
{
    return census_start(proxy->loop, proxy->workers, proxy->worker_count, plan, fn, arg);
}

void proxy_count(const struct proxy *proxy, struct proxy_counters *out)
{
    *out = (struct proxy_counters){
        .accepted = proxy->accepted,
        .dropped = proxy->dropped,
        .stalls = loop_stalls(proxy->loop),
        .stall_max_us = loop_stall_max_us(proxy->loop),
    };
    for (size_t i = 0; i < proxy->worker_count; i++)
        tally_worker(proxy->workers[i], out);
}

const char *proxy_control_path(const struct proxy *proxy, size_t target)
{
    return jump_master_path(proxy->masters[target]);
}

const struct inherited_socket *proxy_listener(
    const struct proxy *proxy, size_t target, size_t index)
{
    const struct listener *listener = listeners_of(&proxy->listeners, target, index);
    return listener ? listener_socket(listener) : NULL;
}

void proxy_keep_sockets(struct proxy *proxy)
{
    proxy->keeps_sockets = true;
}

bool proxy_listen_address(const struct proxy *proxy, size_t target, size_t index, struct addr *out)
{
    const struct inherited_socket *socket = proxy_listener(proxy, target, index);
    if (socket)
        *out = socket->addr;
    return socket != NULL;
}
