// SPDX-License-Identifier: Apache-2.0
//
// Reads `via`. Used by app/ (settings) and by whoever shows a jump.
#include "proxy/via.h"

#include "base/addr.h"
#include "base/cursor.h"
#include "base/err.h"
#include "base/memory_file.h"
#include "base/os.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOCKS_PORT = 1080, HTTP_PORT = 80, SECRET_MAX = 255, HOST_MAX = 253 };

#define EXPECTED                                                                                   \
    "socks5h://[USER:PASSWORD@]HOST[:PORT], http://[USER:PASSWORD@]HOST:PORT, "                    \
    "ssh://[USER@]HOST[:PORT] or command:PROGRAM with %h and %p"

static const char *const names[] = {
    [VIA_SOCKS] = "socks5h",
    [VIA_HTTP] = "http",
    [VIA_SSH] = "ssh",
    [VIA_COMMAND] = "command",
};

const char *via_name(const struct via *via)
{
    return names[via->kind];
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "out of memory");
}

static void wipe(char *text)
{
    if (text)
        os_wipe(text, strlen(text));
    free(text);
}

void via_free(struct via *via)
{
    if (!via)
        return;
    free(via->host);
    wipe(via->user);
    wipe(via->password);
    via_free_words(via->words);
    free(via);
}

// ---- host names ---------------------------------------------------------------------------------

bool via_host_is_safe(const char *host)
{
    struct addr addr;
    size_t len = strlen(host);
    if (addr_from_ip(host, 0, &addr))
        return true;
    if (len == 0 || len > HOST_MAX || *host == '-' || *host == '.')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)host[i]) && !strchr("-_.", host[i]))
            return false;
    return true;
}

// ---- words --------------------------------------------------------------------------------------

void via_free_words(char **words)
{
    for (size_t i = 0; words && words[i]; i++)
        free(words[i]);
    free(words);
}

// One word of `at`, unquoted into `out`; where it ends, or NULL when a quote is not closed.
static const char *take_word(const char *at, char *out)
{
    char quote = '\0';
    for (; *at && (quote || !isspace((unsigned char)*at)); at++) {
        if (!quote && (*at == '\'' || *at == '"')) {
            quote = *at;
        } else if (quote && *at == quote) {
            quote = '\0';
        } else if (*at == '\\' && quote != '\'') {
            // In double quotes a backslash is one before $ ` " \ only.
            bool escapes = !quote || (at[1] && strchr("$`\"\\", at[1]));
            if (escapes && !*++at)
                return NULL;
            *out++ = *at;
        } else {
            *out++ = *at;
        }
    }
    *out = '\0';
    return quote ? NULL : at;
}

static bool add_word(char ***words, size_t *count, const char *word)
{
    char **grown = os_reallocarray(*words, *count + 2, sizeof(*grown));
    if (!grown)
        return false;
    *words = grown;
    grown[*count] = strdup(word);
    grown[*count + 1] = NULL;
    return grown[(*count)++] != NULL;
}

char **via_split(const char *text)
{
    char **words = NULL;
    size_t count = 0;
    char *word = malloc(strlen(text) + 1);
    bool ok = word;
    while (ok) {
        text += strspn(text, " \t\r\n\v\f");
        if (!*text)
            break;
        text = take_word(text, word);
        ok = text && add_word(&words, &count, word);
    }
    free(word);
    if (ok)
        return words;
    via_free_words(words);
    return NULL;
}

static bool percents_are_known(const char *word)
{
    for (const char *at = word; (at = strchr(at, '%')); at += 2)
        if (!at[1] || !strchr("hp%", at[1]))
            return false;
    return true;
}

char *via_expand(const char *word, const char *host, const char *port)
{
    struct memory_file file;
    if (!memory_file_open(&file))
        return NULL;
    for (const char *at = word; *at; at++) {
        if (*at != '%')
            fputc(*at, file.out);
        else if (*++at == '%')
            fputc('%', file.out);
        else
            fputs(*at == 'h' ? host : port, file.out);
    }
    return memory_file_take(&file);
}

static bool read_command(struct via *via, const char *text, struct err *err)
{
    via->words = via_split(text);
    if (!via->words || !*via->words[0])
        return err_set(err, ERR_OPTION,
            "expected a program and its words behind \"command:\", with every quote closed, as in "
            "command:ssh -W %%h:%%p bastion");
    for (size_t i = 0; via->words[i]; i++)
        if (!percents_are_known(via->words[i]))
            return err_set(err, ERR_OPTION,
                "word %zu of the command has a %% that stands for nothing: expected %%h (host), "
                "%%p "
                "(port) or %%%%",
                i + 1);
    snprintf(via->shown, sizeof(via->shown), "command:%s", via->words[0]);
    return true;
}

// ---- URLs ---------------------------------------------------------------------------------------

static int hex(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = digit ? strchr(digits, tolower((unsigned char)digit)) : NULL;
    return at ? (int)(at - digits) : -1;
}

// RFC 3986, 2.1. NULL: broken, empty, too long, or out of memory.
static char *decode(const char *text, size_t len)
{
    char *out = calloc(1, len + 1);
    size_t at = 0;
    for (size_t i = 0; out && i < len; i++) {
        int high = text[i] == '%' && i + 2 < len ? hex(text[i + 1]) : -1;
        int low = high >= 0 ? hex(text[i + 2]) : -1;
        if (text[i] == '%' && low < 0)
            at = SECRET_MAX + 1;
        if (at > SECRET_MAX)
            break;
        out[at++] = text[i] == '%' ? (char)(high * 16 + low) : text[i];
        i += text[i] == '%' ? 2 : 0;
    }
    if (out && at > 0 && at <= SECRET_MAX && strlen(out) == at)
        return out;
    wipe(out);
    return NULL;
}

