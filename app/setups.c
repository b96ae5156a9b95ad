// SPDX-License-Identifier: Apache-2.0
//
// From settings to set-ups, and how their progress is told. Used by cmd_setup.c and cmd_endpoint.c.
#include "app/setups.h"

#include "app/table.h"
#include "base/addr.h"
#include "base/clock.h"
#include "base/loop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Outside EC2 as many looks as make a minute with the usual pause between them.
enum { SETTLE_MS = 120000, SETTLE_ELSEWHERE_LOOKS = 6 };

// ---- making -------------------------------------------------------------------------------------

static bool has_word(const struct option_list *list, const char *word)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], word) == 0)
            return true;
    return false;
}

static bool read_words(struct option_list *out, const char *text, struct err *err)
{
    while (text && *text) {
        size_t len = strcspn(text, " ,\t\n");
        char word[160];
        snprintf(word, sizeof(word), "%.*s", (int)len, text);
        if (*word && !has_word(out, word) && !option_list_add(out, word))
            return err_set(err, ERR_MEMORY, "out of memory");
        text += len;
        text += strspn(text, " ,\t\n");
    }
    return true;
}

// "pause of 30 s: …", for the person who waits.
static void on_pause(void *arg, uint64_t pause_ms, const struct err *why)
{
    (void)arg;
    fprintf(stderr, "  waiting %.0f s: %s\n", (double)pause_ms / 1000, why->text);
}

static struct setup_plan make_plan(
    struct setups *setups, size_t index, const struct setups_wish *wish)
{
    const struct settings *settings = setups->settings;
    struct setup_plan plan = {
        .world = world_plan_of(&settings->control, &setups->targets[index]),
        .target = wish->replaces ? &setups->targets[index] : NULL,
        .resolver = &settings->resolver,
        .private_ip = wish->private_ip,
        .place = place_of_setup(&setups->places[index]),
        .is_of_many = setups->count > 1,
        .resume = wish->resume,
        .settle_ms = SETTLE_MS,
        .settle_elsewhere_ms = SETTLE_ELSEWHERE_LOOKS * settings->control.poll_changing_ms,
        .connect_ms = settings->proxy.connect_timeout_ms,
        .greeting_ms = settings->proxy.handshake_timeout_ms,
    };
    plan.world.subnet_ids = &setups->subnet_ids;
    plan.world.security_group_ids = &setups->security_group_ids;
    return plan;
}

static void begin(struct setups *setups, size_t index, const struct setups_wish *wish)
{
    setups->plans[index] = make_plan(setups, index, wish);
    setups->setups[index] = (struct setup){
        .plan = &setups->plans[index],
        .account = setups->account,
        .loop = setups->loop,
        .acts = wish->acts,
    };
    setup_begin(&setups->setups[index]);
}

// Once the cluster is known, its section may turn out to be one of another name; what that says of
// the endpoint counts.
static void find_section(struct setups *setups, size_t index, const struct setups_wish *wish)
{
    struct place *place = &setups->places[index];
    struct control_target *target = &setups->targets[index];
    const struct cluster *cluster = setups->setups[index].world.cluster;
    if (!cluster)
        return;
    bool found = place_find_by_id(place, setups->settings, target, cluster->id, cluster->name);
    setups->plans[index].place = place_of_setup(place);
    if (!found || target->endpoint_id || !*place->endpoint_id)
        return;
    target->endpoint_id = place->endpoint_id;
    setup_done(&setups->setups[index]);
    begin(setups, index, wish);
}

static void begin_all(struct setups *setups, const struct setups_wish *wish)
{
    for (size_t i = 0; i < setups->count; i++) {
        setups->targets[i] = setups->settings->control_targets[i];
        place_find(&setups->places[i], setups->settings, &setups->settings->clusters[i]);
        begin(setups, i, wish);
        find_section(setups, i, wish);
    }
}

static bool check_private_ip(const char *text, struct err *err)
{
    struct addr addr;
    return !text || addr_from_ip(text, 0, &addr) ||
           err_set(err, ERR_USAGE, "--private-ip: \"%.60s\" is not valid: expected an IP address",
               text);
}

bool setups_open(struct setups *setups, const struct settings *settings,
    const struct setups_wish *wish, struct err *err)
{
    *setups = (struct setups){ .settings = settings, .count = settings->cluster_count };
    if (setups->count == 0)
        return err_set(
            err, ERR_USAGE, "which cluster? Expected a CLUSTER (tidblink clusters lists them)");
    if (settings_state_source(settings) != CONTROL_SOURCE_API)
        return err_set(err, ERR_OPTION,
            "state-source is %s: only the control API itself can register an endpoint",
            settings->control.state_source);
    if (!check_private_ip(wish->private_ip, err))
        return false;
    setups->targets = calloc(setups->count, sizeof(*setups->targets));
    setups->plans = calloc(setups->count, sizeof(*setups->plans));
    setups->setups = calloc(setups->count, sizeof(*setups->setups));
    setups->places = calloc(setups->count, sizeof(*setups->places));
    setups->vpc_ids = calloc(setups->count, sizeof(*setups->vpc_ids));
    if (!setups->targets || !setups->plans || !setups->setups || !setups->places ||
        !setups->vpc_ids)
        return err_set(err, ERR_MEMORY, "out of memory");
    setups->loop = loop_new("setup", err);
    setups->account = setups->loop ? account_open(&settings->control, on_pause, NULL, err) : NULL;
    if (!setups->account || !read_words(&setups->subnet_ids, wish->subnet_ids, err) ||
        !read_words(&setups->security_group_ids, wish->security_group_ids, err))
        return false;
    begin_all(setups, wish);
    return true;
}

