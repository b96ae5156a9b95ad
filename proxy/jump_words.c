// SPDX-License-Identifier: Apache-2.0
//
// Used by jump_run.c and jump_master.c. Source: ssh(1), ssh_config(5) of OpenSSH 9.2.
#include "proxy/jump_words.h"
#include "base/os.h"

#include "proxy/via.h"
#include "proxy/view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MS_PER_S = 1000, NUMBER_BYTES = 24 };

// ---- ssh ----------------------------------------------------------------------------------------

static void add(struct jump_words *words, const char *word)
{
    words->list[words->count++] = word;
}

static bool add_text(struct jump_words *words, const char *format, ...) PRINTF_LIKE(2, 3);
static bool add_text(struct jump_words *words, const char *format, ...)
{
    char *text = NULL;
    va_list values;
    va_start(values, format);
    int len = os_vasprintf(&text, format, values);
    va_end(values);
    if (len < 0)
        return false;
    words->texts[words->text_count++] = text;
    add(words, text);
    return true;
}

static void add_option(struct jump_words *words, const char *option)
{
    add(words, "-o");
    add(words, option);
}

// How to get to the jump; its host follows behind "--", so that nothing of it is an option.
static bool add_jump(struct jump_words *words, const struct via *via)
{
    if (via->port) {
        add(words, "-p");
        if (!add_text(words, "%u", (unsigned)via->port))
            return false;
    }
    if (via->user) {
        add(words, "-l");
        add(words, via->user);
    }
    return true;
}

// The shared connection, which lasts so long after the last one that used it; tidblink ends it
// sooner.
static bool add_master(struct jump_words *words, const char *path, const char *persist)
{
    if (!path) {
        add_option(words, "ControlMaster=no");
        add_option(words, "ControlPath=none");
        return true;
    }
    add_option(words, "ControlMaster=auto");
    add_option(words, persist);
    add(words, "-o");
    return add_text(words, "ControlPath=%s", path);
}

// A connection whose network is cut ends within a minute.
static void add_ssh(struct jump_words *words)
{
    add(words, "ssh");
    add_option(words, "RemoteCommand=none");
    add_option(words, "PermitLocalCommand=no");
    add_option(words, "ServerAliveInterval=15");
}

// What changes from one connection to the next.
struct far {
    const char *host, *port;
    const char *limit_s;
    const char *control_path; // NULL: ssh goes by itself
};

// Never asks: nobody is there to answer.
static bool make_ssh(struct jump_words *words, const struct via *via, const struct far *far)
{
    bool is_v6 = strchr(far->host, ':');
    add_ssh(words);
    add_option(words, "BatchMode=yes");
    add(words, "-o");
    if (!add_text(words, "ConnectTimeout=%s", far->limit_s) ||
        !add_master(words, far->control_path, "ControlPersist=60") || !add_jump(words, via))
        return false;
    add(words, "-W");
    if (!add_text(words, is_v6 ? "[%s]:%s" : "%s:%s", far->host, far->port))
        return false;
    add(words, "--");
    add(words, via->host);
    return true;
}

bool jump_words_log_in(struct jump_words *words, const struct via *via, const char *path)
{
    *words = (struct jump_words){ .argv = words->list };
    add_ssh(words);
    add_option(words, "ClearAllForwardings=yes");
    add(words, "-fNT");
    if (!add_master(words, path, "ControlPersist=8h") || !add_jump(words, via))
        return false;
    add(words, "--");
    add(words, via->host);
    return true;
}

bool jump_words_tell_master(
    struct jump_words *words, const struct via *via, const char *path, const char *what)
{
    *words = (struct jump_words){ .argv = words->list };
    add(words, "ssh");
    add(words, "-O");
    add(words, what);
    add(words, "-o");
    if (!add_text(words, "ControlPath=%s", path) || !add_jump(words, via))
        return false;
    add(words, "--");
    add(words, via->host);
    return true;
}

// The far side answers that nothing listens at its port 1, or that it does not forward there. A
// master that has just ended is not replaced: that would be a login.
bool jump_words_ask_master(struct jump_words *words, const struct via *via, const char *path)
{
    *words = (struct jump_words){ .argv = words->list };
    add_ssh(words);
    add_option(words, "BatchMode=yes");
    add_option(words, "ControlMaster=no");
    add_option(words, "ProxyCommand=false");
    add(words, "-o");
    if (!add_text(words, "ControlPath=%s", path) || !add_jump(words, via))
        return false;
    add(words, "-W");
    add(words, "127.0.0.1:1");
    add(words, "--");
    add(words, via->host);
    return true;
}

// mux.c of OpenSSH: what the client of a master says when that does not open its channel.
bool jump_words_is_of_master(const char *said)
{
    return strstr(said, "mux_client_") || strstr(said, "tdio forwarding request") ||
           strstr(said, "Master refused");
}

// ---- a command ----------------------------------------------------------------------------------

static bool make_command(struct jump_words *words, const struct via *via, const struct far *far)
{
    size_t count = 0;
    while (via->words[count])
        count++;
    words->expanded = calloc(count + 1, sizeof(*words->expanded));
    bool ok = words->expanded;
    for (size_t i = 0; ok && i < count; i++) {
        words->expanded[i] = via_expand(via->words[i], far->host, far->port);
        ok = words->expanded[i];
    }
    words->argv = (const char *const *)words->expanded;
    return ok;
}

// ---- both ---------------------------------------------------------------------------------------

static bool make(struct jump_words *words, const struct via *via, const struct far *far)
{
    *words = (struct jump_words){ .argv = words->list };
    return via->kind == VIA_SSH ? make_ssh(words, via, far) : make_command(words, via, far);
}

bool jump_words_make(struct jump_words *words, const struct view *view, bool alone)
{
    char port[NUMBER_BYTES], limit_s[NUMBER_BYTES];
    uint64_t budget_s = view->options.dial_budget_ms / MS_PER_S;
    snprintf(port, sizeof(port), "%u", (unsigned)view->port);
    snprintf(limit_s, sizeof(limit_s), "%" PRIu64, budget_s > 1 ? budget_s - 1 : 1);
    const struct far far = { view->host, port, limit_s, alone ? NULL : view->control_path };
    return make(words, view->via, &far);
}

bool jump_words_pattern(
    struct jump_words *words, const struct via *via, size_t index, const char *any, bool *out_last)
{
    const struct far far = { any, any, any, index == 0 ? NULL : any };
    *out_last = via->kind != VIA_SSH || index == 4;
    switch (index) {
    case 2:
        return jump_words_tell_master(words, via, any, "exit");
    case 3:
        return jump_words_tell_master(words, via, any, "stop");
    case 4:
        return jump_words_ask_master(words, via, any);
    default:
        return make(words, via, &far);
    }
}

void jump_words_done(struct jump_words *words)
{
    for (size_t i = 0; i < words->text_count; i++)
        free(words->texts[i]);
    via_free_words(words->expanded);
    words->expanded = NULL;
    words->text_count = 0;
}

void jump_words_try(const struct via *via, char *out, size_t size)
{
    char port[16] = "";
    if (via->kind == VIA_COMMAND) {
        snprintf(out, size, "Run it by hand, or correct via");
        return;
    }
    if (via->port)
        snprintf(port, sizeof(port), "-p %u ", (unsigned)via->port);
    snprintf(out, size, "Try it in a terminal: ssh %s%.60s%s%.90s", port,
        via->user ? via->user : "", via->user ? "@" : "", via->host);
}
