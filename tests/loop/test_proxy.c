// SPDX-License-Identifier: Apache-2.0
//
// The data path with real sockets: bytes arrive whole and in order under backpressure, ends and
// resets are passed on, verdicts hold, serve and refuse, drains end what is idle first.
#include "base/os.h"
#include "tests/loop/proxy_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct fixture fixture;

static void start_allowed(void)
{
    fixture_prepare(&fixture);
    fixture_start(&fixture, "127.0.0.1");
    fixture_verdict(&fixture, VERDICT_ALLOW, ERR_NONE, false, "");
}

// An end or a reset, not the bound of the wait.
static void assert_ended(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, 0);
    assert_true(got == 0 || (got < 0 && errno == ECONNRESET));
}

struct stream {
    int fd;
    size_t len;
};

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

static void *send_stream(void *arg)
{
    const struct stream *stream = arg;
    uint8_t piece[8192];
    for (size_t at = 0; at < stream->len; at += sizeof(piece)) {
        for (size_t i = 0; i < sizeof(piece); i++)
            piece[i] = pattern(at + i);
        size_t sent = 0;
        while (sent < sizeof(piece)) {
            ssize_t now = send(stream->fd, piece + sent, sizeof(piece) - sent, OS_SEND);
            if (now <= 0)
                return NULL;
            sent += (size_t)now;
        }
    }
    return NULL;
}

static void receive_stream(int fd, size_t len)
{
    static uint8_t piece[65536];
    for (size_t at = 0; at < len;) {
        // Odd sizes, so that the proxy sees every kind of partial write.
        size_t want = 1 + (at * 7919) % sizeof(piece);
        ssize_t got = recv(fd, piece, want < len - at ? want : len - at, 0);
        assert_true(got > 0);
        for (ssize_t i = 0; i < got; i++)
            if (piece[i] != pattern(at + (size_t)i))
                fail_msg("byte %zu is wrong", at + (size_t)i);
        at += (size_t)got;
    }
}

// 32 MiB down and up: far more than every buffer on the way, so that backpressure must work.
static void test_streams_arrive_whole_both_ways(void **state)
{
    (void)state;
    enum { STREAM_BYTES = 32 * 1024 * 1024 };
    start_allowed();
    int client, server;
    fixture_pair(&fixture, &client, &server);
    int from[] = { server, client }, to[] = { client, server };
    for (int way = 0; way < 2; way++) {
        struct stream stream = { from[way], STREAM_BYTES };
        pthread_t sender;
        assert_int_equal(pthread_create(&sender, NULL, send_stream, &stream), 0);
        receive_stream(to[way], STREAM_BYTES);
        pthread_join(sender, NULL);
    }
    struct proxy_counters counters = fixture_count(&fixture);
    assert_int_equal(counters.client_bytes, STREAM_BYTES);
    assert_int_equal(counters.server_bytes, STREAM_BYTES + FIXTURE_GREETING_BYTES);
    close(client);
    close(server);
    fixture_stop(&fixture);
}

static void test_half_close_passes_both_ways(void **state)
{
    (void)state;
    start_allowed();
    for (int first = 0; first < 2; first++) {
        int ends[2];
        char text[16] = "";
        fixture_pair(&fixture, &ends[0], &ends[1]);
        int a = ends[first], b = ends[1 - first];
        assert_int_equal(send(a, "last", 4, 0), 4);
        shutdown(a, SHUT_WR);
        read_exactly(b, text, 4);
        assert_memory_equal(text, "last", 4);
        assert_int_equal(recv(b, text, 1, 0), 0);
        // The other direction is still open.
        assert_int_equal(send(b, "still here", 10, 0), 10);
        read_exactly(a, text, 10);
        assert_memory_equal(text, "still here", 10);
        close(b);
        assert_int_equal(recv(a, text, 1, 0), 0);
        close(a);
    }
    FIXTURE_WAIT(&fixture, closed[CLOSE_CLIENT_QUIT], 1);
    FIXTURE_WAIT(&fixture, closed[CLOSE_SERVER_QUIT], 1);
    FIXTURE_WAIT(&fixture, open, 0);
    fixture_stop(&fixture);
}

