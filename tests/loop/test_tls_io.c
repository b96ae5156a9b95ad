// SPDX-License-Identifier: Apache-2.0
//
// Ends of connections with TLS, on sockets whose far end is OpenSSL by hand: every byte arrives, in
// order, whatever the segments; ends, failures, new keys and tickets are what io.h says they are.
#include "tests/loop/proxy_fixture.h"
#include "tests/loop/tls_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// ---- bytes --------------------------------------------------------------------------------------

static void test_all_sizes_both_ways(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1, 2, 255, 16383, 16384, 16385, 40000, 100000, PAIR_BYTES };
    for (size_t w = 0; w < PAIR_WAYS; w++) {
        pair_start(&pair_ways[w]);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            pair_to_ours(sizes[i], IO_BYTES_MAX);
            pair_to_ours(sizes[i], IO_READ_MIN);
            pair_to_peer(sizes[i]);
        }
        pair_expect_wait();
        assert_false(pair.ours.was_full);
        pair_stop();
    }
}

static void test_several_records_are_one_read(void **state)
{
    (void)state;
    for (size_t w = 0; w < PAIR_WAYS; w++) {
        pair_start(&pair_ways[w]);
        pair_peer_says("one", 3);
        pair_peer_says("two", 3);
        pair_peer_says("three", 5);
        end_pump(&pair.peer);
        pair_expect_bytes("onetwothree", 11);
        assert_false(pair.ours.was_full);
        pair_stop();
    }
}

// Resting in between: the beginning of a record must not get lost.
static void test_a_record_in_parts(void **state)
{
    (void)state;
    static const size_t cuts[] = { 1, 4, 5, 6, 30 };
    uint8_t wire[200];
    for (size_t w = 0; w < PAIR_WAYS; w++) {
        pair_start(&pair_ways[w]);
        for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
            pair_peer_says("a record in two parts", 21);
            size_t len = pair_steal_wire(wire, sizeof(wire));
            pair_send_wire(wire, cuts[i]);
            pair_expect_wait();
            pair_send_wire(wire + cuts[i], len - cuts[i]);
            pair_expect_bytes("a record in two parts", 21);
            pair_to_peer(50);
        }
        pair_peer_says("x", 1);
        size_t len = pair_steal_wire(wire, sizeof(wire));
        for (size_t i = 0; i < len - 1; i++) {
            pair_send_wire(wire + i, 1);
            pair_expect_wait();
        }
        pair_send_wire(wire + len - 1, 1);
        pair_expect_bytes("x", 1);
        pair_stop();
    }
}

