// SPDX-License-Identifier: Apache-2.0
//
// The hops of the name: who is asked, what each server says, whether that is the endpoint. Each
// server is asked once, and the proxy's rule picks the answer that counts: the first that is one.
#include "guide/doctor.h"
#include "guide/zones.h"
#include "resolver/addr_set.h"
#include "resolver/policy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The clouds' own resolvers, at the same address in every network. Each cloud's first one is what
// is advised. Sources: docs.aws.amazon.com/vpc/latest/userguide, "Amazon DNS";
// cloud.google.com/dns, "VPC name resolution order"; learn.microsoft.com, "What is IP address
// 168.63.129.16?"; alibabacloud.com/help, "Private DNS".
static const struct {
    const char *provider, *address;
} resolvers[] = {
    { "aws", "169.254.169.253" },
    { "aws", "fd00:ec2::253" },
    { "gcp", "169.254.169.254" },
    { "azure", "168.63.129.16" },
    { "alicloud", "100.100.2.136" },
    { "alicloud", "100.100.2.138" },
};

// Nothing else than AWS is meant until the cluster says otherwise.
static const char *cloud_of(const struct world *world)
{
    return world->cluster ? world_provider(world->cluster) : "aws";
}

static bool is_on_aws(const struct world *world)
{
    return strcmp(cloud_of(world), "aws") == 0;
}

// ---- asking -------------------------------------------------------------------------------------

static bool is_literal(const char *host)
{
    struct addr addr;
    return addr_from_ip(host, 0, &addr);
}

static void ask_names(struct doctor *doctor)
{
    const struct resolver_options *options = doctor->plan->resolver;
    const char *host = doctor_host(doctor);
    doctor->has_asked_names = true;
    if (!probe_servers(doctor->loop, options, &doctor->servers, &doctor->no_servers))
        return;
    size_t count = doctor->servers.count < DOCTOR_SERVERS ? doctor->servers.count : DOCTOR_SERVERS;
    for (size_t i = 0; host && !is_literal(host) && i < count; i++) {
        struct doctor_dns *dns = &doctor->dns[doctor->dns_count++];
        dns->server = doctor->servers.items[i];
        (void)!probe_server(
            doctor->loop, dns->server, host, options->timeout_ms / count, &dns->addrs, &dns->err);
    }
}

// As lookup.c: a server that fails or is silent hands on to the next.
static bool decides(const struct doctor_dns *dns)
{
    return dns->addrs || (dns->err.code != ERR_DNS_SERVFAIL && dns->err.code != ERR_DNS_TIMEOUT);
}

const struct doctor_dns *doctor_names(struct doctor *doctor)
{
    if (!doctor->has_asked_names)
        ask_names(doctor);
    for (size_t i = 0; i < doctor->dns_count; i++)
        if (decides(&doctor->dns[i]))
            return &doctor->dns[i];
    return NULL;
}

// ---- judging addresses --------------------------------------------------------------------------

static bool policy_allows(
    const struct resolver_options *options, const struct addr_set *addrs, struct err *err)
{
    const struct option_list *texts = &options->allowed_cidrs;
    struct cidr *allowed = calloc(texts->count + 1, sizeof(*allowed));
    struct policy policy = { .allowed = allowed, .allow_loopback = options->allow_loopback };
    bool fine = allowed || err_set(err, ERR_MEMORY, "out of memory");
    for (; fine && policy.allowed_count < texts->count; policy.allowed_count++)
        fine = cidr_parse(texts->items[policy.allowed_count], &allowed[policy.allowed_count], err);
    fine = fine && policy_accepts(&policy, addrs, err);
    free(allowed);
    return fine;
}

static bool is_of_endpoint(const struct world *world, const struct addr *addr)
{
    char text[ADDR_TEXT_BYTES];
    addr_format_ip(addr, text);
    for (size_t i = 0; i < world->interface_list.count; i++) {
        const char *address = world->interface_list.items[i].address;
        if (address && strcmp(address, text) == 0)
            return true;
    }
    return false;
}

// Interfaces are known of the endpoint in the VPC that is looked at. An IPv6 address is not told.
static const struct addr *find_stranger(const struct world *world, const struct addr_set *addrs)
{
    if (!world->interfaces.seen || world->interface_list.count == 0)
        return NULL;
    for (size_t i = 0; i < addrs->count; i++)
        if (addrs->addrs[i].any.sa_family == AF_INET && !is_of_endpoint(world, &addrs->addrs[i]))
            return &addrs->addrs[i];
    return NULL;
}

