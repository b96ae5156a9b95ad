// SPDX-License-Identifier: Apache-2.0
//
// Certificates, far ends and packets for the loop tests of TLS.
#include "tests/loop/tls_world.h"

#include "base/os.h"
#include "tests/loop/proxy_fixture.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

// ---- certificates -------------------------------------------------------------------------------

static void add_extension(X509 *x509, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

struct cert cert_make(const struct cert_plan *plan)
{
    static long serial = 1;
    struct cert cert = { X509_new(), EVP_EC_gen("P-256") };
    const struct cert *issuer = plan->issuer ? plan->issuer : &cert;
    bool has_times = plan->from_s || plan->until_s;
    X509_set_version(cert.x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert.x509), serial++);
    X509_gmtime_adj(X509_getm_notBefore(cert.x509), has_times ? plan->from_s : -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert.x509), has_times ? plan->until_s : 3600);
    X509_set_pubkey(cert.x509, cert.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert.x509), "CN", MBSTRING_ASC,
        (const unsigned char *)plan->cn, -1, -1, 0);
    X509_set_issuer_name(cert.x509, X509_get_subject_name(issuer->x509));
    if (plan->is_ca)
        add_extension(cert.x509, NID_basic_constraints, "critical,CA:TRUE");
    if (plan->names)
        add_extension(cert.x509, NID_subject_alt_name, plan->names);
    assert_true(X509_sign(cert.x509, issuer->key, EVP_sha256()) > 0);
    return cert;
}

void cert_free(struct cert *cert)
{
    X509_free(cert->x509);
    EVP_PKEY_free(cert->key);
    *cert = (struct cert){ 0 };
}

void cert_write(const struct cert *cert, const char *path)
{
    char fresh[128];
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    FILE *file = fopen(fresh, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, cert->x509), 1);
    fclose(file);
    assert_int_equal(rename(fresh, path), 0);
}

static SSL_CTX *make_context(const SSL_METHOD *method, int version)
{
    SSL_CTX *context = SSL_CTX_new(method);
    assert_non_null(context);
    if (version && version < TLS1_2_VERSION)
        SSL_CTX_set_security_level(context, 0); // OpenSSL has no older one otherwise
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    return context;
}

SSL_CTX *context_as_server(const struct cert *cert, int version)
{
    SSL_CTX *context = make_context(TLS_server_method(), version);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"test", 4);
    assert_int_equal(SSL_CTX_use_certificate(context, cert->x509), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, cert->key), 1);
    return context;
}

SSL_CTX *context_as_client(int version)
{
    return make_context(TLS_client_method(), version);
}

