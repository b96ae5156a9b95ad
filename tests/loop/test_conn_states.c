// SPDX-License-Identifier: Apache-2.0
//
// A connection ends well in every step that it can be in, by everything that can end it: the client
// hangs up, resets, speaks out of turn; the proxy drains; the proxy stops. ASan says what was lost.
#include "base/os.h"
#include "tests/loop/proxy_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILLERS = 4 };

static struct fixture fixture;
static int server; // the server's end, -1: none in this step
static int fillers[FILLERS];

static void reach_hold(void)
{
    fixture_start(&fixture, "127.0.0.1");
    fixture_verdict(&fixture, VERDICT_HOLD, ERR_TRANSITION, false, "tidblink: PENDING");
}

static void reach_resolve(void)
{
    fixture_start(&fixture, NULL); // no host: nothing to resolve
    fixture_verdict(&fixture, VERDICT_ALLOW, ERR_NONE, false, "");
}

// A listener whose queue is full drops the proxy's SYN: connect(2) hangs.
static void reach_dial(void)
{
    assert_int_equal(listen(fixture.server_listener, 0), 0);
    struct addr addr;
    addr.len = sizeof(addr.un);
    assert_int_equal(getsockname(fixture.server_listener, &addr.any, &addr.len), 0);
    for (int i = 0; i < FILLERS; i++) {
        fillers[i] = os_socket(AF_INET, SOCK_STREAM);
        (void)!connect(fillers[i], &addr.any, addr.len);
    }
    fixture_start(&fixture, "127.0.0.1");
    fixture_verdict(&fixture, VERDICT_ALLOW, ERR_NONE, false, "");
}

static void reach_handshake(void)
{
    fixture_start(&fixture, "127.0.0.1"); // the server accepts and says nothing
    fixture_verdict(&fixture, VERDICT_ALLOW, ERR_NONE, false, "");
}

static void reach_linger(void)
{
    fixture_start(&fixture, "127.0.0.1"); // the client does not hang up
    fixture_verdict(&fixture, VERDICT_REFUSE, ERR_REFUSED, false, "tidblink: DELETING");
}

struct way {
    enum conn_state state;
    void (*reach)(void);
};
static const struct way ways[] = {
    { CONN_HOLD, reach_hold },
    { CONN_RESOLVE, reach_resolve },
    { CONN_DIAL, reach_dial },
    { CONN_HANDSHAKE, reach_handshake },
    { CONN_RELAY, reach_handshake },
    { CONN_LINGER, reach_linger },
};

static int reach(const struct way *way)
{
    fixture_prepare(&fixture);
    server = -1;
    for (int i = 0; i < FILLERS; i++)
        fillers[i] = -1;
    way->reach();
    int client = fixture_connect(&fixture);
    if (way->state == CONN_RELAY) {
        server = fixture_accept(&fixture);
        fixture_greet(server);
    }
    FIXTURE_WAIT(&fixture, steps[way->state], 1);
    return client;
}

static void leave(void)
{
    if (server >= 0)
        close(server);
    for (int i = 0; i < FILLERS; i++)
        if (fillers[i] >= 0)
            close(fillers[i]);
    fixture_stop(&fixture);
}

static void test_client_hangs_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        int client = reach(&ways[i]);
        char whole[FIXTURE_GREETING_BYTES];
        if (server >= 0)
            read_exactly(client, whole, sizeof(whole)); // unread bytes would make it a reset
        close(client);
        if (server >= 0) { // the end is passed on, and the server hangs up as well
            char greeting;
            assert_int_equal(recv(server, &greeting, 1, 0), 0);
            close(server);
            server = -1;
        }
        FIXTURE_WAIT(&fixture, open, 0);
        leave();
    }
}

static void test_client_resets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        int client = reach(&ways[i]);
        reset_socket(client);
        FIXTURE_WAIT(&fixture, open, 0);
        leave();
    }
}

static void test_client_speaks_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        int client = reach(&ways[i]);
        char text[512];
        assert_int_equal(send(client, "GET / HTTP/1.0\r\n\r\n", 18, OS_SEND), 18);
        if (ways[i].state < CONN_RELAY) {
            assert_int_equal(read_refusal(client, text, sizeof(text)), 1043);
            assert_non_null(strstr(text, "speaks MySQL"));
        }
        close(client);
        if (server >= 0) {
            close(server);
            server = -1;
        }
        FIXTURE_WAIT(&fixture, open, 0);
        leave();
    }
}

static void test_proxy_drains(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        int client = reach(&ways[i]);
        fixture_drain(&fixture);
        char text[512];
        if (ways[i].state < CONN_RELAY) {
            assert_int_equal(read_refusal(client, text, sizeof(text)), 1053);
            assert_non_null(strstr(text, "draining"));
        }
        if (ways[i].state != CONN_RELAY)
            close(client);
        fixture_wait_drained(&fixture);
        if (ways[i].state == CONN_RELAY)
            close(client);
        leave();
    }
}

static void test_proxy_stops(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        int client = reach(&ways[i]);
        leave();
        char rest[512];
        while (recv(client, rest, sizeof(rest), 0) > 0)
            continue;
        close(client);
    }
}

static void test_deadlines_are_told(void **state)
{
    (void)state;
    static const unsigned numbers[] = { 1053, 1053, 1042, 1042 };
    static const char *const words[] = { "PENDING", "has not told its private host name",
        "timed out", "said nothing in time before its greeting" };
    for (size_t i = 0; i < 4; i++) {
        fixture_prepare(&fixture);
        fixture.options.hold_timeout_ms = fixture.options.resolve_timeout_ms = 20;
        fixture.options.connect_timeout_ms = fixture.options.handshake_timeout_ms = 20;
        for (int j = 0; j < FILLERS; j++)
            fillers[j] = -1;
        server = -1;
        ways[i].reach();
        int client = fixture_connect(&fixture);
        char text[512];
        assert_int_equal(read_refusal(client, text, sizeof(text)), numbers[i]);
        if (!strstr(text, words[i]))
            fail_msg("\"%s\" does not say \"%s\"", text, words[i]);
        close(client);
        leave();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_hangs_up),
        cmocka_unit_test(test_client_resets),
        cmocka_unit_test(test_client_speaks_first),
        cmocka_unit_test(test_proxy_drains),
        cmocka_unit_test(test_proxy_stops),
        cmocka_unit_test(test_deadlines_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