static void test_a_full_socket_is_owed(void **state)
{
    (void)state;
    for (size_t w = 0; w < PAIR_WAYS; w++) {
        pair_start(&pair_ways[w]);
        int small = 4096;
        setsockopt(pair.ours.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
        assert_true(io_write(&pair.pool, &pair.ours, pair.sent, 200000));
        assert_non_null(pair.ours.owed);
        assert_true(io_write(&pair.pool, &pair.ours, pair.sent + 200000, 60000));
        assert_true(io_write(&pair.pool, &pair.ours, pair.sent + 260000, 144));
        // What is owed does not hinder what comes.
        pair_peer_says("meanwhile", 9);
        assert_true(SSL_pending(pair.peer.ssl) == 0);
        end_pump(&pair.peer);
        pair_expect_bytes("meanwhile", 9);
        pair_from_ours(260144);
        assert_null(pair.ours.owed);
        pair_both_ways();
        pair_stop();
    }
}

// ---- ends ---------------------------------------------------------------------------------------

static void test_the_end_comes_behind_the_bytes(void **state)
{
    (void)state;
    for (size_t w = 0; w < PAIR_WAYS; w++)
        for (int kind = 0; kind < 4; kind++) {
            bool notify = kind & 1, has_bytes = kind & 2;
            pair_start(&pair_ways[w]);
            if (has_bytes)
                pair_peer_says("last words", 10);
            if (notify)
                SSL_shutdown(pair.peer.ssl);
            end_pump(&pair.peer);
            shutdown(pair.peer.fd, SHUT_WR);
            if (has_bytes) {
                pair_expect_bytes("last words", 10);
            }
            pair_expect_end();
            pair_expect_end(); // and again
            pair_to_peer(100); // the other direction is open still
            pair_stop();
        }
}

// Its beginning says nothing about what it was: MySQL's framing shows that something is missing.
static void test_an_end_inside_a_record(void **state)
{
    (void)state;
    uint8_t wire[100];
    for (size_t w = 0; w < PAIR_WAYS; w++) {
        pair_start(&pair_ways[w]);
        pair_peer_says("cut", 3);
        pair_send_wire(wire, pair_steal_wire(wire, sizeof(wire)) - 1);
        shutdown(pair.peer.fd, SHUT_WR);
        pair_expect_wait();
        pair_expect_end();
        pair_stop();
    }
}

static void wait_readable(int fd)
{
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    assert_int_equal(poll(&wait, 1, FIXTURE_WAIT_MS), 1);
}

static void test_a_reset(void **state)
{
    (void)state;
    for (size_t w = 0; w < PAIR_WAYS; w++)
        for (int has_bytes = 0; has_bytes < 2; has_bytes++) {
            pair_open_tcp();
            pair_open_tls(&pair_ways[w]);
            assert_int_equal(pair_shake(), TLS_DONE);
            pair_both_ways(); // tickets are read as well
            if (has_bytes) {
                pair_peer_says("before it", 9);
                end_push(&pair.peer);
            }
            end_reset(&pair.peer);
            wait_readable(pair.ours.fd);
            if (has_bytes)
                pair_expect_bytes("before it", 9);
            wait_readable(pair.ours.fd);
            pair_expect_failure(ECONNRESET);
            pair_stop();
        }
}

static void test_a_changed_byte(void **state)
{
    (void)state;
    uint8_t wire[200];
    for (size_t w = 0; w < PAIR_WAYS; w++) {
        pair_start(&pair_ways[w]);
        pair_peer_says("good", 4);
        end_pump(&pair.peer);
        pair_peer_says("bad", 3);
        size_t len = pair_steal_wire(wire, sizeof(wire));
        wire[len - 1] ^= 1;
        pair_send_wire(wire, len);
        pair_expect_bytes("good", 4);
        assert_true(pair.ours.was_full);
        pair_expect_failure(EPROTO);
        pair_expect_failure(EPROTO);
        assert_false(io_write(&pair.pool, &pair.ours, "x", 1));
        assert_int_equal(errno, EPROTO);
        io_shutdown(&pair.pool, &pair.ours);
        pair_stop();
    }
}

static void test_shutdown_says_goodbye(void **state)
{
    (void)state;
    char byte;
    for (size_t w = 0; w < PAIR_WAYS; w++) {
        pair_start(&pair_ways[w]);
        assert_true(io_write(&pair.pool, &pair.ours, "bye", 3));
        io_shutdown(&pair.pool, &pair.ours);
        end_pump(&pair.peer);
        assert_int_equal(SSL_read(pair.peer.ssl, pair.seen, sizeof(pair.seen)), 3);
        int got = SSL_read(pair.peer.ssl, pair.seen, sizeof(pair.seen));
        assert_int_equal(SSL_get_error(pair.peer.ssl, got), SSL_ERROR_ZERO_RETURN);
        assert_int_equal(SSL_get_shutdown(pair.peer.ssl), SSL_RECEIVED_SHUTDOWN);
        assert_int_equal(recv(pair.peer.fd, &byte, 1, 0), 0);
        pair_to_ours(100, IO_BYTES_MAX); // the other direction is open still
        pair_stop();
    }
}

// ---- what is no data ----------------------------------------------------------------------------

static void test_new_keys(void **state)
{
    (void)state;
    for (size_t w = 0; w < PAIR_WAYS; w++) {
        if (pair_ways[w].version != TLS1_3_VERSION)
            continue;
        pair_start(&pair_ways[w]);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(SSL_key_update(pair.peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
            pair_peer_works();
            pair_expect_wait();
            pair_both_ways();
        }
        assert_int_equal(SSL_key_update(pair.peer.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        pair_both_ways();
        pair_stop();
    }
}

// Answered while the socket is full: the answer stays behind what is owed.
static void test_new_keys_and_a_full_socket(void **state)
{
    (void)state;
    static const struct pair_way way = { TLS1_3_VERSION, true };
    int small = 4096;
    pair_start(&way);
    setsockopt(pair.ours.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    assert_true(io_write(&pair.pool, &pair.ours, pair.sent, 100000));
    assert_int_equal(SSL_key_update(pair.peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    pair_peer_works();
    pair_expect_wait();
    assert_true(io_write(&pair.pool, &pair.ours, pair.sent + 100000, 100000));
    pair_from_ours(200000);
    pair_both_ways();
    pair_stop();
}

static void test_tickets_on_an_idle_end(void **state)
{
    (void)state;
    static const struct pair_way way = { TLS1_3_VERSION, true };
    pair_start(&way);
    size_t before = pair.tickets.count;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(SSL_new_session_ticket(pair.peer.ssl), 1);
        pair_peer_works();
        pair_expect_wait();
        pair_both_ways();
    }
    assert_int_equal(pair.tickets.count, before + 2);
    assert_int_equal(SSL_new_session_ticket(pair.peer.ssl), 1);
    pair_peer_says("with data", 9);
    end_pump(&pair.peer);
    pair_expect_bytes("with data", 9);
    pair_stop();
}

static void test_no_renegotiation(void **state)
{
    (void)state;
    for (size_t w = 0; w < PAIR_WAYS; w++) {
        if (pair_ways[w].version != TLS1_2_VERSION)
            continue;
        pair_start(&pair_ways[w]);
        pair_both_ways();
        assert_int_equal(SSL_renegotiate(pair.peer.ssl), 1);
        (void)SSL_do_handshake(pair.peer.ssl);
        end_pump(&pair.peer);
        pair_expect_wait();
        end_pump(&pair.peer);
        assert_int_equal(SSL_read(pair.peer.ssl, pair.seen, sizeof(pair.seen)), -1);
        assert_int_equal(ERR_GET_REASON(ERR_get_error()), SSL_R_NO_RENEGOTIATION);
        ERR_clear_error();
        pair_stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_sizes_both_ways),
        cmocka_unit_test(test_several_records_are_one_read),
        cmocka_unit_test(test_a_record_in_parts),
        cmocka_unit_test(test_a_full_socket_is_owed),
        cmocka_unit_test(test_the_end_comes_behind_the_bytes),
        cmocka_unit_test(test_an_end_inside_a_record),
        cmocka_unit_test(test_a_reset),
        cmocka_unit_test(test_a_changed_byte),
        cmocka_unit_test(test_shutdown_says_goodbye),
        cmocka_unit_test(test_new_keys),
        cmocka_unit_test(test_new_keys_and_a_full_socket),
        cmocka_unit_test(test_tickets_on_an_idle_end),
        cmocka_unit_test(test_no_renegotiation),
    };
    return cmocka_run_group_tests(tests, pair_setup, pair_teardown);
}
