// SPDX-License-Identifier: Apache-2.0
//
// After every turn in which the world changed, each interface's listener is made what it should be.
// A silent one listens with a queue of one connection, which we fill ourselves: Linux drops the SYN
// of every other, as a security group does. main.c starts this. The loop's thread only.
#include "emulator/wires.h"

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/net.h"
#include "base/os.h"
#include "emulator/relay.h"
#include "emulator/vpc.h"
#include "emulator/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OPEN_BACKLOG = 128, SILENT_BACKLOG = 0 };

enum wire_state { WIRE_NONE = 0, WIRE_OPEN, WIRE_SILENT, WIRE_REFUSED };

// What becomes of the connections that are there.
enum wire_fate { FATE_STAY = 0, FATE_FREEZE, FATE_CUT };

struct wire_plan {
    enum wire_state state;
    enum wire_fate fate;
    struct addr addr, backend;
};

struct wire {
    TAILQ_ENTRY(wire) link;
    char id[64]; // of the interface
    struct addr addr, backend;
    enum wire_state state;
    int fd, filler; // -1: none
    struct addr filler_addr;
    struct watch accept;
    struct relays relays;
};

struct wires {
    struct loop *loop;
    struct world *world;
    struct world_watch watch;
    struct deferred settle;
    TAILQ_HEAD(, wire) all;
};

// ---- what an interface should be ----------------------------------------------------------------

// False if there is nothing to listen for.
static bool read_addresses(
    const struct object *interface, const struct object *endpoint, struct wire_plan *plan)
{
    const struct object *service = world_follow(endpoint, "service");
    unsigned port = vpc_endpoint_port(endpoint);
    return service && object_has(service, "backend") && port > 0 &&
           addr_parse(object_text(service, "backend"), &plan->backend, NULL) &&
           addr_from_ip(object_text(interface, "address"), (uint16_t)port, &plan->addr) &&
           addr_is_loopback(&plan->addr); // never touch what others may be using
}

static struct wire_plan plan_for(const struct object *interface)
{
    struct wire_plan plan = { .state = WIRE_NONE, .fate = FATE_CUT };
    const struct object *endpoint = world_follow(interface, "endpoint");
    if (!endpoint || !read_addresses(interface, endpoint, &plan))
        return plan;
    plan.state = WIRE_SILENT;
    if (!object_is(endpoint, "state", "available"))
        return plan;
    if (object_is(interface, "broken", "refuse")) {
        plan.state = WIRE_REFUSED;
        return plan;
    }
    // Security groups are asked when a connection begins, and not again.
    bool is_dead = object_is(interface, "broken", "silent");
    plan.fate = is_dead ? FATE_FREEZE : FATE_STAY;
    if (!is_dead && vpc_may_reach(interface, addr_port(&plan.addr)))
        plan.state = WIRE_OPEN;
    return plan;
}

// ---- silence ------------------------------------------------------------------------------------

static void unfill(struct wire *wire)
{
    if (wire->filler >= 0)
        close(wire->filler);
    wire->filler = -1;
}

static void fill(struct wire *wire)
{
    struct addr *local = &wire->filler_addr;
    unfill(wire);
    wire->filler = os_socket(AF_INET, SOCK_STREAM);
    local->len = sizeof(local->un);
    if (wire->filler < 0 ||
        (connect(wire->filler, &wire->addr.any, wire->addr.len) < 0 && errno != EINPROGRESS) ||
        getsockname(wire->filler, &local->any, &local->len) < 0)
        log_warn("%s cannot be made silent: %s", wire->id, err_errno_text(errno));
}

// ---- listening ----------------------------------------------------------------------------------

static void take_all(struct wire *wire)
{
    for (;;) {
        struct addr peer = { .len = sizeof(peer.un) };
        int fd = os_accept(wire->fd, &peer.any, &peer.len);
        if (fd < 0)
            return;
        if (addr_equal(&peer, &wire->filler_addr))
            close(fd);
        else
            relays_add(&wire->relays, fd, &wire->backend);
    }
}

static void on_acceptable(struct watch *watch, unsigned what)
{
    (void)what;
    take_all(CONTAINER_OF(watch, struct wire, accept));
}

static void close_listener(struct wire *wire)
{
    if (wire->fd < 0)
        return;
    watch_stop(&wire->accept);
    close(wire->fd);
    wire->fd = -1;
    unfill(wire);
}

static bool open_listener(struct wires *wires, struct wire *wire, int backlog, struct err *err)
{
    if (wire->fd >= 0)
        return listen(wire->fd, backlog) == 0 ||
               err_sys(err, ERR_LISTEN, errno, "cannot listen again");
    wire->fd = net_listen(&wire->addr, backlog, 0, err);
    if (wire->fd < 0)
        return false;
    watch_init(&wire->accept, wires->loop, wire->fd, on_acceptable);
    return true;
}

