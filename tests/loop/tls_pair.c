// SPDX-License-Identifier: Apache-2.0
//
// Both ends of a socket in one thread.
#include "tests/loop/tls_pair.h"

#include "base/err.h"
#include "base/net.h"
#include "base/os.h"
#include "tests/loop/proxy_fixture.h"

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

struct pair pair;

const struct pair_way pair_ways[PAIR_WAYS] = {
    { TLS1_2_VERSION, true },
    { TLS1_2_VERSION, false },
    { TLS1_3_VERSION, true },
    { TLS1_3_VERSION, false },
};

int pair_setup(void **state)
{
    struct err err;
    (void)state;
    world_make(&pair.world);
    const struct tls_trust_plan trust = { .ca = pair.world.ca_path };
    const struct tls_identity_plan identity = { .rsa_key = pair.world.rsa_path };
    pair.trust = tls_trust_open(&trust, &err);
    pair.identity = tls_identity_open(&identity, &err);
    for (size_t i = 0; i < sizeof(pair.sent); i++)
        pair.sent[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
    return pair.trust && pair.identity ? 0 : -1;
}

int pair_teardown(void **state)
{
    (void)state;
    tls_trust_unref(pair.trust);
    tls_identity_unref(pair.identity);
    io_pool_done(&pair.pool);
    world_free(&pair.world);
    return 0;
}

static void use_sockets(const int fds[2])
{
    pair.ours = (struct io){ .fd = fds[0] };
    pair.peer = (struct end){ .fd = fds[1] };
}

void pair_open(void)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        assert_int_equal(fcntl(fds[i], F_SETFL, O_NONBLOCK), 0);
    use_sockets(fds);
}

void pair_open_tcp(void)
{
    int fds[2];
    struct addr addr;
    assert_true(addr_parse("127.0.0.1:0", &addr, NULL));
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, &addr.any, addr.len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, &addr.any, &addr.len), 0);
    assert_int_equal(connect(fds[0], &addr.any, addr.len), 0);
    fds[1] = accept(listener, NULL, NULL);
    assert_true(fds[1] >= 0);
    close(listener);
    use_sockets(fds);
    int flags = fcntl(fds[0], F_GETFL);
    net_nodelay(fds[0]);
    net_nodelay(fds[1]); // a reset overtakes what waits for an acknowledgement
    assert_int_equal(fcntl(fds[0], F_SETFL, flags | O_NONBLOCK), 0);
}

void pair_open_tls(const struct pair_way *way)
{
    SSL_CTX *context = way->to_server ? context_as_server(&pair.world.server, way->version)
                                      : context_as_client(way->version);
    end_open_tls(&pair.peer, context, way->to_server);
    SSL_CTX_free(context);
    struct tls *tls = way->to_server
                          ? tls_to_server(&pair.ours, pair.trust, WORLD_HOST, &pair.tickets)
                          : tls_to_client(&pair.ours, pair.identity, NULL, 0);
    assert_non_null(tls);
}

enum tls_step pair_shake(void)
{
    enum tls_step step = TLS_WAIT;
    bool peer_is_over = false;
    for (int i = 0; i < PAIR_STEPS && (step == TLS_WAIT || !peer_is_over) && step != TLS_FAILED;
         i++) {
        if (step == TLS_WAIT)
            step = tls_handshake(&pair.pool, &pair.ours);
        (void)io_flush(&pair.pool, &pair.ours);
        peer_is_over = end_step(&pair.peer);
    }
    return step;
}

ssize_t pair_read(void)
{
    return io_read(&pair.pool, &pair.ours, pair.seen, sizeof(pair.seen));
}

void pair_expect_wait(void)
{
    assert_int_equal(pair_read(), -1);
    assert_int_equal(errno, EAGAIN);
}

void pair_expect_failure(int sys)
{
    assert_int_equal(pair_read(), -1);
    assert_int_equal(errno, sys);
}

void pair_expect_bytes(const void *bytes, size_t len)
{
    ssize_t got = pair_read();
    if (got < 0)
        fail_msg("%s in place of %zu bytes", err_errno_text(errno), len);
    assert_int_equal(got, len);
    assert_memory_equal(pair.seen, bytes, len);
}

void pair_expect_end(void)
{
    ssize_t got = pair_read();
    if (got)
        fail_msg("%zd, %s in place of the end", got, err_errno_text(errno));
}

void pair_start(const struct pair_way *way)
{
    pair_open();
    pair_open_tls(way);
    assert_int_equal(pair_shake(), TLS_DONE);
    assert_string_equal(SSL_get_version(pair.ours.tls->ssl), SSL_get_version(pair.peer.ssl));
    pair_expect_wait(); // what came with the end of the handshake
}

void pair_stop(void)
{
    io_close(&pair.pool, &pair.ours);
    end_close(&pair.peer);
    tickets_empty(&pair.tickets);
    assert_int_equal(ERR_peek_error(), 0);
}

void pair_peer_says(const void *bytes, size_t len)
{
    assert_int_equal(SSL_write(pair.peer.ssl, bytes, (int)len), len);
}

void pair_to_ours(size_t len, size_t read_size)
{
    size_t done = 0;
    pair_peer_says(pair.sent, len);
    for (int i = 0; i < PAIR_STEPS && done < len; i++) {
        end_pump(&pair.peer);
        size_t room = sizeof(pair.seen) - done < read_size ? sizeof(pair.seen) - done : read_size;
        // A read needs room for a record that it does not know yet.
        static uint8_t part[PAIR_BYTES];
        ssize_t got =
            io_read(&pair.pool, &pair.ours, part, room < IO_READ_MIN ? IO_READ_MIN : room);
        assert_true(got > 0 || (got < 0 && errno == EAGAIN));
        if (got < 0)
            continue;
        assert_true(done + (size_t)got <= len);
        memcpy(pair.seen + done, part, (size_t)got);
        done += (size_t)got;
    }
    assert_int_equal(done, len);
    assert_memory_equal(pair.seen, pair.sent, len);
}

void pair_from_ours(size_t len)
{
    size_t done = 0;
    for (int i = 0; i < PAIR_STEPS && done < len; i++) {
        assert_true(io_flush(&pair.pool, &pair.ours) >= 0 || errno == EAGAIN);
        end_pump(&pair.peer);
        int got = SSL_read(pair.peer.ssl, pair.seen + done, (int)(len - done));
        if (got > 0)
            done += (size_t)got;
    }
    ERR_clear_error();
    assert_int_equal(done, len);
    assert_memory_equal(pair.seen, pair.sent, len);
}

void pair_to_peer(size_t len)
{
    assert_true(io_write(&pair.pool, &pair.ours, pair.sent, len));
    pair_from_ours(len);
    assert_null(pair.ours.owed);
}

void pair_both_ways(void)
{
    pair_to_ours(100, IO_BYTES_MAX);
    pair_to_peer(100);
}

size_t pair_steal_wire(uint8_t *out, size_t size)
{
    int len = BIO_read(SSL_get_wbio(pair.peer.ssl), out, (int)size);
    assert_true(len > 0);
    return (size_t)len;
}

void pair_send_wire(const uint8_t *bytes, size_t len)
{
    assert_int_equal(send(pair.peer.fd, bytes, len, OS_SEND), len);
}

void pair_peer_works(void)
{
    assert_int_equal(SSL_do_handshake(pair.peer.ssl), 1);
    end_pump(&pair.peer);
}
