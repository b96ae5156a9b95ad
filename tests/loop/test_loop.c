// SPDX-License-Identifier: Apache-2.0
//
// base/loop: messages from many threads arrive once and in order, watches and timers do what they
// say, work deferred to the end of a turn runs there, and a stall is measured.
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STORM_THREADS = 4, STORM_MESSAGES = 20000 };

struct storm {
    struct loop *loop;
    unsigned next[STORM_THREADS];
    unsigned done;
    bool out_of_order;
};
struct letter {
    struct storm *storm;
    unsigned thread, number;
};
struct sender {
    struct storm *storm;
    unsigned thread;
};

static void on_letter(void *arg)
{
    struct letter *letter = arg;
    struct storm *storm = letter->storm;
    if (storm->next[letter->thread]++ != letter->number)
        storm->out_of_order = true;
    if (++storm->done == STORM_THREADS * STORM_MESSAGES)
        loop_stop(storm->loop);
    free(letter);
}

static void *send_letters(void *arg)
{
    struct sender *sender = arg;
    for (unsigned i = 0; i < STORM_MESSAGES; i++) {
        struct letter *letter = malloc(sizeof(*letter));
        *letter = (struct letter){ sender->storm, sender->thread, i };
        loop_post(sender->storm->loop, on_letter, letter);
    }
    return NULL;
}

static void test_post_storm_loses_nothing(void **state)
{
    (void)state;
    struct storm storm = { .loop = loop_new("test", NULL) };
    pthread_t threads[STORM_THREADS];
    struct sender senders[STORM_THREADS];
    for (unsigned i = 0; i < STORM_THREADS; i++) {
        senders[i] = (struct sender){ &storm, i };
        assert_int_equal(pthread_create(&threads[i], NULL, send_letters, &senders[i]), 0);
    }
    loop_run(storm.loop);
    for (unsigned i = 0; i < STORM_THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_false(storm.out_of_order);
    assert_int_equal(storm.done, STORM_THREADS * STORM_MESSAGES);
    loop_free(storm.loop);
}

static void test_undelivered_messages_run_at_free(void **state)
{
    (void)state;
    struct storm storm = { .loop = loop_new("test", NULL) };
    struct letter *letter = malloc(sizeof(*letter));
    *letter = (struct letter){ &storm, 0, 0 };
    loop_post(storm.loop, on_letter, letter);
    assert_int_equal(storm.done, 0); // never inside the call
    loop_free(storm.loop);
    assert_int_equal(storm.done, 1);
}

struct pair {
    struct loop *loop;
    int fds[2];
    struct watch watch;
    struct timer timer;
    struct deferred deferred;
    unsigned what, calls, ends;
    bool in_callback;
};

static void on_end_of_turn(struct deferred *deferred)
{
    struct pair *pair = CONTAINER_OF(deferred, struct pair, deferred);
    assert_false(pair->in_callback);
    pair->ends++;
    loop_stop(pair->loop);
}

static void on_pair_event(struct watch *watch, unsigned what)
{
    struct pair *pair = CONTAINER_OF(watch, struct pair, watch);
    pair->in_callback = true;
    pair->what |= what;
    pair->calls++;
    watch_want(watch, 0);
    loop_defer(pair->loop, &pair->deferred, on_end_of_turn);
    loop_defer(pair->loop, &pair->deferred, on_end_of_turn); // once is enough
    pair->in_callback = false;
}

static void pair_open(struct pair *pair)
{
    *pair = (struct pair){ .loop = loop_new("test", NULL) };
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair->fds), 0);
    for (size_t i = 0; i < ARRAY_LEN(pair->fds); i++)
        assert_int_equal(fcntl(pair->fds[i], F_SETFL, O_NONBLOCK), 0);
    watch_init(&pair->watch, pair->loop, pair->fds[0], on_pair_event);
}

static void pair_close(struct pair *pair)
{
    watch_stop(&pair->watch);
    close(pair->fds[0]);
    close(pair->fds[1]);
    loop_free(pair->loop);
}

static void test_watch_reports_what_is_wanted(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair);
    watch_want(&pair.watch, WATCH_WRITE);
    assert_int_equal(watch_wanted(&pair.watch), WATCH_WRITE);
    loop_run(pair.loop);
    assert_int_equal(pair.what, WATCH_WRITE);
    assert_int_equal(pair.ends, 1);
    assert_int_equal(watch_wanted(&pair.watch), 0);
    pair_close(&pair);

    pair_open(&pair);
    watch_want(&pair.watch, WATCH_READ);
    assert_int_equal(write(pair.fds[1], "x", 1), 1);
    loop_run(pair.loop);
    assert_int_equal(pair.what, WATCH_READ);
    pair_close(&pair);

    pair_open(&pair);
    watch_want(&pair.watch, WATCH_READ);
    shutdown(pair.fds[1], SHUT_WR);
    loop_run(pair.loop);
    assert_int_equal(pair.what, WATCH_READ);
    pair_close(&pair);
}

