// SPDX-License-Identifier: Apache-2.0
//
// Programs that carry connections. Used by jump_run.c (start), io.c (release) and worker.c (stop).
#include "proxy/jump_child.h"

#include "base/child.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/net.h"
#include "base/os.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    END_MS = 2000,  // from the end of its stream to SIGTERM
    STOP_MS = 200,  // the same when the worker stops
    KILL_MS = 1000, // from SIGTERM to SIGKILL
    VIA_BYTES = 128,
    CLUSTER_BYTES = 128,
    BEFORE_BYTES = 85,
    LAST_BYTES = JUMP_SAID_BYTES - BEFORE_BYTES - 3,
};

struct jump_child {
    LIST_ENTRY(jump_child) link;
    struct jump_children *children;
    uint64_t conn;       // 0: not told
    struct child *child; // NULL: it has ended
    int fd;              // our end; -1: released
    jump_child_fn fn;
    void *arg;
    struct timer patience; // of one that is to end
    bool was_asked;
    bool left_first; // its stream had ended when it was released
    char cluster[CLUSTER_BYTES], via[VIA_BYTES];
};

void jump_children_init(struct jump_children *children, struct loop *loop)
{
    *children = (struct jump_children){ .loop = loop };
    LIST_INIT(&children->all);
    TAILQ_INIT(&children->queue);
}

// ---- what it said -------------------------------------------------------------------------------

// child.h writes control characters as \n or \xNN.
static void unescape(const char *from, char *out)
{
    size_t len = 0;
    while (*from) {
        bool is_hex = from[0] == '\\' && from[1] == 'x' && from[2] && from[3];
        if (from[0] == '\\' && from[1] == 'n') {
            out[len++] = '\n';
            from += 2;
        } else if (is_hex) {
            from += 4; // carriage returns and colours
        } else {
            out[len++] = *from >= ' ' && *from <= '~' ? *from : '?';
            from++;
        }
    }
    out[len] = '\0';
}

// Of a line that is too long the reason is at the end. The sentence around it has its own full
// stop.
static const char *tail(char *line, size_t limit)
{
    size_t len = strlen(line);
    while (len > 0 && (line[len - 1] == '.' || line[len - 1] == ' '))
        line[--len] = '\0';
    return len > limit ? line + len - limit : line;
}

void jump_child_said(const char *escaped, char out[JUMP_SAID_BYTES])
{
    char *before = NULL, *last = NULL;
    char *text = malloc(strlen(escaped) + 1);
    out[0] = '\0';
    if (!text)
        return;
    unescape(escaped, text);
    for (char *rest = text, *line; (line = os_strsep(&rest, "\n"));) {
        line += strspn(line, " ");
        if (*line) {
            before = last;
            last = line;
        }
    }
    if (last && before)
        snprintf(
            out, JUMP_SAID_BYTES, "%s; %s", tail(before, BEFORE_BYTES), tail(last, LAST_BYTES));
    else if (last)
        snprintf(out, JUMP_SAID_BYTES, "%s", tail(last, JUMP_SAID_BYTES - 1));
    free(text);
}

// ---- ends ---------------------------------------------------------------------------------------

static void forget(struct jump_child *child)
{
    struct jump_children *children = child->children;
    timer_stop(&child->patience);
    LIST_REMOVE(child, link);
    free(child);
    if (LIST_EMPTY(&children->all) && children->on_none)
        children->on_none(children->arg);
}

// Its connection is under way, or was a moment ago: the stream's end says so, and this says why.
static void log_end(const struct jump_child *child, int exit_code, const char *said)
{
    struct log_line line;
    log_start(&line, LOG_WARN, "the program of a jump ended under its connection");
    if (child->conn)
        log_uint(&line, "conn", child->conn);
    log_str(&line, "cluster", child->cluster);
    log_str(&line, "via", child->via);
    log_uint(&line, "exit_code", (uint64_t)exit_code);
    log_str(&line, "said", *said ? said : NULL);
    log_write(&line);
}

static void on_ended(void *arg, const struct child_result *result, const struct err *err)
{
    struct jump_child *child = arg;
    char said[JUMP_SAID_BYTES];
    int exit_code = result ? result->exit_code : 0;
    jump_child_said(result ? result->errors : err->text, said);
    child->child = NULL;
    timer_stop(&child->patience);
    jump_child_fn fn = child->fn;
    child->fn = NULL;
    // Who is told to end may say what it likes about that.
    bool is_news =
        exit_code != 0 && !fn && (child->fd >= 0 || (child->left_first && !child->was_asked));
    if (is_news)
        log_end(child, exit_code, said);
    if (child->fd < 0)
        forget(child);
    else if (fn)
        fn(child->arg, exit_code, said);
}

static void on_patience_over(struct timer *timer)
{
    struct jump_child *child = CONTAINER_OF(timer, struct jump_child, patience);
    child_signal(child->child, child->was_asked ? SIGKILL : SIGTERM);
    child_signal(child->child, SIGCONT);
    child->was_asked = true;
    timer_start(&child->patience, KILL_MS);
}

static struct jump_child *find(const struct jump_children *children, int fd)
{
    struct jump_child *child;
    LIST_FOREACH(child, &children->all, link)
        if (child->fd == fd)
            return child;
    return NULL;
}

// It says no more, and it was not we who ended that.
static bool has_ended(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK);
    return got == 0 || (got < 0 && !net_is_transient(errno));
}

void jump_child_release(struct jump_children *children, int fd, bool was_connected)
{
    struct jump_child *child = fd >= 0 ? find(children, fd) : NULL;
    if (!child)
        return;
    child->left_first = was_connected && has_ended(fd);
    child->fd = -1;
    child->fn = NULL;
    if (child->child)
        timer_start(&child->patience, children->on_none ? STOP_MS : END_MS);
    else
        forget(child);
}

void jump_children_stop(struct jump_children *children, void (*on_none)(void *arg), void *arg)
{
    struct jump_child *child;
    children->on_none = on_none;
    children->arg = arg;
    LIST_FOREACH(child, &children->all, link)
        if (child->child && !child->was_asked)
            timer_start(&child->patience, STOP_MS);
    if (LIST_EMPTY(&children->all))
        on_none(arg);
}

// ---- start --------------------------------------------------------------------------------------

void jump_child_carries(struct jump_children *children, int fd, uint64_t conn)
{
    struct jump_child *child = find(children, fd);
    if (child)
        child->conn = conn;
}

void jump_child_tell(struct jump_children *children, int fd, jump_child_fn fn, void *arg)
{
    struct jump_child *child = find(children, fd);
    if (!child)
        return;
    child->fn = fn;
    child->arg = arg;
}

bool jump_child_start(
    struct jump_children *children, const struct jump_child_spec *spec, struct err *err)
{
    struct jump_child *child = calloc(1, sizeof(*child));
    if (!child)
        return err_set(err, ERR_MEMORY, "out of memory for running %s", spec->argv[0]);
    const struct child_spec program = {
        .argv = spec->argv,
        .dies_with_us = true,
        .has_stream = true,
        .stream_fd = spec->child_fd,
    };
    child->children = children;
    child->fd = spec->fd;
    snprintf(child->cluster, sizeof(child->cluster), "%s", spec->cluster);
    snprintf(child->via, sizeof(child->via), "%s", spec->via);
    timer_init(&child->patience, children->loop, on_patience_over);
    child->child = child_start(children->loop, &program, on_ended, child, err);
    if (!child->child) {
        free(child);
        return false;
    }
    LIST_INSERT_HEAD(&children->all, child, link);
    return true;
}
