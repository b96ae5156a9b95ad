// SPDX-License-Identifier: Apache-2.0
//
// The control API for loop tests, on evhttp and OpenSSL. Digest: RFC 7616 with MD5 and qop=auth,
// which is what TiDB Cloud offers.
#include "cloud.h"

#include "base/loop.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char cloud_public_key[] = "PUBLIC7X";
const char cloud_private_key[] = "secret-4711-private";

struct cloud {
    struct loop *loop;
    struct evhttp *http;
    SSL_CTX *tls;
    cloud_fn fn;
    void *arg;
    char url[64];
    char ca_path[64];
    unsigned challenges, served, generation;
    bool say_stale;
    const char *method; // of the request under way
    char body[1024];
};

static void must(bool held, const char *what)
{
    if (held)
        return;
    fprintf(stderr, "cloud: %s failed\n", what);
    abort();
}

// ---- certificate ------------------------------------------------------------------------------

static void make_certificate(struct cloud *cloud)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(
        name, "CN", MBSTRING_ASC, (const unsigned char *)"test cloud", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1,DNS:cloud.test");
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    must(X509_sign(certificate, key, EVP_sha256()) != 0, "X509_sign");
    must(SSL_CTX_use_certificate(cloud->tls, certificate) == 1, "SSL_CTX_use_certificate");
    must(SSL_CTX_use_PrivateKey(cloud->tls, key) == 1, "SSL_CTX_use_PrivateKey");
    snprintf(cloud->ca_path, sizeof(cloud->ca_path), "/tmp/tidblink-test-ca-XXXXXX");
    int fd = mkstemp(cloud->ca_path);
    must(fd >= 0, "mkstemp");
    FILE *file = fdopen(fd, "w");
    PEM_write_X509(file, certificate);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
    struct cloud *cloud = arg;
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        base, -1, SSL_new(cloud->tls), BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

// ---- digest -----------------------------------------------------------------------------------

static void md5_hex(const char *text, char out[33])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    must(EVP_Digest(text, strlen(text), digest, &len, EVP_md5(), NULL) == 1, "EVP_Digest");
    for (unsigned i = 0; i < len; i++)
        snprintf(out + 2 * (size_t)i, 3, "%02x", digest[i]);
}

// The value of one parameter of the Authorization header, quoted or not.
static bool parameter(const char *header, const char *name, char *out, size_t size)
{
    char start[32];
    snprintf(start, sizeof(start), " %s=", name);
    const char *at = strstr(header, start);
    if (at == NULL)
        return false;
    at += strlen(start);
    bool quoted = *at == '"';
    at += quoted;
    snprintf(out, size, "%.*s", (int)strcspn(at, quoted ? "\"" : ", "), at);
    return true;
}

static void current_nonce(const struct cloud *cloud, char out[32])
{
    snprintf(out, 32, "nonce-of-generation-%u", cloud->generation);
}

static bool is_authentic(const struct cloud *cloud, const char *header, const char *uri)
{
    char nonce[64];
    char nc[16];
    char cnonce[128];
    char response[64];
    char named_uri[2048];
    char user[64];
    char expected_nonce[32];
    current_nonce(cloud, expected_nonce);
    if (header == NULL || !parameter(header, "nonce", nonce, sizeof(nonce)) ||
        !parameter(header, "nc", nc, sizeof(nc)) ||
        !parameter(header, "cnonce", cnonce, sizeof(cnonce)) ||
        !parameter(header, "uri", named_uri, sizeof(named_uri)) ||
        !parameter(header, "username", user, sizeof(user)) ||
        !parameter(header, "response", response, sizeof(response)) ||
        strcmp(nonce, expected_nonce) != 0 || strcmp(named_uri, uri) != 0 ||
        strcmp(user, cloud_public_key) != 0)
        return false;
    char text[4096];
    char ha1[33];
    char ha2[33];
    char expected[33];
    snprintf(text, sizeof(text), "%s:tidb:%s", user, cloud_private_key);
    md5_hex(text, ha1);
    snprintf(text, sizeof(text), "%s:%s", cloud->method, uri);
    md5_hex(text, ha2);
    snprintf(text, sizeof(text), "%s:%s:%s:%s:auth:%s", ha1, nonce, nc, cnonce, ha2);
    md5_hex(text, expected);
    return strcmp(expected, response) == 0;
}