static void test_resets_end_the_other_side(void **state)
{
    (void)state;
    start_allowed();
    int client, server;
    fixture_pair(&fixture, &client, &server);
    reset_socket(client);
    assert_ended(server);
    close(server);
    FIXTURE_WAIT(&fixture, closed[CLOSE_CLIENT_RESET], 1);

    fixture_pair(&fixture, &client, &server);
    reset_socket(server);
    assert_ended(client);
    close(client);
    FIXTURE_WAIT(&fixture, closed[CLOSE_SERVER_RESET], 1);
    FIXTURE_WAIT(&fixture, open, 0);
    fixture_stop(&fixture);
}

static void test_held_client_is_served_when_the_verdict_turns(void **state)
{
    (void)state;
    fixture_prepare(&fixture);
    fixture_start(&fixture, "127.0.0.1");
    fixture_verdict(&fixture, VERDICT_HOLD, ERR_TRANSITION, false, "tidblink: not yet");
    int client = fixture_connect(&fixture);
    FIXTURE_WAIT(&fixture, steps[CONN_HOLD], 1);
    fixture_verdict(&fixture, VERDICT_ALLOW, ERR_NONE, false, "");
    int server = fixture_accept(&fixture);
    fixture_greet(server);
    char greeting[FIXTURE_GREETING_BYTES];
    read_exactly(client, greeting, sizeof(greeting));
    FIXTURE_WAIT(&fixture, steps[CONN_HOLD], 0);
    close(client);
    close(server);
    fixture_stop(&fixture);
}

static void test_held_client_is_refused_when_the_verdict_refuses(void **state)
{
    (void)state;
    fixture_prepare(&fixture);
    fixture_start(&fixture, "127.0.0.1");
    fixture_verdict(&fixture, VERDICT_HOLD, ERR_TRANSITION, false, "tidblink: not yet");
    int client = fixture_connect(&fixture);
    FIXTURE_WAIT(&fixture, steps[CONN_HOLD], 1);
    fixture_verdict(&fixture, VERDICT_REFUSE, ERR_REFUSED, false, "tidblink: it FAILED");
    char text[512];
    assert_int_equal(read_refusal(client, text, sizeof(text)), 1105);
    assert_string_equal(text, "tidblink: it FAILED");
    close(client);
    FIXTURE_WAIT(&fixture, closed[CLOSE_REFUSED], 1);
    fixture_stop(&fixture);
}

static void test_hold_ends_with_the_states_text(void **state)
{
    (void)state;
    fixture_prepare(&fixture);
    fixture.options.hold_timeout_ms = 10;
    fixture_start(&fixture, "127.0.0.1");
    fixture_verdict(&fixture, VERDICT_HOLD, ERR_TRANSITION, false, "tidblink: PENDING");
    char text[512];
    int client = fixture_connect(&fixture);
    assert_int_equal(read_refusal(client, text, sizeof(text)), 1053);
    assert_string_equal(text, "tidblink: PENDING");
    close(client);
    fixture_stop(&fixture);
}

// A control plane that says nothing at all must not stop the data plane, unless that is asked for.
static void test_silence_allows_or_refuses_as_configured(void **state)
{
    (void)state;
    for (int strict = 0; strict < 2; strict++) {
        fixture_prepare(&fixture);
        fixture.options.hold_timeout_ms = 50;
        fixture.options.loss_refuses = strict;
        fixture_start(&fixture, "127.0.0.1");
        int client = fixture_connect(&fixture);
        if (strict) {
            char text[512];
            assert_int_equal(read_refusal(client, text, sizeof(text)), 1053);
            assert_non_null(strstr(text, "nothing is known about cluster orders yet"));
        } else {
            int server = fixture_accept(&fixture);
            fixture_greet(server);
            char greeting[FIXTURE_GREETING_BYTES];
            read_exactly(client, greeting, sizeof(greeting));
            FIXTURE_WAIT(&fixture, unchecked, 1);
            close(server);
        }
        close(client);
        fixture_stop(&fixture);
    }
}

