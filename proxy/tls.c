// SPDX-License-Identifier: Apache-2.0
//
// TLS sessions. OpenSSL reads from the socket by a BIO of ours and writes into the worker's wire
// buffer, so that it never waits and never needs a call repeated with the same bytes. The thread's
// OpenSSL error queue is empty between calls. Called by io.c, login.c and spare.c.
#include "proxy/tls.h"

#include "base/clock.h"
#include "base/net.h"
#include "proxy/tickets.h"
#include "proxy/tls_identity.h"
#include "proxy/tls_trust.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    // A session may hold so much of a record that has not arrived as a whole (RFC 8446, 5.2).
    TLS_RECORD_BYTES = 17 * 1024,
};

// ---- below OpenSSL ------------------------------------------------------------------------------

static int take_early(struct tls *tls, char *out, size_t room)
{
    size_t len = tls->early_len < room ? tls->early_len : room;
    memcpy(out, tls->early, len);
    tls->early += len;
    tls->early_len -= len;
    return (int)len;
}

static int wire_read(BIO *bio, char *out, int room)
{
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (tls->early_len)
        return take_early(tls, out, (size_t)room);
    size_t wanted = tls->allowance < (size_t)room ? tls->allowance : (size_t)room;
    ssize_t got = wanted ? recv(tls->io->fd, out, wanted, 0) : -1;
    if (got > 0) {
        // A short read means that the socket is empty.
        tls->allowance = got == (ssize_t)wanted ? tls->allowance - wanted : 0;
        return (int)got;
    }
    if (!wanted || (got < 0 && net_is_transient(errno))) {
        BIO_set_retry_read(bio);
        return -1;
    }
    tls->has_ended = got == 0;
    tls->sys = got < 0 ? errno : 0;
    return (int)got;
}

static int wire_write(BIO *bio, const char *bytes, int len)
{
    const struct tls *tls = BIO_get_data(bio);
    struct io_pool *pool = tls->pool;
    if ((size_t)len > IO_WIRE_BYTES - pool->wire_len)
        return -1; // nothing is so long
    memcpy(pool->wire + pool->wire_len, bytes, (size_t)len);
    pool->wire_len += (size_t)len;
    return len;
}

static long wire_control(BIO *bio, int what, long number, void *pointer)
{
    const struct tls *tls = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    if (what == BIO_CTRL_EOF)
        return tls && tls->has_ended;
    return what == BIO_CTRL_FLUSH;
}

static BIO_METHOD *wire_method;

static void make_wire_method(void)
{
    wire_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "worker's wire");
    if (!wire_method || !BIO_meth_set_read(wire_method, wire_read) ||
        !BIO_meth_set_write(wire_method, wire_write) ||
        !BIO_meth_set_ctrl(wire_method, wire_control))
        abort(); // out of memory, once, at the first session
}

// ---- a call into OpenSSL ------------------------------------------------------------------------

static bool begin(struct tls *tls, struct io_pool *pool, const struct io *io, size_t allowance)
{
    if (!pool->wire)
        pool->wire = malloc(IO_WIRE_BYTES);
    pool->wire_len = 0;
    tls->pool = pool;
    tls->io = io;
    tls->allowance = allowance;
    return pool->wire != NULL;
}

// Sends what OpenSSL has written.
static bool flush_wire(struct io_pool *pool, struct io *io)
{
    bool sent = !pool->wire_len || io_send(pool, io, pool->wire, pool->wire_len);
    pool->wire_len = 0;
    return sent;
}

// What stopped OpenSSL for good. The end of the socket is no failure: who cut it off gains nothing
// that MySQL's own framing would not show, and many a server leaves without close_notify.
static void note_failure(struct tls *tls, int result)
{
    int what = SSL_get_error(tls->ssl, result);
    tls->error = ERR_peek_error();
    ERR_clear_error();
    if (what == SSL_ERROR_ZERO_RETURN) {
        tls->has_ended = true;
        return;
    }
    tls->is_broken = true;
    if (what != SSL_ERROR_SYSCALL || !tls->sys)
        tls->sys = tls->has_ended ? ECONNRESET : EPROTO;
}

static bool wants_more(const struct tls *tls, int result)
{
    return SSL_get_error(tls->ssl, result) == SSL_ERROR_WANT_READ;
}

static ssize_t end_of_reading(const struct tls *tls)
{
    if (!tls->is_broken && tls->has_ended)
        return 0;
    errno = tls->is_broken ? tls->sys : EAGAIN;
    return -1;
}

static ssize_t tls_read(struct io_pool *pool, struct io *io, void *out, size_t len)
{
    struct tls *tls = io->tls;
    size_t done = 0;
    bool is_over = tls->is_broken || tls->has_ended;
    if (!is_over && !begin(tls, pool, io, len - TLS_RECORD_BYTES)) {
        errno = ENOMEM;
        return -1;
    }
    while (!is_over && done < len) {
        int got = SSL_read(tls->ssl, (char *)out + done, (int)(len - done));
        if (got > 0) {
            done += (size_t)got;
            continue;
        }
        if (wants_more(tls, got))
            break;
        note_failure(tls, got);
        is_over = true;
    }
    (void)flush_wire(pool, io); // an alert, or what a renewed key asks for
    // Bytes first; the end, or the failure, by the next read.
    io->was_full = is_over || done == len;
    return done ? (ssize_t)done : end_of_reading(tls);
}