void setups_close(struct setups *setups)
{
    for (size_t i = 0; setups->setups && i < setups->count; i++)
        setup_done(&setups->setups[i]);
    free(setups->setups);
    free(setups->plans);
    free(setups->targets);
    free(setups->places);
    free(setups->vpc_ids);
    option_list_free(&setups->subnet_ids);
    option_list_free(&setups->security_group_ids);
    account_close(setups->account);
    if (setups->loop)
        loop_free(setups->loop);
    *setups = (struct setups){ 0 };
}

// ---- telling ------------------------------------------------------------------------------------

static const struct {
    const char *word, *key;
} statuses[] = {
    [STEP_DONE] = { "ok", "done" },
    [STEP_TODO] = { "to do", "to-do" },
    [STEP_WAIT] = { "wait", "wait" },
    [STEP_LATER] = { "later", "later" },
    [STEP_MANUAL] = { "by hand", "by-hand" },
    [STEP_BLOCKED] = { "STOP", "blocked" },
    [STEP_SKIPPED] = { "skip", "skipped" },
    [STEP_TAKEN] = { "doing", "doing" },
};

const char *setups_status_key(enum step_status status)
{
    return statuses[status].key;
}

bool setups_is_open(const struct step_view *view)
{
    return view->status != STEP_DONE && (view->status != STEP_SKIPPED || *view->command);
}

void setups_print_step(FILE *out, size_t step, const struct step_view *view, bool with_command)
{
    char line[STEP_TEXT_BYTES + 80];
    snprintf(line, sizeof(line), "%2zu. %s: %s", step + 1, setup_step(step)->title, view->text);
    table_field(out, statuses[view->status].word, line);
    if (with_command && setups_is_open(view) && *view->command)
        fprintf(out, "%s\n", view->command);
}

struct telling {
    const struct setups *setups;
    FILE *out;
};

// With several clusters each line says whose it is.
static void print_whose(const struct telling *telling, const struct setup *setup)
{
    if (telling->setups->count > 1)
        fprintf(telling->out, "%s\n", setup->plan->world.target->alias);
}

static bool on_view(void *arg, const struct setup *setup, size_t step, const struct step_view *view,
    uint64_t waited_ms, struct err *err)
{
    const struct telling *telling = arg;
    const struct step *row = setup_step(step);
    struct step_view shown = *view;
    char age[CLOCK_TEXT_BYTES];
    size_t len = strlen(shown.text);
    if (view->status == STEP_WAIT && row->usual)
        snprintf(shown.text + len, sizeof(shown.text) - len, "; usually %s, %s so far", row->usual,
            clock_age((int64_t)(waited_ms / 1000), age));
    else if (view->status == STEP_DONE && row->usual && waited_ms >= 1000)
        snprintf(shown.text + len, sizeof(shown.text) - len, ", after %s",
            clock_age((int64_t)(waited_ms / 1000), age));
    // What is waited for here needs no command.
    bool waits = view->status == STEP_WAIT || view->status == STEP_LATER;
    print_whose(telling, setup);
    setups_print_step(telling->out, step, &shown, !waits);
    return table_flush(telling->out, err);
}

static bool on_take(void *arg, const struct setup *setup, size_t step, const struct step_view *view,
    struct err *err)
{
    const struct telling *telling = arg;
    struct step_view shown = *view;
    shown.status = STEP_TAKEN;
    print_whose(telling, setup);
    setups_print_step(telling->out, step, &shown, setup_step(step)->again & WORLD_AWS);
    return table_flush(telling->out, err);
}

bool setups_walk(struct setups *setups, const char *first, const char *last, uint64_t max_ms,
    FILE *out, struct err *err)
{
    struct telling telling = { setups, out };
    const struct walk walk = {
        .setups = setups->setups,
        .count = setups->count,
        .first = setup_find(first),
        .last = setup_find(last),
        .poll_ms = setups->settings->control.poll_changing_ms,
        .max_ms = max_ms,
        .on_view = on_view,
        .on_take = on_take,
        .arg = &telling,
    };
    return walk_run(&walk, err);
}

// ---- Ctrl-C -------------------------------------------------------------------------------------

static void on_interrupt(int signal_number)
{
    static const char text[] =
        "\ntidblink: stopped. Nothing is lost: the same command goes on from "
        "here\n";
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    const struct sigaction ordinary = { .sa_handler = SIG_DFL };
    sigaction(signal_number, &ordinary, NULL);
    raise(signal_number);
}

void setups_catch_interrupt(void)
{
    struct sigaction action = { .sa_handler = on_interrupt };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}
