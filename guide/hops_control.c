// SPDX-License-Identifier: Apache-2.0
//
// The hops of this machine's configuration and of the way to TiDB Cloud's control API. The look at
// TiDB Cloud, from which most of the later hops read, is taken at the third of them.
#include "base/clock.h"
#include "base/secret_file.h"
#include "control/keys.h"
#include "guide/doctor.h"
#include "guide/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SKEW_WARN_S = 60,
    SKEW_FAIL_S = 300, // AWS refuses requests that are signed further off
    QUOTA_LOW_PARTS = 10,
};

// ---- configuration ------------------------------------------------------------------------------

void hop_configuration(struct doctor *doctor, struct hop_view *out)
{
    const struct doctor_plan *plan = doctor->plan;
    hop_detail(out, "file", plan->file);
    if (plan->broken) {
        hop_is(out, HOP_FAIL, "%s", plan->broken->text);
        hop_advise(out, "correct it; tidblink proxy --help lists the options");
        return;
    }
    hop_is(out, HOP_OK, "%s", plan->file ? plan->file : "no file: command line and environment");
}

// ---- key files ----------------------------------------------------------------------------------

static bool asks_api(const struct doctor *doctor)
{
    const char *source = doctor->plan->world.control->state_source;
    return !source || strcmp(source, "api") == 0;
}

// False: it is too open, and no start would take it. Only what is too much is taken away.
static bool judge_key_file(const char *path, struct hop_view *out)
{
    struct stat status;
    struct secret_file_flaw flaw;
    if (!path || stat(path, &status) < 0 || !S_ISREG(status.st_mode))
        return true;
    hop_detail(out, "private_key_file", path);
    hop_detail_number(out, "owner", status.st_uid);
    hop_detail_number(out, "mode", status.st_mode & 07777U);
    if (secret_file_judge_own(&status, path, &flaw))
        return true;
    hop_is(out, HOP_FAIL, "%s: %s (mode %04o, uid %u, gid %u)", path, flaw.what,
        status.st_mode & 07777U, (unsigned)status.st_uid, (unsigned)status.st_gid);
    hop_why(out, "it holds the private part of the API key, which may change the organization's "
                 "clusters: tidblink does not use a key that others could have read or changed");
    hop_command(out, flaw.fix);
    return false;
}

// Nobody has named one: not half a pair, and not one that cannot be read. Where systemd keeps them
// only keys_load knows, and says.
static bool is_without_key(const struct control_options *options, const struct err *why)
{
    const struct keys *given = options->environment_keys;
    return !options->public_key_file && !options->private_key_file &&
           !(given && (given->public_key || given->private_key)) &&
           strncmp(why->text, "no public ", strlen("no public ")) == 0;
}

static void explain_no_key(const struct doctor *doctor, const struct err *why, struct hop_view *out)
{
    hop_is(out, HOP_FAIL, "%s", why->text);
    if (is_without_key(doctor->plan->world.control, why)) {
        hop_is(out, HOP_WARN, "no API key is configured");
        hop_why(out, "what TiDB Cloud shows cannot be looked at; the rest is looked at as far as "
                     "host and port tell");
    }
    hop_advise(out, "make a key in the TiDB Cloud console (Organization Settings, API Keys), "
                    "and name its two files with api-public-key-file and "
                    "api-private-key-file");
}

void hop_keys(struct doctor *doctor, struct hop_view *out)
{
    const struct control_options *options = doctor->plan->world.control;
    struct keys keys = { 0 };
    struct err err;
    if (!asks_api(doctor)) {
        hop_is(out, HOP_SKIP, "state-source is %s: no key is used", options->state_source);
        return;
    }
    if (!judge_key_file(options->private_key_file, out))
        return;
    if (!keys_load(options, &keys, &err)) {
        explain_no_key(doctor, &err, out);
        return;
    }
    keys_wipe(&keys);
    hop_is(out, HOP_OK, "%s",
        options->private_key_file   ? options->private_key_file
        : options->environment_keys ? "from the environment"
                                    : "from systemd's credentials");
}

// ---- the API ------------------------------------------------------------------------------------

