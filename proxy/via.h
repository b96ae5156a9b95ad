// SPDX-License-Identifier: Apache-2.0
//
// A jump: the way that connections to a cluster take from outside its VPC (`via`), as it is
// configured. The cluster's host name is handed to the jump and resolved on its far side, never
// here. Pure; immutable once parsed, so any thread may read it.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum via_kind {
    VIA_SOCKS,   // socks5h://[USER:PASSWORD@]HOST[:PORT], RFC 1928 and 1929
    VIA_HTTP,    // http://[USER:PASSWORD@]HOST[:PORT], CONNECT: RFC 9110, 9.3.6
    VIA_SSH,     // ssh://[USER@]HOST[:PORT], the user's own OpenSSH client
    VIA_COMMAND, // command:WORDS, whose standard input and output are the stream
};

enum { VIA_SHOWN_BYTES = 128 };

struct via {
    enum via_kind kind;
    char *host;                  // of the jump; NULL for a command
    uint16_t port;               // 0: ssh's own default
    char *user, *password;       // NULL: none
    char **words;                // of a command, not expanded yet; NULL-terminated
    char shown[VIA_SHOWN_BYTES]; // for logs and errors: without user and password, cut
};

// The caller frees with via_free. On failure `err` says what was expected; its text holds nothing
// of a password. NULL then.
struct via *via_parse(const char *text, struct err *err) MUST_CHECK;
void via_free(struct via *via); // overwrites the password; NULL is allowed
// "socks5h", "http", "ssh", "command".
const char *via_name(const struct via *via);
// Whether a program of its own carries each connection, instead of a socket to the jump.
static inline bool via_is_program(const struct via *via)
{
    return via->kind == VIA_SSH || via->kind == VIA_COMMAND;
}

// Whether a cluster's host name may be handed to a jump. It comes from the control API and may go
// through a remote shell (ssh joins the words of a command): letters, digits, '-', '_' and '.', or
// an IP address; it begins with none of "-.".
bool via_host_is_safe(const char *host);
// "%h", "%p" and "%%" in a word of a command; the caller frees. NULL: out of memory.
char *via_expand(const char *word, const char *host, const char *port) MUST_CHECK;
// Text into words as a POSIX shell would split it (XCU 2.2: blanks, single and double quotes,
// backslash) with nothing expanded: `$`, a backquote and the operators of a shell are plain
// characters. The caller frees with via_free_words. NULL: a quote is not closed, no word, or out of
// memory.
char **via_split(const char *text) MUST_CHECK;
void via_free_words(char **words); // NULL is allowed
