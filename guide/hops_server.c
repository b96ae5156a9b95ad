// SPDX-License-Identifier: Apache-2.0
//
// The hops of the connection: each of the cluster's addresses is tried once, as far as it goes, and
// the hops read from that.
#include "base/clock.h"
#include "guide/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    EXPIRY_WARN_S = 30 * 86400,
    EXPIRY_FAIL_S = 7 * 86400,
};

// ---- trying -------------------------------------------------------------------------------------

// Where the proxy does not verify, TLS is begun all the same, to see what a client would be shown.
static void open_trust(struct doctor *doctor)
{
    const struct proxy_target *target = doctor->plan->target;
    struct tls_trust_plan plan = { .any_name = true };
    if (target->tls == TLS_OFF)
        return;
    if (tls_is_verified(target->tls)) {
        plan = target->trust;
        plan.any_name = target->tls == TLS_VERIFY_CA;
    }
    doctor->trust = tls_trust_open(&plan, &doctor->no_trust);
}

static void try_address(struct doctor *doctor, const struct addr *addr, const char *host)
{
    const struct doctor_plan *plan = doctor->plan;
    struct doctor_try *try = &doctor->tries[doctor->try_count++];
    try->addr = addr_with_port(addr, doctor->world.port);
    if (probe_address(&try->addr, plan->connect_ms, plan->greeting_ms, doctor->trust, host,
            &try->answer, &try->err))
        try->err = (struct err){ 0 };
}

static void try_all(struct doctor *doctor)
{
    const char *host = doctor_host(doctor);
    struct addr literal;
    doctor->has_tried = true;
    if (!host || !doctor->world.port)
        return;
    open_trust(doctor);
    if (addr_from_ip(host, 0, &literal)) {
        try_address(doctor, &literal, host);
        return;
    }
    const struct doctor_dns *dns = doctor_names(doctor);
    for (size_t i = 0; dns && dns->addrs && i < dns->addrs->count && i < DOCTOR_ADDRESSES; i++)
        try_address(doctor, &dns->addrs->addrs[i], host);
}

// Not to addresses that are not the cluster's.
bool doctor_reaches(struct doctor *doctor)
{
    const char *host = doctor_host(doctor);
    struct addr literal;
    bool may_try = host && (addr_from_ip(host, 0, &literal) || doctor_name_is_right(doctor));
    if (may_try && !doctor->has_tried)
        try_all(doctor);
    for (size_t i = 0; i < doctor->try_count; i++)
        if (doctor->tries[i].answer.connected)
            return true;
    return false;
}

// ---- TCP ----------------------------------------------------------------------------------------

#define EXPLAINS_TCP                                                                               \
    (HOP_BIT(HOP_CONFIGURATION) | HOP_BIT(HOP_CLUSTER) | HOP_BIT(HOP_GROUP) |                      \
        HOP_BIT(HOP_SERVICE) | HOP_BIT(HOP_CONNECTION) | HOP_BIT(HOP_ENDPOINT) |                   \
        HOP_BIT(HOP_ENDPOINT_STATE) | HOP_BIT(HOP_VPC) | HOP_BIT(HOP_INGRESS) |                    \
        HOP_BIT(HOP_EGRESS))

static const char *what_happened(const struct doctor_try *try)
{
    switch (try->err.sys) {
    case ETIMEDOUT:
        return "no answer";
    case ECONNREFUSED:
        return "refused";
    default:
        return err_errno_text(try->err.sys);
    }
}

static void list_tries(const struct doctor *doctor, struct hop_view *out)
{
    char text[ADDR_TEXT_BYTES];
    for (size_t i = 0; i < doctor->try_count; i++) {
        const struct doctor_try *try = &doctor->tries[i];
        hop_saw_more(out, "%s%s ", i > 0 ? ", " : "", addr_format(&try->addr, text));
        if (try->answer.connected)
            hop_saw_more(out, "%.1f ms", (double)try->answer.connect_us / 1000);
        else
            hop_saw_more(out, "%s", what_happened(try));
    }
}

