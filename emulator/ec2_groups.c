// SPDX-License-Identifier: Apache-2.0
//
// The EC2 actions on security groups. A group's rules are lines in the world (rules.h), each with
// one peer; EC2 shows and takes them as permissions, which gather the peers of one range of ports.
// ec2.c has the table. The loop's thread only.
#include "base/cursor.h"
#include "base/hash.h"
#include "emulator/ec2.h"
#include "emulator/rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { RULES_MAX = 120, RULE_ID_BYTES = 32 }; // EC2's own limit is 60 in each direction

struct rule_list {
    struct rule rules[RULES_MAX];
    size_t count;
};

// Where a kind of peer is in requests and answers.
static const struct peer_kind {
    const char *asked, *asked_name; // "IpPermissions.1.<asked>.2.<asked_name>"
    const char *set, *name;         // <set><item><name/></item></set>
} peer_kinds[] = {
    { "Groups", "GroupId", "groups", "groupId" },
    { "IpRanges", "CidrIp", "ipRanges", "cidrIp" },
    { "Ipv6Ranges", "CidrIpv6", "ipv6Ranges", "cidrIpv6" },
    { "PrefixListIds", "PrefixListId", "prefixListIds", "prefixListId" },
};

static const struct peer_kind *kind_of(const struct rule *rule)
{
    if (rule_peer_is_group(rule))
        return &peer_kinds[0];
    if (strncmp(rule->peer, "pl-", 3) == 0)
        return &peer_kinds[3];
    return strchr(rule->peer, ':') ? &peer_kinds[2] : &peer_kinds[1];
}

static const char *direction(bool is_egress)
{
    return is_egress ? "egress" : "ingress";
}

static void read_rules(const struct object *group, bool is_egress, struct rule_list *out)
{
    out->count = 0;
    const cJSON *line = object_list(group, direction(is_egress));
    for (; line && out->count < RULES_MAX; line = line->next)
        out->count += rule_parse(line->valuestring, &out->rules[out->count]);
}

static void write_rules(struct object *group, bool is_egress, const struct rule_list *list)
{
    char text[RULE_TEXT_BYTES];
    cJSON *lines = cJSON_CreateArray();
    for (size_t i = 0; i < list->count; i++)
        cJSON_AddItemToArray(
            lines, cJSON_CreateString(rule_format(&list->rules[i], is_egress, text)));
    object_set(group, direction(is_egress), lines);
}

static bool holds(const struct rule_list *list, const struct rule *rule)
{
    for (size_t i = 0; i < list->count; i++) {
        if (rule_equal(&list->rules[i], rule))
            return true;
    }
    return false;
}

// Made from what the rule says (FNV-1a), so that it needs no place in the world.
static const char *rule_id(
    const struct object *group, bool is_egress, const struct rule *rule, char out[RULE_ID_BYTES])
{
    char text[RULE_TEXT_BYTES + 64];
    snprintf(text, sizeof(text), "%s %d %s %d %d %s", object_id(group), is_egress, rule->protocol,
        rule->from_port, rule->to_port, rule->peer);
    snprintf(out, RULE_ID_BYTES, "sgr-0%016" PRIx64, hash_text(HASH_START, text));
    return out;
}

// ---- showing ------------------------------------------------------------------------------------

static bool same_range(const struct rule *a, const struct rule *b)
{
    return strcmp(a->protocol, b->protocol) == 0 && a->from_port == b->from_port &&
           a->to_port == b->to_port;
}

static void show_range(struct ec2_ask *ask, const struct rule *rule)
{
    xml_text(&ask->xml, "ipProtocol", rule->protocol);
    if (rule->from_port >= 0) {
        xml_int(&ask->xml, "fromPort", rule->from_port);
        xml_int(&ask->xml, "toPort", rule->to_port);
    } else if (strcmp(rule->protocol, "-1") != 0) { // all ports of one protocol
        bool is_icmp = strncmp(rule->protocol, "icmp", 4) == 0;
        xml_int(&ask->xml, "fromPort", is_icmp ? -1 : 0);
        xml_int(&ask->xml, "toPort", is_icmp ? -1 : RULE_PORT_MAX);
    }
}

