// SPDX-License-Identifier: Apache-2.0
#include "bench/wire.h"

#include "bench/common.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { SESSIONS_MAX = 256 };

// A ticket of TLS 1.3 is used once (RFC 8446, C.4); the newest first.
static struct {
    SSL_SESSION *kept[SESSIONS_MAX];
    unsigned count;
    bool resumes;
} sessions;

static _Noreturn void die_tls(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, wire_error());
    exit(1);
}

const char *wire_error(void)
{
    unsigned long error = ERR_get_error();
    const char *reason = ERR_reason_error_string(error);
    ERR_clear_error();
    return reason ? reason : "the connection ended";
}

static SSL_CTX *make(const SSL_METHOD *method)
{
    static const struct sigaction ignores = { .sa_handler = SIG_IGN };
    SSL_CTX *context = SSL_CTX_new(method);
    if (!context || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1)
        die_tls("SSL_CTX_new");
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_read_ahead(context, 1);
    sigaction(SIGPIPE, &ignores, NULL); // OpenSSL calls write(2)
    return context;
}

SSL_CTX *wire_server(const char *cert, const char *key, unsigned tickets)
{
    SSL_CTX *context = make(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(context, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        die_tls(cert);
    SSL_CTX_set_num_tickets(context, tickets);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return context;
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    if (sessions.count == SESSIONS_MAX)
        SSL_SESSION_free(sessions.kept[--sessions.count]);
    sessions.kept[sessions.count++] = session;
    return 1;
}

SSL_CTX *wire_client(const char *ca, bool resumes)
{
    SSL_CTX *context = make(TLS_client_method());
    if (SSL_CTX_load_verify_file(context, ca) != 1 ||
        X509_VERIFY_PARAM_set1_ip_asc(SSL_CTX_get0_param(context), "127.0.0.1") != 1)
        die_tls(ca);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    sessions.resumes = resumes;
    if (resumes) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(context, on_session);
    }
    return context;
}

SSL *wire_begin(SSL_CTX *context, int fd, bool is_server)
{
    SSL *ssl = SSL_new(context);
    if (!ssl || SSL_set_fd(ssl, fd) != 1)
        die_tls("SSL_new");
    if (is_server) {
        SSL_set_accept_state(ssl);
        return ssl;
    }
    SSL_set_connect_state(ssl);
    if (sessions.resumes && sessions.count > 0) {
        SSL_SESSION *session = sessions.kept[--sessions.count];
        if (SSL_SESSION_is_resumable(session))
            (void)SSL_set_session(ssl, session);
        SSL_SESSION_free(session);
    }
    return ssl;
}

void wire_end(SSL *ssl)
{
    if (!ssl)
        return;
    // A session that was not shut down is not resumed: SSL_set_shutdown(3).
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
}

enum wire_step wire_handshake(SSL *ssl)
{
    int result = SSL_do_handshake(ssl);
    if (result == 1)
        return WIRE_DONE;
    return SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ ? WIRE_WAIT : WIRE_FAILED;
}

// Nothing was moved: why?
static ssize_t stopped(SSL *ssl, int result)
{
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        ERR_clear_error();
        errno = errno ? errno : ECONNRESET;
        return -1;
    default:
        ERR_clear_error();
        errno = EPROTO;
        return -1;
    }
}

ssize_t wire_recv(SSL *ssl, int fd, void *out, size_t len)
{
    if (!ssl)
        return recv(fd, out, len, 0);
    size_t done = 0;
    do {
        int got = SSL_read(ssl, (char *)out + done, (int)(len - done));
        if (got <= 0)
            return done ? (ssize_t)done : stopped(ssl, got);
        done += (size_t)got;
    } while (done < len && SSL_has_pending(ssl));
    return (ssize_t)done;
}

ssize_t wire_send(SSL *ssl, int fd, const void *bytes, size_t len)
{
    if (!ssl)
        return send(fd, bytes, len, MSG_NOSIGNAL);
    size_t done = 0;
    while (done < len) {
        int sent = SSL_write(ssl, (const char *)bytes + done, (int)(len - done));
        if (sent <= 0)
            return done ? (ssize_t)done : stopped(ssl, sent);
        done += (size_t)sent;
    }
    return (ssize_t)done;
}

bool wire_has_more(SSL *ssl)
{
    return ssl && SSL_has_pending(ssl);
}
