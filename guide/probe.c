// SPDX-License-Identifier: Apache-2.0
//
// One connection to one address, step by step with a deadline for each, on a socket that is waited
// for with poll(2). probe.h says why it ends as it does.
#include "guide/probe.h"

#include "base/clock.h"
#include "base/net.h"
#include "base/os.h"
#include "proxy/io.h"
#include "proxy/mysql_login.h"
#include "proxy/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FAREWELL_MS = 2000,
    FAREWELL_ROUNDS = 8, // of an authentication that is about to be denied
    ANSWER_BYTES = 512,
    BUFFER_BYTES = 2 * IO_READ_MIN,
};

struct probe {
    struct io_pool pool;
    struct io io;
    uint8_t *bytes; // BUFFER_BYTES: what has been read and not taken yet
    size_t len;
    uint64_t until_ms;
    const char *server; // for texts
    struct probe_answer *out;
    struct err *err;
};

// ---- waiting, reading, writing ------------------------------------------------------------------

static bool wait_for(const struct probe *probe, short events)
{
    struct pollfd poll_fd = { .fd = probe->io.fd, .events = events };
    uint64_t now_ms = clock_ms();
    int left_ms = now_ms < probe->until_ms ? (int)(probe->until_ms - now_ms) : 0;
    int ready = poll(&poll_fd, 1, left_ms);
    return ready > 0 || (ready < 0 && errno == EINTR && wait_for(probe, events));
}

static void begin_step(struct probe *probe, uint64_t ms)
{
    probe->until_ms = clock_ms() + ms;
}

enum got { GOT_MORE, GOT_END, GOT_NOTHING };

// Waits for more bytes. NOTHING: not in time. Nobody sends more than IO_READ_MIN before the login.
static enum got read_more(struct probe *probe)
{
    if (probe->len >= IO_READ_MIN)
        return GOT_END;
    for (;;) {
        // First, as a TLS session may hold some already.
        ssize_t got =
            io_read(&probe->pool, &probe->io, probe->bytes + probe->len, BUFFER_BYTES - probe->len);
        if (got > 0) {
            probe->len += (size_t)got;
            return GOT_MORE;
        }
        if (got == 0 || !net_is_transient(errno))
            return GOT_END;
        if (!wait_for(probe, POLLIN))
            return GOT_NOTHING;
    }
}

static bool send_packet(
    struct probe *probe, uint8_t sequence, const uint8_t *payload, size_t payload_len)
{
    uint8_t packet[MYSQL_HEADER_BYTES + ANSWER_BYTES];
    mysql_write_header(packet, payload_len, sequence);
    memcpy(packet + MYSQL_HEADER_BYTES, payload, payload_len);
    // A fresh connection takes a few hundred bytes at once.
    return io_write(&probe->pool, &probe->io, packet, MYSQL_HEADER_BYTES + payload_len) &&
           !probe->io.owed;
}

// ---- connecting ---------------------------------------------------------------------------------

static bool fail_connect(struct probe *probe, int sys)
{
    if (sys == ETIMEDOUT) {
        err_set(probe->err, ERR_DIAL_TIMEOUT, "%s did not answer in time", probe->server);
        probe->err->sys = sys;
        return false;
    }
    return err_sys(probe->err, ERR_DIAL, sys, "cannot connect to %s", probe->server);
}

static bool open_connection(struct probe *probe, const struct addr *addr, uint64_t connect_ms)
{
    uint64_t began_us = clock_us();
    begin_step(probe, connect_ms);
    probe->io.fd = os_socket(addr->any.sa_family, SOCK_STREAM);
    if (probe->io.fd < 0)
        return fail_connect(probe, errno);
    net_nodelay(probe->io.fd);
    if (connect(probe->io.fd, &addr->any, addr->len) < 0 && errno != EINPROGRESS)
        return fail_connect(probe, errno);
    if (!wait_for(probe, POLLOUT))
        return fail_connect(probe, ETIMEDOUT);
    int sys = net_socket_error(probe->io.fd);
    if (sys)
        return fail_connect(probe, sys);
    probe->out->connected = true;
    probe->out->connect_us = clock_us() - began_us;
    return true;
}

// ---- the greeting -------------------------------------------------------------------------------

static void take(struct probe *probe, size_t len)
{
    probe->len -= len;
    memmove(probe->bytes, probe->bytes + len, probe->len);
}

