// SPDX-License-Identifier: Apache-2.0
//
// tidblink endpoint: the steps of the set-up one by one, and its undoing. The steps themselves are
// guide/'s; which of them a verb takes is a row here.
#include "app/command.h"
#include "app/endpoint_delete.h"
#include "app/endpoint_list.h"
#include "app/setups.h"
#include "base/err.h"
#include "base/suggest.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct endpoint_values {
    char *subnet_ids, *security_group_ids, *private_ip;
    uint64_t max_ms;
    bool yes, json;
};

// clang-format off
#define AT(field) offsetof(struct endpoint_values, field)
static const struct option_row own_rows[] = {
    { "subnet-ids",         OPTION_TEXT, AT(subnet_ids),         NULL,  0, 0, 0, NULL, "\"ID ID\"", "subnets for the endpoint, one in each zone (command)" },
    { "security-group-ids", OPTION_TEXT, AT(security_group_ids), NULL,  0, 0, 0, NULL, "\"ID ID\"", "security groups for the endpoint (command)" },
    { "private-ip",         OPTION_TEXT, AT(private_ip),         NULL,  0, 0, 0, NULL, "IP", "address of the private endpoint, on Azure (create)" },
    { "max",                OPTION_MS,   AT(max_ms),             "30m", 0, 0, 0, NULL, NULL, "give up waiting after this time" },
    { "yes",                OPTION_BOOL, AT(yes),                NULL,  0, 0, 0, NULL, NULL, "delete without asking" },
    { "json",               OPTION_BOOL, AT(json),               NULL,  0, 0, 0, NULL, NULL, "print JSON (list)" },
};
// clang-format on
static const struct option_table own_table = { own_rows, ARRAY_LEN(own_rows) };

// ---- the verbs ----------------------------------------------------------------------------------

// "# interface endpoint: to be created in the VPC", over as many lines as it takes.
static void print_comment(const char *title, const char *text)
{
    enum { WIDTH = 80 };
    char line[STEP_TEXT_BYTES + 80];
    size_t at = WIDTH;
    snprintf(line, sizeof(line), "%s: %s", title, text);
    for (const char *word = line; *word;) {
        size_t len = strcspn(word, " ");
        bool fits = at + 1 + len <= WIDTH;
        printf("%s%.*s", fits ? " " : word == line ? "# " : "\n# ", (int)len, word);
        at = fits ? at + 1 + len : 2 + len;
        word += len + strspn(word + len, " ");
    }
    putchar('\n');
}

static bool print_commands(
    struct setups *setups, const struct endpoint_values *own, struct err *err)
{
    static const char *const keys[] = { "attributes", "endpoint", "group", "connection", "accepted",
        "dns" };
    (void)own;
    (void)err;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct step_view view = { 0 };
        const struct step *step = setup_step(setup_find(keys[i]));
        step->look(setups->setups, &view);
        print_comment(step->title, view.text);
        if (*view.command)
            printf("%s\n", view.command);
    }
    return true;
}

// What the console calls Edit: a FAILED connection is deleted and created again. With the deletion
// TiDB Cloud turns down an endpoint that it had accepted before; AWS has no way back from there.
static bool delete_failed(struct setups *setups, uint64_t max_ms, struct err *err)
{
    struct setup *setup = setups->setups;
    char id[600], alias[SHELL_WORD_BYTES];
    snprintf(id, sizeof(id), "%s", setup_endpoint_id(setup));
    if (!endpoint_delete_connection(setups, max_ms, err))
        return false;
    world_look_aws(&setup->world, WORLD_ENDPOINTS);
    if (!setup_sees_aws(setup) || strcmp(setup_endpoint_id(setup), id) == 0)
        return true;
    const struct ec2_endpoint *gone = world_find_endpoint(&setup->world.endpoint_list, id);
    return err_set(err, ERR_REFUSED,
        "the connection of %.60s is deleted, and AWS says %.40s: it cannot be registered again. "
        "Delete it with tidblink endpoint delete %s --endpoint-id %.60s, then run tidblink setup",
        id, gone && gone->state ? gone->state : "that it is gone", setup_alias(setup, alias), id);
}

static bool create(struct setups *setups, const struct endpoint_values *own, struct err *err)
{
    const struct setup *setup = setups->setups;
    const struct endpoint *connection = setup_connection(setup);
    if (connection && connection->state.value == ENDPOINT_FAILED &&
        !delete_failed(setups, own->max_ms, err))
        return false;
    if (!*setup_endpoint_id(setup))
        return err_set(err, ERR_USAGE,
            "which endpoint? AWS shows none of this service in this VPC: expected --endpoint-id "
            "vpce-..., or tidblink setup, which creates it");
    return setups_walk(setups, "connection", "connection", own->max_ms, stdout, err);
}