static bool tls_write(struct io_pool *pool, struct io *io, const void *bytes, size_t len)
{
    struct tls *tls = io->tls;
    errno = tls->is_broken ? tls->sys : ENOMEM;
    if (tls->is_broken || !begin(tls, pool, io, 0))
        return false;
    int wrote = SSL_write(tls->ssl, bytes, (int)len);
    if (wrote == (int)len)
        return flush_wire(pool, io);
    note_failure(tls, wrote);
    (void)flush_wire(pool, io);
    errno = tls->sys ? tls->sys : EPROTO;
    return false;
}

// close_notify (RFC 8446, 6.1); a socket that does not even take that goes without.
static void tls_shutdown(struct io_pool *pool, struct io *io)
{
    struct tls *tls = io->tls;
    if (!tls->is_broken && SSL_is_init_finished(tls->ssl) && begin(tls, pool, io, 0)) {
        (void)SSL_shutdown(tls->ssl);
        ERR_clear_error();
        (void)flush_wire(pool, io);
        io_drop_owed(pool, io);
    }
    shutdown(io->fd, SHUT_WR);
}

static void tls_close(struct io *io);

const struct io_ops tls_io = { tls_read, tls_write, tls_shutdown, tls_close };

// ---- the handshake ------------------------------------------------------------------------------

enum tls_step tls_handshake(struct io_pool *pool, struct io *io)
{
    struct tls *tls = io->tls;
    if (!begin(tls, pool, io, SIZE_MAX)) {
        tls->sys = ENOMEM;
        return TLS_FAILED;
    }
    int result = SSL_do_handshake(tls->ssl);
    bool waits = result != 1 && wants_more(tls, result);
    if (result != 1 && !waits)
        note_failure(tls, result);
    if (!flush_wire(pool, io) && !tls->is_broken) {
        tls->is_broken = true;
        tls->sys = errno;
    }
    if (tls->is_broken || tls->has_ended) {
        tls->sys = tls->sys ? tls->sys : ECONNRESET;
        return TLS_FAILED;
    }
    if (waits)
        return TLS_WAIT;
    // Also for a resumed session, which carries the result of its first handshake.
    if (!SSL_is_server(tls->ssl) && SSL_get_verify_result(tls->ssl) != X509_V_OK) {
        tls->is_broken = true;
        tls->sys = EPROTO;
        return TLS_FAILED;
    }
    return TLS_DONE;
}

bool tls_is_beginning(const struct tls *tls)
{
    return tls && !SSL_is_init_finished(tls->ssl);
}

bool tls_is_resumed(const struct tls *tls)
{
    return SSL_session_reused(tls->ssl) == 1;
}

// ---- life ---------------------------------------------------------------------------------------

static struct tls *tls_new(struct io *io, SSL *ssl)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_wire_method);
    struct tls *tls = calloc(1, sizeof(*tls));
    BIO *bio = BIO_new(wire_method);
    if (!ssl || !tls || !bio) {
        ERR_clear_error();
        SSL_free(ssl);
        BIO_free(bio);
        free(tls);
        return NULL;
    }
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, (char *)tls);
    // One recv(2) takes the header and the record, and the next ones with them.
    SSL_set_read_ahead(ssl, 1);
    // An idle session has no buffers: 34 KiB less. (SSL_free_buffers at rest leaves holes in the
    // heap, and is not safe in every OpenSSL: CVE-2024-4741.)
    SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    tls->ssl = ssl;
    io->tls = tls;
    return tls;
}

struct tls *tls_to_server(
    struct io *io, const struct tls_trust *trust, const char *host, struct tickets *tickets)
{
    struct tls *tls = tls_new(io, tls_trust_session(trust, host));
    if (!tls)
        return NULL;
    SSL_set_connect_state(tls->ssl);
    tls->began_us = clock_us();
    tls->tickets = tickets;
    tls->tickets_generation = tickets ? tickets->generation : 0;
    SSL_SESSION *session = tickets ? tickets_take(tickets) : NULL;
    if (session) {
        (void)SSL_set_session(tls->ssl, session); // refused: a full handshake
        SSL_SESSION_free(session);
        ERR_clear_error();
    }
    return tls;
}

struct tls *tls_to_client(
    struct io *io, const struct tls_identity *identity, const uint8_t *early, size_t early_len)
{
    struct tls *tls = tls_new(io, tls_identity_session(identity));
    if (!tls)
        return NULL;
    SSL_set_accept_state(tls->ssl);
    tls->early = early;
    tls->early_len = early_len;
    return tls;
}

static void tls_close(struct io *io)
{
    struct tls *tls = io->tls;
    // A session that is not shut down must stay resumable: SSL_set_shutdown(3).
    SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls->ssl);
    free(tls->doubt);
    free(tls);
    io->tls = NULL;
    close(io->fd);
    io->fd = -1;
}
