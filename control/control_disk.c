// SPDX-License-Identifier: Apache-2.0
//
// The last known state: read when control starts, written when what is believed has changed. A disk
// that fails is a warning, once. The control thread, and the starting one before it exists.
#include "control/control_state.h"

#include "base/clock.h"
#include "base/log.h"
#include "control/state_file.h"
#include "control/state_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// How far the times on disk may lag behind when nothing else changes.
enum { SAVE_SECONDS = 300 };

static bool write_state(struct control *control, int64_t now)
{
    struct err err;
    bool written = state_file_write(control->options.state_dir, control->belief, now, &err);
    if (!written && !control->disk_failed)
        log_facts(
            LOG_WARN, "the last known state will not survive a restart", "reason", err.text, NULL);
    if (written && control->disk_failed)
        log_info("the last known state is kept on disk again");
    control->disk_failed = !written;
    return written;
}

void control_disk_save(struct control *control)
{
    if (control->options.state_dir == NULL || control->belief->cluster_count == 0)
        return;
    int64_t now = clock_wall_s();
    char *text = state_json_print(control->belief, 0);
    bool same = control->saved != NULL && strcmp(control->saved, text) == 0;
    if (same && now - control->saved_at < SAVE_SECONDS) {
        free(text);
        return;
    }
    free(control->saved);
    control->saved = NULL;
    control->saved_at = now;
    if (write_state(control, now))
        control->saved = text;
    else
        free(text); // tried again after the next look
}

// Only what is followed: the file may be an older configuration's.
static void keep_followed(struct control *control, const struct model *from)
{
    for (size_t i = 0; i < control->target_count; i++) {
        const struct cluster *cluster;
        if (control_find_cluster(from, control->targets[i].cluster, &cluster, NULL) &&
            model_find_cluster(control->belief, cluster->id) == NULL)
            model_cluster_copy(model_add_cluster(control->belief), cluster);
    }
}

void control_disk_load(struct control *control)
{
    struct model *stored = NULL;
    struct err err;
    char path[4096];
    if (control->options.state_dir == NULL || control->source == CONTROL_SOURCE_NONE)
        return;
    state_file_sweep(control->options.state_dir);
    state_file_path(control->options.state_dir, path, sizeof(path));
    if (state_file_read(path, &stored, &err))
        keep_followed(control, stored);
    else if (err.sys != ENOENT)
        log_facts(LOG_WARN, "starting without the last known state", "reason", err.text, NULL);
    model_unref(stored);
}