static bool read_user(struct via *via, const char *text, size_t len, struct err *err)
{
    const char *colon = memchr(text, ':', len);
    size_t user_len = colon ? (size_t)(colon - text) : len;
    if (colon && via->kind == VIA_SSH)
        return err_set(err, ERR_OPTION,
            "ssh takes no password from here: expected ssh://[USER@]HOST[:PORT], and a key that "
            "your "
            "agent or ~/.ssh has");
    via->user = decode(text, user_len);
    via->password = colon ? decode(colon + 1, len - user_len - 1) : NULL;
    if (!via->user || (colon && !via->password))
        return err_set(err, ERR_OPTION,
            "expected USER:PASSWORD before the @, neither empty nor over 255 bytes, other "
            "characters "
            "than letters and digits as %%XX");
    if (via->kind == VIA_HTTP && strchr(via->user, ':'))
        return err_set(err, ERR_OPTION, "a user name with a colon cannot be sent (RFC 7617)");
    // ssh: what follows -l, and never looks like an option of its own.
    if (via->kind == VIA_SSH && *via->user == '-')
        return err_set(err, ERR_OPTION, "the user name begins with \"-\": expected a user name");
    return true;
}

static bool read_port(struct via *via, const char *text, struct err *err)
{
    uint64_t port;
    if (*text == '\0') {
        via->port = via->kind == VIA_SOCKS ? SOCKS_PORT : via->kind == VIA_HTTP ? HTTP_PORT : 0;
        return true;
    }
    if (*text != ':' || !parse_uint(text + 1, 1, UINT16_MAX, &port))
        return err_set(err, ERR_OPTION, "expected HOST or HOST:PORT, and nothing behind it");
    via->port = (uint16_t)port;
    return true;
}

// "bastion", "bastion:22", "[::1]:1080"
static bool read_place(struct via *via, const char *text, struct err *err)
{
    bool is_bracketed = *text == '[';
    const char *begin = is_bracketed ? text + 1 : text;
    size_t len = strcspn(begin, is_bracketed ? "]" : ":");
    if (is_bracketed && begin[len] != ']')
        return err_set(err, ERR_OPTION, "expected [ADDRESS] with its closing bracket");
    via->host = strndup(begin, len);
    if (!via->host)
        return no_memory(err);
    if (!via_host_is_safe(via->host))
        return err_set(err, ERR_OPTION,
            "the jump's host is no host name: expected letters, digits, '-', '_' and '.', not "
            "beginning with '-'");
    if (!read_port(via, begin + len + is_bracketed, err))
        return false;
    bool is_v6 = strchr(via->host, ':');
    int used = snprintf(via->shown, sizeof(via->shown), "%s://%s%.90s%s", via_name(via),
        is_v6 ? "[" : "", via->host, is_v6 ? "]" : "");
    if (via->port && used > 0)
        snprintf(via->shown + used, sizeof(via->shown) - (size_t)used, ":%u", (unsigned)via->port);
    return true;
}

static bool read_url(struct via *via, const char *text, struct err *err)
{
    const char *at = strrchr(text, '@');
    size_t len = strlen(text);
    // A slash at the end is how browsers and libraries write it.
    char *place = strdup(at ? at + 1 : text);
    if (!place)
        return no_memory(err);
    size_t place_len = strlen(place);
    if (place_len > 0 && place[place_len - 1] == '/')
        place[place_len - 1] = '\0';
    bool ok = (!at || read_user(via, text, len - strlen(at), err)) && read_place(via, place, err);
    free(place);
    return ok;
}

// ---- which kind ---------------------------------------------------------------------------------

static const struct {
    const char *scheme;
    enum via_kind kind;
    bool (*read)(struct via *via, const char *text, struct err *err);
} schemes[] = {
    { "socks5h://", VIA_SOCKS, read_url },
    { "http://", VIA_HTTP, read_url },
    { "ssh://", VIA_SSH, read_url },
    { "command:", VIA_COMMAND, read_command },
};

// Elsewhere socks5:// means that the name is resolved here, which is never so.
static bool refuse_scheme(const char *text, struct err *err)
{
    if (strncmp(text, "socks5://", strlen("socks5://")) == 0)
        return err_set(err, ERR_OPTION,
            "socks5:// asks for the name to be resolved here, where it does not exist: expected "
            "socks5h://, with which the proxy resolves it");
    if (strncmp(text, "https://", strlen("https://")) == 0)
        return err_set(err, ERR_OPTION,
            "TLS to an HTTP proxy is not supported: expected http://, or ssh:// where the way to "
            "the "
            "proxy is not private");
    return err_set(err, ERR_OPTION, "expected %s", EXPECTED);
}

struct via *via_parse(const char *text, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t len = strlen(schemes[i].scheme);
        if (strncmp(text, schemes[i].scheme, len) != 0)
            continue;
        struct via *via = calloc(1, sizeof(*via));
        if (!via) {
            no_memory(err);
            return NULL;
        }
        via->kind = schemes[i].kind;
        if (schemes[i].read(via, text + len, err))
            return via;
        via_free(via);
        return NULL;
    }
    refuse_scheme(text, err);
    return NULL;
}
