// SPDX-License-Identifier: Apache-2.0
//
// Reads, writes and applies the rules of security groups. The schema checks them with this, ec2.c's
// parts add and remove them, and vpc.c asks what they admit. Pure.
#include "emulator/rules.h"

#include "base/addr.h"
#include "base/cidr.h"
#include "base/cursor.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

// The next word of a line, "" at its end; false if it is too long.
static bool take_word(const char **at, char *out, size_t size)
{
    *at += strspn(*at, " ");
    size_t len = strcspn(*at, " ");
    if (len >= size)
        return false;
    memcpy(out, *at, len);
    out[len] = '\0';
    *at += len;
    return true;
}

static bool read_ports(const char *text, struct rule *rule)
{
    uint64_t from = 0, to = 0;
    char first[16];
    const char *dash = strchr(text, '-');
    size_t len = dash ? (size_t)(dash - text) : strlen(text);
    if (len >= sizeof(first))
        return false;
    memcpy(first, text, len);
    first[len] = '\0';
    if (!parse_uint(first, 0, RULE_PORT_MAX, &from))
        return false;
    if (dash && !parse_uint(dash + 1, from, RULE_PORT_MAX, &to))
        return false;
    rule->from_port = (int)from;
    rule->to_port = dash ? (int)to : (int)from;
    return true;
}

static bool is_peer(const char *text)
{
    struct cidr cidr;
    return strncmp(text, "sg-", 3) == 0 || strncmp(text, "pl-", 3) == 0 ||
           cidr_parse(text, &cidr, NULL);
}

static bool is_direction(const char *word)
{
    return strcmp(word, "from") == 0 || strcmp(word, "to") == 0;
}

bool rule_parse(const char *text, struct rule *out)
{
    char word[16];
    struct rule rule = { .from_port = -1, .to_port = -1 };
    if (!take_word(&text, rule.protocol, sizeof(rule.protocol)) ||
        !take_word(&text, word, sizeof(word)))
        return false;
    if (strcmp(rule.protocol, "all") == 0)
        snprintf(rule.protocol, sizeof(rule.protocol), "-1");
    if (!is_direction(word) &&
        (!read_ports(word, &rule) || !take_word(&text, word, sizeof(word)) || !is_direction(word)))
        return false;
    if (!take_word(&text, rule.peer, sizeof(rule.peer)) || !is_peer(rule.peer))
        return false;
    text += strspn(text, " ");
    if (*text && *text != '#')
        return false;
    if (*text)
        snprintf(rule.note, sizeof(rule.note), "%s", text + 1 + strspn(text + 1, " "));
    *out = rule;
    return true;
}

const char *rule_format(const struct rule *rule, bool is_egress, char out[RULE_TEXT_BYTES])
{
    char ports[32] = "";
    if (rule->from_port >= 0 && rule->to_port == rule->from_port)
        snprintf(ports, sizeof(ports), " %d", rule->from_port);
    else if (rule->from_port >= 0)
        snprintf(ports, sizeof(ports), " %d-%d", rule->from_port, rule->to_port);
    snprintf(out, RULE_TEXT_BYTES, "%s%s %s %s%s%s",
        strcmp(rule->protocol, "-1") == 0 ? "all" : rule->protocol, ports,
        is_egress ? "to" : "from", rule->peer, *rule->note ? " # " : "", rule->note);
    return out;
}

bool rule_peer_is_group(const struct rule *rule)
{
    return strncmp(rule->peer, "sg-", 3) == 0;
}

bool rule_equal(const struct rule *a, const struct rule *b)
{
    return strcmp(a->protocol, b->protocol) == 0 && a->from_port == b->from_port &&
           a->to_port == b->to_port && strcmp(a->peer, b->peer) == 0;
}

static bool admits_port(const struct rule *rule, unsigned port)
{
    if (strcmp(rule->protocol, "-1") == 0)
        return true;
    if (strcmp(rule->protocol, "tcp") != 0)
        return false;
    return rule->from_port < 0 || ((int)port >= rule->from_port && (int)port <= rule->to_port);
}

bool rule_admits(const struct rule *rule, unsigned port, const struct rule_peer *peer)
{
    struct cidr cidr;
    if (!admits_port(rule, port))
        return false;
    if (!peer->addr && !peer->groups)
        return true;
    for (const cJSON *group = peer->groups; group; group = group->next) {
        if (strcmp(rule->peer, group->valuestring) == 0)
            return true;
    }
    return peer->addr && cidr_parse(rule->peer, &cidr, NULL) && cidr_contains(&cidr, peer->addr);
}
