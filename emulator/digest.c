// SPDX-License-Identifier: Apache-2.0
//
// Checks digest credentials against the world's keys and remembers the nonces that it gave out,
// with the counts seen for each: api.c refuses what this file does not accept. The loop's thread
// only.
#include "emulator/digest.h"

#include "base/clock.h"
#include "base/os.h"
#include "emulator/http.h"
#include "emulator/world.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NONCE_BYTES = 16, NONCES_MAX = 1000, NC_WINDOW = 64, HEX_BYTES = EVP_MAX_MD_SIZE * 2 + 1 };
#define REALM "tidbcloud"

struct nonce {
    TAILQ_ENTRY(nonce) link;
    char text[NONCE_BYTES * 2 + 1];
    uint64_t born_ms;
    uint32_t highest; // nc
    uint64_t seen;    // bit n: highest - n was used
};

struct digest {
    TAILQ_HEAD(, nonce) nonces; // the oldest first
    size_t count;
};

// The parameters of an Authorization header, unquoted; "" if absent.
struct credentials {
    char username[DIGEST_USERNAME_BYTES];
    char realm[64];
    char nonce[128];
    char uri[2048];
    char response[HEX_BYTES];
    char algorithm[32];
    char cnonce[256];
    char nc[9];
    char qop[16];
};

struct digest *digest_new(void)
{
    struct digest *digest = calloc(1, sizeof(*digest));
    if (!digest)
        abort();
    TAILQ_INIT(&digest->nonces);
    return digest;
}

static void forget(struct digest *digest, struct nonce *nonce)
{
    TAILQ_REMOVE(&digest->nonces, nonce, link);
    digest->count--;
    free(nonce);
}

void digest_free(struct digest *digest)
{
    struct nonce *nonce, *next;
    TAILQ_FOREACH_SAFE(nonce, &digest->nonces, link, next)
        forget(digest, nonce);
    free(digest);
}

const char *digest_verdict_text(enum digest_verdict verdict)
{
    static const char *const texts[] = { [DIGEST_OK] = "ok",
        [DIGEST_NONE] = "none",
        [DIGEST_MALFORMED] = "malformed",
        [DIGEST_WRONG_KEY] = "wrong key",
        [DIGEST_STALE] = "stale nonce",
        [DIGEST_REPLAYED] = "replayed nc" };
    return texts[verdict];
}

// ---- reading the header -------------------------------------------------------------------------

static bool store(struct credentials *creds, const char *name, size_t name_len, const char *value)
{
    const struct {
        const char *name;
        char *out;
        size_t size;
    } rows[] = {
        { "username", creds->username, sizeof(creds->username) },
        { "realm", creds->realm, sizeof(creds->realm) },
        { "nonce", creds->nonce, sizeof(creds->nonce) },
        { "uri", creds->uri, sizeof(creds->uri) },
        { "response", creds->response, sizeof(creds->response) },
        { "algorithm", creds->algorithm, sizeof(creds->algorithm) },
        { "cnonce", creds->cnonce, sizeof(creds->cnonce) },
        { "nc", creds->nc, sizeof(creds->nc) },
        { "qop", creds->qop, sizeof(creds->qop) },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strlen(rows[i].name) != name_len || strncasecmp(rows[i].name, name, name_len) != 0)
            continue;
        return !*rows[i].out &&
               (size_t)snprintf(rows[i].out, rows[i].size, "%s", value) < rows[i].size;
    }
    return true; // a parameter that is not known is ignored (RFC 7616, section 3.4)
}

// A token or a quoted-string (RFC 9110, section 5.6). Returns what follows, or NULL.
static const char *read_value(const char *at, char *out, size_t size)
{
    bool quoted = *at == '"';
    size_t len = 0;
    for (at += quoted; *at && (quoted ? *at != '"' : !strchr(", \t", *at)); at++) {
        if (quoted && *at == '\\' && at[1])
            at++;
        if (len + 1 == size)
            return NULL;
        out[len++] = *at;
    }
    out[len] = '\0';
    if (!quoted)
        return at;
    return *at == '"' ? at + 1 : NULL;
}

static bool read_credentials(const char *at, struct credentials *out)
{
    *out = (struct credentials){ 0 };
    char value[sizeof(out->uri)];
    for (at += strspn(at, ", \t"); *at; at += strspn(at, ", \t")) {
        const char *name = at;
        size_t name_len = strcspn(at, "= \t,");
        at += name_len;
        at += strspn(at, " \t");
        if (*at++ != '=')
            return false;
        at = read_value(at + strspn(at, " \t"), value, sizeof(value));
        if (!at || !store(out, name, name_len, value))
            return false;
    }
    return *out->username && *out->nonce && *out->uri && *out->response && *out->cnonce &&
           strlen(out->nc) == 8 && strspn(out->nc, "0123456789abcdefABCDEF") == 8 &&
           strcmp(out->qop, "auth") == 0;
}

// ---- computing ----------------------------------------------------------------------------------

static void hash(const EVP_MD *md, char out[HEX_BYTES], const char *format, ...) PRINTF_LIKE(3, 4);
static void hash(const EVP_MD *md, char out[HEX_BYTES], const char *format, ...)
{
    char *text = NULL;
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    va_list args;
    va_start(args, format);
    int text_len = os_vasprintf(&text, format, args);
    va_end(args);
    if (text_len < 0 || !EVP_Digest(text, (size_t)text_len, bytes, &len, md, NULL))
        abort();
    free(text);
    for (unsigned i = 0; i < len; i++)
        snprintf(out + (size_t)2 * i, 3, "%02x", bytes[i]);
}

