// SPDX-License-Identifier: Apache-2.0
//
// A look-up is a thread that ends with it. Its answer comes through a pipe: when nobody reads it
// any more, the thread throws it away. Used by target.c.
#include "proxy/jump_name.h"

#include "base/confine.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/os.h"
#include "resolver/addr_set.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ADDRESSES_MAX = 16, REFRESH_MS = 1000 };

// What one thread works on. It is the thread's until the pipe has it.
struct question {
    char *host;
    int fd; // where the answer goes
    struct addr_set *addrs;
    struct err err;
};

struct jump_name {
    struct loop *loop;
    char *host;
    jump_name_fn fn;
    void *arg;
    int fd; // of the running look-up's answer; -1: none runs
    struct watch watch;
    uint64_t asked_ms;
    struct deferred freeing;
};

// ---- the thread ---------------------------------------------------------------------------------

static void question_free(struct question *question)
{
    addr_set_unref(question->addrs);
    free(question->host);
    free(question);
}

static void keep_addresses(struct question *question, const struct addrinfo *found)
{
    question->addrs = addr_set_new(question->host, ADDRESSES_MAX);
    for (; question->addrs && found && question->addrs->count < ADDRESSES_MAX;
         found = found->ai_next) {
        struct addr addr = { .len = found->ai_addrlen };
        if (found->ai_family != AF_INET && found->ai_family != AF_INET6)
            continue;
        memcpy(&addr.any, found->ai_addr, found->ai_addrlen);
        question->addrs->addrs[question->addrs->count++] = addr_with_port(&addr, 0);
    }
    if (!question->addrs || question->addrs->count == 0) {
        addr_set_unref(question->addrs);
        question->addrs = NULL;
        err_set(&question->err, ERR_DNS_NODATA, "the jump's host name %s has no address",
            question->host);
    }
}

static void look_up(struct question *question)
{
    const struct addrinfo wanted = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(question->host, NULL, &wanted, &found);
    if (failure == 0)
        keep_addresses(question, found);
    else
        err_set(&question->err, failure == EAI_AGAIN ? ERR_DNS_TIMEOUT : ERR_DNS_NXDOMAIN,
            "the jump's host name %s cannot be resolved: %s. Check host of via with: getent ahosts "
            "%s",
            question->host, gai_strerror(failure), question->host);
    if (found)
        freeaddrinfo(found);
}

static void *answer(void *arg)
{
    struct question *question = arg;
    int fd = question->fd;
    look_up(question);
    uintptr_t message = (uintptr_t)question;
    if (write(fd, &message, sizeof(message)) != (ssize_t)sizeof(message))
        question_free(question); // nobody listens any more
    close(fd);
    return NULL;
}

// ---- the main thread ----------------------------------------------------------------------------

static struct question *take_answer(const struct jump_name *name)
{
    uintptr_t message = 0;
    ssize_t got = read(name->fd, &message, sizeof(message));
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the same process has written it
    return got == (ssize_t)sizeof(message) ? (struct question *)message : NULL;
}

static void stop_listening(struct jump_name *name)
{
    watch_stop(&name->watch);
    close(name->fd);
    name->fd = -1;
}

static void on_answer(struct watch *watch, unsigned what)
{
    struct jump_name *name = CONTAINER_OF(watch, struct jump_name, watch);
    (void)what;
    struct question *question = take_answer(name);
    stop_listening(name);
    if (!question)
        return;
    struct addr_set *addrs = question->addrs;
    struct err err = question->err;
    question->addrs = NULL;
    question_free(question);
    name->fn(name->arg, addrs, &err);
}

static bool start_thread(struct question *question)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); // which it inherits: signals are the main thread's
    int sys = confine_thread_start(&thread, &attributes, answer, question);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (sys)
        log_facts(
            LOG_ERROR, "cannot start a thread for a look-up", "reason", err_errno_text(sys), NULL);
    return sys == 0;
}

static void ask(struct jump_name *name)
{
    int fds[2];
    struct question *question = calloc(1, sizeof(*question));
    name->asked_ms = loop_now_ms(name->loop);
    if (question)
        question->host = strdup(name->host);
    if (!question || !question->host)
        abort(); // workers would wait for addresses that never come
    if (!os_pipe(fds)) {
        log_facts(LOG_ERROR, "cannot look up the jump's host name", "reason", err_errno_text(errno),
            NULL);
        question_free(question);
        return;
    }
    question->fd = fds[1];
    if (!start_thread(question)) {
        close(fds[0]);
        close(fds[1]);
        question_free(question);
        return;
    }
    name->fd = fds[0];
    watch_init(&name->watch, name->loop, name->fd, on_answer);
    watch_want(&name->watch, WATCH_READ);
}

struct jump_name *jump_name_new(struct loop *loop, const char *host, jump_name_fn fn, void *arg)
{
    struct jump_name *name = calloc(1, sizeof(*name));
    if (name)
        name->host = strdup(host);
    if (!name || !name->host)
        abort();
    name->loop = loop;
    name->fn = fn;
    name->arg = arg;
    name->fd = -1;
    ask(name);
    return name;
}

void jump_name_refresh(struct jump_name *name)
{
    if (name->fd < 0 && loop_now_ms(name->loop) - name->asked_ms >= REFRESH_MS)
        ask(name);
}

// The thread that still works on it throws its answer away.
static void forget_answer(struct jump_name *name)
{
    if (name->fd < 0)
        return;
    // One that is there already would be nobody's.
    (void)fcntl(name->fd, F_SETFL, O_NONBLOCK);
    struct question *question = take_answer(name);
    if (question)
        question_free(question);
    stop_listening(name);
}

void jump_name_renew(struct jump_name *name)
{
    forget_answer(name);
    ask(name);
}

void jump_name_free(struct jump_name *name)
{
    if (!name)
        return;
    forget_answer(name);
    free(name->host);
    free(name);
}