static void look_at_cloud(struct doctor *doctor)
{
    doctor->world_plan = doctor->plan->world;
    if (asks_api(doctor))
        doctor->account = account_open(doctor->world_plan.control, NULL, NULL, &doctor->no_account);
    doctor->world_plan.no_account = &doctor->no_account;
    doctor->world.plan = &doctor->world_plan;
    world_look_cloud(&doctor->world, doctor->account);
}

static const char *proxy_variable(void)
{
    static const char *const names[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return names[i];
    }
    return NULL;
}

// What TLS says of a certificate that this machine's clock puts outside its time, as OpenSSL has
// it.
static bool is_of_clock(const char *text)
{
    return strstr(text, "certificate is not yet valid") || strstr(text, "certificate has expired");
}

static void explain_silence(const struct doctor *doctor, struct hop_view *out)
{
    const struct control_options *options = doctor->plan->world.control;
    const char *variable = proxy_variable();
    char url[SHELL_WORD_BYTES], ca[SHELL_WORD_BYTES];
    hop_is(out, HOP_FAIL, "%s", doctor->world.api.why.text);
    if (is_of_clock(doctor->world.api.why.text)) {
        char now[CLOCK_TEXT_BYTES];
        hop_why(out, "this machine's clock says %s; a wrong one makes any certificate invalid",
            clock_format(clock_wall_s(), now));
        hop_advise(out, "check this machine's clock (date -u); if it is wrong: timedatectl set-ntp "
                        "true");
        return;
    }
    if (strstr(doctor->world.api.why.text, "certificate"))
        hop_why(out, "TLS does not trust it: a proxy that opens TLS (api-ca names its CA), an old "
                     "package ca-certificates, or a wrong clock");
    else if (variable)
        hop_why(out, "requests go through the proxy that %s names", variable);
    else
        hop_why(out, "the API is on the internet: a machine without a way there needs a NAT "
                     "gateway or a proxy, which HTTPS_PROXY names");
    // Every step of it, name, connection, certificate, in the words of a program that most have.
    hop_advise(out, "to see where it ends: curl -v --max-time 20 %s%s%s%s",
        options->api_ca ? "--cacert " : "", options->api_ca ? shell_word(options->api_ca, ca) : "",
        options->api_ca ? " " : "", shell_word(options->api_url, url));
}

// Codes that say that the API answered, and something else is wrong.
static bool is_answer(enum err_code code)
{
    return code == ERR_API_KEY || code == ERR_API_FORBIDDEN || code == ERR_API_RATE ||
           code == ERR_API_NOT_FOUND || code == ERR_UNKNOWN_CLUSTER;
}

// A state that another tidblink writes, in the API's place.
static void judge_source(struct doctor *doctor, struct hop_view *out)
{
    const struct sight *api = &doctor->world.api;
    const char *source = doctor->plan->world.control->state_source;
    hop_is(out, HOP_SKIP, "state-source is %s", source);
    if (api->seen || api->why.code == ERR_UNKNOWN_CLUSTER || strcmp(source, "none") == 0)
        return;
    hop_is(out, HOP_FAIL, "%s", api->why.text);
    hop_why(out, "state-source names it, and nothing else tells what TiDB Cloud shows");
    hop_advise(out,
        "see that the tidblink that writes it runs (tidblink proxy writes its state into "
        "state-dir) and that this user may read it, or take state-source out of %s",
        doctor_file(doctor));
}

void hop_api(struct doctor *doctor, struct hop_view *out)
{
    const struct control_options *options = doctor->plan->world.control;
    const struct sight *api = &doctor->world.api;
    look_at_cloud(doctor);
    if (!asks_api(doctor)) {
        judge_source(doctor, out);
        return;
    }
    if (!doctor->account &&
        (hop_has_failed(doctor, HOP_KEYS) || is_without_key(options, &doctor->no_account))) {
        hop_blocked(doctor, out, HOP_KEYS);
        return;
    }
    hop_detail(out, "url", options->api_url);
    if (!doctor->account) {
        hop_is(out, HOP_FAIL, "%s", doctor->no_account.text);
        hop_advise(out, "correct it in %s", doctor_file(doctor));
    } else if (api->seen || is_answer(api->why.code)) {
        hop_detail_number(out, "requests", account_line(doctor->account).requests);
        hop_is(out, HOP_OK, "%s answers", options->api_url);
    } else if (api->why.code == ERR_API_UNREACHABLE) {
        explain_silence(doctor, out);
    } else {
        hop_is(out, HOP_FAIL, "%s", api->why.text);
        hop_advise(out, "check api-url; if it is right, ask TiDB Cloud support");
    }
}

