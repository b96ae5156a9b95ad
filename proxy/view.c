// SPDX-License-Identifier: Apache-2.0
//
// The snapshot's life. Any thread; made by target.c, read by conn.c and dial.c.
#include "proxy/view.h"

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

void view_unref(struct view *view)
{
    if (!view || atomic_fetch_sub_explicit(&view->refs, 1, memory_order_acq_rel) != 1)
        return;
    addr_set_unref(view->addrs);
    free(view);
}
