// SPDX-License-Identifier: Apache-2.0
//
// Handshakes of ours with OpenSSL by hand on the far end: versions, bytes that came early, sessions
// to resume, and certificates that are accepted or turned down for what they are.
#include "base/err.h"
#include "tests/loop/proxy_fixture.h"
#include "tests/loop/tls_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// ---- the handshake ------------------------------------------------------------------------------

static void test_old_versions(void **state)
{
    (void)state;
    static const struct pair_way old[] = { { TLS1_1_VERSION, true }, { TLS1_1_VERSION, false } };
    for (size_t w = 0; w < 2; w++) {
        pair_open();
        pair_open_tls(&old[w]);
        assert_int_equal(pair_shake(), TLS_FAILED);
        assert_true(tls_is_beginning(pair.ours.tls));
        assert_int_equal(pair.ours.tls->sys, EPROTO);
        int reason = ERR_GET_REASON(pair.ours.tls->error);
        assert_true(
            reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
        pair_stop();
    }
}

// Of the ClientHello: in one piece with what asks for TLS, in two, and byte by byte.
static void test_early_bytes(void **state)
{
    (void)state;
    uint8_t hello[2048];
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
        for (size_t kind = 0; kind < 4; kind++) {
            pair_open();
            SSL_CTX *context = context_as_client(version);
            end_open_tls(&pair.peer, context, false);
            SSL_CTX_free(context);
            assert_int_equal(SSL_do_handshake(pair.peer.ssl), -1);
            ERR_clear_error();
            size_t len = pair_steal_wire(hello, sizeof(hello));
            const size_t early[] = { len, len / 2, 1, 3 };
            assert_non_null(tls_to_client(&pair.ours, pair.identity, hello, early[kind]));
            assert_int_equal(
                tls_handshake(&pair.pool, &pair.ours), TLS_WAIT); // also if it has the whole of it
            assert_int_equal(pair.ours.tls->early_len, 0);
            for (size_t i = early[kind]; i < len; i++) {
                pair_send_wire(hello + i, 1);
                assert_int_equal(tls_handshake(&pair.pool, &pair.ours), TLS_WAIT);
            }
            pair.peer.piece = 1;
            assert_int_equal(pair_shake(), TLS_DONE);
            pair_both_ways();
            pair_stop();
        }
}

static void test_no_tls_at_all(void **state)
{
    (void)state;
    for (size_t w = 0; w < PAIR_WAYS; w++)
        for (int ends = 0; ends < 2; ends++) {
            pair_open();
            pair_open_tls(&pair_ways[w]);
            assert_int_equal(tls_handshake(&pair.pool, &pair.ours), TLS_WAIT);
            if (ends)
                shutdown(pair.peer.fd, SHUT_WR);
            else
                pair_send_wire((const uint8_t *)"\x07\0\0\2\0\0\0\2\0\0\0", 11); // MySQL's OK
            assert_int_equal(tls_handshake(&pair.pool, &pair.ours), TLS_FAILED);
            assert_int_equal(pair.ours.tls->sys, ends ? ECONNRESET : EPROTO);
            assert_null(pair.ours.tls->doubt);
            io_shutdown(&pair.pool, &pair.ours);
            pair_stop();
        }
}

// ---- tickets ------------------------------------------------------------------------------------

// Connects with one context of the server's, so that it knows its own tickets again.
static bool connect_again(SSL_CTX *context)
{
    pair_open();
    end_open_tls(&pair.peer, context, true);
    assert_non_null(tls_to_server(&pair.ours, pair.trust, WORLD_HOST, &pair.tickets));
    assert_int_equal(pair_shake(), TLS_DONE);
    pair_expect_wait();
    pair_both_ways();
    bool is_resumed = tls_is_resumed(pair.ours.tls);
    assert_int_equal(SSL_session_reused(pair.peer.ssl), is_resumed);
    io_close(&pair.pool, &pair.ours);
    end_close(&pair.peer);
    return is_resumed;
}

static void test_sessions_are_resumed(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *context = context_as_server(&pair.world.server, version);
        assert_false(connect_again(context));
        assert_int_equal(pair.tickets.count, version == TLS1_3_VERSION ? 2 : 1);
        for (int i = 0; i < TICKETS_MAX; i++)
            assert_true(connect_again(context));
        assert_true(pair.tickets.count <= TICKETS_MAX);
        tickets_empty(&pair.tickets);
        assert_int_equal(pair.tickets.count, 0);
        assert_false(connect_again(context));
        tickets_empty(&pair.tickets);
        SSL_CTX_free(context);
    }
}

