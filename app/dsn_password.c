// SPDX-License-Identifier: Apache-2.0
//
// Asks for a password on the terminal. Used by cmd_dsn.c.
#include "app/choose.h"
#include "app/dsn_print.h"
#include "base/os.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { PASSWORD_BYTES = 4096 };

// Up to the line's end, past stdio, whose buffer would keep it.
static bool read_line(char *out, size_t *len)
{
    for (*len = 0; *len < PASSWORD_BYTES; ++*len) {
        ssize_t got = read(STDIN_FILENO, out + *len, 1);
        if (got < 0 && errno == EINTR) {
            --*len;
            continue;
        }
        if (got != 1)
            return false;
        if (out[*len] == '\n')
            return true;
    }
    return false;
}

// The terminal keeps its modes when the program ends: they go back before a signal may end it.
static bool read_without_echo(char *out, size_t *len, struct err *err)
{
    struct termios modes, silent;
    sigset_t stops, before;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGHUP);
    if (tcgetattr(STDIN_FILENO, &modes) != 0)
        return err_sys(err, ERR_FILE, errno, "--password-prompt: the terminal's modes");
    silent = modes;
    // Without ISIG, ^C and ^Z are bytes of the line instead of signals that leave the terminal
    // mute.
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ISIG);
    sigprocmask(SIG_BLOCK, &stops, &before);
    bool ok = tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
    fputs("Password: ", stderr);
    fflush(stderr);
    ok = ok && read_line(out, len);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &modes);
    sigprocmask(SIG_SETMASK, &before, NULL);
    fputc('\n', stderr);
    return ok || err_set(err, ERR_USAGE, "--password-prompt: no password was given");
}

bool dsn_password_ask(char **out, struct err *err)
{
    char bytes[PASSWORD_BYTES];
    size_t len = 0;
    *out = NULL;
    if (!choose_can_ask())
        return err_set(err, ERR_USAGE,
            "--password-prompt: standard input and standard error are no terminal: expected "
            "--password-file or --password-env");
    bool ok = read_without_echo(bytes, &len, err);
    if (ok && memchr(bytes, 3, len)) // ^C
        ok = err_set(err, ERR_USAGE, "--password-prompt: no password was given");
    if (ok && !strings_check_password(bytes, len, err))
        ok = err_prefix(err, "--password-prompt");
    if (ok && !(*out = strndup(bytes, len)))
        ok = err_set(err, ERR_MEMORY, "out of memory");
    os_wipe(bytes, sizeof(bytes));
    return ok;
}