static void explain_silence(struct doctor *doctor, struct hop_view *out)
{
    struct ec2_command command;
    char text[EC2_TEXT_BYTES], filter[EC2_TEXT_BYTES] = "Name=association.subnet-id,Values=";
    const struct world *world = &doctor->world;
    hop_why(out, "packets are dropped on the way: %s",
        world->groups.seen && world_ingress_list(world)
            ? "a prefix list in the endpoint's security groups that does not hold this machine, a "
              "network ACL of the endpoint's subnets, or a firewall in between"
        : world->groups.seen ? "a network ACL of the endpoint's subnets, or a firewall in between"
                             : "the endpoint's security groups, this machine's, or a network ACL");
    if (!world->endpoint || world->endpoint->subnet_ids.count == 0) {
        hop_advise(out, "let TCP port %u in from this machine in the endpoint's security group",
            world->port);
        return;
    }
    for (size_t i = 0; i < world->endpoint->subnet_ids.count; i++) {
        size_t len = strlen(filter);
        snprintf(filter + len, sizeof(filter) - len, "%s%s", i > 0 ? "," : "",
            world->endpoint->subnet_ids.items[i]);
    }
    ec2_command_begin(&command, &world->ec2_options, "describe-network-acls");
    ec2_command_add(&command, "--filters");
    ec2_command_add_value(&command, filter);
    hop_advise(out, "look at the ACLs: %s", ec2_command_text(&command, text));
    ec2_command_done(&command);
}

static void explain_no_connection(struct doctor *doctor, struct hop_view *out)
{
    int sys = doctor->tries[doctor->try_count - 1].err.sys;
    if (sys == ETIMEDOUT) {
        explain_silence(doctor, out);
    } else if (sys == ECONNREFUSED) {
        hop_why(out, "the address is there, and nothing listens on this port: the cluster is not "
                     "behind it (yet), or another port is meant");
        hop_advise(out, "compare the port with the console's (Connect, Private Endpoint); if it is "
                        "right, ask TiDB Cloud support");
    } else {
        hop_why(out, "this machine has no way to the address");
        hop_advise(out, "look at its routes: ip route get ADDRESS");
    }
}

void hop_tcp(struct doctor *doctor, struct hop_view *out)
{
    size_t dead = 0;
    if (!doctor->world.port) {
        hop_is(out, HOP_FAIL, "nobody tells the cluster's port");
        hop_advise(out, "set \"port\" in %s", doctor_file(doctor));
        hop_follows(doctor, out, EXPLAINS_TCP | HOP_BIT(HOP_API) | HOP_BIT(HOP_KEYS));
        return;
    }
    (void)doctor_reaches(doctor);
    for (size_t i = 0; i < doctor->try_count; i++)
        dead += !doctor->tries[i].answer.connected;
    hop_detail_number(out, "addresses", (double)doctor->try_count);
    hop_detail_number(out, "dead", (double)dead);
    list_tries(doctor, out);
    if (dead == 0)
        return;
    out->status = dead == doctor->try_count ? HOP_FAIL : HOP_WARN;
    if (out->status == HOP_FAIL) {
        explain_no_connection(doctor, out);
        hop_follows(doctor, out, EXPLAINS_TCP);
        return;
    }
    hop_why(out, "one zone's address is dead; the proxy leaves it alone, other programs wait for "
                 "it now and then");
    hop_advise(out, "if it lasts, ask TiDB Cloud support or look at the zone in AWS Health");
}

// ---- the greeting -------------------------------------------------------------------------------

// The first connection that came so far, or NULL.
static const struct doctor_try *first_greeted(const struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->try_count; i++)
        if (doctor->tries[i].answer.greeted)
            return &doctor->tries[i];
    return NULL;
}

static const struct doctor_try *first_silent(const struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->try_count; i++)
        if (doctor->tries[i].answer.connected && !doctor->tries[i].answer.greeted)
            return &doctor->tries[i];
    return NULL;
}

static void explain_no_greeting(
    const struct doctor *doctor, const struct doctor_try *try, struct hop_view *out)
{
    hop_saw_more(out, "%s", try->err.text);
    if (try->answer.refusal) {
        hop_why(out, "the server is there and says why");
        hop_advise(out, "what the server says is for its administrator; it is worth another try");
        return;
    }
    hop_why(out, "no MySQL server behind it, or one that starts or is overloaded");
    hop_advise(out,
        "compare the port (%u) with the console's (Connect, Private Endpoint), then "
        "try again; if it stays so, ask TiDB Cloud support",
        doctor->world.port);
}

