// SPDX-License-Identifier: Apache-2.0
//
// What a refused client reads in its own terminal. Pure; used by conn.c, dial.c, gate.c and
// worker.c.
#include "proxy/refusal.h"

#include "base/net.h"
#include "proxy/via.h"
#include "proxy/view.h"

#include <errno.h>
#include <stdio.h>

const char *refusal_place(
    const struct view *view, const struct addr *server, char out[REFUSAL_PLACE_BYTES])
{
    char text[ADDR_TEXT_BYTES];
    snprintf(out, REFUSAL_PLACE_BYTES, "%s %s", view->via ? "through" : "at",
        view->via ? view->via->shown : addr_format(server, text));
    return out;
}

void refusal_verdict(const struct view *view, struct err *out)
{
    if (view->verdict.text[0])
        err_set(out, view->verdict.code == ERR_NONE ? ERR_TRANSITION : view->verdict.code, "%s",
            view->verdict.text);
    else
        err_set(out, ERR_TRANSITION,
            "tidblink: nothing is known about cluster %s yet: the TiDB Cloud API has not answered. "
            "Try again, or run tidblink status %s",
            view->alias, view->alias);
}

void refusal_address(const struct view *view, struct err *out)
{
    if (!view->host || !view->port) {
        err_set(out, ERR_TRANSITION,
            "tidblink: cluster %s has no address yet: TiDB Cloud has not told its private %s. Set "
            "host and port of the cluster, or run tidblink status %s",
            view->alias, view->host ? "port" : "host name", view->alias);
        return;
    }
    *out = view->dns_failure;
    if (out->code == ERR_NONE)
        err_set(out, ERR_DNS_TIMEOUT,
            "the address of cluster %s is not known yet: no answer from DNS so far. Run tidblink "
            "doctor %s",
            view->alias, view->alias);
    err_prefix(out, "tidblink");
}

// Descriptors and memory are ours: the cluster has nothing to do with it.
static void refusal_shortage(const struct view *view, int sys, struct err *out)
{
    err_set(out, ERR_LIMIT,
        "tidblink: this proxy cannot open a connection to cluster %s: %s. Raise its limit of open "
        "files (LimitNOFILE=, ulimit -n), or lower max-connections",
        view->alias, err_errno_text(sys));
    out->sys = sys;
}

void refusal_jump(const struct view *view, const char *what, const char *next, struct err *out)
{
    err_set(out, ERR_JUMP, "tidblink: the jump %s to cluster %s %s. %s", view->via->shown,
        view->alias, what, next);
}

void refusal_jump_far(const struct view *view, const char *why, struct err *out)
{
    err_set(out, ERR_JUMP,
        "tidblink: the jump %s cannot connect to cluster %s at %s:%u: %s. Try it on the jump's "
        "side: "
        "nc -vz %s %u",
        view->via->shown, view->alias, view->host, (unsigned)view->port, why, view->host,
        (unsigned)view->port);
}

// Nothing listens there, or nothing answers.
static void refusal_jump_dial(
    const struct view *view, const struct addr *last, int sys, struct err *out)
{
    char text[ADDR_TEXT_BYTES];
    err_set(out, ERR_JUMP,
        "tidblink: cannot reach the jump %s to cluster %s: %s: %s. Start it, or correct via",
        view->via->shown, view->alias, addr_format(last, text), err_errno_text(sys));
    out->sys = sys;
}

void refusal_dial(
    const struct view *view, size_t tried, const struct addr *last, int sys, struct err *out)
{
    char text[ADDR_TEXT_BYTES];
    bool timed_out = sys == ETIMEDOUT;
    if (net_is_shortage(sys)) {
        refusal_shortage(view, sys, out);
        return;
    }
    if (sys == EADDRNOTAVAIL) {
        err_set(out, ERR_LIMIT,
            "tidblink: this proxy has no local address and port left towards cluster %s at %s: too "
            "many "
            "connections were opened in the last minute, or an address of source is gone. Give it "
            "more with source = ADDR[,ADDR], or let the app keep its connections",
            view->alias, addr_format(last, text));
        return;
    }
    if (view->via) {
        refusal_jump_dial(view, last, sys, out);
        return;
    }
    err_set(out, timed_out ? ERR_DIAL_TIMEOUT : ERR_DIAL,
        "tidblink: cannot reach cluster %s: %zu of its %zu addresses failed, the last, %s: %s. %s",
        view->alias, tried, view->addrs->count, addr_format(last, text), err_errno_text(sys),
        timed_out ? "Check the endpoint's security group for this port, then run tidblink doctor"
                  : "Run tidblink doctor");
    out->sys = sys;
}

