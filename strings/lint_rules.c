// SPDX-License-Identifier: Apache-2.0
//
// The judgement: what the parameters mean for TLS, what is wrong with the place, which traps of the
// client's table (lint_traps.c) the string has, and what is put in their place. Pure.
#include "strings/lint_rows.h"
#include "strings/request.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const tls_words[LINT_TLS_MODES] = {
    [LINT_TLS_CLIENT] = "client",
    [LINT_TLS_OFF] = "off",
    [LINT_TLS_IDENTITY] = "verify-identity",
    [LINT_TLS_CA] = "verify-ca",
    [LINT_TLS_UNVERIFIED] = "unverified",
    [LINT_TLS_CUSTOM] = "custom",
};

const char *lint_tls_name(enum lint_tls tls)
{
    return tls_words[tls];
}

// ---- conditions ---------------------------------------------------------------------------------

static bool is_one_of(const char *value, const char *list, size_t len)
{
    size_t value_len = value ? strlen(value) : 0;
    for (size_t at = 0; value && at <= len;) {
        size_t item = at;
        while (item < len && list[item] != '|')
            item++;
        if (item - at == value_len && !strncasecmp(list + at, value, value_len))
            return true;
        at = item + 1;
    }
    return false;
}

static bool is_loopback(const char *host)
{
    return host && (!strcasecmp(host, "localhost") || !strncmp(host, "127.", 4) ||
                       !strcmp(host, "::1") || !strcmp(host, "[::1]"));
}

static bool host_is(const struct lint *lint, const char *word, size_t len)
{
    const struct lint_reading *reading = &lint->reading;
    const char *host = reading->socket.text ? NULL : reading->host.text;
    if (!host)
        return false;
    const struct {
        const char *word;
        bool holds;
    } words[] = { { "localhost", !strcasecmp(host, "localhost") },
        { "loopback", is_loopback(host) }, { "ip", request_host_is_address(host) },
        { "v6", strchr(host, ':') != NULL }, { "path", *host == '/' }, { "any", true } };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strlen(words[i].word) == len && !memcmp(words[i].word, word, len))
            return words[i].holds;
    }
    return false;
}

static const char *fact(const struct lint *lint, const char *name, size_t len)
{
    const struct lint_reading *reading = &lint->reading;
    const struct {
        const char *name;
        const char *text;
    } facts[] = { { "port", reading->port.text }, { "user", reading->user.text },
        { "socket", reading->socket.text }, { "password", reading->password.text },
        { "database", reading->database.text }, { "tls", tls_words[lint->report.tls] },
        { "scheme", reading->scheme.text } };
    for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
        if (strlen(facts[i].name) == len && !memcmp(facts[i].name, name, len))
            return facts[i].text;
    }
    return NULL;
}

static struct lint_pair *find_named(struct lint *lint, const char *name, size_t len)
{
    char text[80];
    if (len >= sizeof(text))
        return NULL;
    memcpy(text, name, len);
    text[len] = '\0';
    return lint_find_pair(lint, text);
}

static bool holds(struct lint *lint, const char *condition, size_t len)
{
    bool is_negated = *condition == '!';
    condition += is_negated;
    len -= is_negated;
    const char *equals = memchr(condition, '=', len);
    size_t name_len = equals ? (size_t)(equals - condition) : len;
    const char *list = equals ? equals + 1 : NULL;
    size_t list_len = equals ? len - name_len - 1 : 0;
    bool result;
    if (*condition != '@') {
        const struct lint_pair *pair = find_named(lint, condition, name_len);
        result = pair && (!list || is_one_of(pair->value.text, list, list_len));
    } else if (name_len == 5 && !memcmp(condition, "@host", 5)) {
        result = host_is(lint, list ? list : "any", list ? list_len : 3);
    } else {
        const char *text = fact(lint, condition + 1, name_len - 1);
        result = text && (!list || is_one_of(text, list, list_len));
    }
    return result != is_negated;
}

static bool all_hold(struct lint *lint, const char *when)
{
    while (*when) {
        size_t len = strcspn(when, " ");
        if (!holds(lint, when, len))
            return false;
        when += len;
        when += strspn(when, " ");
    }
    return true;
}

// ---- findings and fixes -------------------------------------------------------------------------

static uint32_t place_of(struct lint *lint, const char *at)
{
    if (!at)
        return LINT_NOWHERE;
    const struct lint_pair *pair = lint_find_pair(lint, at);
    return pair ? pair->name.from : LINT_NOWHERE;
}

static void set_pair(struct lint *lint, const char *fix, size_t len)
{
    size_t name_len = strcspn(fix, "=");
    bool has_value = name_len < len;
    char *texts = lint_alloc(lint, len + 2);
    if (lint->failed)
        return;
    memcpy(texts, fix, len);
    texts[len] = texts[len + 1] = '\0';
    if (has_value)
        texts[name_len] = '\0';
    const char *value = has_value ? texts + name_len + 1 : texts + len;
    struct lint_pair *pair = lint_find_pair(lint, texts);
    if (pair)
        pair->is_dropped = true;
    pair = lint_add_pair(lint, (struct lint_value){ texts, 0 }, (struct lint_value){ value, 0 });
    if (pair)
        pair->is_added = true;
}

static void apply_fix(struct lint *lint, const char *fix)
{
    if (fix && *fix == '!') {
        lint->reading.is_unwritten = true;
        return;
    }
    while (fix && *fix) {
        size_t len = strcspn(fix, " ");
        struct lint_pair *pair = *fix == '-' ? find_named(lint, fix + 1, len - 1) : NULL;
        if (pair)
            pair->is_dropped = true;
        else if (*fix != '-')
            set_pair(lint, fix, len);
        fix += len;
        fix += strspn(fix, " ");
    }
}