static void test_a_ticket_is_used_once(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        const struct pair_way way = { version, true };
        pair_start(&way);
        SSL_SESSION *first = tickets_take(&pair.tickets), *second = tickets_take(&pair.tickets),
                    *third = tickets_take(&pair.tickets);
        assert_non_null(first);
        assert_true((first == second) == (version == TLS1_2_VERSION));
        assert_true((third == NULL) == (version == TLS1_3_VERSION));
        SSL_SESSION_free(first);
        SSL_SESSION_free(second);
        SSL_SESSION_free(third);
        pair_stop();
    }
}

// What comes on a connection of before they were emptied was verified by other rules.
static void test_tickets_of_before(void **state)
{
    (void)state;
    static const struct pair_way way = { TLS1_3_VERSION, true };
    pair_start(&way);
    tickets_empty(&pair.tickets);
    assert_int_equal(SSL_new_session_ticket(pair.peer.ssl), 1);
    pair_peer_works();
    pair_expect_wait();
    assert_int_equal(pair.tickets.count, 0);
    pair_stop();
    pair_start(&way);
    for (int i = 0; i < 2 * TICKETS_MAX; i++) {
        assert_int_equal(SSL_new_session_ticket(pair.peer.ssl), 1);
        pair_peer_works();
        pair_expect_wait();
    }
    assert_int_equal(pair.tickets.count, TICKETS_MAX);
    pair_stop();
}

// ---- certificates -------------------------------------------------------------------------------

enum signer { BY_CA, BY_OTHER, BY_ITSELF };

struct trust_case {
    const char *names; // in the certificate; NULL: a common name only
    const char *expected;
    enum signer signer;
    long from_s, until_s;
    bool any_name;
    int error; // X509_V_OK: accepted
    bool is_of_name;
    const char *shown; // of its names, when it is turned down
};

#define DAY 86400L
#define IS_OF_NAME .error = X509_V_ERR_HOSTNAME_MISMATCH, .is_of_name = true

static const struct trust_case trust_cases[] = {
    { .names = "DNS:db.test", .expected = "db.test" },
    { .names = "DNS:db.test", .expected = "DB.Test" },
    { .names = "DNS:db.test", .expected = "db.test." },
    { .names = "DNS:other.test,DNS:db.test", .expected = "db.test" },
    { .names = "DNS:*.a.test", .expected = "db.a.test" },
    { .names = "IP:127.0.0.1", .expected = "127.0.0.1" },
    { .names = "IP:::1", .expected = "::1" },
    { "DNS:other.test,IP:10.0.0.1", "db.test", IS_OF_NAME, .shown = "other.test, 10.0.0.1" },
    { "DNS:d*.test", "db.test", IS_OF_NAME, .shown = "d*.test" },
    { "DNS:*.test", "a.db.test", IS_OF_NAME, .shown = "*.test" },
    { "DNS:*.db.test", "db.test", IS_OF_NAME, .shown = "*.db.test" },
    { NULL, "db.test", IS_OF_NAME, .shown = "" },
    { "DNS:127.0.0.1", "127.0.0.1", .error = X509_V_ERR_IP_ADDRESS_MISMATCH, .is_of_name = true,
        .shown = "127.0.0.1" },
    { "IP:10.0.0.1", "127.0.0.1", .error = X509_V_ERR_IP_ADDRESS_MISMATCH, .is_of_name = true,
        .shown = "10.0.0.1" },
    { "DNS:db.test", "db.test", BY_CA, -2 * DAY, -DAY, .error = X509_V_ERR_CERT_HAS_EXPIRED,
        .shown = "db.test" },
    { "DNS:db.test", "db.test", BY_CA, DAY, 2 * DAY, .error = X509_V_ERR_CERT_NOT_YET_VALID,
        .shown = "db.test" },
    { "DNS:other.test", "db.test", BY_CA, -2 * DAY, -DAY, .error = X509_V_ERR_CERT_HAS_EXPIRED,
        .shown = "other.test" },
    { "DNS:db.test", "db.test", BY_OTHER, .error = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        .shown = "db.test" },
    { "DNS:other.test", "db.test", BY_OTHER, .error = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        .shown = "other.test" },
    { "DNS:db.test", "db.test", BY_ITSELF, .error = X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
        .shown = "db.test" },
    { "DNS:other.test", "db.test", .any_name = true },
    { NULL, "db.test", .any_name = true },
    { "DNS:other.test", "db.test", BY_OTHER, .any_name = true,
        .error = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, .shown = "other.test" },
    { "DNS:other.test", "db.test", BY_CA, -2 * DAY, -DAY, .any_name = true,
        .error = X509_V_ERR_CERT_HAS_EXPIRED, .shown = "other.test" },
};

