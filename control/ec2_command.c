// SPDX-License-Identifier: Apache-2.0
//
// Arguments for the AWS CLI, and how they look in a shell. See ec2_command.h; run by ec2.c and
// aws.c.
#include "control/ec2_command.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 76, VALUE_BYTES = 512, WORD_BYTES = 200 };

// ---- arguments ----------------------------------------------------------------------------------

void ec2_command_done(struct ec2_command *command)
{
    option_list_free(&command->argv);
}

void ec2_command_add(struct ec2_command *command, const char *argument)
{
    if (!option_list_add(&command->argv, argument))
        abort();
}

// docs.aws.amazon.com/cli/latest/userguide/cli-usage-parameters-file.html: file://, fileb:// and,
// in version 1, http:// and https:// stand for what is there.
static bool begins_with_scheme(const char *value)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char mark[] = "://";
    return strncmp(value + strspn(value, letters), mark, strlen(mark)) == 0;
}

void ec2_command_add_value(struct ec2_command *command, const char *value)
{
    char refused[VALUE_BYTES];
    snprintf(refused, sizeof(refused), "?%s", value);
    bool is_more = value[0] == '-' || begins_with_scheme(value);
    ec2_command_add(command, is_more ? refused : value);
}

void ec2_command_add_option(struct ec2_command *command, const char *name, const char *value)
{
    if (value == NULL)
        return;
    ec2_command_add(command, name);
    ec2_command_add_value(command, value);
}

void ec2_command_add_list(
    struct ec2_command *command, const char *name, const struct option_list *list)
{
    if (list == NULL || list->count == 0)
        return;
    ec2_command_add(command, name);
    for (size_t i = 0; i < list->count; i++)
        ec2_command_add_value(command, list->items[i]);
}

static void begin(struct ec2_command *command, const struct ec2_options *options,
    const char *service, const char *verb)
{
    *command = (struct ec2_command){ 0 };
    // Where it is not run, it is still printed, for somebody who has it.
    bool is_off = options->cli == NULL || strcmp(options->cli, "off") == 0;
    ec2_command_add(command, is_off ? "aws" : options->cli);
    ec2_command_add(command, service);
    ec2_command_add(command, verb);
    ec2_command_add_option(command, "--region", options->region);
    ec2_command_add_option(command, "--profile", options->profile);
    if (options->endpoint_url == NULL)
        return;
    ec2_command_add(command, "--endpoint-url");
    ec2_command_add(command, options->endpoint_url); // ours, and the one value that is a URL
}

void ec2_command_begin(
    struct ec2_command *command, const struct ec2_options *options, const char *verb)
{
    begin(command, options, "ec2", verb);
}

// ---- commands -----------------------------------------------------------------------------------

// A value inside of the CLI's shorthand syntax, where commas, brackets and quotes have a meaning
// ("A=b,C@=file:///x" reads a file); in a filter "*" and "?" have one too, and a tag may not hold
// everything.
static const char *shorthand_value(const char *text, char out[WORD_BYTES])
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "+-._:/@";
    snprintf(out, WORD_BYTES, "%s", text);
    for (char *at = out; *at != '\0'; at++)
        if (strchr(allowed, *at) == NULL)
            *at = '_';
    return out;
}

static void add_tags(struct ec2_command *command, const char *cluster)
{
    char word[WORD_BYTES];
    char tags[VALUE_BYTES];
    snprintf(tags, sizeof(tags), "ResourceType=vpc-endpoint,Tags=[{Key=tidblink-cluster,Value=%s}]",
        shorthand_value(cluster, word));
    ec2_command_add_option(command, "--tag-specifications", tags);
}

void ec2_create_endpoint(struct ec2_command *command, const struct ec2_options *options,
    const struct ec2_endpoint_plan *plan)
{
    ec2_command_begin(command, options, "create-vpc-endpoint");
    ec2_command_add_option(command, "--vpc-endpoint-type", "Interface");
    ec2_command_add_option(command, "--vpc-id", plan->vpc_id);
    ec2_command_add_option(command, "--service-name", plan->service_name);
    ec2_command_add_list(command, "--subnet-ids", plan->subnet_ids);
    ec2_command_add_list(command, "--security-group-ids", plan->security_group_ids);
    ec2_command_add(command, "--no-private-dns-enabled");
    ec2_command_add_option(command, "--client-token", plan->client_token);
    if (plan->cluster != NULL)
        add_tags(command, plan->cluster);
}