static void challenge(
    struct cloud *cloud, struct evhttp_request *request, const char *authorization)
{
    char nonce[32];
    char header[160];
    current_nonce(cloud, nonce);
    bool stale = authorization != NULL && strstr(authorization, nonce) == NULL;
    snprintf(header, sizeof(header), "Digest realm=\"tidb\", nonce=\"%s\", qop=\"auth\"%s", nonce,
        stale && cloud->say_stale ? ", stale=true" : "");
    cloud->challenges++;
    evhttp_add_header(evhttp_request_get_output_headers(request), "WWW-Authenticate", header);
    struct evbuffer *body = evbuffer_new();
    evbuffer_add_printf(body, "{\"code\":49900001,\"message\":\"public_key not found\"}");
    evhttp_send_reply(request, 401, "Unauthorized", body);
    evbuffer_free(body);
}

// ---- requests ---------------------------------------------------------------------------------

static const char *method_name(enum evhttp_cmd_type command)
{
    return command == EVHTTP_REQ_POST ? "POST" : command == EVHTTP_REQ_DELETE ? "DELETE" : "GET";
}

static void read_body(struct cloud *cloud, struct evhttp_request *request)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    ssize_t len = evbuffer_copyout(body, cloud->body, sizeof(cloud->body) - 1);
    cloud->body[len > 0 ? len : 0] = '\0';
    const char *type =
        evhttp_find_header(evhttp_request_get_input_headers(request), "Content-Type");
    must(len <= 0 || (type != NULL && strcmp(type, "application/json") == 0), "Content-Type");
}

static void on_request(struct evhttp_request *request, void *arg)
{
    struct cloud *cloud = arg;
    cloud->method = method_name(evhttp_request_get_command(request));
    read_body(cloud, request);
    const char *uri = evhttp_request_get_uri(request);
    const char *authorization =
        evhttp_find_header(evhttp_request_get_input_headers(request), "Authorization");
    if (!is_authentic(cloud, authorization, uri)) {
        challenge(cloud, request, authorization);
        return;
    }
    cloud->served++;
    struct cloud_reply reply = cloud->fn(cloud->arg, uri);
    if (reply.status == 0)
        return;
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    for (size_t i = 0; i < 4 && reply.headers[i][0] != NULL; i++)
        evhttp_add_header(headers, reply.headers[i][0], reply.headers[i][1]);
    if (evhttp_find_header(headers, "Content-Type") == NULL)
        evhttp_add_header(headers, "Content-Type", "application/json");
    struct evbuffer *body = evbuffer_new();
    size_t len = reply.body == NULL ? 0 : reply.len != 0 ? reply.len : strlen(reply.body);
    if (len > 0)
        evbuffer_add(body, reply.body, len);
    if (reply.cut) {
        char announced[32];
        snprintf(announced, sizeof(announced), "%zu", len + 100);
        evhttp_add_header(headers, "Content-Length", announced);
        evhttp_add_header(headers, "Connection", "close");
    }
    evhttp_send_reply(request, reply.status, "Test", body);
    evbuffer_free(body);
}

struct cloud *cloud_new(struct loop *loop, cloud_fn fn, void *arg)
{
    struct cloud *cloud = calloc(1, sizeof(*cloud));
    must(cloud != NULL, "calloc");
    cloud->loop = loop;
    cloud->fn = fn;
    cloud->arg = arg;
    cloud->say_stale = true;
    cloud->tls = SSL_CTX_new(TLS_server_method());
    make_certificate(cloud);
    cloud->http = evhttp_new(loop_base(loop));
    evhttp_set_bevcb(cloud->http, on_connection, cloud);
    evhttp_set_gencb(cloud->http, on_request, cloud);
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(cloud->http, "127.0.0.1", 0);
    must(bound != NULL, "bind");
    struct sockaddr_in addr = { 0 };
    socklen_t len = sizeof(addr);
    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&addr, &len);
    snprintf(cloud->url, sizeof(cloud->url), "https://127.0.0.1:%u", ntohs(addr.sin_port));
    return cloud;
}

void cloud_free(struct cloud *cloud)
{
    evhttp_free(cloud->http);
    SSL_CTX_free(cloud->tls);
    unlink(cloud->ca_path);
    free(cloud);
}

const char *cloud_url(const struct cloud *cloud)
{
    return cloud->url;
}

const char *cloud_ca_path(const struct cloud *cloud)
{
    return cloud->ca_path;
}

const char *cloud_method(const struct cloud *cloud)
{
    return cloud->method;
}

const char *cloud_body(const struct cloud *cloud)
{
    return cloud->body;
}

unsigned cloud_challenges(const struct cloud *cloud)
{
    return cloud->challenges;
}

unsigned cloud_served(const struct cloud *cloud)
{
    return cloud->served;
}

void cloud_forget_nonces(struct cloud *cloud, bool say_stale)
{
    cloud->generation++;
    cloud->say_stale = say_stale;
}