static void show_peers(struct ec2_ask *ask, const struct rule_list *list, const struct rule *range,
    const struct peer_kind *kind)
{
    xml_open(&ask->xml, kind->set);
    for (size_t i = 0; i < list->count; i++) {
        const struct rule *rule = &list->rules[i];
        if (!same_range(rule, range) || kind_of(rule) != kind)
            continue;
        xml_open(&ask->xml, "item");
        if (rule_peer_is_group(rule))
            xml_text(&ask->xml, "userId", EC2_ACCOUNT);
        xml_text(&ask->xml, kind->name, rule->peer);
        if (*rule->note)
            xml_text(&ask->xml, "description", rule->note);
        xml_close(&ask->xml);
    }
    xml_close(&ask->xml);
}

static void show_permissions(
    struct ec2_ask *ask, const char *name, const struct object *group, bool is_egress)
{
    struct rule_list list;
    read_rules(group, is_egress, &list);
    xml_open(&ask->xml, name);
    for (size_t i = 0; i < list.count; i++) {
        size_t first = 0;
        while (!same_range(&list.rules[first], &list.rules[i]))
            first++;
        if (first != i)
            continue; // gathered with that one
        xml_open(&ask->xml, "item");
        show_range(ask, &list.rules[i]);
        for (size_t kind = 0; kind < ARRAY_LEN(peer_kinds); kind++)
            show_peers(ask, &list, &list.rules[i], &peer_kinds[kind]);
        xml_close(&ask->xml);
    }
    xml_close(&ask->xml);
}

static void show_group(struct ec2_ask *ask, const struct object *group)
{
    struct xml *xml = &ask->xml;
    const char *description = object_text(group, "description");
    xml_text(xml, "ownerId", EC2_ACCOUNT);
    xml_text(xml, "groupId", object_id(group));
    xml_text(xml, "groupName", object_text(group, "name"));
    xml_text(xml, "groupDescription", *description ? description : object_text(group, "name"));
    xml_text(xml, "vpcId", object_text(group, "vpc"));
    show_permissions(ask, "ipPermissions", group, false);
    show_permissions(ask, "ipPermissionsEgress", group, true);
    ec2_show_tags(ask, group);
}

bool ec2_describe_groups(struct ec2_ask *ask)
{
    static const struct ec2_filter filters[] = { { .name = "vpc-id", .field = "vpc" },
        { .name = "group-id", .field = "id" }, { .name = "group-name", .field = "name" },
        { .name = "description", .field = "description" },
        { .name = "owner-id", .constant = EC2_ACCOUNT }, { 0 } };
    static const struct ec2_listing listing = { .kind = KIND_SECURITY_GROUP,
        .set = "securityGroupInfo",
        .ids = "GroupId",
        .filters = filters,
        .show = show_group };
    return ec2_list(ask, &listing);
}

// ---- reading a request --------------------------------------------------------------------------

static bool read_port(const struct ec2_ask *ask, const char *prefix, const char *name, int *out)
{
    char full[96];
    uint64_t number = 0;
    snprintf(full, sizeof(full), "%s.%s", prefix, name);
    const char *text = ec2_param(ask, full);
    *out = -1;
    if (!text || strcmp(text, "-1") == 0)
        return true;
    if (!parse_uint(text, 0, RULE_PORT_MAX, &number))
        return false;
    *out = (int)number;
    return true;
}

static bool read_range(struct ec2_ask *ask, const char *prefix, struct rule *out)
{
    char name[96];
    snprintf(name, sizeof(name), "%s.IpProtocol", prefix);
    const char *protocol = ec2_param(ask, name);
    if (!protocol)
        return ec2_missing(ask, "ipProtocol");
    bool is_all = strcmp(protocol, "-1") == 0 || strcmp(protocol, "all") == 0;
    snprintf(out->protocol, sizeof(out->protocol), "%s",
        is_all                       ? "-1"
        : strcmp(protocol, "6") == 0 ? "tcp"
                                     : protocol);
    if (!read_port(ask, prefix, "FromPort", &out->from_port) ||
        !read_port(ask, prefix, "ToPort", &out->to_port) || out->from_port > out->to_port)
        return ec2_fail(ask, "InvalidParameterValue",
            "Invalid value for portRange. Must be "
            "integers from 0 to 65535");
    if (is_all)
        out->from_port = out->to_port = -1;
    return true;
}