void ec2_enable_private_dns(
    struct ec2_command *command, const struct ec2_options *options, const char *endpoint_id)
{
    ec2_command_begin(command, options, "modify-vpc-endpoint");
    ec2_command_add_option(command, "--vpc-endpoint-id", endpoint_id);
    ec2_command_add(command, "--private-dns-enabled");
}

void ec2_delete_endpoint(
    struct ec2_command *command, const struct ec2_options *options, const char *endpoint_id)
{
    ec2_command_begin(command, options, "delete-vpc-endpoints");
    ec2_command_add_option(command, "--vpc-endpoint-ids", endpoint_id);
}

struct filter {
    const char *name, *value; // value NULL: no filter
};

static void add_filters(struct ec2_command *command, const struct filter *filters, size_t count)
{
    ec2_command_add(command, "--filters");
    for (size_t i = 0; i < count; i++) {
        char word[WORD_BYTES];
        char filter[VALUE_BYTES];
        if (filters[i].value == NULL)
            continue;
        snprintf(filter, sizeof(filter), "Name=%s,Values=%s", filters[i].name,
            shorthand_value(filters[i].value, word));
        ec2_command_add(command, filter);
    }
}

void ec2_describe_subnets(
    struct ec2_command *command, const struct ec2_options *options, const char *vpc_id)
{
    const struct filter filter = { "vpc-id", vpc_id };
    ec2_command_begin(command, options, "describe-subnets");
    add_filters(command, &filter, 1);
}

void ec2_describe_endpoints(struct ec2_command *command, const struct ec2_options *options,
    const char *service_name, const char *vpc_id)
{
    const struct filter filters[] = { { "service-name", service_name }, { "vpc-id", vpc_id } };
    ec2_command_begin(command, options, "describe-vpc-endpoints");
    add_filters(command, filters, ARRAY_LEN(filters));
}

void ec2_describe_endpoint(
    struct ec2_command *command, const struct ec2_options *options, const char *endpoint_id)
{
    const struct filter filter = { "vpc-endpoint-id", endpoint_id };
    ec2_command_begin(command, options, "describe-vpc-endpoints");
    add_filters(command, &filter, 1);
}

void ec2_enable_vpc_attribute(struct ec2_command *command, const struct ec2_options *options,
    const char *vpc_id, const char *attribute)
{
    bool support = strcmp(attribute, "enableDnsSupport") == 0;
    ec2_command_begin(command, options, "modify-vpc-attribute");
    ec2_command_add_option(command, "--vpc-id", vpc_id);
    ec2_command_add(command, support ? "--enable-dns-support" : "--enable-dns-hostnames");
}

// --cidr takes IPv4 only.
static void add_ipv6_permission(struct ec2_command *command, uint16_t port, const char *cidr)
{
    char word[WORD_BYTES];
    char permission[VALUE_BYTES];
    snprintf(permission, sizeof(permission),
        "IpProtocol=tcp,FromPort=%u,ToPort=%u,Ipv6Ranges=[{CidrIpv6=%s}]", port, port,
        shorthand_value(cidr, word));
    ec2_command_add_option(command, "--ip-permissions", permission);
}

static void add_permission(
    struct ec2_command *command, uint16_t port, const char *peer_group, const char *cidr)
{
    char port_text[8];
    if (peer_group == NULL && strchr(cidr, ':') != NULL) {
        add_ipv6_permission(command, port, cidr);
        return;
    }
    snprintf(port_text, sizeof(port_text), "%u", port);
    ec2_command_add_option(command, "--protocol", "tcp");
    ec2_command_add_option(command, "--port", port_text);
    // --source-group of egress as well: it means the peer.
    if (peer_group != NULL)
        ec2_command_add_option(command, "--source-group", peer_group);
    else
        ec2_command_add_option(command, "--cidr", cidr);
}

void ec2_allow_ingress(struct ec2_command *command, const struct ec2_options *options,
    const char *group_id, uint16_t port, const char *source_group, const char *cidr)
{
    ec2_command_begin(command, options, "authorize-security-group-ingress");
    ec2_command_add_option(command, "--group-id", group_id);
    add_permission(command, port, source_group, cidr);
}

void ec2_allow_egress(struct ec2_command *command, const struct ec2_options *options,
    const char *group_id, uint16_t port, const char *target_group, const char *cidr)
{
    ec2_command_begin(command, options, "authorize-security-group-egress");
    ec2_command_add_option(command, "--group-id", group_id);
    add_permission(command, port, target_group, cidr);
}

// ---- Route 53 -----------------------------------------------------------------------------------