void hop_greeting(struct doctor *doctor, struct hop_view *out)
{
    const struct doctor_try *good = first_greeted(doctor), *bad = first_silent(doctor);
    hop_is(out, good ? HOP_OK : HOP_FAIL, "%s", good ? good->answer.greeting.version : "");
    if (good) {
        hop_detail(out, "version", good->answer.greeting.version);
        hop_detail_bool(out, "tiproxy", good->answer.greeting.is_tiproxy);
    }
    if (!bad)
        return;
    if (good) {
        out->status = HOP_WARN;
        hop_saw_more(out, "; ");
    }
    hop_detail_number(out, "refusal", bad->answer.refusal);
    explain_no_greeting(doctor, bad, out);
    hop_follows(doctor, out, EXPLAINS_TCP);
}

// ---- TLS ----------------------------------------------------------------------------------------

static const char *date_of(int64_t wall_s, char out[CLOCK_TEXT_BYTES])
{
    clock_format(wall_s, out);
    out[strcspn(out, "T")] = '\0';
    return out;
}

static void judge_expiry(const struct probe_certificate *certificate, struct hop_view *out)
{
    int64_t left_s = certificate->not_after - clock_wall_s();
    if (!certificate->not_after || left_s > EXPIRY_WARN_S)
        return;
    out->status = left_s < EXPIRY_FAIL_S ? HOP_FAIL : HOP_WARN;
    hop_why(out, "the certificate ends in %lld days, and TiDB Cloud has not renewed it",
        (long long)(left_s / 86400));
    if (out->status == HOP_WARN)
        return;
    hop_advise(out, "check this machine's clock (date -u); if it is right, ask TiDB Cloud support");
}

static void explain_doubt(
    const struct doctor *doctor, const struct doctor_try *try, struct hop_view *out)
{
    const struct tls_doubt *doubt = &try->answer.doubt;
    const struct control_target *target = doctor->plan->world.target;
    if (doubt->is_of_name)
        hop_why(out, "it is for %s, not for %s", *doubt->names ? doubt->names : "no host",
            tls_trust_name(doctor->trust, doctor_host(doctor)));
    if (doubt->is_of_name && !*doubt->suggestion) {
        hop_advise(out,
            "to accept any certificate of tls-ca, set \"tls = verify-ca\" in [cluster %s] of %s",
            target->alias, doctor_file(doctor));
    } else if (doubt->is_of_name) {
        hop_advise(out,
            "if it is the cluster's, set \"tls-server-name = %s\" in [cluster %s] of "
            "%s",
            doubt->suggestion, target->alias, doctor_file(doctor));
    } else if (doubt->error == X509_V_ERR_CERT_HAS_EXPIRED ||
               doubt->error == X509_V_ERR_CERT_NOT_YET_VALID) {
        hop_why(out, "the %s %s; it expires %s",
            doubt->is_of_server ? "certificate" : "CA certificate",
            doubt->error == X509_V_ERR_CERT_HAS_EXPIRED ? "has expired" : "is not valid yet",
            doubt->expires);
        hop_advise(out, "check this machine's clock (date -u); TiDB Cloud renews certificates "
                        "itself");
    } else {
        hop_why(out, "its issuer is %s, which tls-ca does not have", doubt->issuer);
        hop_advise(out,
            "put this cluster's CA certificate into %s (TiDB Cloud console: the "
            "cluster, Connect, CA cert)",
            doctor->plan->target->trust.ca);
    }
}

static void show_certificate(const struct probe_answer *answer, struct hop_view *out)
{
    char from[CLOCK_TEXT_BYTES], until[CLOCK_TEXT_BYTES];
    const struct probe_certificate *certificate = &answer->certificate;
    hop_detail(out, "protocol", answer->protocol);
    hop_detail(out, "subject", certificate->subject);
    hop_detail(out, "issuer", certificate->issuer);
    hop_detail(out, "names", certificate->names);
    if (!certificate->not_after)
        return;
    hop_detail(out, "not_before", date_of(certificate->not_before, from));
    hop_detail(out, "not_after", date_of(certificate->not_after, until));
}

