// SPDX-License-Identifier: Apache-2.0
//
// Used by cmd_doctor.c. Nothing is told by colour alone, and commands are never wrapped, so that
// they can be copied.
#include "app/doctor_print.h"

#include "app/facts_json.h"
#include "app/table.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INDENT = 6, DEEP = 11, LEAD_BYTES = 128 };

static const struct {
    const char *word, *key, *color;
} statuses[] = {
    [HOP_OK] = { "ok", "ok", "32" },
    [HOP_WARN] = { "warn", "warn", "33" },
    [HOP_FAIL] = { "FAIL", "fail", "31;1" },
    [HOP_SKIP] = { "skip", "skip", "2" },
};

// no-color.org
static bool has_color(FILE *out)
{
    const char *no = getenv("NO_COLOR");
    return (!no || !*no) && isatty(fileno(out));
}

// "FAIL  ". Its colour counts as columns, which at most wraps the line a little early.
static const char *lead_of(FILE *out, enum hop_status status, char lead[LEAD_BYTES])
{
    const char *word = statuses[status].word;
    const bool color = has_color(out);
    snprintf(lead, LEAD_BYTES, "%s%s%s%s%s%*s", color ? "\033[" : "",
        color ? statuses[status].color : "", color ? "m" : "", word, color ? "\033[0m" : "",
        INDENT - (int)strlen(word), "");
    return lead;
}

static void print_fix(FILE *out, const char *lead, const struct hop_view *view)
{
    if (view->is_command)
        fprintf(out, "%s%s\n", lead, view->fix);
    else
        table_paragraph(out, lead, strlen(lead), view->fix);
}

void doctor_print_view(FILE *out, size_t hop, const struct hop_view *view)
{
    char lead[LEAD_BYTES], text[LEAD_BYTES + HOP_TEXT_BYTES];
    snprintf(text, sizeof(text), "%s: %s", doctor_hop(hop)->title, view->saw);
    table_paragraph(out, lead_of(out, view->status, lead), INDENT, text);
    if (view->status == HOP_SKIP)
        return;
    if (*view->why)
        table_paragraph(out, "      why: ", DEEP, view->why);
    if (*view->fix)
        print_fix(out, "      fix: ", view);
}

static size_t count_of(const struct doctor *doctor, enum hop_status status)
{
    size_t count = 0;
    for (size_t hop = 0; hop < HOPS; hop++)
        count += doctor->views[hop].status == status;
    return count;
}

void doctor_print_end(FILE *out, const struct doctor *doctor)
{
    char text[LEAD_BYTES + HOP_TEXT_BYTES];
    size_t first = doctor_first(doctor), warnings = count_of(doctor, HOP_WARN);
    if (first < HOPS)
        snprintf(text, sizeof(text), "First thing to fix: %s: %s", doctor_hop(first)->title,
            doctor->views[first].saw);
    else if (warnings > 0)
        snprintf(text, sizeof(text), "Nothing to fix; %zu warning%s.", warnings,
            warnings == 1 ? "" : "s");
    else
        snprintf(text, sizeof(text), "Nothing to fix.");
    table_paragraph(out, "", 0, text);
    if (first < HOPS && *doctor->views[first].fix)
        print_fix(out, "    ", &doctor->views[first]);
}

// ---- JSON ---------------------------------------------------------------------------------------

static cJSON *view_json(size_t hop, const struct hop_view *view)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "hop", doctor_hop(hop)->key);
    cJSON_AddStringToObject(object, "title", doctor_hop(hop)->title);
    cJSON_AddStringToObject(object, "status", statuses[view->status].key);
    facts_json_text(object, "saw", view->saw);
    facts_json_text(object, "why", view->why);
    facts_json_text(object, "fix", view->fix);
    cJSON_AddBoolToObject(object, "fix_is_command", view->is_command);
    facts_json_text(
        object, "because_of", view->because < HOPS ? doctor_hop(view->because)->key : NULL);
    cJSON_AddItemToObject(object, "details",
        view->details ? cJSON_Duplicate(view->details, true) : cJSON_CreateObject());
    return object;
}

cJSON *doctor_json(const struct doctor *doctor, const char *alias)
{
    size_t first = doctor_first(doctor);
    cJSON *object = cJSON_CreateObject();
    facts_json_text(object, "alias", alias);
    cJSON_AddBoolToObject(object, "ok", first == HOPS);
    facts_json_text(object, "first", first < HOPS ? doctor_hop(first)->key : NULL);
    cJSON *list = cJSON_AddArrayToObject(object, "hops");
    for (size_t hop = 0; hop < HOPS; hop++)
        cJSON_AddItemToArray(list, view_json(hop, &doctor->views[hop]));
    return object;
}