void ec2_list_zones(
    struct ec2_command *command, const struct ec2_options *options, const char *vpc_id)
{
    begin(command, options, "route53", "list-hosted-zones-by-vpc");
    ec2_command_add_option(command, "--vpc-id", vpc_id);
    ec2_command_add_option(command, "--vpc-region", options->region);
}

void ec2_leave_zone(struct ec2_command *command, const struct ec2_options *options,
    const char *zone_id, const char *vpc_id)
{
    char region[WORD_BYTES];
    char word[WORD_BYTES];
    char vpc[VALUE_BYTES];
    snprintf(vpc, sizeof(vpc), "VPCRegion=%s,VPCId=%s",
        shorthand_value(options->region != NULL ? options->region : "", region),
        shorthand_value(vpc_id, word));
    begin(command, options, "route53", "disassociate-vpc-from-hosted-zone");
    ec2_command_add_option(command, "--hosted-zone-id", zone_id);
    ec2_command_add_option(command, "--vpc", vpc);
}

void ec2_get_zone(
    struct ec2_command *command, const struct ec2_options *options, const char *zone_id)
{
    begin(command, options, "route53", "get-hosted-zone");
    ec2_command_add(command, "--id");
    ec2_command_add_value(command, zone_id);
}

void ec2_delete_zone(
    struct ec2_command *command, const struct ec2_options *options, const char *zone_id)
{
    begin(command, options, "route53", "delete-hosted-zone");
    ec2_command_add(command, "--id");
    ec2_command_add_value(command, zone_id);
}

// ---- text ---------------------------------------------------------------------------------------

// Text for a shell, as it grows.
struct shell {
    char *out;
    size_t len;    // EC2_TEXT_BYTES: it did not fit, and nothing more is added
    size_t column; // where the next character goes
};

static const char more[] = " ...";

static void put(struct shell *shell, const char *text, size_t len)
{
    if (shell->len + len + sizeof(more) > EC2_TEXT_BYTES) {
        shell->len = EC2_TEXT_BYTES;
        return;
    }
    memcpy(shell->out + shell->len, text, len);
    shell->len += len;
    shell->column = text[len - 1] == '\n' ? 0 : shell->column + len;
}

static void put_word(struct shell *shell, const char *text)
{
    char word[EC2_TEXT_BYTES];
    size_t len = text_shell_word(text, word, sizeof(word));
    if (len < sizeof(word))
        put(shell, word, len);
    else
        shell->len = EC2_TEXT_BYTES;
}

static const char line_end[] = "\\\n";
static const char indent[] = "    ";

static void put_argument(struct shell *shell, const char *text, size_t needed, bool wrap)
{
    size_t room = COLUMNS - strlen(" \\");
    bool first = shell->len == 0;
    if (wrap && !first && shell->column + 1 + needed > room) {
        put(shell, " ", 1);
        put(shell, line_end, strlen(line_end));
        put(shell, indent, strlen(indent));
    } else if (!first) {
        put(shell, " ", 1);
    }
    put_word(shell, text);
}

// What must fit on a line for an argument to begin there: an option is not parted from its value.
static size_t needed_len(const struct option_list *argv, size_t i)
{
    const char *text = argv->items[i];
    const char *next = i + 1 < argv->count ? argv->items[i + 1] : NULL;
    size_t len = text_shell_word(text, NULL, 0);
    if (strncmp(text, "--", 2) != 0 || next == NULL || strncmp(next, "--", 2) == 0)
        return len;
    size_t both = len + 1 + text_shell_word(next, NULL, 0);
    return both <= COLUMNS - strlen(indent) - strlen(" \\") ? both : len;
}

static const char *write_text(const struct ec2_command *command, char *out, bool wrap)
{
    struct shell shell = { .out = out };
    size_t whole = 0; // the length up to the last argument that fits
    for (size_t i = 0; i < command->argv.count && shell.len < EC2_TEXT_BYTES; i++) {
        put_argument(&shell, command->argv.items[i], needed_len(&command->argv, i), wrap);
        if (shell.len < EC2_TEXT_BYTES)
            whole = shell.len;
    }
    snprintf(out + whole, EC2_TEXT_BYTES - whole, "%s", shell.len < EC2_TEXT_BYTES ? "" : more);
    return out;
}

const char *ec2_command_text(const struct ec2_command *command, char out[EC2_TEXT_BYTES])
{
    return write_text(command, out, false);
}

const char *ec2_command_lines(const struct ec2_command *command, char out[EC2_TEXT_BYTES])
{
    return write_text(command, out, true);
}
