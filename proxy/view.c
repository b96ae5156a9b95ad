// SPDX-License-Identifier: Apache-2.0
//
// The snapshot's life. Any thread; made by target.c, read by conn.c and dial.c.
#include "proxy/view.h"

#include "proxy/tls_identity.h"
#include "proxy/tls_trust.h"
#include "proxy/via.h"

#include <stdlib.h>
#include <string.h>

struct view *view_new(const char *alias)
{
    size_t alias_size = strlen(alias) + 1;
    struct view *view = calloc(1, sizeof(*view) + alias_size);
    if (!view)
        return NULL;
    atomic_init(&view->refs, 1);
    memcpy(view->alias, alias, alias_size);
    return view;
}

struct view *view_ref(struct view *view)
{
    atomic_fetch_add_explicit(&view->refs, 1, memory_order_relaxed);
    return view;
}

uint16_t view_dial_port(const struct view *view)
{
    return view->via ? view->via->port : view->port;
}

bool view_same_tls(const struct view *a, const struct view *b)
{
    return a->trust == b->trust && a->tls == b->tls && a->host && b->host &&
           strcmp(a->host, b->host) == 0;
}

void view_unref(struct view *view)
{
    if (!view || atomic_fetch_sub_explicit(&view->refs, 1, memory_order_acq_rel) != 1)
        return;
    addr_set_unref(view->addrs);
    tls_trust_unref(view->trust);
    tls_identity_unref(view->identity);
    free(view->host);
    free(view);
}