bool doctor_name_is_right(struct doctor *doctor)
{
    const struct doctor_dns *dns = doctor_names(doctor);
    struct err ignored;
    return dns && dns->addrs && policy_allows(doctor->plan->resolver, dns->addrs, &ignored) &&
           !find_stranger(&doctor->world, dns->addrs);
}

static void list_addresses(struct hop_view *out, const struct addr_set *addrs)
{
    char text[ADDR_TEXT_BYTES];
    for (size_t i = 0; i < addrs->count; i++)
        hop_saw_more(out, "%s%s", i > 0 ? ", " : "", addr_format_ip(&addrs->addrs[i], text));
}

// ---- the servers --------------------------------------------------------------------------------

// The address two above the first of the VPC's block.
static bool resolver_of_vpc(const struct world *world, char out[ADDR_TEXT_BYTES])
{
    struct in_addr base;
    char text[ADDR_TEXT_BYTES];
    if (world->vpcs.count == 0 || world->vpcs.items[0].cidrs.count == 0)
        return false;
    const char *cidr = world->vpcs.items[0].cidrs.items[0];
    snprintf(text, sizeof(text), "%.*s", (int)strcspn(cidr, "/"), cidr);
    if (inet_pton(AF_INET, text, &base) != 1)
        return false;
    base.s_addr = htonl(ntohl(base.s_addr) + 2);
    return inet_ntop(AF_INET, &base, out, ADDR_TEXT_BYTES) != NULL;
}

static bool read_server(const char *server, struct addr *out)
{
    struct err ignored;
    return addr_from_ip(server, 53, out) || addr_parse(server, out, &ignored);
}

// The resolver of the network that the cluster's cloud has here.
static bool is_networks(const struct world *world, const char *server)
{
    struct addr addr;
    char text[ADDR_TEXT_BYTES], resolver[ADDR_TEXT_BYTES];
    if (!read_server(server, &addr))
        return false;
    addr_format_ip(&addr, text);
    for (size_t i = 0; i < ARRAY_LEN(resolvers); i++)
        if (strcmp(resolvers[i].provider, cloud_of(world)) == 0 &&
            strcmp(text, resolvers[i].address) == 0)
            return true;
    return resolver_of_vpc(world, resolver) && strcmp(text, resolver) == 0;
}

// Of this machine or its network, whatever they are: a cache on the node, a cloud's resolver.
static bool is_near(const struct addr *addr)
{
    static const struct cidr links[] = {
        { AF_INET, { 169, 254 }, 16 },
        { AF_INET6, { 0xfe, 0x80 }, 10 },
    };
    char text[ADDR_TEXT_BYTES];
    addr_format_ip(addr, text);
    for (size_t i = 0; i < ARRAY_LEN(resolvers); i++)
        if (strcmp(text, resolvers[i].address) == 0)
            return true;
    return cidr_contains(&links[0], addr) || cidr_contains(&links[1], addr);
}

static bool is_public(const char *server)
{
    const struct policy policy = { .allow_loopback = true };
    struct addr addr;
    return read_server(server, &addr) && !policy_is_private(&policy, &addr) && !is_near(&addr);
}

// False: a cloud whose resolver is not known.
static bool find_resolver(const struct world *world, char out[ADDR_TEXT_BYTES])
{
    if (is_on_aws(world) && resolver_of_vpc(world, out))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(resolvers); i++) {
        if (strcmp(resolvers[i].provider, cloud_of(world)) != 0)
            continue;
        snprintf(out, ADDR_TEXT_BYTES, "%s", resolvers[i].address);
        return true;
    }
    return false;
}

static void advise_resolver(const struct doctor *doctor, struct hop_view *out)
{
    char resolver[ADDR_TEXT_BYTES];
    if (!find_resolver(&doctor->world, resolver))
        hop_advise(
            out, "set \"dns-servers\" in %s to the network's own resolver", doctor_file(doctor));
    else if (doctor->plan->resolver->servers.count > 0)
        hop_advise(
            out, "set \"dns-servers = %s\" in %s, or take it out", resolver, doctor_file(doctor));
    else
        hop_advise(out, "set \"dns-servers = %s\", the VPC's resolver, in %s", resolver,
            doctor_file(doctor));
}

static void explain_public(struct doctor *doctor, struct hop_view *out)
{
    out->status = HOP_FAIL;
    hop_saw_more(out, ": a public server");
    hop_why(out, "the cluster's name is known inside the VPC only");
    advise_resolver(doctor, out);
    if (!doctor_names(doctor) || !doctor_name_is_right(doctor))
        return;
    out->status = HOP_WARN;
    hop_why(out, "; it gave the right answer nevertheless");
}

