// SPDX-License-Identifier: Apache-2.0
//
// The list of DNS servers, one channel each. resolv.conf is parsed by c-ares and looked at (one
// stat) before every look-up, because networks change under a running process. lookup.c walks it.
#include "resolver/servers.h"

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/net.h"
#include "base/os.h"
#include "resolver/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// c-ares sends three times, each wait twice the one before: 1 + 2 + 4.
enum { WAITS_PER_LOOKUP = 7, RETRY_MIN_MS = 20 };

struct channel_list {
    struct channel **items;
    size_t count;
};

struct servers {
    struct loop *loop;
    const struct option_list *configured;
    const char *resolv_conf;
    uint64_t retry_ms;
    struct stat seen; // of resolv_conf; zeroed when there is none
    struct channel_list list;
    size_t first; // where look-ups start
    unsigned generation;
};

static void list_free(struct channel_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        channel_free(list->items[i]);
    free(list->items);
    *list = (struct channel_list){ 0 };
}

static bool list_add(
    struct servers *servers, struct channel_list *list, const struct addr *addr, struct err *err)
{
    struct channel **grown =
        os_reallocarray(list->items, list->count + 1, sizeof(struct channel *));
    if (!grown)
        return err_set(err, ERR_MEMORY, "out of memory for the list of DNS servers");
    list->items = grown;
    struct channel *channel = channel_new(servers->loop, addr, servers->retry_ms, err);
    if (!channel)
        return false;
    list->items[list->count++] = channel;
    return true;
}

static bool read_configured(struct servers *servers, struct channel_list *list, struct err *err)
{
    const struct option_list *configured = servers->configured;
    for (size_t i = 0; i < configured->count; i++) {
        struct addr addr;
        const char *text = configured->items[i];
        if (!addr_from_ip(text, 0, &addr) && !addr_parse(text, &addr, NULL))
            return err_set(err, ERR_OPTION,
                "dns-servers: \"%s\" is not an IP address with an optional port, as in 10.0.0.2, "
                "10.0.0.2:5353 or [fd00::2]:53",
                text);
        if (addr.any.sa_family == AF_UNIX)
            return err_set(
                err, ERR_OPTION, "dns-servers: \"%s\" is a unix socket, not an IP address", text);
        if (!list_add(servers, list, &addr, err))
            return false;
    }
    return true;
}

static struct addr addr_from_node(const struct ares_addr_port_node *node)
{
    struct addr addr = { 0 };
    if (node->family == AF_INET) {
        addr.len = sizeof(addr.in4);
        addr.in4.sin_family = AF_INET;
        memcpy(&addr.in4.sin_addr, &node->addr.addr4, sizeof(addr.in4.sin_addr));
    } else {
        addr.len = sizeof(addr.in6);
        addr.in6.sin6_family = AF_INET6;
        memcpy(&addr.in6.sin6_addr, &node->addr.addr6, sizeof(addr.in6.sin6_addr));
    }
    return addr;
}

// c-ares knows the file's syntax and its default (127.0.0.1 when it names no server).
static bool read_resolv_conf(struct servers *servers, struct channel_list *list, struct err *err)
{
    static char bind_only[] = "b"; // or c-ares reads nsswitch.conf as well
    char *path = strdup(servers->resolv_conf);
    struct ares_options options = { .resolvconf_path = path, .lookups = bind_only };
    ares_channel reader = NULL;
    struct ares_addr_port_node *nodes = NULL;
    int status = path ? ares_init_options(&reader, &options,
                            ARES_OPT_RESOLVCONF | ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS)
                      : ARES_ENOMEM;
    if (status == ARES_SUCCESS)
        status = ares_get_servers_ports(reader, &nodes);
    bool ok = status == ARES_SUCCESS;
    if (!ok)
        err_set(err, ERR_INTERNAL, "c-ares cannot use %s: %s", servers->resolv_conf,
            ares_strerror(status));
    for (const struct ares_addr_port_node *node = nodes; ok && node; node = node->next) {
        struct addr addr = addr_from_node(node);
        ok = list_add(servers, list, &addr, err);
    }
    ares_free_data(nodes);
    if (reader)
        ares_destroy(reader);
    free(path);
    return ok;
}

static bool build(struct servers *servers, struct err *err)
{
    struct channel_list fresh = { 0 };
    bool ok = servers->configured->count > 0 ? read_configured(servers, &fresh, err)
                                             : read_resolv_conf(servers, &fresh, err);
    if (!ok || fresh.count == 0) {
        list_free(&fresh);
        return ok ? err_set(err, ERR_INTERNAL, "no DNS server is known") : false;
    }
    // The new list is in place before the old one goes, whose queries end meanwhile.
    struct channel_list old = servers->list;
    servers->list = fresh;
    servers->first = 0;
    servers->generation++;
    list_free(&old);
    return true;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

struct servers *servers_new(struct loop *loop, const struct option_list *configured,
    const char *resolv_conf, uint64_t timeout_ms, struct err *err)
{
    struct servers *servers = calloc(1, sizeof(*servers));
    if (!servers) {
        err_set(err, ERR_MEMORY, "out of memory for the list of DNS servers");
        return NULL;
    }
    uint64_t retry_ms = timeout_ms / WAITS_PER_LOOKUP;
    *servers = (struct servers){
        .loop = loop,
        .configured = configured,
        .resolv_conf = resolv_conf,
        .retry_ms = retry_ms > RETRY_MIN_MS ? retry_ms : RETRY_MIN_MS,
    };
    (void)!stat(resolv_conf, &servers->seen); // a missing file is c-ares' default
    if (!build(servers, err)) {
        servers_free(servers);
        return NULL;
    }
    return servers;
}

void servers_free(struct servers *servers)
{
    if (!servers)
        return;
    list_free(&servers->list);
    free(servers);
}

void servers_renew(struct servers *servers)
{
    if (servers->configured->count > 0)
        return;
    struct stat now = { 0 };
    struct err err;
    (void)!stat(servers->resolv_conf, &now);
    if (!same_file(&servers->seen, &now) && !servers_rebuild(servers, &err))
        log_debug("the DNS servers stay as they were: %s", err.text);
}

bool servers_rebuild(struct servers *servers, struct err *err)
{
    servers->seen = (struct stat){ 0 };
    (void)!stat(servers->resolv_conf, &servers->seen);
    // One that is there and may not be read: behind a sandbox, one that was put in the place of the
    // one of the start. c-ares would take its default for it, 127.0.0.1.
    struct err why;
    bool is_shut_out = servers->configured->count == 0 &&
                       !file_is_readable(servers->resolv_conf, &why) && why.sys == EACCES;
    if (!is_shut_out)
        return build(servers, err);
    *err = why;
    return false;
}

unsigned servers_generation(const struct servers *servers)
{
    return servers->generation;
}

size_t servers_count(const struct servers *servers)
{
    return servers->list.count;
}

static size_t position(const struct servers *servers, size_t n)
{
    return (servers->first + n) % servers->list.count;
}

struct channel *servers_pick(const struct servers *servers, size_t n)
{
    return servers->list.items[position(servers, n)];
}

void servers_prefer(struct servers *servers, size_t n)
{
    servers->first = position(servers, n);
}