// A peer that EC2 knows, as a rule of its own.
static bool add_peer(struct ec2_ask *ask, struct rule_list *out, const struct rule *range,
    const char *peer, const char *note)
{
    char text[RULE_TEXT_BYTES];
    struct rule rule = *range, read_again;
    snprintf(rule.peer, sizeof(rule.peer), "%s", peer);
    snprintf(rule.note, sizeof(rule.note), "%s", note ? note : "");
    if (rule_peer_is_group(&rule) && !ec2_find(ask, KIND_SECURITY_GROUP, peer))
        return ec2_not_found(ask, KIND_SECURITY_GROUP, peer);
    if (!rule_parse(rule_format(&rule, false, text), &read_again))
        return ec2_fail(ask, "InvalidParameterValue", "CIDR block %s is malformed", peer);
    if (out->count == RULES_MAX)
        return ec2_fail(ask, "RulesPerSecurityGroupLimitExceeded",
            "The maximum number of rules per security group has been reached.");
    if (holds(out, &rule))
        return ec2_fail(
            ask, "InvalidParameterValue", "The same permission must not appear multiple times");
    out->rules[out->count++] = rule;
    return true;
}

static bool read_peers(
    struct ec2_ask *ask, const char *prefix, const struct rule *range, struct rule_list *out)
{
    for (size_t kind = 0; kind < ARRAY_LEN(peer_kinds); kind++) {
        for (unsigned i = 1;; i++) {
            char name[160], note[160];
            snprintf(name, sizeof(name), "%s.%s.%u.%s", prefix, peer_kinds[kind].asked, i,
                peer_kinds[kind].asked_name);
            snprintf(note, sizeof(note), "%s.%s.%u.Description", prefix, peer_kinds[kind].asked, i);
            const char *peer = ec2_param(ask, name);
            if (!peer)
                break;
            if (!add_peer(ask, out, range, peer, ec2_param(ask, note)))
                return false;
        }
    }
    return true;
}

static bool read_permissions(struct ec2_ask *ask, struct rule_list *out)
{
    out->count = 0;
    for (unsigned i = 1;; i++) {
        char prefix[40], first[64];
        struct rule range = { .note = "" };
        snprintf(prefix, sizeof(prefix), "IpPermissions.%u", i);
        snprintf(first, sizeof(first), "%s.IpProtocol", prefix);
        if (!ec2_param(ask, first))
            break;
        if (!read_range(ask, prefix, &range) || !read_peers(ask, prefix, &range, out))
            return false;
    }
    return out->count > 0 || ec2_missing(ask, "ipPermissions");
}

// ---- changing -----------------------------------------------------------------------------------

// As EC2 words it, "TCP, from port: 4000, to port: 4000".
static bool refuse_duplicate(struct ec2_ask *ask, const struct rule *rule)
{
    char protocol[16], ports[64] = "";
    snprintf(protocol, sizeof(protocol), "%s",
        strcmp(rule->protocol, "-1") == 0 ? "all" : rule->protocol);
    for (char *at = protocol; *at; at++)
        *at = *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
    if (rule->from_port >= 0)
        snprintf(
            ports, sizeof(ports), ", from port: %d, to port: %d", rule->from_port, rule->to_port);
    return ec2_fail(ask, "InvalidPermission.Duplicate",
        "the specified rule \"peer: %s, %s%s, ALLOW\" already exists", rule->peer, protocol, ports);
}

