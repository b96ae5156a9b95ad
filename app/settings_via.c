// SPDX-License-Identifier: Apache-2.0
//
// The jump of each cluster. A password in it comes from the configuration file, TIDBLINK_VIA or
// via-password-file; never from the command line. Part of settings_check.c's work.
#include "app/settings.h"

#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "base/secret_file.h"
#include "proxy/via.h"

#include <stdlib.h>
#include <string.h>

enum { PASSWORD_MAX = 255 };

bool settings_via_fits(const char *text, const char *origin, struct err *err)
{
    struct via *via = via_parse(text, err);
    if (!via)
        return err_prefix(err, "%s", origin);
    bool is_told_to_all = via->password && strncmp(origin, "--", 2) == 0;
    via_free(via);
    return !is_told_to_all || err_set(err, ERR_USAGE,
                                  "%s: every user of this machine can read a password on a command "
                                  "line: expected it in "
                                  "the variable TIDBLINK_VIA, in the configuration file (via = "
                                  "...), or in a file that "
                                  "via-password-file names",
                                  origin);
}

bool settings_via_has_password(const char *text)
{
    struct via *via = via_parse(text, NULL);
    bool has_one = via && via->password;
    via_free(via);
    return has_one;
}

// ---- via-password-file --------------------------------------------------------------------------

// One line; its end does not belong to it.
static bool trim(char *bytes, size_t len)
{
    if (len > 0 && bytes[len - 1] == '\n')
        len--;
    bytes[len] = '\0';
    return len > 0 && len <= PASSWORD_MAX && strlen(bytes) == len && !strpbrk(bytes, "\r\n");
}

static bool read_password(const char *path, char **out, struct err *err)
{
    size_t len;
    if (!secret_file_is_closed(path, err))
        return false;
    char *text = file_read(path, PASSWORD_MAX + 2, &len, err);
    if (!text) {
        err->code = ERR_OPTION;
        return false;
    }
    if (trim(text, len)) {
        *out = text;
        return true;
    }
    os_wipe(text, len);
    free(text);
    return err_set(err, ERR_OPTION, "%s: expected a password of 1 to %d bytes on one line", path,
        PASSWORD_MAX);
}

static bool add_password(const struct cluster_settings *cluster, struct via *via, struct err *err)
{
    if (via_is_program(via) || !via->user || via->password)
        return err_set(err, ERR_OPTION,
            "%s: via-password-file goes with a user that has no password in via: expected via = "
            "socks5h://USER@HOST or http://USER@HOST",
            cluster->origin);
    return read_password(cluster->via_password_file, &via->password, err) ||
           err_prefix(err, "%s: via-password-file", cluster->origin);
}

// ---- all of them --------------------------------------------------------------------------------

static bool make_jump(struct cluster_settings *cluster, bool serves, struct err *err)
{
    if (!cluster->via && cluster->via_password_file)
        return err_set(err, ERR_OPTION,
            "%s: via-password-file is set and via is not: expected both", cluster->origin);
    if (!cluster->via)
        return true;
    cluster->jump = via_parse(cluster->via, err);
    if (!cluster->jump)
        return false; // not so: settings_via_fits has parsed it
    if (cluster->via_password_file && serves && !add_password(cluster, cluster->jump, err))
        return false;
    const struct via *jump = cluster->jump;
    bool needs_password = serves && jump->user && jump->kind == VIA_SOCKS && !jump->password;
    return !needs_password ||
           err_set(err, ERR_OPTION,
               "%s: via has a user without a password: expected socks5h://USER:PASSWORD@HOST, or "
               "via-password-file",
               cluster->origin);
}

bool settings_check_via(struct settings *settings, bool serves, struct err *err)
{
    for (size_t i = 0; i < settings->cluster_count; i++) {
        if (!make_jump(&settings->clusters[i], serves, err))
            return false;
        settings->proxy_targets[i].via = settings->clusters[i].jump;
    }
    return true;
}
