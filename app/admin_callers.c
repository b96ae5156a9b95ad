// SPDX-License-Identifier: Apache-2.0
//
// The connections of the admin HTTP. evhttp tells of a new one when it wants a bufferevent for it,
// and never of its end; so each is known by its socket's inode, which tells whether the descriptor
// is still that socket, and is ended by shutdown(2), which evhttp sees as its client's end. Used by
// admin.c.
#include "app/admin_callers.h"

#include "base/clock.h"
#include "base/loop.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { SWEEP_MS = 5000, LOOK_MS = 10 };

struct caller {
    int fd;
    ino_t inode;
    const struct evbuffer *output; // only to be recognised by
    uint64_t since_ms;             // when it came, or when its last answer began
    uint64_t place;                // the same as an order: hundreds come in one millisecond
    bool is_answered;              // asked, and the answer has not begun
};

struct admin_callers {
    struct loop *loop;
    struct ticker sweep;
    struct deferred settle;
    bool is_over;              // to be freed by it
    struct bufferevent *fresh; // a reference; its socket is set when evhttp goes on
    uint64_t last_place;
    uint64_t looked_ms; // when the ended ones were dropped last
    size_t count;
    struct caller callers[ADMIN_CALLERS_MAX];
};

static bool is_open(const struct caller *caller)
{
    struct stat now;
    return fstat(caller->fd, &now) == 0 && now.st_ino == caller->inode;
}

static void drop(struct admin_callers *callers, size_t index)
{
    callers->callers[index] = callers->callers[--callers->count];
}

static void drop_ended(struct admin_callers *callers)
{
    callers->looked_ms = clock_ms();
    for (size_t i = callers->count; i > 0; i--)
        if (!is_open(&callers->callers[i - 1]))
            drop(callers, i - 1);
}

static void cut_off(struct admin_callers *callers, size_t index)
{
    (void)shutdown(callers->callers[index].fd, SHUT_RDWR); // it may have ended by itself
    drop(callers, index);
}

// The one that has waited longest of those that wait for nothing of ours. Who has ended is looked
// for first, but not for each of thousands that come at a time.
static void make_room(struct admin_callers *callers)
{
    size_t oldest = SIZE_MAX;
    if (clock_ms() - callers->looked_ms >= LOOK_MS)
        drop_ended(callers);
    for (size_t i = 0; i < callers->count; i++)
        if (!callers->callers[i].is_answered &&
            (oldest == SIZE_MAX || callers->callers[i].place < callers->callers[oldest].place))
            oldest = i;
    if (callers->count < ADMIN_CALLERS_MAX || oldest == SIZE_MAX)
        return;
    if (is_open(&callers->callers[oldest]))
        cut_off(callers, oldest);
    else
        drop(callers, oldest);
}

static void on_sweep(struct ticker *ticker)
{
    struct admin_callers *callers = CONTAINER_OF(ticker, struct admin_callers, sweep);
    uint64_t now_ms = loop_now_ms(callers->loop);
    drop_ended(callers);
    for (size_t i = callers->count; i > 0; i--) {
        const struct caller *caller = &callers->callers[i - 1];
        if (!caller->is_answered && now_ms - caller->since_ms >= ADMIN_CALLERS_PATIENCE_MS)
            cut_off(callers, i - 1);
    }
    if (callers->count)
        ticker_start(&callers->sweep, SWEEP_MS);
}

// ---- a new one ----------------------------------------------------------------------------------