static void apply(struct lint *lint, const struct lint_rule *rule)
{
    if (rule->code)
        lint_say(lint, rule->severity, rule->code, place_of(lint, rule->at), rule->why, "%s",
            rule->what);
    apply_fix(lint, rule->fix);
}

// ---- what every client has ----------------------------------------------------------------------

static void judge_port(struct lint *lint)
{
    struct lint_reading *reading = &lint->reading;
    const char *text = reading->port.text;
    if (reading->socket.text || (lint->client->flags & ANY_PLACE))
        return;
    if (!text) {
        lint_say(lint, LINT_ERROR, "no-port", reading->end,
            "without one the client takes 3306; TiDB listens on 4000, a cluster or tidblink on the "
            "port that tidblink status shows",
            "no port");
        reading->port = (struct lint_value){ "4000", reading->end };
        return;
    }
    unsigned port = lint_port(lint);
    if (port == 2379 || port == 2380 || port == 20160 || port == 20180 || port == 10080)
        lint_say(lint, LINT_ERROR, "wrong-port", reading->port.from,
            "PD, TiKV and TiDB's status port do not speak MySQL, and private endpoints carry SQL "
            "only: use the cluster's SQL port (4000 unless the console shows another)",
            "port %u is not TiDB's SQL port", port);
    if (port == 33060)
        lint_say(lint, LINT_ERROR, "wrong-port", reading->port.from,
            "it is the X protocol's port, which TiDB does not speak: use the cluster's SQL port",
            "port 33060 is the X protocol's");
    if (port == 0 || port > 65535)
        lint_say(lint, LINT_ERROR, "bad-port", reading->port.from,
            "a port is a number from 1 to 65535", "what stands for the port is none");
}

static void judge_host(struct lint *lint)
{
    struct lint_reading *reading = &lint->reading;
    if (reading->socket.text)
        return;
    if (!reading->host.text) {
        if (!(lint->client->flags & ANY_PLACE))
            lint_say(lint, LINT_ERROR, "no-host", reading->end,
                "the client takes localhost, or its own unix socket", "no host");
        return;
    }
    if (!strcasecmp(reading->host.text, "localhost")) {
        bool is_socket = lint->client->flags & LOCALHOST_SOCKET;
        lint_say(lint, is_socket ? LINT_ERROR : LINT_WARNING, "localhost", reading->host.from,
            is_socket ? "this client takes it for the unix socket of a server on this machine and "
                        "ignores the port; write 127.0.0.1"
                      : "it may be ::1, where nobody listens; write 127.0.0.1",
            "the host is localhost");
        reading->host.text = "127.0.0.1";
    }
    if (*reading->host.text == '/')
        lint_say(lint, LINT_ERROR, "socket-host", reading->host.from,
            "this client looks it up as a host name; a unix socket has a field of its own",
            "the host is the path of a unix socket");
    if (lint->report.tls == LINT_TLS_IDENTITY && is_loopback(reading->host.text))
        lint_say(lint, LINT_ERROR, "tls-identity", reading->host.from,
            "the cluster's certificate names the private endpoint's host, not this one: connect to "
            "that name, verify only the CA, or let tidblink speak TLS to the cluster (tls-ca) and "
            "turn it off here",
            "TLS verifies the name against %.60s", reading->host.text);
}

static void judge_parameters(struct lint *lint)
{
    const struct lint_client *client = lint->client;
    for (size_t i = 0; i < lint->reading.pair_count; i++) {
        struct lint_pair *pair = &lint->reading.pairs[i];
        const char *name = pair->name.text;
        if (pair->is_inner || pair->is_hidden || pair->is_dropped)
            continue;
        if (client->flags & QUERY_DROPPED) {
            pair->is_dropped = true;
            lint_say(lint, LINT_ERROR, "dropped-parameter", pair->name.from,
                "this client cuts the query off its URL: give it as an option of its own",
                "the parameter %.60s is dropped", name);
        }
        if (!client->known || !(client->flags & (UNKNOWN_THROWS | UNKNOWN_IGNORED)) ||
            lint_knows_name(client, client->known, name) ||
            lint_knows_name(client, client->sockets, name))
            continue;
        bool throws = client->flags & UNKNOWN_THROWS;
        pair->is_dropped = true;
        lint_say(lint, throws ? LINT_ERROR : LINT_WARNING, "unknown-parameter", pair->name.from,
            throws ? "this client refuses a parameter that it does not know"
                   : "this client ignores what it does not know, so it has no effect",
            "it has no parameter %.60s", name);
    }
}

static void judge_database(struct lint *lint)
{
    const char *database = lint->reading.database.text;
    if (!(lint->client->flags & WANTS_DATABASE) || (database && *database))
        return;
    lint->reading.is_unwritten = true;
    lint_say(lint, LINT_ERROR, "no-database", lint->reading.end,
        "this client refuses a URL without one", "no database");
}

void lint_judge(struct lint *lint)
{
    const struct lint_client *client = lint->client;
    const struct lint_rule *tls = client->tls, *trap = client->traps;
    for (; tls && tls->when; tls++) {
        if (!all_hold(lint, tls->when))
            continue;
        lint->report.tls = tls->tls;
        apply(lint, tls);
        break;
    }
    for (; trap && trap->when; trap++) {
        if (all_hold(lint, trap->when))
            apply(lint, trap);
    }
    judge_parameters(lint);
    judge_host(lint);
    judge_port(lint);
    judge_database(lint);
}