void hop_api_key(struct doctor *doctor, struct hop_view *out)
{
    const struct err *why = &doctor->world.api.why;
    if (why->code == ERR_API_RATE) {
        hop_is(out, HOP_SKIP, "not told: the quota is used up");
    } else if (why->code == ERR_API_KEY) {
        hop_is(out, HOP_FAIL, "%s", why->text);
        hop_why(out, "one of its two parts is wrong, or the key was deleted");
        hop_advise(out, "make a key in the TiDB Cloud console (Organization Settings, API Keys) "
                        "and put both parts in place");
    } else {
        hop_is(out, HOP_OK, "accepted");
    }
}

void hop_rights(struct doctor *doctor, struct hop_view *out)
{
    const struct err *why = &doctor->world.api.why;
    if (why->code == ERR_API_FORBIDDEN) {
        hop_is(out, HOP_FAIL, "%s", why->text);
        hop_why(out, "the key is valid and has no right to look at this cluster");
        hop_advise(out, "give the key a role in the cluster's project that may read it (Project "
                        "Viewer; Project Owner for setup), in the console's API Keys");
        return;
    }
    hop_is(out, HOP_OK, "it may look at the cluster");
}

// ---- clock and quota ----------------------------------------------------------------------------

void hop_clock(struct doctor *doctor, struct hop_view *out)
{
    char age[CLOCK_TEXT_BYTES];
    const struct account_line line = account_line(doctor->account);
    if (!line.server_clock) {
        hop_is(out, HOP_SKIP, "the API's answers have no date");
        return;
    }
    int64_t skew_s = line.own_clock - line.server_clock;
    int64_t off_s = skew_s < 0 ? -skew_s : skew_s;
    hop_detail_number(out, "ahead_s", (double)skew_s);
    if (off_s <= SKEW_WARN_S) {
        hop_is(out, HOP_OK, "right within a minute");
        return;
    }
    hop_is(out, off_s > SKEW_FAIL_S ? HOP_FAIL : HOP_WARN, "%s %s the API's", clock_age(off_s, age),
        skew_s > 0 ? "ahead of" : "behind");
    hop_why(out, "certificates and AWS's signatures are judged by this clock");
    hop_command(out, "timedatectl set-ntp true");
}

void hop_quota(struct doctor *doctor, struct hop_view *out)
{
    const struct api_quota quota = account_line(doctor->account).quota;
    bool is_used_up = doctor->world.api.why.code == ERR_API_RATE;
    if (quota.limit < 0 && !is_used_up) {
        hop_is(out, HOP_SKIP, "the API's answers do not tell");
        return;
    }
    if (quota.limit >= 0) {
        hop_detail_number(out, "limit", (double)quota.limit);
        hop_detail_number(out, "remaining", (double)quota.remaining);
        hop_is(out, HOP_OK, "%lld of %lld requests a minute are left", (long long)quota.remaining,
            (long long)quota.limit);
    }
    bool is_low = quota.limit > 0 && quota.remaining * QUOTA_LOW_PARTS < quota.limit;
    if (!is_used_up && !is_low)
        return;
    out->status = is_used_up ? HOP_FAIL : HOP_WARN;
    if (is_used_up)
        hop_is(out, HOP_FAIL, "used up: %s", doctor->world.api.why.text);
    hop_why(out, "all programs that have this key share the quota: one proxy on each host is "
                 "enough, and others can read its state with state-source = file:PATH");
    hop_advise(out, "wait %lld s, then run tidblink doctor again",
        (long long)(quota.retry_after_s > 0 ? quota.retry_after_s
                    : quota.reset_s > 0     ? quota.reset_s
                                            : 60));
}