static void show_rule(
    struct ec2_ask *ask, const struct object *group, bool is_egress, const struct rule *rule)
{
    struct xml *xml = &ask->xml;
    char id[RULE_ID_BYTES];
    xml_open(xml, "item");
    xml_text(xml, "securityGroupRuleId", rule_id(group, is_egress, rule, id));
    xml_text(xml, "groupId", object_id(group));
    xml_text(xml, "groupOwnerId", EC2_ACCOUNT);
    xml_bool(xml, "isEgress", is_egress);
    xml_text(xml, "ipProtocol", rule->protocol);
    xml_int(xml, "fromPort", rule->from_port);
    xml_int(xml, "toPort", rule->to_port);
    if (rule_peer_is_group(rule)) {
        xml_open(xml, "referencedGroupInfo");
        xml_text(xml, "groupId", rule->peer);
        xml_text(xml, "userId", EC2_ACCOUNT);
        xml_close(xml);
    } else {
        const struct peer_kind *kind = kind_of(rule);
        xml_text(xml, kind == &peer_kinds[1] ? "cidrIpv4" : kind->name, rule->peer);
    }
    if (*rule->note)
        xml_text(xml, "description", rule->note);
    xml_open(xml, "tagSet");
    xml_close(xml);
    xml_close(xml);
}

static bool authorize(struct ec2_ask *ask, bool is_egress)
{
    struct rule_list wanted, rules;
    struct object *group = ec2_named(ask, KIND_SECURITY_GROUP, "GroupId");
    if (!group || !read_permissions(ask, &wanted))
        return false;
    read_rules(group, is_egress, &rules);
    for (size_t i = 0; i < wanted.count; i++) {
        if (holds(&rules, &wanted.rules[i]))
            return refuse_duplicate(ask, &wanted.rules[i]);
        if (rules.count == RULES_MAX)
            return ec2_fail(ask, "RulesPerSecurityGroupLimitExceeded",
                "The maximum number of rules per security group has been reached.");
        rules.rules[rules.count++] = wanted.rules[i];
    }
    write_rules(group, is_egress, &rules);
    ec2_done(ask);
    xml_open(&ask->xml, "securityGroupRuleSet");
    for (size_t i = 0; i < wanted.count; i++)
        show_rule(ask, group, is_egress, &wanted.rules[i]);
    xml_close(&ask->xml);
    return true;
}

// The rules that are named by their IDs.
static bool read_rule_ids(struct ec2_ask *ask, const struct object *group, bool is_egress,
    const struct rule_list *rules, struct rule_list *out)
{
    const char *wanted;
    out->count = 0;
    for (unsigned i = 1; (wanted = ec2_item(ask, "SecurityGroupRuleId", i)); i++) {
        char id[RULE_ID_BYTES];
        size_t found = 0;
        while (found < rules->count &&
               strcmp(rule_id(group, is_egress, &rules->rules[found], id), wanted) != 0)
            found++;
        if (found == rules->count || out->count == RULES_MAX)
            return ec2_fail(ask, "InvalidSecurityGroupRuleId.NotFound",
                "The security group rule ID '%s' does not exist", wanted);
        out->rules[out->count++] = rules->rules[found];
    }
    return true;
}

static bool revoke(struct ec2_ask *ask, bool is_egress)
{
    struct rule_list unwanted, rules, left = { .count = 0 };
    struct object *group = ec2_named(ask, KIND_SECURITY_GROUP, "GroupId");
    if (!group)
        return false;
    read_rules(group, is_egress, &rules);
    bool read = ec2_item(ask, "SecurityGroupRuleId", 1)
                    ? read_rule_ids(ask, group, is_egress, &rules, &unwanted)
                    : read_permissions(ask, &unwanted);
    if (!read)
        return false;
    for (size_t i = 0; i < unwanted.count; i++) {
        if (!holds(&rules, &unwanted.rules[i]))
            return ec2_fail(ask, "InvalidPermission.NotFound",
                "The specified rule does not exist in this security group.");
    }
    for (size_t i = 0; i < rules.count; i++) {
        if (!holds(&unwanted, &rules.rules[i]))
            left.rules[left.count++] = rules.rules[i];
    }
    write_rules(group, is_egress, &left);
    return ec2_done(ask);
}

bool ec2_authorize_ingress(struct ec2_ask *ask)
{
    return authorize(ask, false);
}

bool ec2_authorize_egress(struct ec2_ask *ask)
{
    return authorize(ask, true);
}

bool ec2_revoke_ingress(struct ec2_ask *ask)
{
    return revoke(ask, false);
}

bool ec2_revoke_egress(struct ec2_ask *ask)
{
    return revoke(ask, true);
}