// From one state to the other without a moment in which the port refuses.
static bool go_to(struct wires *wires, struct wire *wire, enum wire_state state, struct err *err)
{
    if (wire->state == state)
        return true;
    if (state == WIRE_REFUSED || state == WIRE_NONE) {
        close_listener(wire);
    } else if (state == WIRE_OPEN) {
        if (!open_listener(wires, wire, OPEN_BACKLOG, err))
            return false;
        unfill(wire);
        watch_want(&wire->accept, WATCH_READ);
    } else {
        if (!open_listener(wires, wire, SILENT_BACKLOG, err))
            return false;
        watch_want(&wire->accept, 0);
        take_all(wire); // who came while it was open
        fill(wire);
    }
    wire->state = state;
    return true;
}

// ---- following the world ------------------------------------------------------------------------

static void apply(
    struct wires *wires, struct wire *wire, const struct wire_plan *plan, struct object *interface)
{
    static const char *const words[] = {
        [WIRE_NONE] = "", [WIRE_OPEN] = "open", [WIRE_SILENT] = "silent", [WIRE_REFUSED] = "refused"
    };
    struct err err;
    if (!addr_equal(&wire->addr, &plan->addr)) {
        relays_cut(&wire->relays);
        go_to(wires, wire, WIRE_NONE, &err);
        wire->addr = plan->addr;
    }
    wire->backend = plan->backend;
    bool done = go_to(wires, wire, plan->state, &err);
    if (plan->fate == FATE_CUT)
        relays_cut(&wire->relays);
    relays_freeze(&wire->relays, plan->fate == FATE_FREEZE);
    const char *said = done ? words[plan->state] : err.text;
    if (object_is(interface, "wire", said))
        return;
    if (!done)
        log_warn("%s: %s", wire->id, err.text);
    // Nobody is told: it is no change of the cloud.
    cJSON_ReplaceItemInObjectCaseSensitive(interface->fields, "wire", cJSON_CreateString(said));
}

static struct wire *wire_for(struct wires *wires, const char *id)
{
    struct wire *wire;
    TAILQ_FOREACH(wire, &wires->all, link) {
        if (strcmp(wire->id, id) == 0)
            return wire;
    }
    wire = calloc(1, sizeof(*wire));
    if (!wire)
        abort();
    wire->fd = wire->filler = -1;
    snprintf(wire->id, sizeof(wire->id), "%s", id);
    relays_init(&wire->relays, wires->loop);
    TAILQ_INSERT_TAIL(&wires->all, wire, link);
    return wire;
}

static void wire_free(struct wires *wires, struct wire *wire)
{
    TAILQ_REMOVE(&wires->all, wire, link);
    relays_cut(&wire->relays);
    close_listener(wire);
    free(wire);
}

// The old ones end before new ones begin: they may want the same address. What is left of them is
// small and stays until the emulator ends.
static void end_gone(struct wires *wires)
{
    struct wire *wire;
    TAILQ_FOREACH(wire, &wires->all, link) {
        if (world_find(wires->world, KIND_INTERFACE, wire->id))
            continue;
        relays_cut(&wire->relays);
        close_listener(wire);
        wire->state = WIRE_NONE;
    }
}

static void on_settle(struct deferred *settle)
{
    struct wires *wires = CONTAINER_OF(settle, struct wires, settle);
    struct object *interface = NULL;
    end_gone(wires);
    while ((interface = world_next(wires->world, KIND_INTERFACE, interface))) {
        struct wire_plan plan = plan_for(interface);
        apply(wires, wire_for(wires, object_id(interface)), &plan, interface);
    }
}

static void on_change(struct world_watch *watch, struct object *object, enum world_change change)
{
    struct wires *wires = CONTAINER_OF(watch, struct wires, watch);
    (void)object;
    (void)change;
    loop_defer(wires->loop, &wires->settle, on_settle);
}

struct wires *wires_new(struct loop *loop, struct world *world)
{
    struct wires *wires = calloc(1, sizeof(*wires));
    if (!wires)
        abort();
    *wires = (struct wires){ .loop = loop, .world = world, .watch.fn = on_change };
    TAILQ_INIT(&wires->all);
    world_watch(world, &wires->watch);
    on_settle(&wires->settle);
    return wires;
}

void wires_free(struct wires *wires)
{
    if (!wires)
        return;
    struct wire *wire, *next;
    TAILQ_FOREACH_SAFE(wire, &wires->all, link, next)
        wire_free(wires, wire);
    world_unwatch(&wires->watch);
    free(wires);
}