// Before that nobody is at work on its acceptance, and waiting for it has no end.
static bool is_registered(const struct setups *setups, struct err *err)
{
    const struct setup *setup = setups->setups;
    const struct endpoint *connection = setup_connection(setup);
    const char *id = setup_endpoint_id(setup);
    char alias[SHELL_WORD_BYTES];
    if (connection && connection->state.value != ENDPOINT_DISCOVERED)
        return true;
    setup_alias(setup, alias);
    if (*id)
        return err_set(err, ERR_REFUSED,
            "%.200s is not registered with TiDB Cloud yet. Next: tidblink endpoint create %.200s",
            id, alias);
    return err_set(err, ERR_REFUSED,
        "no endpoint of this cluster is known to be ours, so there is nothing to wait for. Next: "
        "tidblink setup %.200s",
        alias);
}

static bool enable_dns(struct setups *setups, const struct endpoint_values *own, struct err *err)
{
    if (!setup_sees_aws(setups->setups)) {
        const struct err *why = setup_no_aws(setups->setups);
        return err_set(err, why->code != ERR_NONE ? why->code : ERR_AWS, "%s", why->text);
    }
    return is_registered(setups, err) &&
           setups_walk(setups, "attributes", "attributes", own->max_ms, stdout, err) &&
           setups_walk(setups, "accepted", "dns", own->max_ms, stdout, err);
}

static bool wait(struct setups *setups, const struct endpoint_values *own, struct err *err)
{
    return is_registered(setups, err) &&
           setups_walk(setups, "accepted", "accepted", own->max_ms, stdout, err);
}

static bool list(struct setups *setups, const struct endpoint_values *own, struct err *err)
{
    return endpoint_list(setups->setups, own->json, err);
}

static bool delete (struct setups *setups, const struct endpoint_values *own, struct err *err)
{
    return endpoint_delete(setups, own->yes, own->max_ms, err);
}

static const struct verb {
    const char *name;
    bool (*run)(struct setups *setups, const struct endpoint_values *own, struct err *err);
    bool acts;
} verbs[] = {
    { "command", print_commands, false },
    { "create", create, true },
    { "enable-dns", enable_dns, true },
    { "wait", wait, false },
    { "list", list, false },
    { "delete", delete, true },
};

static const struct verb *find_verb(const char *name, struct err *err)
{
    struct suggest suggest = suggest_for(name);
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
        suggest_offer(&suggest, verbs[i].name);
    }
    err_set(err, ERR_USAGE,
        "%s%.40s: expected command, create, enable-dns, wait, list or delete, then a CLUSTER%s",
        *name ? "" : "nothing to do", name, suggest_text(&suggest));
    return NULL;
}

// ---- the command --------------------------------------------------------------------------------

static bool run_verb(const struct verb *verb, const struct endpoint_values *own,
    const struct settings *settings, struct err *err)
{
    const struct setups_wish wish = {
        .subnet_ids = own->subnet_ids,
        .security_group_ids = own->security_group_ids,
        .private_ip = own->private_ip,
        .acts = verb->acts,
    };
    struct setups setups = { 0 };
    struct step_view view = { 0 };
    bool ok = settings_only_cluster(settings, err) && setups_open(&setups, settings, &wish, err);
    if (ok && !setups.setups->world.group) {
        setup_step(0)->look(setups.setups, &view);
        ok = err_set(err, view.code, "%s", view.text);
    }
    if (ok && verb->acts)
        setups_catch_interrupt();
    ok = ok && verb->run(&setups, own, err);
    setups_close(&setups);
    return ok;
}

static bool run(const struct command_line *line, int *exit_code, struct err *err)
{
    (void)exit_code;
    struct endpoint_values own = { 0 };
    const struct verb *verb = find_verb(line->argc > 0 ? line->argv[0] : "", err);
    if (!verb)
        return false;
    const struct command_line rest = {
        .argc = line->argc - 1, .argv = line->argv + 1, .keys = line->keys
    };
    const struct settings_request request = {
        .line = &rest, .own = &own_table, .own_values = &own, .clusters_max = 1
    };
    struct settings *settings = settings_build(&request, err);
    bool ok = settings && run_verb(verb, &own, settings, err);
    option_free(&own_table, &own);
    settings_free(settings);
    return ok;
}

const struct command cmd_endpoint = {
    .name = "endpoint",
    .usage = "command|create|enable-dns|wait|list|delete [CLUSTER]",
    .summary = "one step of the set-up, or its undoing",
    .help = "  command     print the exact commands of the set-up, AWS's and our own\n"
            "  create      register the interface endpoint with TiDB Cloud; one that is\n"
            "              FAILED is deleted there and registered again (the console's\n"
            "              Edit), unless it had been accepted before\n"
            "  enable-dns  wait until it is accepted, then enable private DNS on it\n"
            "  wait        wait until it is accepted\n"
            "  list        the endpoints of the cluster, as TiDB Cloud and AWS see them\n"
            "  delete      delete both sides; asks first\n"
            "tidblink setup does all of them in order.",
    .own = &own_table,
    .run = run,
};