// 0xff, the number, then the text; before the greeting there is no SQLSTATE, but some send it.
static bool fail_refused(struct probe *probe)
{
    struct probe_answer *out = probe->out;
    struct mysql_packet packet;
    const char *text = "";
    size_t text_len = 0;
    if (mysql_take(probe->bytes, probe->len, IO_READ_MIN, &packet) == MYSQL_TAKEN_WHOLE &&
        packet.len >= 3) {
        out->refusal = (uint16_t)(packet.payload[1] | packet.payload[2] << 8);
        text = (const char *)packet.payload + 3;
        text_len = packet.len - 3;
    }
    if (text_len > 6 && text[0] == '#') {
        text += 6;
        text_len -= 6;
    }
    snprintf(out->refusal_text, sizeof(out->refusal_text), "%.*s", (int)text_len, text);
    for (char *c = out->refusal_text; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return err_set(probe->err, ERR_GREETING, "%s refused the connection: error %u: %s",
        probe->server, out->refusal, out->refusal_text);
}

static bool fail_greeting(struct probe *probe, const char *what, int sys)
{
    err_set(probe->err, ERR_GREETING, "%s accepted the connection and %s", probe->server, what);
    probe->err->sys = sys;
    return false;
}

static bool read_greeting(struct probe *probe, uint64_t greeting_ms)
{
    struct probe_answer *out = probe->out;
    begin_step(probe, greeting_ms);
    for (;;) {
        enum got got = read_more(probe);
        if (got == GOT_NOTHING)
            return fail_greeting(probe, "sent no whole greeting in time", ETIMEDOUT);
        if (got == GOT_END)
            return fail_greeting(probe, "closed it before its greeting", ECONNRESET);
        switch (mysql_read_greeting(probe->bytes, probe->len, &out->greeting)) {
        case MYSQL_FIRST_MORE:
            break;
        case MYSQL_FIRST_ERR:
            return fail_refused(probe);
        case MYSQL_FIRST_OTHER:
            return fail_greeting(probe, "answered what no MySQL server does", EPROTO);
        case MYSQL_FIRST_GREETING:
            out->greeted = true;
            take(probe, out->greeting.packet_bytes);
            return true;
        }
    }
}

// ---- TLS ----------------------------------------------------------------------------------------

// The head of a HandshakeResponse41, which alone is an SSLRequest. MySQL takes the capabilities
// from the first packet and MariaDB some from the second, so both have the same.
static void write_head(uint8_t out[MYSQL_LOGIN_HEAD_BYTES], bool ssl)
{
    static const uint32_t wanted = MYSQL_PROTOCOL_41 | MYSQL_SECURE_CONNECTION | MYSQL_PLUGIN_AUTH;
    const uint32_t capabilities = wanted | (ssl ? MYSQL_SSL : 0);
    memset(out, 0, MYSQL_LOGIN_HEAD_BYTES);
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(capabilities >> (8 * i));
    out[7] = 1;  // packets of up to 16 MiB
    out[8] = 46; // utf8mb4_bin
}

static bool fail_tls(struct probe *probe, const char *reason)
{
    return err_set(probe->err, ERR_TLS, "TLS with %s failed: %.200s", probe->server, reason);
}

static const char *why_broken(const struct tls *tls)
{
    const char *reason = tls->error ? ERR_reason_error_string(tls->error) : NULL;
    if (reason)
        return reason;
    return tls->has_ended ? "the server closed the connection" : err_errno_text(tls->sys);
}

static enum tls_step shake_hands(struct probe *probe)
{
    enum tls_step step;
    while ((step = tls_handshake(&probe->pool, &probe->io)) == TLS_WAIT)
        if (!wait_for(probe, POLLIN))
            break;
    return step;
}

// The certificate is judged behind the handshake, not in it: a server that is left with an alert
// counts a broken handshake, and a certificate that is not the right one is worth seeing. Nothing
// secret is sent.
static bool secure(
    struct probe *probe, const struct tls_trust *trust, const char *host, uint64_t greeting_ms)
{
    uint8_t head[MYSQL_LOGIN_HEAD_BYTES];
    struct probe_answer *out = probe->out;
    begin_step(probe, greeting_ms);
    if (!(out->greeting.capabilities & MYSQL_SSL))
        return fail_tls(probe, "the server offers none");
    write_head(head, true);
    if (!send_packet(probe, 1, head, sizeof(head)))
        return fail_tls(probe, err_errno_text(errno));
    struct tls *tls = tls_to_server(&probe->io, trust, host, NULL);
    if (!tls)
        return err_set(probe->err, ERR_MEMORY, "out of memory");
    SSL_set_verify(tls->ssl, SSL_VERIFY_NONE, SSL_get_verify_callback(tls->ssl));
    enum tls_step step = shake_hands(probe);
    if (step == TLS_WAIT)
        return fail_tls(probe, "the server did not answer in time");
    out->secured = SSL_is_init_finished(tls->ssl);
    if (out->secured) {
        snprintf(out->protocol, sizeof(out->protocol), "%s", SSL_get_version(tls->ssl));
        probe_read_certificate(tls->ssl, &out->certificate);
    }
    if (tls->doubt)
        out->doubt = *tls->doubt;
    if (step == TLS_DONE)
        return true;
    tls->is_broken = tls->is_broken && !out->secured; // so that the farewell can be said
    return fail_tls(
        probe, tls->doubt ? X509_verify_cert_error_string(tls->doubt->error) : why_broken(tls));
}

// ---- the farewell -------------------------------------------------------------------------------

static size_t write_login(uint8_t out[ANSWER_BYTES], const struct probe *probe)
{
    static const char user[] = "tidblink-probe";
    const char *plugin = probe->out->greeting.plugin;
    size_t at = MYSQL_LOGIN_HEAD_BYTES;
    write_head(out, probe->io.tls != NULL);
    memcpy(out + at, user, sizeof(user));
    at += sizeof(user);
    out[at++] = 0; // no password
    memcpy(out + at, plugin, strlen(plugin) + 1);
    return at + strlen(plugin) + 1;
}

static bool read_packet(struct probe *probe, struct mysql_packet *out)
{
    enum mysql_taken taken;
    while ((taken = mysql_take(probe->bytes, probe->len, IO_READ_MIN, out)) == MYSQL_TAKEN_MORE)
        if (read_more(probe) != GOT_MORE)
            return false;
    return taken == MYSQL_TAKEN_WHOLE;
}

// Until it is denied. A server that lets anybody in is left as one leaves it.
static void be_denied(struct probe *probe)
{
    static const uint8_t nothing[] = { 0 }, quit[] = { 1 };
    uint8_t login[ANSWER_BYTES];
    struct mysql_packet packet;
    bool sent = send_packet(probe, probe->io.tls ? 2 : 1, login, write_login(login, probe));
    for (int round = 0; sent && round < FAREWELL_ROUNDS && read_packet(probe, &packet); round++) {
        uint8_t first = packet.len ? packet.payload[0] : MYSQL_ERR;
        uint8_t next = (uint8_t)(packet.sequence + 1);
        take(probe, MYSQL_HEADER_BYTES + packet.len);
        if (first == MYSQL_OK)
            (void)send_packet(probe, 0, quit, sizeof(quit));
        if (first != MYSQL_AUTH_SWITCH && first != MYSQL_MORE_DATA)
            return;
        sent = send_packet(probe, next, nothing, sizeof(nothing));
    }
}

// What the server still sends is read: closing with bytes unread would be a reset.
static void leave(struct probe *probe)
{
    bool is_whole = !tls_is_beginning(probe->io.tls);
    begin_step(probe, FAREWELL_MS);
    if (probe->out->greeted && is_whole) {
        if (!probe->out->greeting.is_tidb)
            be_denied(probe);
        io_shutdown(&probe->pool, &probe->io);
        do
            probe->len = 0;
        while (read_more(probe) == GOT_MORE && clock_ms() < probe->until_ms);
    }
    io_close(&probe->pool, &probe->io);
}

bool probe_address(const struct addr *addr, uint64_t connect_ms, uint64_t greeting_ms,
    const struct tls_trust *trust, const char *host, struct probe_answer *out, struct err *err)
{
    char server[ADDR_TEXT_BYTES];
    *out = (struct probe_answer){ 0 };
    struct probe probe = { .io.fd = -1,
        .bytes = malloc(BUFFER_BYTES),
        .server = addr_format(addr, server),
        .out = out,
        .err = err };
    if (!probe.bytes)
        return err_set(err, ERR_MEMORY, "out of memory");
    bool done = open_connection(&probe, addr, connect_ms) && read_greeting(&probe, greeting_ms) &&
                (!trust || secure(&probe, trust, host, greeting_ms));
    leave(&probe);
    free(probe.bytes);
    io_pool_done(&probe.pool);
    return done;
}