void hop_dns_servers(struct doctor *doctor, struct hop_view *out)
{
    const struct world *world = &doctor->world;
    size_t publics = 0, own = 0;
    (void)doctor_names(doctor);
    if (doctor->servers.count == 0) {
        hop_is(out, HOP_FAIL, "%s", doctor->no_servers.text);
        advise_resolver(doctor, out);
        return;
    }
    for (size_t i = 0; i < doctor->servers.count; i++) {
        const char *server = doctor->servers.items[i];
        hop_saw_more(out, "%s%s", i > 0 ? ", " : "", server);
        publics += is_public(server);
        own += is_networks(world, server);
    }
    hop_saw_more(
        out, " (%s)", doctor->plan->resolver->servers.count > 0 ? "dns-servers" : "resolv.conf");
    hop_detail_bool(out, "vpc_resolver", own > 0);
    if (publics == doctor->servers.count)
        explain_public(doctor, out);
    else if (own > 0)
        hop_saw_more(out, ": the VPC's resolver");
}

// ---- the name -----------------------------------------------------------------------------------

#define EXPLAINS_NAME                                                                              \
    (HOP_BIT(HOP_SERVICE) | HOP_BIT(HOP_CONNECTION) | HOP_BIT(HOP_ENDPOINT) |                      \
        HOP_BIT(HOP_ENDPOINT_STATE) | HOP_BIT(HOP_VPC) | HOP_BIT(HOP_VPC_DNS) |                    \
        HOP_BIT(HOP_PRIVATE_DNS) | HOP_BIT(HOP_DNS_SERVERS))

// That all is right in AWS can be said only of what was seen there.
static bool is_right_in_aws(const struct doctor *doctor)
{
    const struct world *world = &doctor->world;
    return is_on_aws(world) && doctor->endpoint && doctor->endpoint->private_dns &&
           world->attributes.seen && world->dns_support && world->dns_hostnames;
}

static void explain_nxdomain_unseen(struct doctor *doctor, struct hop_view *out)
{
    const struct world *world = &doctor->world;
    const char *id = doctor->endpoint    ? doctor->endpoint->id
                     : world->connection ? world->connection->endpoint_id
                                         : NULL;
    struct ec2_command command;
    hop_why(out, "private DNS is not enabled on the endpoint, this machine is in another VPC, or "
                 "the server is not the VPC's resolver; AWS could not be looked at");
    if (!id || (doctor->endpoint && doctor->endpoint->private_dns)) {
        advise_resolver(doctor, out);
        return;
    }
    ec2_enable_private_dns(&command, &world->ec2_options, id);
    hop_ec2(out, &command);
}

static void explain_nxdomain(struct doctor *doctor, struct hop_view *out)
{
    const struct world *world = &doctor->world;
    if (zones_find(doctor, out))
        return;
    if (!is_on_aws(world)) {
        hop_why(out,
            "the server does not know the name: this machine is in another network than the "
            "endpoint, or the server is not the resolver of its network on %s",
            world_provider_name(world->cluster));
        advise_resolver(doctor, out);
    } else if (is_right_in_aws(doctor)) {
        hop_why(out, "private DNS seems to be right in AWS, so it is the server that does not "
                     "know: it is not the VPC's resolver and does not forward to it");
        advise_resolver(doctor, out);
    } else {
        explain_nxdomain_unseen(doctor, out);
    }
}

static void explain_failure(struct doctor *doctor, const struct err *err, struct hop_view *out)
{
    // The first sentence: the others are about possible causes, and about this command.
    const char *end = strstr(err->text, ". ");
    hop_is(out, HOP_FAIL, "%.*s", end ? (int)(end - err->text) : (int)strlen(err->text), err->text);
    hop_detail(out, "error", err_row(err->code)->key);
    if (err->code == ERR_DNS_NXDOMAIN || err->code == ERR_DNS_NODATA) {
        explain_nxdomain(doctor, out);
    } else {
        hop_why(out, strstr(err->text, "(connection refused)")
                         ? "the address is there, and no DNS server listens on it"
                     : err->code == ERR_DNS_TIMEOUT
                         ? "nothing came back: a security group or network ACL that does not let "
                           "port 53 out, or no server at that address"
                         : "the server tried and failed: often one that forwards to another");
        advise_resolver(doctor, out);
    }
    hop_follows(doctor, out, EXPLAINS_NAME);
}