static bool offers_tls(const struct doctor_try *try)
{
    return try->answer.greeting.capabilities & MYSQL_SSL;
}

static void judge_session(
    const struct doctor *doctor, const struct doctor_try *try, struct hop_view *out)
{
    char until[CLOCK_TEXT_BYTES];
    const struct probe_answer *answer = &try->answer;
    show_certificate(answer, out);
    if (try->err.code == ERR_NONE) {
        hop_is(out, HOP_OK, "%s, verified, until %s, for %s", answer->protocol,
            date_of(answer->certificate.not_after, until), answer->certificate.names);
        judge_expiry(&answer->certificate, out);
        return;
    }
    hop_is(out, HOP_FAIL, "%s", try->err.text);
    if (answer->doubt.error) {
        explain_doubt(doctor, try, out);
    } else if (!offers_tls(try)) {
        hop_why(out, "a TiDB Cloud cluster offers TLS: another server answers, or somebody in "
                     "between took the offer away");
        hop_advise(out, "compare host and port with the console's (Connect, Private Endpoint)");
    } else {
        hop_why(out, "the handshake broke off");
        hop_advise(out, "try again; if it stays so, ask TiDB Cloud support");
    }
}

// The times are what can be judged of a certificate without an authority.
static void judge_times(const struct probe_certificate *certificate, struct hop_view *out)
{
    int64_t now_s = clock_wall_s();
    if (certificate->not_before <= now_s && now_s < certificate->not_after) {
        judge_expiry(certificate, out);
        out->status = out->status == HOP_FAIL ? HOP_WARN : out->status;
        return;
    }
    out->status = HOP_WARN;
    hop_why(out, "the certificate %s, so that an application that verifies it does not connect",
        certificate->not_after <= now_s ? "has expired" : "is not valid yet");
    hop_advise(out, "check this machine's clock (date -u); if it is right, ask TiDB Cloud support");
}

// It is between the application and the server, and the proxy takes no part in it.
static void show_session(const struct doctor_try *try, struct hop_view *out)
{
    static const char whose[] = "not verified (no tls-ca; the application's own TLS goes end to "
                                "end)";
    char until[CLOCK_TEXT_BYTES];
    const struct probe_answer *answer = &try->answer;
    if (!offers_tls(try)) {
        hop_is(out, HOP_SKIP, "the application's own (this server offers none)");
        return;
    }
    show_certificate(answer, out);
    if (!answer->secured) {
        hop_is(out, HOP_WARN, "%s", try->err.text);
        hop_why(out, "the handshake broke off, and an application's own may do so too");
        hop_advise(out, "try again; if it stays so, ask TiDB Cloud support");
        return;
    }
    hop_is(out, HOP_OK, "%s, %s, until %s, issued by %s, for %s", answer->protocol, whose,
        date_of(answer->certificate.not_after, until), answer->certificate.issuer,
        answer->certificate.names);
    judge_times(&answer->certificate, out);
}

// One that is turned down is worth more than one that is fine; without an authority all are.
static const struct doctor_try *worst_session(const struct doctor *doctor)
{
    const struct doctor_try *worst = first_greeted(doctor);
    const bool is_verified = tls_is_verified(doctor->plan->target->tls);
    for (size_t i = 0; i < doctor->try_count; i++) {
        const struct doctor_try *try = &doctor->tries[i];
        if (try->answer.greeted && (is_verified ? try->err.code != ERR_NONE : !try->answer.secured))
            worst = try;
    }
    return worst;
}

void hop_tls(struct doctor *doctor, struct hop_view *out)
{
    const struct proxy_target *target = doctor->plan->target;
    const struct doctor_try *try = worst_session(doctor);
    if (!try) {
        hop_is(out, HOP_SKIP, "no address sent a greeting");
    } else if (target->tls == TLS_OFF) {
        hop_is(out, HOP_SKIP, "tls is off");
    } else if (!tls_is_verified(target->tls)) {
        show_session(try, out);
    } else if (!doctor->trust) {
        hop_is(out, HOP_FAIL, "%s", doctor->no_trust.text);
        hop_advise(out,
            "put this cluster's CA certificate into %s (TiDB Cloud console: the "
            "cluster, Connect, CA cert)",
            target->trust.ca);
    } else {
        judge_session(doctor, try, out);
    }
}
