// SPDX-License-Identifier: Apache-2.0
//
// The API key pair: where it may come from, and how it disappears again. Keys never reach argv,
// logs or error texts.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct control_options;
struct err;

struct keys {
    char *public_key, *private_key; // owned, by keys_keep; NULL: not given
};

// A copy in memory that is not swapped out, as far as the limit of locked memory allows.
// NULL for NULL. keys_wipe takes it.
char *keys_keep(const char *key);

// Moves TIDBCLOUD_PUBLIC_KEY and TIDBCLOUD_PRIVATE_KEY out of the environment, so that neither
// /proc/PID/environ nor a child shows them. Call it once, before there are threads; `out` must
// outlive whatever is started with it as control_options.environment_keys.
void keys_take_environment(struct keys *out);
// Each key from the first place that has it: the options' file, the environment, the directory of
// systemd's LoadCredential= ($CREDENTIALS_DIRECTORY/tidbcloud-public-key, …-private-key), and where
// systemd takes them from, /etc/credstore, if we may read that.
// White space at the end, a line's, is no part of it.
// ERR_OPTION when a key is nowhere or is none, or its file is not usable, the private one's also
// when others could have read or changed it (base/secret_file.h).
bool keys_load(const struct control_options *options, struct keys *out, struct err *err) MUST_CHECK;
// Whether a forked process of ours has these keys as well; as long as nobody says so, not.
void keys_share(const struct keys *keys, bool shares);
// Overwrites and frees.
void keys_wipe(struct keys *keys);
