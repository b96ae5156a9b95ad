// SPDX-License-Identifier: Apache-2.0
//
// The AWS CLI, for clusters without endpoint-id, and the programs of jumps. Used by lockdown.c.
#include "app/lockdown_programs.h"

#include "app/settings.h"
#include "base/err.h"
#include "base/spawner.h"
#include "control/ec2_child.h"
#include "proxy/jump_words.h"
#include "proxy/via.h"

#include <string.h>

static bool asks_aws(const struct settings *settings)
{
    bool is_off = settings_state_source(settings) != CONTROL_SOURCE_API ||
                  strcmp(settings->control.aws_cli, "off") == 0;
    for (size_t i = 0; !is_off && i < settings->cluster_count; i++)
        if (!settings->clusters[i].endpoint_id)
            return true;
    return false;
}

static bool is_started(const struct via *jump)
{
    return jump && via_is_program(jump);
}

bool lockdown_needs_programs(const struct settings *settings)
{
    bool needs = asks_aws(settings);
    for (size_t i = 0; !needs && i < settings->cluster_count; i++)
        needs = is_started(settings->clusters[i].jump);
    return needs;
}

static bool allow_aws(const struct settings *settings, struct err *err)
{
    const struct control_options *control = &settings->control;
    const struct ec2_options options = {
        .cli = control->aws_cli,
        .profile = control->aws_profile,
        .region = control->aws_region,
        .endpoint_url = control->aws_endpoint_url,
    };
    return !asks_aws(settings) || ec2_child_allow_describe(&options, control->vpc_id, err);
}

static bool allow_jump(const struct via *jump, struct err *err)
{
    bool is_last = !is_started(jump);
    for (size_t i = 0; !is_last; i++) {
        struct jump_words words;
        bool ok = jump_words_pattern(&words, jump, i, SPAWNER_ANY, &is_last) ||
                  err_set(err, ERR_MEMORY, "out of memory");
        ok = ok && spawner_allow(words.argv, NULL, err);
        jump_words_done(&words);
        if (!ok)
            return false;
    }
    return true;
}

bool lockdown_start_spawner(const struct settings *settings, struct err *err)
{
    bool ok = spawner_start(err) && allow_aws(settings, err);
    for (size_t i = 0; ok && i < settings->cluster_count; i++)
        ok = allow_jump(settings->clusters[i].jump, err);
    ok = ok && spawner_seal(err);
    if (!ok)
        spawner_end(true);
    return ok;
}