// A server that refuses a packet says so and resets while the client is still sending: what it said
// must reach the client.
static void test_last_words_of_a_lost_server_arrive(void **state)
{
    (void)state;
    start_allowed();
    for (int round = 0; round < 20; round++) {
        int client, server;
        char words[9] = "", upload[4096] = "";
        fixture_pair(&fixture, &client, &server);
        assert_int_equal(send(client, upload, sizeof(upload), 0), sizeof(upload));
        read_exactly(server, upload, 16); // the rest stays unread, so that the close is a reset
        assert_int_equal(send(server, "too large", 9, OS_SEND), 9);
        close(server);
        while (send(client, upload, sizeof(upload), OS_SEND | MSG_DONTWAIT) > 0)
            continue;
        read_exactly(client, words, sizeof(words));
        assert_memory_equal(words, "too large", 9);
        close(client);
    }
    FIXTURE_WAIT(&fixture, open, 0);
    fixture_stop(&fixture);
}

static void test_refused_clients_that_linger_take_no_place(void **state)
{
    (void)state;
    fixture_prepare(&fixture);
    fixture.options.max_connections = 2;
    fixture_start(&fixture, "127.0.0.1");
    fixture_verdict(&fixture, VERDICT_REFUSE, ERR_REFUSED, false, "tidblink: PAUSED");
    int refused[2], client, server;
    char text[512];
    for (int i = 0; i < 2; i++) {
        refused[i] = fixture_connect(&fixture);
        assert_int_equal(read_refusal(refused[i], text, sizeof(text)), 1105);
    }
    fixture_verdict(&fixture, VERDICT_ALLOW, ERR_NONE, false, "");
    fixture_pair(&fixture, &client, &server);
    close(client);
    close(server);
    for (int i = 0; i < 2; i++)
        close(refused[i]);
    fixture_stop(&fixture);
}

// Those whom the kernel has accepted for us are told as well, not reset.
static void test_drain_tells_who_is_in_the_queue(void **state)
{
    (void)state;
    start_allowed();
    sem_t release;
    sem_init(&release, 0, 0);
    fixture_block(&fixture, &release);
    int queued[5];
    for (int i = 0; i < 5; i++)
        queued[i] = fixture_connect(&fixture);
    fixture_drain_later(&fixture);
    sem_post(&release);
    for (int i = 0; i < 5; i++) {
        char text[512];
        // One that was accepted in the turn before is in its dial: drained as well.
        assert_int_equal(read_refusal(queued[i], text, sizeof(text)), 1053);
        close(queued[i]);
    }
    fixture_wait_drained(&fixture);
    sem_destroy(&release);
    fixture_stop(&fixture);
}

static void test_limit_is_told(void **state)
{
    (void)state;
    fixture_prepare(&fixture);
    fixture.options.max_connections = 1;
    fixture_start(&fixture, "127.0.0.1");
    fixture_verdict(&fixture, VERDICT_ALLOW, ERR_NONE, false, "");
    int client, server;
    char text[512];
    fixture_pair(&fixture, &client, &server);
    int second = fixture_connect(&fixture);
    assert_int_equal(read_refusal(second, text, sizeof(text)), 1040);
    assert_non_null(strstr(text, "max-connections is 1"));
    close(second);
    FIXTURE_WAIT(&fixture, open, 1);
    close(client);
    close(server);
    FIXTURE_WAIT(&fixture, open, 0);
    fixture_pair(&fixture, &client, &server);
    close(client);
    close(server);
    fixture_stop(&fixture);
}