void world_make(struct world *world)
{
    snprintf(world->folder, sizeof(world->folder), "/tmp/tidblink-test-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->ca_path, sizeof(world->ca_path), "%s/ca.pem", world->folder);
    snprintf(world->rsa_path, sizeof(world->rsa_path), "%s/rsa.pem", world->folder);
    snprintf(world->socket_path, sizeof(world->socket_path), "%s/socket", world->folder);
    const struct cert_plan ca = { .cn = "Test CA", .is_ca = true };
    world->ca = cert_make(&ca);
    const struct cert_plan server = {
        .cn = "server", .names = "DNS:" WORLD_HOST ",IP:127.0.0.1", .issuer = &world->ca
    };
    world->server = cert_make(&server);
    world->as_server = context_as_server(&world->server, 0);
    world->as_client = context_as_client(0);
    cert_write(&world->ca, world->ca_path);
}

void world_free(struct world *world)
{
    cert_free(&world->ca);
    cert_free(&world->server);
    SSL_CTX_free(world->as_server);
    SSL_CTX_free(world->as_client);
    unlink(world->ca_path);
    unlink(world->rsa_path);
    unlink(world->socket_path);
    assert_int_equal(rmdir(world->folder), 0);
}

// ---- the far end of a socket --------------------------------------------------------------------

void end_open_tls(struct end *end, SSL_CTX *context, bool accepts)
{
    end->ssl = SSL_new(context);
    assert_non_null(end->ssl);
    SSL_set_bio(end->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (accepts)
        SSL_set_accept_state(end->ssl);
    else
        SSL_set_connect_state(end->ssl);
}

// False: the socket takes no more for now, or for good.
static bool send_some(struct end *end, int flags)
{
    char *bytes;
    BIO *out = SSL_get_wbio(end->ssl);
    size_t len = (size_t)BIO_get_mem_data(out, &bytes);
    if (!len)
        return false;
    if (end->piece && end->piece < len)
        len = end->piece;
    ssize_t sent = send(end->fd, bytes, len, flags | OS_SEND);
    for (ssize_t left = sent; left > 0;) {
        char gone[4096];
        int room = (int)sizeof(gone);
        int part = BIO_read(out, gone, left < room ? (int)left : room);
        assert_true(part > 0);
        left -= part;
    }
    return sent > 0;
}

// As recv(2).
static ssize_t receive_some(struct end *end, int flags)
{
    static char bytes[64 * 1024];
    ssize_t got = recv(end->fd, bytes, sizeof(bytes), flags);
    if (got > 0)
        assert_int_equal(BIO_write(SSL_get_rbio(end->ssl), bytes, (int)got), got);
    return got;
}

void end_push(struct end *end)
{
    while (send_some(end, 0))
        continue;
}

void end_pump(struct end *end)
{
    while (send_some(end, MSG_DONTWAIT))
        continue;
    while (receive_some(end, MSG_DONTWAIT) > 0)
        continue;
}

bool end_pull(struct end *end)
{
    struct pollfd wait = { .fd = end->fd, .events = POLLIN };
    assert_int_equal(poll(&wait, 1, FIXTURE_WAIT_MS), 1);
    return receive_some(end, 0) > 0;
}

bool end_step(struct end *end)
{
    end_pump(end);
    bool is_over = SSL_do_handshake(end->ssl) == 1;
    ERR_clear_error();
    end_pump(end);
    return is_over;
}

void end_handshake(struct end *end)
{
    for (;;) {
        int result = SSL_do_handshake(end->ssl);
        int what = SSL_get_error(end->ssl, result);
        end_push(end);
        if (result == 1)
            return;
        if (what != SSL_ERROR_WANT_READ)
            fail_msg("the handshake failed: %s", ERR_reason_error_string(ERR_get_error()));
        assert_true(end_pull(end));
    }
}

static void send_plain(struct end *end, const uint8_t *bytes, size_t len)
{
    size_t piece = end->piece ? end->piece : len;
    while (len) {
        ssize_t sent = send(end->fd, bytes, piece < len ? piece : len, OS_SEND);
        assert_true(sent > 0);
        bytes += sent;
        len -= (size_t)sent;
    }
}

void end_send(struct end *end, const void *bytes, size_t len)
{
    if (!end->ssl) {
        send_plain(end, bytes, len);
        return;
    }
    assert_int_equal(SSL_write(end->ssl, bytes, (int)len), len);
    end_push(end);
}

size_t end_take(struct end *end, void *out, size_t size)
{
    if (!end->ssl) {
        ssize_t got = recv(end->fd, out, size, 0);
        assert_true(got >= 0 || errno == ECONNRESET);
        return got > 0 ? (size_t)got : 0;
    }
    for (;;) {
        int got = SSL_read(end->ssl, out, (int)size);
        int what = SSL_get_error(end->ssl, got);
        ERR_clear_error();
        end_push(end);
        if (got > 0)
            return (size_t)got;
        if (what != SSL_ERROR_WANT_READ || !end_pull(end))
            return 0;
    }
}

void end_read(struct end *end, void *out, size_t len)
{
    for (size_t have = 0; have < len;) {
        size_t got = end_take(end, (char *)out + have, len - have);
        if (!got)
            fail_msg("read %zu of %zu bytes, then the end", have, len);
        have += got;
    }
}

void end_expect(struct end *end, const void *bytes, size_t len)
{
    static uint8_t seen[4096];
    for (size_t done = 0; done < len;) {
        size_t part = len - done < sizeof(seen) ? len - done : sizeof(seen);
        end_read(end, seen, part);
        assert_memory_equal(seen, (const uint8_t *)bytes + done, part);
        done += part;
    }
}

void end_expect_end(struct end *end)
{
    char byte;
    assert_int_equal(end_take(end, &byte, 1), 0);
}

void end_drain(struct end *end)
{
    char bytes[4096];
    ssize_t got;
    while ((got = recv(end->fd, bytes, sizeof(bytes), 0)) > 0)
        continue;
    assert_true(got == 0 || errno == ECONNRESET);
}

static void drop_ssl(struct end *end)
{
    SSL_free(end->ssl);
    end->ssl = NULL;
}

void end_close(struct end *end)
{
    drop_ssl(end);
    if (end->fd >= 0)
        close(end->fd);
    end->fd = -1;
}

void end_reset(struct end *end)
{
    drop_ssl(end);
    reset_socket(end->fd);
    end->fd = -1;
}

// ---- MySQL --------------------------------------------------------------------------------------

enum { HEADER_BYTES = 4 };

void packet_send(struct end *end, uint8_t sequence, const void *payload, size_t len)
{
    uint8_t bytes[HEADER_BYTES + PACKET_MAX];
    assert_true(len <= PACKET_MAX);
    bytes[0] = (uint8_t)len;
    bytes[1] = (uint8_t)(len >> 8);
    bytes[2] = 0;
    bytes[3] = sequence;
    memcpy(bytes + HEADER_BYTES, payload, len);
    end_send(end, bytes, HEADER_BYTES + len);
}

struct packet packet_take(struct end *end)
{
    struct packet packet = { 0 };
    uint8_t header[HEADER_BYTES];
    end_read(end, header, sizeof(header));
    packet.len = header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16;
    packet.sequence = header[3];
    assert_true(packet.len <= sizeof(packet.payload));
    end_read(end, packet.payload, packet.len);
    return packet;
}

void packet_expect(struct end *end, uint8_t sequence, const void *payload, size_t len)
{
    struct packet packet = packet_take(end);
    assert_int_equal(packet.sequence, sequence);
    assert_int_equal(packet.len, len);
    assert_memory_equal(packet.payload, payload, len);
}

void packet_expect_error(
    struct end *end, unsigned number, const char *state, uint8_t sequence, const char *words)
{
    struct packet packet = packet_take(end);
    assert_true(packet.len > 9 && packet.len < sizeof(packet.payload));
    packet.payload[packet.len] = 0;
    const char *text = (const char *)packet.payload + 9;
    assert_int_equal(packet.payload[0], 0xff);
    if ((packet.payload[1] | (unsigned)packet.payload[2] << 8) != number || !strstr(text, words))
        fail_msg("%u expected, and \"%s\", but seen %u: %s", number, words,
            packet.payload[1] | (unsigned)packet.payload[2] << 8, text);
    assert_int_equal(packet.payload[3], '#');
    assert_memory_equal(packet.payload + 4, state, 5);
    assert_int_equal(packet.sequence, sequence);
    end_expect_end(end);
}

size_t make_answer(uint8_t out[PACKET_MAX], bool has_tls, const char *plugin)
{
    // PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH and others; 16 MiB; utf8mb4.
    static const uint8_t head[SSL_REQUEST_BYTES] = { 0x85, 0xa2, 0x3a, 0x00, 0, 0, 0, 1, 45 };
    static const char body[] = "app\0\x03xyz"; // the user, and 3 bytes of scramble
    memcpy(out, head, sizeof(head));
    if (has_tls)
        out[PACKET_SSL_AT] |= PACKET_SSL;
    memcpy(out + sizeof(head), body, sizeof(body) - 1);
    size_t len = sizeof(head) + sizeof(body) - 1;
    memcpy(out + len, plugin, strlen(plugin) + 1);
    return len + strlen(plugin) + 1;
}