// Behind evhttp's own setting up: its socket is known. With every place held for an answer, which
// the limits of what is held do not allow, it would go uncounted.
static void settle(struct admin_callers *callers)
{
    struct stat now;
    struct bufferevent *fresh = callers->fresh;
    callers->fresh = NULL;
    if (!fresh)
        return;
    int fd = bufferevent_getfd(fresh);
    const struct evbuffer *output = bufferevent_get_output(fresh);
    (void)bufferevent_decref(fresh);
    if (callers->count == ADMIN_CALLERS_MAX)
        make_room(callers);
    if (fd < 0 || fstat(fd, &now) < 0 || callers->count == ADMIN_CALLERS_MAX)
        return;
    for (size_t i = callers->count; i > 0; i--)
        if (callers->callers[i - 1].fd == fd || callers->callers[i - 1].output == output)
            drop(callers, i - 1); // ended, and its descriptor or memory is used again
    callers->callers[callers->count++] = (struct caller){
        .fd = fd,
        .inode = now.st_ino,
        .output = output,
        .since_ms = loop_now_ms(callers->loop),
        .place = ++callers->last_place,
    };
    if (!callers->sweep.is_running)
        ticker_start(&callers->sweep, SWEEP_MS);
}

static void on_settle(struct deferred *deferred)
{
    struct admin_callers *callers = CONTAINER_OF(deferred, struct admin_callers, settle);
    if (callers->is_over)
        free(callers);
    else
        settle(callers);
}

static struct caller *find(struct admin_callers *callers, const struct evbuffer *output)
{
    settle(callers);
    for (size_t i = 0; i < callers->count; i++)
        if (callers->callers[i].output == output)
            return &callers->callers[i];
    return NULL;
}

// The first bytes of an answer are its status line. One that is none of ours is an error page of
// evhttp's own, which has no way to give it headers: they follow the status line here. "100
// Continue" is no answer yet.
static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *change, void *arg)
{
    static const char headers[] = "X-Content-Type-Options: nosniff\r\n"
                                  "Content-Security-Policy: default-src 'none'\r\n"
                                  "X-Frame-Options: DENY\r\n"
                                  "Cache-Control: no-store\r\n";
    struct admin_callers *callers = arg;
    char start[16] = "";
    if (change->orig_size || !change->n_added)
        return;
    evbuffer_copyout(output, start, sizeof(start) - 1);
    if (strncmp(start, "HTTP/", 5) != 0 || strncmp(start + 8, " 100", 4) == 0)
        return;
    struct caller *caller = find(callers, output);
    bool is_ours = caller && caller->is_answered;
    if (caller) {
        caller->is_answered = false;
        caller->since_ms = loop_now_ms(callers->loop);
        caller->place = ++callers->last_place;
    }
    if (!is_ours)
        (void)evbuffer_add(output, headers, sizeof(headers) - 1); // fails without memory only
}

static struct bufferevent *on_new(struct event_base *base, void *arg)
{
    struct admin_callers *callers = arg;
    settle(callers);
    struct bufferevent *bytes = bufferevent_socket_new(base, -1, 0);
    if (!bytes)
        return NULL;
    bufferevent_incref(bytes);
    callers->fresh = bytes;
    evbuffer_add_cb(bufferevent_get_output(bytes), on_output, callers);
    loop_defer(callers->loop, &callers->settle, on_settle);
    return bytes;
}

void admin_callers_asked(struct admin_callers *callers, struct evhttp_request *request)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    struct bufferevent *bytes = evhttp_connection_get_bufferevent(connection);
    struct caller *caller = find(callers, bufferevent_get_output(bytes));
    if (caller)
        caller->is_answered = true;
}

// ---- life ---------------------------------------------------------------------------------------

void admin_callers_watch(struct admin_callers *callers, struct evhttp *http)
{
    evhttp_set_bevcb(http, on_new, callers);
}

struct admin_callers *admin_callers_new(struct loop *loop)
{
    struct admin_callers *callers = calloc(1, sizeof(*callers));
    if (!callers)
        return NULL;
    callers->loop = loop;
    if (ticker_init(&callers->sweep, loop, on_sweep))
        return callers;
    free(callers);
    return NULL;
}

void admin_callers_free(struct admin_callers *callers)
{
    if (!callers)
        return;
    if (callers->fresh)
        (void)bufferevent_decref(callers->fresh);
    callers->fresh = NULL;
    ticker_done(&callers->sweep);
    callers->is_over = true;
    if (!callers->settle.queued)
        free(callers);
}