// A session to a server with this certificate; pair_stop ends it.
static enum tls_step try_trust(
    const struct tls_trust *trust, const char *host, const struct cert *cert, int version)
{
    SSL_CTX *context = context_as_server(cert, version);
    pair_open();
    end_open_tls(&pair.peer, context, true);
    SSL_CTX_free(context);
    assert_non_null(tls_to_server(&pair.ours, trust, host, &pair.tickets));
    return pair_shake();
}

static struct tls_trust *open_trust(const struct tls_trust_plan *plan)
{
    struct err err;
    struct tls_trust *trust = tls_trust_open(plan, &err);
    if (!trust)
        fail_msg("%s", err.text);
    return trust;
}

static void check_doubt(const struct trust_case *of, enum tls_step step)
{
    const struct tls_doubt *doubt = pair.ours.tls->doubt;
    if (of->error == X509_V_OK) {
        if (step != TLS_DONE)
            fail_msg("%s is not accepted for %s: %s", of->names, of->expected,
                doubt ? X509_verify_cert_error_string(doubt->error) : "not of its certificate");
        assert_null(doubt);
        return;
    }
    if (step != TLS_FAILED)
        fail_msg("%s is accepted for %s", of->names, of->expected);
    assert_int_equal(pair.ours.tls->sys, EPROTO);
    assert_non_null(doubt);
    assert_int_equal(doubt->error, of->error);
    assert_int_equal(doubt->is_of_name, of->is_of_name);
    assert_true(doubt->is_of_server);
    assert_string_equal(doubt->names, of->shown);
    assert_int_equal(strlen(doubt->expires), 10);
    assert_non_null(strstr(doubt->issuer, of->signer == BY_OTHER    ? "Other CA"
                                          : of->signer == BY_ITSELF ? "server"
                                                                    : "Test CA"));
}

static void test_certificates(void **state)
{
    (void)state;
    const struct cert_plan other_plan = { .cn = "Other CA", .is_ca = true };
    struct cert other = cert_make(&other_plan);
    for (size_t i = 0; i < sizeof(trust_cases) / sizeof(trust_cases[0]); i++) {
        const struct trust_case *of = &trust_cases[i];
        const struct cert *const signers[] = { &pair.world.ca, &other, NULL };
        const struct cert_plan plan = { of->names ? "server" : "db.test", of->names,
            signers[of->signer], of->from_s, of->until_s, false };
        struct cert cert = cert_make(&plan);
        const struct tls_trust_plan rules = { .ca = pair.world.ca_path, .any_name = of->any_name };
        struct tls_trust *trust = open_trust(&rules);
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            check_doubt(of, try_trust(trust, of->expected, &cert, version));
            assert_true(of->error == X509_V_OK || pair.tickets.count == 0);
            pair_stop();
        }
        tls_trust_unref(trust);
        cert_free(&cert);
    }
    cert_free(&other);
}

