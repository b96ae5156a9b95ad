// SPDX-License-Identifier: Apache-2.0
//
// The verdict says which level decided; its row of the table has the words, the model has the time.
#include "app/headline.h"

#include "app/facts_json.h"
#include "app/words.h"
#include "base/text.h"
#include "control/control.h"
#include "control/verdict_row.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

enum { COMMAND_BYTES = 1024, STEP_BYTES = 256 };

struct headline {
    const struct verdict_row *row;
    const struct observed_state *seen; // NULL: not known since when
};

// ---- the level that decides ---------------------------------------------------------------------

// The endpoint that is ours, else the first in that state.
static const struct observed_state *find_endpoint(
    const struct node_group *group, const char *state, const struct control_target *target)
{
    const struct observed_state *found = NULL;
    for (size_t i = 0; group && i < group->endpoint_count; i++) {
        const struct endpoint *endpoint = &group->endpoints[i];
        bool is_ours = target->endpoint_id && endpoint->endpoint_id &&
                       strcmp(target->endpoint_id, endpoint->endpoint_id) == 0;
        if (!endpoint->state.text || strcmp(endpoint->state.text, state) != 0)
            continue;
        if (is_ours)
            return &endpoint->state;
        found = found ? found : &endpoint->state;
    }
    return found;
}

static bool find_headline(
    const struct control_news *news, const struct control_target *target, struct headline *out)
{
    const struct cluster *cluster = NULL;
    const struct node_group *group = NULL;
    const char *what = news->verdict.what, *state = news->verdict.state;
    bool is_absent = strcmp(state, "not found") == 0;
    *out = (struct headline){ 0 };
    if (!news->model || !control_find(news->model, target, &cluster, &group, NULL))
        group = NULL;
    if (strcmp(what, "cluster") == 0) {
        out->row = is_absent ? verdict_row_absent_cluster()
                             : verdict_row_cluster(model_parse_cluster_state(state));
        out->seen = cluster && !is_absent ? &cluster->state : NULL;
    } else if (strcmp(what, "node group") == 0) {
        out->row = is_absent ? verdict_row_absent_group()
                             : verdict_row_group(model_parse_group_state(state));
        out->seen = group && !is_absent ? &group->state : NULL;
    } else if (strcmp(what, "service") == 0) {
        out->row = verdict_row_service(model_parse_service_state(state));
        out->seen = group ? &group->service : NULL;
    } else if (strcmp(what, "endpoint") == 0) {
        out->row = strcmp(state, "none") == 0
                       ? verdict_row_no_endpoint()
                       : verdict_row_endpoint(model_parse_endpoint_state(state));
        out->seen = find_endpoint(group, state, target);
    }
    return out->row;
}

static void add_headline(
    cJSON *object, const struct verdict *verdict, const struct headline *headline)
{
    const struct state_words *words = &headline->row->words;
    cJSON *added = cJSON_AddObjectToObject(object, "headline");
    facts_json_text(added, "what", verdict->what);
    facts_json_text(added, "state", verdict->state);
    facts_json_text(added, "console", words->console);
    facts_json_text(added, "meaning", words->meaning);
    facts_json_text(added, "usual", words->usual);
    if (headline->seen)
        facts_json_time(added, "since", headline->seen->since);
}

// ---- the next step ------------------------------------------------------------------------------

// The words of `step` before its command, "tidblink …" up to a comma or the end, and the command
// with the alias as a word of a shell. A text without one has no command. `name`: what stands for
// the alias in it.
static void add_step(cJSON *object, const char *step, const char *name, const char *alias)
{
    char text[STEP_BYTES], word[COMMAND_BYTES], command[COMMAND_BYTES] = "";
    const char *at = strstr(step, "tidblink ");
    size_t len = at ? strcspn(at, ",") : 0;
    const char *hole = at && *name ? strstr(at, name) : NULL;
    int before = (int)(hole && hole < at + len ? (size_t)(hole - at) : len);
    snprintf(text, sizeof(text), "%.*s", at ? (int)(at - step) : (int)sizeof(text) - 1, step);
    text[strcspn(text, "\n")] = '\0';
    while (*text && text[strlen(text) - 1] == ' ')
        text[strlen(text) - 1] = '\0';
    bool has_word = before < (int)len;
    bool fits = !has_word || text_shell_word(alias, word, sizeof(word)) < sizeof(word);
    cJSON *added = cJSON_AddObjectToObject(object, "next");
    facts_json_text(added, "text", text);
    if (at && fits)
        snprintf(command, sizeof(command), "%.*s%s%.*s", before, at, has_word ? word : "",
            has_word ? (int)(len - before - strlen(name)) : 0, has_word ? hole + strlen(name) : "");
    facts_json_text(added, "command", command);
    if (at && at[len])
        facts_json_text(added, "then", at + len + strspn(at + len, ", "));
}

void headline_json(
    struct cJSON *object, const struct control_news *news, const struct control_target *target)
{
    char connects[WORDS_CONNECT_BYTES];
    struct headline headline;
    if (!news)
        return;
    const struct verdict *verdict = &news->verdict;
    facts_json_text(object, "connects", words_connect(verdict, connects));
    bool found = find_headline(news, target, &headline);
    if (found)
        add_headline(object, verdict, &headline);
    // The verdict's own step may be cut, and a command that is cut is another one.
    if (found && headline.row->action == verdict->action && *headline.row->words.next_step)
        add_step(object, headline.row->words.next_step, "CLUSTER", target->alias);
    else if (*verdict->next_step && strlen(verdict->next_step) < sizeof(verdict->next_step) - 1)
        add_step(object, verdict->next_step, "", "");
}
