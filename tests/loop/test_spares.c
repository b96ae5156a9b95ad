// SPDX-License-Identifier: Apache-2.0
//
// Warm spares on real loops: opened after a TiDB server greeted, handed out once, dropped by
// whatever happens on them, gone when the proxy drains or stops in whatever step they are.
#include "base/os.h"
#include "tests/loop/proxy_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { SPARES = 3 };

static struct fixture fixture;
static int client, server;
static int spares[SPARES];

static void start(uint64_t threads)
{
    fixture_prepare(&fixture);
    fixture.options.threads = threads;
    fixture.options.spares = SPARES;
    fixture_start(&fixture, "127.0.0.1");
    fixture_verdict(&fixture, VERDICT_ALLOW, ERR_NONE, false, "");
    for (int i = 0; i < SPARES; i++)
        spares[i] = -1;
    fixture_pair(&fixture, &client, &server);
}

static void accept_spares(bool greet)
{
    for (int i = 0; i < SPARES; i++) {
        spares[i] = fixture_accept(&fixture);
        if (greet)
            fixture_greet(spares[i]);
    }
    if (greet)
        FIXTURE_WAIT(&fixture, spares_ready, SPARES);
}

static void hang_up(void)
{
    close(client);
    close(server);
    for (int i = 0; i < SPARES; i++)
        if (spares[i] >= 0)
            close(spares[i]);
}

static void assert_ended(int fd)
{
    char byte;
    assert_true(recv(fd, &byte, 1, 0) <= 0);
}

static void test_the_next_client_gets_a_spare(void **unused)
{
    start(1);
    accept_spares(true);
    char greeting[FIXTURE_GREETING_BYTES], byte;
    int second = fixture_connect(&fixture);
    read_exactly(second, greeting, sizeof(greeting)); // nobody greets anew
    FIXTURE_WAIT(&fixture, spares_used, 1);
    assert_int_equal(send(second, "q", 1, OS_SEND), 1);
    read_exactly(spares[SPARES - 1], &byte, 1); // the newest
    assert_int_equal(send(spares[SPARES - 1], "a", 1, OS_SEND), 1);
    read_exactly(second, &byte, 1);
    int refill = fixture_accept(&fixture);
    fixture_greet(refill);
    FIXTURE_WAIT(&fixture, spares_ready, SPARES);
    close(second);
    close(refill);
    hang_up();
    fixture_stop(&fixture);
}

static void test_what_happens_on_a_spare_ends_it(void **unused)
{
    start(1);
    accept_spares(true);
    close(spares[0]);
    reset_socket(spares[1]);
    assert_int_equal(send(spares[2], "x", 1, OS_SEND), 1);
    FIXTURE_WAIT(&fixture, spares_discarded, SPARES);
    spares[0] = spares[1] = -1;
    assert_ended(spares[2]);
    close(spares[2]);
    accept_spares(true);
    hang_up();
    fixture_stop(&fixture);
}

static void test_only_tidb_gets_spares(void **unused)
{
    start(1);
    int others[SPARES];
    for (int i = 0; i < SPARES; i++) {
        others[i] = fixture_accept(&fixture);
        assert_int_equal(send(others[i],
                             "\x05\0\0\0\x0a"
                             "8.0",
                             9, OS_SEND),
            9); // a greeting that is none
        assert_ended(others[i]);
        close(others[i]);
    }
    assert_int_equal(fixture_count(&fixture).spares_ready, 0);
    hang_up();
    fixture_stop(&fixture);
}

static void reload_short_handshake(struct fixture *of)
{
    of->options.handshake_timeout_ms = 20;
    struct err err;
    assert_true(proxy_reload(of->proxy, &of->options, &of->plan, &err));
}

// Nobody waits for it but the address book: the next client is not sent there first.
static void test_a_server_that_stays_silent_is_blamed(void **unused)
{
    start(1);
    accept_spares(false); // under the long handshake timeout
    for (int i = 0; i < SPARES; i++)
        close(spares[i]);
    FIXTURE_WAIT(&fixture, dial_failures, SPARES);
    fixture_on_main(&fixture, reload_short_handshake);
    spares[0] = fixture_accept(&fixture); // after a pause
    assert_ended(spares[0]);
    assert_true(fixture_count(&fixture).dial_failures > SPARES);
    close(spares[0]);
    for (int i = 0; i < SPARES; i++)
        spares[i] = -1;
    hang_up();
    fixture_stop(&fixture);
}

static void test_a_refusing_verdict_drops_them(void **unused)
{
    start(1);
    accept_spares(true);
    fixture_verdict(&fixture, VERDICT_REFUSE, ERR_REFUSED, false, "tidblink: PAUSED");
    for (int i = 0; i < SPARES; i++)
        assert_ended(spares[i]);
    FIXTURE_WAIT(&fixture, spares_ready, 0);
    for (int i = 0; i < SPARES; i++)
        close(spares[i]);
    fixture_verdict(&fixture, VERDICT_ALLOW, ERR_NONE, false, "");
    accept_spares(true);
    hang_up();
    fixture_stop(&fixture);
}

// Each worker has its share, and nothing of it is left behind.
static void test_drain_and_stop_end_them_in_every_step(void **unused)
{
    for (int round = 0; round < 4; round++) {
        bool greet = round & 1, drain = round & 2;
        start(1);
        accept_spares(greet);
        if (drain) {
            fixture_drain(&fixture);
            for (int i = 0; i < SPARES; i++)
                assert_ended(spares[i]);
        }
        fixture_stop(&fixture);
        hang_up();
    }
}

static void test_workers_share_them(void **unused)
{
    char greeting[FIXTURE_GREETING_BYTES];
    start(2); // the first connection lives on one worker, the second on the other
    int second = fixture_connect(&fixture);
    int accepted[SPARES + 1];
    for (int i = 0; i < SPARES + 1; i++) {
        accepted[i] = fixture_accept(&fixture);
        fixture_greet(accepted[i]);
    }
    read_exactly(second, greeting, sizeof(greeting));
    FIXTURE_WAIT(&fixture, spares_ready, SPARES);
    close(second);
    hang_up();
    fixture_stop(&fixture);
    for (int i = 0; i < SPARES + 1; i++)
        close(accepted[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_next_client_gets_a_spare),
        cmocka_unit_test(test_what_happens_on_a_spare_ends_it),
        cmocka_unit_test(test_only_tidb_gets_spares),
        cmocka_unit_test(test_a_server_that_stays_silent_is_blamed),
        cmocka_unit_test(test_a_refusing_verdict_drops_them),
        cmocka_unit_test(test_drain_and_stop_end_them_in_every_step),
        cmocka_unit_test(test_workers_share_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