static void on_pair_timeout(struct timer *timer)
{
    struct pair *pair = CONTAINER_OF(timer, struct pair, timer);
    uint64_t began = clock_ms();
    while (clock_ms() - began < 150)
        continue; // a stall on purpose
    loop_stop(pair->loop);
}

static void test_a_stall_is_measured(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair);
    timer_init(&pair.timer, pair.loop, on_pair_timeout);
    assert_false(timer_is_running(&pair.timer));
    timer_start(&pair.timer, 1);
    assert_true(timer_is_running(&pair.timer));
    loop_run(pair.loop);
    assert_true(loop_stall_max_us(pair.loop) >= 149000);
    assert_int_equal(loop_stalls(pair.loop), 1);
    pair_close(&pair);
}

struct clockwork {
    struct loop *loop;
    struct ticker ticker, never;
    struct timer timer;
    int ticks;
};

static void on_tick(struct ticker *ticker)
{
    struct clockwork *clockwork = CONTAINER_OF(ticker, struct clockwork, ticker);
    assert_false(ticker->is_running);
    if (++clockwork->ticks < 3)
        ticker_start(ticker, 1);
    else
        timer_start(&clockwork->timer, 20); // time enough for the one that was stopped
}

static void on_never(struct ticker *ticker)
{
    fail_msg("a stopped ticker ran");
}

static void on_clockwork_timeout(struct timer *timer)
{
    loop_stop(CONTAINER_OF(timer, struct clockwork, timer)->loop);
}

// With and without the busy poll: it must find and miss the same events.
static void test_tickers_run_once_and_can_be_stopped(void **state)
{
    (void)state;
    for (uint64_t busy_us = 0; busy_us <= 1000; busy_us += 1000) {
        struct clockwork clockwork = { .loop = loop_new("test", NULL) };
        loop_busy_poll(clockwork.loop, busy_us);
        assert_true(ticker_init(&clockwork.ticker, clockwork.loop, on_tick));
        assert_true(ticker_init(&clockwork.never, clockwork.loop, on_never));
        timer_init(&clockwork.timer, clockwork.loop, on_clockwork_timeout);
        ticker_start(&clockwork.ticker, 0);
        ticker_start(&clockwork.never, 5);
        ticker_stop(&clockwork.never);
        assert_false(clockwork.never.is_running);
        loop_run(clockwork.loop);
        assert_int_equal(clockwork.ticks, 3);
        ticker_done(&clockwork.ticker);
        ticker_done(&clockwork.never);
        loop_free(clockwork.loop);
    }
}

struct sleeper {
    struct loop *loop;
    pthread_t thread;
    sem_t asleep, wake;
};

static void on_sleep(void *arg)
{
    struct sleeper *sleeper = arg;
    sem_post(&sleeper->asleep);
    sem_wait(&sleeper->wake);
}

static void *run_sleeper(void *arg)
{
    loop_run(((struct sleeper *)arg)->loop);
    return NULL;
}

static void on_stop(void *arg)
{
    loop_stop(arg);
}

static void wait_silent_us(struct loop *loop, uint64_t least_us, uint64_t most_us)
{
    uint64_t silent_us;
    do
        silent_us = loop_silent_us(loop);
    while (silent_us < least_us || silent_us > most_us);
}

static void test_a_silent_loop_is_noticed(void **state)
{
    (void)state;
    struct sleeper sleeper = { .loop = loop_new("test", NULL) };
    sem_init(&sleeper.asleep, 0, 0);
    sem_init(&sleeper.wake, 0, 0);
    assert_int_equal(loop_silent_us(sleeper.loop), 0);

    // Not running: only a question shows it.
    loop_ask(sleeper.loop);
    wait_silent_us(sleeper.loop, 1000, UINT64_MAX);
    assert_int_equal(pthread_create(&sleeper.thread, NULL, run_sleeper, &sleeper), 0);
    wait_silent_us(sleeper.loop, 0, 0);

    // A turn that does not end shows by itself.
    loop_post(sleeper.loop, on_sleep, &sleeper);
    sem_wait(&sleeper.asleep);
    wait_silent_us(sleeper.loop, 1000, UINT64_MAX);
    loop_ask(sleeper.loop);
    loop_ask(sleeper.loop);
    sem_post(&sleeper.wake);
    wait_silent_us(sleeper.loop, 0, 0);

    loop_post(sleeper.loop, on_stop, sleeper.loop);
    pthread_join(sleeper.thread, NULL);
    loop_ask(sleeper.loop); // the answer comes with the end
    loop_free(sleeper.loop);
    sem_destroy(&sleeper.asleep);
    sem_destroy(&sleeper.wake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_post_storm_loses_nothing),
        cmocka_unit_test(test_undelivered_messages_run_at_free),
        cmocka_unit_test(test_watch_reports_what_is_wanted),
        cmocka_unit_test(test_a_stall_is_measured),
        cmocka_unit_test(test_a_silent_loop_is_noticed),
        cmocka_unit_test(test_tickers_run_once_and_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