// An idle connection ends soon; one that waits for the server's answer gets it first.
static void test_drain_ends_idle_connections_and_waits_for_busy_ones(void **state)
{
    (void)state;
    fixture_prepare(&fixture);
    fixture.options.drain_timeout_ms = 3000; // idle after a third of it
    fixture_start(&fixture, "127.0.0.1");
    fixture_verdict(&fixture, VERDICT_ALLOW, ERR_NONE, false, "");
    int idle_client, idle_server, busy_client, busy_server, held;
    char byte;
    fixture_pair(&fixture, &idle_client, &idle_server);
    fixture_pair(&fixture, &busy_client, &busy_server);
    assert_int_equal(send(busy_client, "q", 1, 0), 1);
    read_exactly(busy_server, &byte, 1);
    fixture_verdict(&fixture, VERDICT_HOLD, ERR_TRANSITION, false, "tidblink: not yet");
    held = fixture_connect(&fixture);
    FIXTURE_WAIT(&fixture, steps[CONN_HOLD], 1);

    fixture_drain(&fixture);
    char text[512];
    assert_int_equal(read_refusal(held, text, sizeof(text)), 1053);
    assert_non_null(strstr(text, "draining"));
    close(held);
    assert_ended(idle_client);
    FIXTURE_WAIT(&fixture, closed[CLOSE_DRAINED], 1);
    // Whatever becomes known during a drain does not stop it.
    fixture_verdict(&fixture, VERDICT_ALLOW, ERR_NONE, false, "");
    assert_int_equal(send(busy_server, "a", 1, OS_SEND), 1);
    read_exactly(busy_client, &byte, 1);
    assert_int_equal(byte, 'a');
    fixture_wait_drained(&fixture);
    assert_int_equal(fixture_count(&fixture).open, 0);
    close(idle_client);
    close(idle_server);
    close(busy_client);
    close(busy_server);
    fixture_stop(&fixture);
}

static void test_drain_forces_after_its_timeout(void **state)
{
    (void)state;
    fixture_prepare(&fixture);
    fixture.options.drain_timeout_ms = 50;
    fixture_start(&fixture, "127.0.0.1");
    fixture_verdict(&fixture, VERDICT_ALLOW, ERR_NONE, false, "");
    int client, server;
    char byte;
    fixture_pair(&fixture, &client, &server);
    assert_int_equal(send(client, "q", 1, 0), 1);
    read_exactly(server, &byte, 1);
    fixture_drain(&fixture);
    fixture_wait_drained(&fixture);
    assert_ended(client);
    close(client);
    close(server);
    fixture_stop(&fixture);
}

// DELETING: running connections of that cluster end, idle ones first; when the verdict returns to
// ACTIVE nothing is drained any more.
static void test_a_draining_verdict_drains_and_can_be_taken_back(void **state)
{
    (void)state;
    fixture_prepare(&fixture);
    fixture.options.drain_timeout_ms = 300;
    fixture_start(&fixture, "127.0.0.1");
    fixture_verdict(&fixture, VERDICT_ALLOW, ERR_NONE, false, "");
    int client, server;
    char byte;
    fixture_pair(&fixture, &client, &server);
    fixture_verdict(&fixture, VERDICT_REFUSE, ERR_REFUSED, true, "tidblink: DELETING");
    assert_ended(client);
    close(client);
    close(server);
    FIXTURE_WAIT(&fixture, closed[CLOSE_DRAINED], 1);
    fixture_verdict(&fixture, VERDICT_ALLOW, ERR_NONE, false, "");
    fixture_pair(&fixture, &client, &server);
    assert_int_equal(send(server, "x", 1, OS_SEND), 1);
    read_exactly(client, &byte, 1);
    close(client);
    close(server);
    fixture_stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_arrive_whole_both_ways),
        cmocka_unit_test(test_half_close_passes_both_ways),
        cmocka_unit_test(test_resets_end_the_other_side),
        cmocka_unit_test(test_held_client_is_served_when_the_verdict_turns),
        cmocka_unit_test(test_held_client_is_refused_when_the_verdict_refuses),
        cmocka_unit_test(test_hold_ends_with_the_states_text),
        cmocka_unit_test(test_silence_allows_or_refuses_as_configured),
        cmocka_unit_test(test_limit_is_told),
        cmocka_unit_test(test_last_words_of_a_lost_server_arrive),
        cmocka_unit_test(test_refused_clients_that_linger_take_no_place),
        cmocka_unit_test(test_drain_tells_who_is_in_the_queue),
        cmocka_unit_test(test_drain_ends_idle_connections_and_waits_for_busy_ones),
        cmocka_unit_test(test_drain_forces_after_its_timeout),
        cmocka_unit_test(test_a_draining_verdict_drains_and_can_be_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
