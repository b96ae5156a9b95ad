// SPDX-License-Identifier: Apache-2.0
//
// The option tables as lines for a shell. Pure.
#include "app/completion.h"

#include "app/command.h"
#include "app/connect_forms.h"
#include "app/settings.h"
#include "strings/strings.h"

#include <string.h>

static const char everywhere[] = "-";

static void print_clients(FILE *out)
{
    const struct string_client *client = NULL;
    for (size_t i = 0; (client = strings_at(i)); i++)
        fprintf(out, "%s ", client->id);
}

static void print_tls_modes(FILE *out)
{
    for (size_t i = 0; i < STRING_TLS_MODES; i++)
        fprintf(out, "%s ", strings_tls_name((enum string_tls)i));
}

// "url, mysql", and the one without variables.
static void print_forms(FILE *out)
{
    for (const char *text = connect_forms_names(); *text; text++)
        if (*text != ',')
            putc(*text, out);
    fputs(" none", out);
}

// Options whose values are known, but not to their row.
static const struct known {
    const char *name, *kind;
    void (*print)(FILE *out); // NULL: `words`
    const char *words;
} known[] = {
    { "client", "list", print_clients, NULL },
    { "env", "list", print_forms, NULL },
    { "tls", "words", print_tls_modes, NULL },
    { "state-source", "words", NULL, "api file: none" },
    { "aws-cli", "file", NULL, "off" },
    { "tls-ca", "path", NULL, "" },
    { "state-dir", "folder", NULL, "off" },
    { "admin-socket", "file", NULL, "off" },
};

static const struct known *find_known(const struct option_row *row)
{
    for (size_t i = 0; row->type != OPTION_CHOICE && i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].name, row->name) == 0)
            return &known[i];
    return NULL;
}

static const char *kind_of(const struct option_row *row)
{
    const char *unit = row->unit ? row->unit : "";
    if (row->type == OPTION_BOOL)
        return "flag";
    if (row->type == OPTION_CHOICE)
        return "words";
    if (strcmp(unit, "PATH") == 0 || strcmp(unit, "FILE") == 0)
        return "file";
    return strcmp(unit, "DIR") == 0 ? "folder" : "value";
}

static void print_row(const char *command, const struct option_row *row, FILE *out)
{
    const struct known *special = find_known(row);
    if (row->flags & OPTION_NO_FLAG)
        return;
    fprintf(out, "%s\t--%s\t%s\t", command, row->name, special ? special->kind : kind_of(row));
    if (special && special->print)
        special->print(out);
    else if (special)
        fputs(special->words, out);
    for (const char *const *choice = row->choices; choice && *choice; choice++)
        fprintf(out, "%s ", *choice);
    putc('\n', out);
}

static void print_table(const char *command, const struct option_table *table, FILE *out)
{
    for (size_t i = 0; table && i < table->count; i++)
        print_row(command, &table->rows[i], out);
}

// The usage says what the first argument is: "create|delete [CLUSTER]", "[CLUSTER] [--json]".
static void print_argument(const struct command *command, FILE *out)
{
    size_t len = strcspn(command->usage, " \n");
    fprintf(out, "%s\t-\t", command->name);
    if (memchr(command->usage, '|', len) && *command->usage != '[') {
        fputs("words\t", out);
        for (size_t i = 0; i < len; i++)
            putc(command->usage[i] == '|' ? ' ' : command->usage[i], out);
    } else {
        fputs(strstr(command->usage, "CLUSTER") ? "cluster\t" : "value\t", out);
    }
    putc('\n', out);
}

void completion_print(const struct command *const *commands, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        print_argument(commands[i], out);
        print_table(commands[i]->name, commands[i]->own, out);
    }
    print_table(everywhere, &settings_source_table, out);
    print_table(everywhere, &settings_cluster_table, out);
    print_table(everywhere, &settings_global_table, out);
}
