// SPDX-License-Identifier: Apache-2.0
//
// How hops say what they saw. Pure but for the memory of details.
#include "guide/hop.h"

#include "base/text.h"
#include "control/verdict_row.h"
#include "guide/doctor.h"
#include "guide/shell.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DETAIL_BYTES = 1024 };

// vsnprintf behind what is there.
static void append(char *text, size_t size, const char *format, va_list values)
{
    size_t len = strlen(text);
    vsnprintf(text + len, size - len, format, values);
}

void hop_is(struct hop_view *view, enum hop_status status, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    view->status = status;
    vsnprintf(view->saw, sizeof(view->saw), format, values);
    va_end(values);
}

void hop_saw_more(struct hop_view *view, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    append(view->saw, sizeof(view->saw), format, values);
    va_end(values);
}

void hop_why(struct hop_view *view, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    append(view->why, sizeof(view->why), format, values);
    va_end(values);
}

void hop_advise(struct hop_view *view, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(view->fix, sizeof(view->fix), format, values);
    va_end(values);
    view->is_command = false;
}

// Where a part does not fit there is no command: half of one, or one without a word that was too
// long, would do something else.
static void refuse_command(struct hop_view *view)
{
    static const char why[] = "the command that repairs it is too long to be printed";
    memcpy(view->fix, why, sizeof(why));
    view->is_command = false;
    view->is_refused = true;
}

void hop_command(struct hop_view *view, const char *command)
{
    size_t len = view->is_command ? strlen(view->fix) : 0;
    if (view->is_refused)
        return;
    if (len + strlen(" && ") + strlen(command) >= sizeof(view->fix)) {
        refuse_command(view);
        return;
    }
    snprintf(view->fix + len, sizeof(view->fix) - len, "%s%s", len ? " && " : "", command);
    view->is_command = true;
}

void hop_ec2(struct hop_view *view, struct ec2_command *command)
{
    char text[EC2_TEXT_BYTES];
    hop_command(view, ec2_command_text(command, text));
    ec2_command_done(command);
}

static const char *alias_of(const struct doctor *doctor)
{
    return doctor->plan->world.target->alias;
}

void hop_tidblink(
    const struct doctor *doctor, struct hop_view *view, const char *before, const char *after)
{
    char text[EC2_TEXT_BYTES], alias[SHELL_WORD_BYTES];
    shell_word(alias_of(doctor), alias);
    int len = snprintf(text, sizeof(text), "tidblink %s %s%s%s%s", before, alias, *after ? " " : "",
        after, doctor->plan->arguments);
    if (!*alias || len >= (int)sizeof(text))
        refuse_command(view);
    else
        hop_command(view, text);
}

// As far as TiDB Cloud shows: through an endpoint that it does not know goes nothing.
static bool may_carry(const struct doctor *doctor, const char *endpoint_id)
{
    const struct node_group *group = doctor->world.group;
    const struct endpoint *connection = world_find_connection(group, endpoint_id);
    return !group ||
           (connection && verdict_row_endpoint(connection->state.value)->action == VERDICT_ALLOW);
}

void hop_make_another(const struct doctor *doctor, struct hop_view *view, const char *endpoint_id)
{
    char after[SHELL_WORD_BYTES + 32], word[SHELL_WORD_BYTES];
    snprintf(after, sizeof(after), "--endpoint-id %s%s", shell_word(endpoint_id, word),
        may_carry(doctor, endpoint_id) ? "" : " --yes");
    if (!*word) {
        refuse_command(view);
        return;
    }
    hop_tidblink(doctor, view, "endpoint delete", after);
    hop_tidblink(doctor, view, "setup", "--apply");
}

// ---- details ------------------------------------------------------------------------------------

static cJSON *details_of(struct hop_view *view)
{
    if (!view->details)
        view->details = cJSON_CreateObject();
    return view->details;
}

void hop_detail(struct hop_view *view, const char *key, const char *text)
{
    char shown[DETAIL_BYTES];
    if (!text || !*text)
        return;
    snprintf(shown, sizeof(shown), "%s", text);
    text_clean(shown);
    cJSON_AddStringToObject(details_of(view), key, shown);
}

void hop_detail_number(struct hop_view *view, const char *key, double number)
{
    cJSON_AddNumberToObject(details_of(view), key, number);
}

void hop_detail_bool(struct hop_view *view, const char *key, bool value)
{
    cJSON_AddBoolToObject(details_of(view), key, value);
}

// ---- one because of another ---------------------------------------------------------------------

bool hop_has_failed(const struct doctor *doctor, enum hop_id hop)
{
    return doctor->views[hop].status == HOP_FAIL;
}

#define BLOCKED "not looked at (see: "

// By a hop that was skipped itself: they all name the first of them.
static bool is_blocked(const struct hop_view *view)
{
    return strncmp(view->saw, BLOCKED, strlen(BLOCKED)) == 0;
}

void hop_blocked(const struct doctor *doctor, struct hop_view *view, enum hop_id by)
{
    const struct hop_view *cause = &doctor->views[by];
    view->status = HOP_SKIP;
    view->because = cause->status == HOP_FAIL ? (size_t)by : cause->because;
    view->why[0] = view->fix[0] = '\0';
    view->is_command = false;
    if (view->because < HOPS)
        snprintf(view->saw, sizeof(view->saw), "because of: %s", doctor_hop(view->because)->title);
    else if (is_blocked(cause))
        snprintf(view->saw, sizeof(view->saw), "%s", cause->saw);
    else
        snprintf(view->saw, sizeof(view->saw), BLOCKED "%s)", doctor_hop(by)->title);
}

void hop_follows(const struct doctor *doctor, struct hop_view *view, uint64_t earlier)
{
    char saw[HOP_TEXT_BYTES];
    if (view->status != HOP_FAIL)
        return;
    for (size_t hop = 0; hop < HOPS; hop++) {
        if (!(earlier & HOP_BIT(hop)) || !hop_has_failed(doctor, (enum hop_id)hop))
            continue;
        memcpy(saw, view->saw, sizeof(saw));
        hop_blocked(doctor, view, (enum hop_id)hop);
        hop_saw_more(view, " (%s)", saw);
        return;
    }
}

// ---- what many ask for --------------------------------------------------------------------------

const char *doctor_host(const struct doctor *doctor)
{
    const struct world *world = &doctor->world;
    const char *host = doctor->plan->world.target->host;
    if (!host && world->connection)
        host = world->connection->host;
    if (!host && world->group)
        host = world->group->host;
    return host;
}

const char *doctor_file(const struct doctor *doctor)
{
    return doctor->plan->file ? doctor->plan->file : "the configuration";
}