// tls-server-name: in place of the host's own.
static void test_other_names(void **state)
{
    (void)state;
    static const char *const names[] = { "none.test", "db.test" };
    static const char *const ip[] = { "127.0.0.1" };
    const struct tls_trust_plan plans[] = {
        { .ca = pair.world.ca_path, .names = names, .name_count = 2 },
        { .ca = pair.world.ca_path, .names = ip, .name_count = 1 },
        { .ca = pair.world.ca_path, .names = names, .name_count = 1 },
    };
    for (int i = 0; i < 3; i++) {
        struct tls_trust *trust = open_trust(&plans[i]);
        const char *host = i == 2 ? WORLD_HOST : "elsewhere.test";
        enum tls_step step = try_trust(trust, host, &pair.world.server, 0);
        assert_int_equal(step, i == 2 ? TLS_FAILED : TLS_DONE);
        const char *sni = SSL_get_servername(pair.peer.ssl, TLSEXT_NAMETYPE_host_name);
        if (i == 1)
            assert_null(sni); // RFC 6066, section 3: an address is no name
        else
            assert_string_equal(sni, "none.test");
        pair_stop();
        tls_trust_unref(trust);
    }
}

static void expect_no_trust(const char *path, const char *words)
{
    struct err err = { 0 };
    const struct tls_trust_plan plan = { .ca = path };
    assert_null(tls_trust_open(&plan, &err));
    assert_int_equal(err.code, ERR_OPTION);
    if (!strstr(err.text, words) || !strstr(err.text, path))
        fail_msg("\"%s\" does not say \"%s\" of %s", err.text, words, path);
}

static void test_folders_and_files(void **state)
{
    (void)state;
    char folder[96], hidden[128], first[128], second[128], link[128];
    const struct cert_plan other_plan = { .cn = "Other CA", .is_ca = true };
    struct cert other = cert_make(&other_plan);
    snprintf(folder, sizeof(folder), "%s/folder", pair.world.folder);
    snprintf(hidden, sizeof(hidden), "%s/..data", folder);
    snprintf(first, sizeof(first), "%s/..data/ca.pem", folder);
    snprintf(second, sizeof(second), "%s/other", folder);
    snprintf(link, sizeof(link), "%s/ca.pem", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(mkdir(hidden, 0700), 0);
    expect_no_trust(folder, "no file in");
    cert_write(&pair.world.ca, first);
    expect_no_trust(folder, "no file in");
    assert_int_equal(symlink("..data/ca.pem", link), 0); // as Kubernetes mounts it
    cert_write(&other, second);
    const struct tls_trust_plan plan = { .ca = folder };
    struct tls_trust *trust = open_trust(&plan);
    assert_int_equal(try_trust(trust, WORLD_HOST, &pair.world.server, 0), TLS_DONE);
    pair_stop();
    tls_trust_unref(trust);
    expect_no_trust("/dev/null", "holds no CA certificate");
    expect_no_trust("/nonexistent/ca.pem", "cannot read");
    FILE *file = fopen(second, "w");
    fputs("not PEM\n", file);
    fclose(file);
    expect_no_trust(second, "holds no CA certificate");
    tls_trust_unref(open_trust(&plan)); // a mounted secret has other files, too
    unlink(first);
    unlink(link);
    unlink(second);
    rmdir(hidden);
    assert_int_equal(rmdir(folder), 0);
    cert_free(&other);
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_old_versions),
        cmocka_unit_test(test_early_bytes),
        cmocka_unit_test(test_no_tls_at_all),
        cmocka_unit_test(test_sessions_are_resumed),
        cmocka_unit_test(test_a_ticket_is_used_once),
        cmocka_unit_test(test_tickets_of_before),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_other_names),
        cmocka_unit_test(test_folders_and_files),
    };
    return cmocka_run_group_tests(tests, pair_setup, pair_teardown);
}
