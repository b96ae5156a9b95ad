// SPDX-License-Identifier: Apache-2.0
//
// Probes for tests: `probe_once IP:PORT [CA HOST]` an address, `probe_once dns SERVER HOST` a DNS
// server. Lines of "name<tab>value"; the last one is "error", empty if there was none.
#include "base/loop.h"
#include "guide/probe.h"

#include <stdio.h>
#include <string.h>

enum { STEP_MS = 1500 };

static void print_answer(const struct probe_answer *answer)
{
    printf("connected\t%d\n", answer->connected);
    printf("greeted\t%d\n", answer->greeted);
    printf("version\t%s\n", answer->greeting.version);
    printf("plugin\t%s\n", answer->greeting.plugin);
    printf("refusal\t%u\n", answer->refusal);
    printf("refusal_text\t%s\n", answer->refusal_text);
    printf("secured\t%d\n", answer->secured);
    printf("protocol\t%s\n", answer->protocol);
    printf("subject\t%s\n", answer->certificate.subject);
    printf("issuer\t%s\n", answer->certificate.issuer);
    printf("names\t%s\n", answer->certificate.names);
    printf("not_before\t%lld\n", (long long)answer->certificate.not_before);
    printf("not_after\t%lld\n", (long long)answer->certificate.not_after);
    printf("doubt\t%d\n", answer->doubt.error);
    printf("suggestion\t%s\n", answer->doubt.suggestion);
}

static void print_end(bool done, const struct err *err)
{
    printf("key\t%s\n", done ? "" : err_row(err->code)->key);
    printf("error\t%s\n", done ? "" : err->text);
}

static int probe_server_of(char **args)
{
    struct err err = { 0 };
    struct addr_set *addrs = NULL;
    struct loop *loop = loop_new("test", &err);
    if (!loop)
        return EXIT_FAILED;
    bool done = probe_server(loop, args[2], args[3], STEP_MS, &addrs, &err);
    for (size_t i = 0; addrs && i < addrs->count; i++) {
        char ip[ADDR_TEXT_BYTES];
        printf("address\t%s\n", addr_format_ip(&addrs->addrs[i], ip));
    }
    print_end(done, &err);
    addr_set_unref(addrs);
    loop_free(loop);
    return EXIT_DONE;
}

static int probe_one(int count, char **args)
{
    struct err err = { 0 };
    struct addr addr;
    struct probe_answer answer;
    struct tls_trust *trust = NULL;
    const struct tls_trust_plan plan = { .ca = count > 3 ? args[2] : NULL };
    if (!addr_parse(args[1], &addr, &err) ||
        (count > 3 && !(trust = tls_trust_open(&plan, &err)))) {
        fprintf(stderr, "%s\n", err.text);
        return EXIT_FAILED;
    }
    bool done =
        probe_address(&addr, STEP_MS, STEP_MS, trust, count > 3 ? args[3] : NULL, &answer, &err);
    print_answer(&answer);
    print_end(done, &err);
    tls_trust_unref(trust);
    return EXIT_DONE;
}

int main(int count, char **args)
{
    if (count == 4 && strcmp(args[1], "dns") == 0)
        return probe_server_of(args);
    if (count == 2 || count == 4)
        return probe_one(count, args);
    fprintf(stderr, "usage: probe_once IP:PORT [CA HOST] | dns SERVER HOST\n");
    return EXIT_USAGE;
}