void hop_name(struct doctor *doctor, struct hop_view *out)
{
    const char *host = doctor_host(doctor);
    if (!host) {
        hop_is(out, HOP_FAIL, "nobody tells the cluster's host name");
        hop_advise(out, "set \"host\" in %s", doctor_file(doctor));
        hop_follows(doctor, out,
            EXPLAINS_NAME | HOP_BIT(HOP_CLUSTER) | HOP_BIT(HOP_GROUP) | HOP_BIT(HOP_API) |
                HOP_BIT(HOP_KEYS) | HOP_BIT(HOP_API_KEY) | HOP_BIT(HOP_RIGHTS) |
                HOP_BIT(HOP_QUOTA));
        return;
    }
    hop_detail(out, "host", host);
    if (is_literal(host)) {
        hop_is(out, HOP_OK, "%s is an address", host);
        return;
    }
    const struct doctor_dns *dns = doctor_names(doctor);
    if (!dns) {
        const struct err *last =
            doctor->dns_count > 0 ? &doctor->dns[doctor->dns_count - 1].err : &doctor->no_servers;
        explain_failure(doctor, last, out);
    } else if (!dns->addrs) {
        explain_failure(doctor, &dns->err, out);
    } else {
        hop_is(out, HOP_OK, "%s is ", host);
        list_addresses(out, dns->addrs);
        hop_saw_more(out, " (%s)", dns->server);
        hop_detail(out, "server", dns->server);
    }
}

// ---- the answer ---------------------------------------------------------------------------------

void hop_answer(struct doctor *doctor, struct hop_view *out)
{
    const struct doctor_dns *dns = doctor_names(doctor);
    const struct world *world = &doctor->world;
    char text[ADDR_TEXT_BYTES];
    struct err err;
    if (!dns || !dns->addrs) {
        hop_is(out, HOP_OK, "as configured"); // an address instead of a name
        return;
    }
    if (!policy_allows(doctor->plan->resolver, dns->addrs, &err)) {
        hop_is(out, HOP_FAIL, "%s", err.text);
        char *self = strstr(out->saw, "; otherwise run `tidblink doctor`");
        if (self)
            *self = '\0';
        hop_why(out, "not the endpoint's address: traffic would leave the VPC");
        zones_explain(doctor, out);
        return;
    }
    const struct addr *stranger = find_stranger(world, dns->addrs);
    if (stranger) {
        hop_is(out, HOP_FAIL, "%s is not an address of the endpoint, which has ",
            addr_format_ip(stranger, text));
        for (size_t i = 0; i < world->interface_list.count; i++)
            hop_saw_more(out, "%s%s", i > 0 ? ", " : "", world->interface_list.items[i].address);
        hop_why(out, "another zone answers for the name");
        zones_explain(doctor, out);
        hop_follows(doctor, out, HOP_BIT(HOP_DNS_SERVERS));
        return;
    }
    hop_is(out, HOP_OK, "%s",
        world->interfaces.seen ? "the endpoint's network interfaces" : "private");
}

static const char *verdict_on(const struct doctor_dns *dns, const struct doctor_dns *best)
{
    if (dns->addrs)
        return addr_set_equal(dns->addrs, best->addrs) ? NULL : "other addresses";
    if (dns->err.code == ERR_DNS_NXDOMAIN)
        return "no such name";
    if (dns->err.code == ERR_DNS_NODATA)
        return "no address";
    return dns->err.code == ERR_DNS_TIMEOUT ? "no answer" : "a failure";
}

void hop_servers_agree(struct doctor *doctor, struct hop_view *out)
{
    const struct doctor_dns *best = doctor_names(doctor);
    if (doctor->dns_count < 2) {
        hop_is(out, HOP_SKIP, "there is %s", doctor->dns_count ? "only one" : "no name to ask for");
        return;
    }
    hop_is(out, HOP_OK, "all %zu", doctor->dns_count);
    for (size_t i = 0; i < doctor->dns_count; i++) {
        const char *other = verdict_on(&doctor->dns[i], best);
        if (!other)
            continue;
        hop_is(out, HOP_WARN, "%s gives %s", doctor->dns[i].server, other);
        hop_why(out, "the proxy asks the next one; programs that ask this one alone fail");
        hop_advise(out, "take %s out of %s", doctor->dns[i].server,
            doctor->plan->resolver->servers.count > 0 ? "dns-servers" : "resolv.conf");
    }
}