// RFC 7616, section 3.4.1.
static bool is_right(
    const struct credentials *creds, const EVP_MD *md, const char *method, const char *private_key)
{
    char a1[HEX_BYTES], a2[HEX_BYTES], expected[HEX_BYTES];
    hash(md, a1, "%s:%s:%s", creds->username, REALM, private_key);
    hash(md, a2, "%s:%s", method, creds->uri);
    hash(md, expected, "%s:%s:%s:%s:%s:%s", a1, creds->nonce, creds->nc, creds->cnonce, creds->qop,
        a2);
    return strlen(expected) == strlen(creds->response) &&
           CRYPTO_memcmp(expected, creds->response, strlen(expected)) == 0;
}

static uint32_t read_hex(const char *digits) // eight of them, checked
{
    uint32_t number = 0;
    for (; *digits; digits++)
        number =
            number << 4 | (uint32_t)(*digits <= '9' ? *digits - '0' : (*digits | 0x20) - 'a' + 10);
    return number;
}

static const EVP_MD *offered(struct world *world, const char *algorithm)
{
    const char *wanted = *algorithm ? algorithm : "MD5";
    const cJSON *item = object_list(world_settings(world), "digests");
    while (item && strcasecmp(item->valuestring, wanted) != 0)
        item = item->next;
    if (!item)
        return NULL;
    return strcasecmp(wanted, "MD5") == 0 ? EVP_md5() : EVP_sha256();
}

static struct nonce *find_nonce(struct digest *digest, const char *text, uint64_t max_age_ms)
{
    struct nonce *nonce;
    uint64_t now_ms = clock_ms();
    TAILQ_FOREACH(nonce, &digest->nonces, link) {
        if (strcmp(nonce->text, text) == 0)
            return now_ms - nonce->born_ms < max_age_ms ? nonce : NULL;
    }
    return NULL;
}

// Each nc once. Requests that share a nonce on several connections may overtake each other, so a
// lower one is fine while it is within the window and new.
static bool count_once(struct nonce *nonce, uint32_t nc)
{
    if (nc > nonce->highest) {
        uint32_t ahead = nc - nonce->highest;
        nonce->seen = ahead < NC_WINDOW ? nonce->seen << ahead | 1 : 1;
        nonce->highest = nc;
        return true;
    }
    uint32_t behind = nonce->highest - nc;
    if (behind >= NC_WINDOW || nonce->seen >> behind & 1)
        return false;
    nonce->seen |= (uint64_t)1 << behind;
    return true;
}

enum digest_verdict digest_check(struct digest *digest, struct world *world,
    struct evhttp_request *request, struct digest_claim *out_claim)
{
    *out_claim = (struct digest_claim){ 0 };
    const char *header =
        evhttp_find_header(evhttp_request_get_input_headers(request), "Authorization");
    if (!header || strncasecmp(header, "Digest ", 7) != 0)
        return DIGEST_NONE;
    struct credentials creds;
    if (!read_credentials(header + 7, &creds) ||
        strcmp(creds.uri, evhttp_request_get_uri(request)) != 0 || strcmp(creds.realm, REALM) != 0)
        return DIGEST_MALFORMED;
    memcpy(out_claim->username, creds.username, sizeof(out_claim->username));
    out_claim->nc = read_hex(creds.nc);

    const EVP_MD *md = offered(world, creds.algorithm);
    const struct object *key = world_find(world, KIND_KEY, creds.username);
    if (!md)
        return DIGEST_MALFORMED;
    if (!key || !is_right(&creds, md, http_method(request), object_text(key, "privateKey")))
        return DIGEST_WRONG_KEY;
    struct nonce *nonce =
        find_nonce(digest, creds.nonce, object_ms(world_settings(world), "nonceSeconds"));
    if (!nonce)
        return DIGEST_STALE;
    return count_once(nonce, out_claim->nc) ? DIGEST_OK : DIGEST_REPLAYED;
}

// ---- challenging --------------------------------------------------------------------------------

static const struct nonce *new_nonce(struct digest *digest)
{
    struct nonce *nonce = calloc(1, sizeof(*nonce));
    unsigned char bytes[NONCE_BYTES];
    if (!nonce || RAND_bytes(bytes, sizeof(bytes)) != 1)
        abort();
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(nonce->text + 2 * i, 3, "%02x", bytes[i]);
    nonce->born_ms = clock_ms();
    TAILQ_INSERT_TAIL(&digest->nonces, nonce, link);
    if (++digest->count > NONCES_MAX)
        forget(digest, TAILQ_FIRST(&digest->nonces));
    return nonce;
}

void digest_challenge(
    struct digest *digest, struct world *world, struct evhttp_request *request, bool stale)
{
    const struct nonce *nonce = new_nonce(digest);
    for (const cJSON *algorithm = object_list(world_settings(world), "digests"); algorithm;
         algorithm = algorithm->next)
        http_header(request, "WWW-Authenticate",
            "Digest realm=\"" REALM "\", qop=\"auth\", algorithm=%s, nonce=\"%s\"%s",
            algorithm->valuestring, nonce->text, stale ? ", stale=true" : "");
}