void refusal_greeting(
    const struct view *view, const struct addr *server, const char *what, int sys, struct err *out)
{
    char text[REFUSAL_PLACE_BYTES];
    err_set(out, ERR_GREETING,
        "tidblink: cluster %s accepted the connection %s and %s before its greeting. Try again; "
        "if it stays so, check the port with tidblink status %s",
        view->alias, refusal_place(view, server, text), what, view->alias);
    out->sys = sys;
}

void refusal_no_tls(const struct view *view, const struct addr *server, struct err *out)
{
    char text[REFUSAL_PLACE_BYTES];
    err_set(out, ERR_TLS,
        "tidblink: the server of cluster %s %s offers no TLS, and this proxy sends nothing "
        "without: no password was sent. Check host and port with tidblink status %s: TiDB Cloud "
        "clusters offer it",
        view->alias, refusal_place(view, server, text), view->alias);
}

void refusal_login(const struct view *view, const char *what, int sys, struct err *out)
{
    err_set(out, ERR_LOGIN,
        "tidblink: cluster %s %s during the login. Try again; if it stays so, check its state with "
        "tidblink status %s",
        view->alias, what, view->alias);
    out->sys = sys;
}

void refusal_network_changed(const struct view *view, struct err *out)
{
    err_set(out, ERR_DIAL,
        "tidblink: the network of this machine changed while cluster %s was being connected to. "
        "Connect again",
        view->alias);
}

void refusal_slow_client(uint64_t timeout_ms, struct err *out)
{
    err_set(out, ERR_CLIENT_SLOW,
        "tidblink: the login was not over in %llu ms: the client was waited for. Connect again, or "
        "raise handshake-timeout",
        (unsigned long long)timeout_ms);
}

void refusal_tls_required(struct err *out)
{
    err_set(out, ERR_TLS_REQUIRED,
        "tidblink: this port takes connections with TLS only: client-tls is required. Turn TLS on "
        "in "
        "the client (ssl-mode=REQUIRED, sslMode=REQUIRED, tls=skip-verify, --ssl)");
}

void refusal_tls_not_offered(struct err *out)
{
    err_set(out, ERR_CLIENT_PROTOCOL,
        "tidblink: the client begins TLS, which this port does not offer: client-tls is off. Turn "
        "it "
        "off in the client, or set client-tls = optional");
}

void refusal_old_client(struct err *out)
{
    err_set(out, ERR_CLIENT_OLD,
        "tidblink: the client speaks the protocol of before MySQL 4.1, which the cluster does not. "
        "Use a newer client");
}

void refusal_broken_client(struct err *out)
{
    err_set(out, ERR_CLIENT_PROTOCOL,
        "tidblink: bad handshake: what the client sent is no MySQL login. Connect with a MySQL "
        "client");
}

void refusal_spoke_first(struct err *out)
{
    err_set(out, ERR_CLIENT_PROTOCOL,
        "tidblink: this port speaks MySQL: the client sent data before the server's greeting. "
        "Connect with a MySQL client, without a PROXY protocol header or TLS before MySQL");
}

void refusal_draining(struct err *out)
{
    err_set(out, ERR_DRAINING,
        "tidblink: this proxy is shutting down: draining. Connect again when it is back");
}

void refusal_listener_limit(uint64_t limit, struct err *out)
{
    err_set(out, ERR_LIMIT,
        "tidblink: too many connections on this listener: its listener-max-connections is %llu. "
        "Close some, or raise it",
        (unsigned long long)limit);
}

void refusal_limit(uint64_t open, uint64_t max_connections, struct err *out)
{
    err_set(out, ERR_LIMIT,
        "tidblink: too many connections: %llu are open and max-connections is %llu. Close some, or "
        "raise max-connections",
        (unsigned long long)open, (unsigned long long)max_connections);
}
