// SPDX-License-Identifier: Apache-2.0
//
// resolver: what one look-up makes of a DNS server's answer, or of its absence.
#include "resolver_world.h"

#include "base/clock.h"
#include "resolver/text.h"

static const char host[] = "privatelink-1.clusters.example.com";

#define IPS(...)                                                                                   \
    {                                                                                              \
        .ttl_s = 60, .ips = { __VA_ARGS__ }                                                        \
    }
#define MODE(m)                                                                                    \
    {                                                                                              \
        .mode = (m)                                                                                \
    }

struct answer_row {
    const char *what;
    struct fake_reply a, aaaa;
    const char *expected; // as struct report has it
    const char *text;     // in the failure's text, NULL: none
};

static const struct answer_row rows[] = {
    { "A only", IPS("10.0.0.2", "10.0.0.1"), { 0 }, "10.0.0.2 10.0.0.1", NULL },
    { "A and AAAA", IPS("10.0.0.1"), IPS("fd00::1"), "10.0.0.1 fd00::1", NULL },
    { "AAAA only", { 0 }, IPS("fd00::1", "fd00::2"), "fd00::1 fd00::2", NULL },
    { "NXDOMAIN", MODE(FAKE_NXDOMAIN), MODE(FAKE_NXDOMAIN), "(dns-nxdomain)",
        "private DNS is not enabled" },
    { "NXDOMAIN, AAAA silent", MODE(FAKE_NXDOMAIN), MODE(FAKE_SILENT), "(dns-nxdomain)", NULL },
    { "no address at all", { 0 }, { 0 }, "(dns-nodata)", "no address" },
    { "no A, AAAA does not exist", { 0 }, MODE(FAKE_NXDOMAIN), "(dns-nodata)", NULL },
    { "no A, AAAA fails", { 0 }, MODE(FAKE_SERVFAIL), "(dns-servfail)", NULL },
    { "no A, AAAA silent", { 0 }, MODE(FAKE_SILENT), "(dns-timeout)", NULL },
    { "A, AAAA does not exist", IPS("10.0.0.1"), MODE(FAKE_NXDOMAIN), "10.0.0.1", NULL },
    { "A, AAAA fails", IPS("10.0.0.1"), MODE(FAKE_SERVFAIL), "10.0.0.1", NULL },
    { "A fails, AAAA", MODE(FAKE_SERVFAIL), IPS("fd00::1"), "fd00::1", NULL },
    { "SERVFAIL", MODE(FAKE_SERVFAIL), MODE(FAKE_SERVFAIL), "(dns-servfail)", "answered SERVFAIL" },
    { "REFUSED", MODE(FAKE_REFUSED), MODE(FAKE_REFUSED), "(dns-servfail)", "answered REFUSED" },
    { "FORMERR", MODE(FAKE_FORMERR), MODE(FAKE_FORMERR), "(dns-servfail)", "answered FORMERR" },
    { "silence", MODE(FAKE_SILENT), MODE(FAKE_SILENT), "(dns-timeout)", "did not answer" },
    { "noise", MODE(FAKE_NOISE), MODE(FAKE_NOISE), "(dns-timeout)", "did not answer" },
    { "cut record", MODE(FAKE_BROKEN), MODE(FAKE_BROKEN), "(dns-servfail)", "makes no sense" },
    { "somebody else's answer", { .mode = FAKE_OTHER_ID, .ips = { "10.6.6.6" } },
        { .mode = FAKE_OTHER_ID, .ips = { "fd00::6" } }, "(dns-timeout)", NULL },
    { "no EDNS", { .mode = FAKE_NO_EDNS, .ips = { "10.0.0.1" } },
        { .mode = FAKE_NO_EDNS, .ips = { "fd00::1" } }, "10.0.0.1 fd00::1", NULL },
    { "public", IPS("52.1.2.3"), { 0 }, "(dns-policy)", "52.1.2.3" },
    { "mix", IPS("10.0.0.1", "52.1.2.3"), { 0 }, "(dns-policy)", "52.1.2.3" },
    { "mix of families", IPS("10.0.0.1"), IPS("2600:1f14::1"), "(dns-policy)", "2600:1f14::1" },
    { "loopback", IPS("127.0.0.1"), { 0 }, "(dns-policy)", "allow-loopback" },
};

static void check_row(const struct answer_row *row)
{
    void *state;
    world_setup(&state);
    struct world *world = state;
    world->dns.a = row->a;
    world->dns.aaaa = row->aaaa;
    world_watch(world, host);
    const struct report *report = world_report(world, 1);
    if (strcmp(report->text, row->expected) != 0)
        fail_msg("%s: %s %s", row->what, report->text, report->failure.text);
    if (row->text && !strstr(report->failure.text, row->text))
        fail_msg("%s: %s", row->what, report->failure.text);
    if (report->failure.code && report->failure.code != ERR_DNS_POLICY)
        assert_non_null(strstr(report->failure.text, world->dns.address));
    if (report->failure.code)
        assert_in_range(strlen(report->failure.text), 20, TEXT_BYTES - 1);
    assert_string_equal(world->dns.name, host);
    world_teardown(&state);
}

static void test_every_kind_of_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_row(&rows[i]);
}

static void test_own_deadline_ends_silence(void **state)
{
    struct world *world = *state;
    world->dns.a.mode = world->dns.aaaa.mode = FAKE_SILENT;
    uint64_t start_ms = clock_ms();
    world_watch(world, host);
    const struct report *report = world_report(world, 1);
    assert_int_equal(report->failure.code, ERR_DNS_TIMEOUT);
    assert_in_range(report->at_ms - start_ms, WORLD_TIMEOUT_MS - 60, WORLD_TIMEOUT_MS + 2000);
    assert_in_range(world->dns.a_queries, 2, 3); // and it was asked again meanwhile
}

// The deadline is far away here: whoever waits for it does not pass.
static void check_one_family_is_silent(struct world *world, const char *expected)
{
    world->options.timeout_ms = 6000;
    uint64_t start_ms = clock_ms();
    world_watch(world, host);
    const struct report *report = world_report(world, 1);
    assert_string_equal(report->text, expected);
    assert_in_range(report->at_ms - start_ms, 0, 4000);
}

static void test_silent_aaaa_costs_only_the_grace(void **state)
{
    struct world *world = *state;
    world->dns.a = (struct fake_reply)IPS("10.0.0.1");
    world->dns.aaaa.mode = FAKE_SILENT;
    check_one_family_is_silent(world, "10.0.0.1");
}

static void test_silent_a_costs_only_the_grace(void **state)
{
    struct world *world = *state;
    world->dns.a.mode = FAKE_SILENT;
    world->dns.aaaa = (struct fake_reply)IPS("fd00::1");
    check_one_family_is_silent(world, "fd00::1");
}

static void test_truncated_answer_is_asked_over_tcp(void **state)
{
    struct world *world = *state;
    world->dns.a = (struct fake_reply){ .mode = FAKE_TRUNCATED, .ttl_s = 7, .many = 200 };
    world_watch(world, host);
    const struct report *report = world_report(world, 1);
    assert_int_equal(report->count, 200);
    assert_int_equal(report->ttl_s, 7);
    assert_int_equal(report->failure.code, ERR_NONE);
    assert_int_equal(world->dns.tcp_queries, 1);
}

static void test_nobody_listens(void **state)
{
    struct world *world = *state;
    fake_dns_close(&world->dns);
    world_watch(world, host);
    const struct report *report = world_report(world, 1);
    assert_string_equal(report->text, "(dns-timeout)");
    if (!strstr(report->failure.text, "cannot be reached"))
        fail_msg("%s", report->failure.text);
}

static void test_hosts_file_and_search_list_are_not_asked(void **state)
{
    struct world *world = *state;
    setenv("LOCALDOMAIN", "search.example.com", 1); // a search list by environment
    world->dns.a.mode = world->dns.aaaa.mode = FAKE_NXDOMAIN;
    world_watch(world, "localhost");
    assert_string_equal(world_report(world, 1)->text, "(dns-nxdomain)");
    assert_string_equal(world->dns.name, "localhost");
    unsetenv("LOCALDOMAIN");
}

static void check_name(struct world *world, const char *name, const char *expected)
{
    world_watch(world, name);
    assert_string_equal(world_report(world, world->reported + 1)->text, expected);
    resolver_unwatch(world->watch);
    world->watch = NULL;
}

static void test_names_that_are_none(void **state)
{
    struct world *world = *state;
    static const char long_label[] =
        "a.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com";
    world->options.timeout_ms = 6000;
    check_name(world, "", "(dns-nxdomain)");
    check_name(world, "a..b", "(dns-nxdomain)");
    check_name(world, long_label, "(dns-nxdomain)");
    assert_int_equal(world->dns.a_queries, 0);
}

static void test_literals_need_no_dns_but_obey(void **state)
{
    struct world *world = *state;
    world->options.allow_loopback = false;
    check_name(world, "10.0.0.1", "10.0.0.1");
    check_name(world, "fd00::1", "fd00::1");
    check_name(world, "52.1.2.3", "(dns-policy)");
    check_name(world, "127.0.0.1", "(dns-policy)");
    assert_int_equal(world->dns.a_queries + world->dns.aaaa_queries, 0);
}

static void test_options_widen_the_policy(void **state)
{
    struct world *world = *state;
    world->options.allow_loopback = true;
    assert_true(option_list_add(&world->options.allowed_cidrs, "203.0.113.0/24"));
    check_name(world, "127.0.0.1", "127.0.0.1");
    check_name(world, "203.0.113.9", "203.0.113.9");
    check_name(world, "203.0.114.9", "(dns-policy)");
}

static void check_refused(
    const char *server, const char *block, const char *option, const char *seen)
{
    struct err err = { 0 };
    struct loop *loop = loop_new("test", &err);
    struct resolver_options options = { .timeout_ms = 100 };
    if (server)
        assert_true(option_list_add(&options.servers, server));
    if (block)
        assert_true(option_list_add(&options.allowed_cidrs, block));
    assert_null(resolver_new(loop, &options, &err));
    assert_int_equal(err.code, ERR_OPTION);
    assert_non_null(strstr(err.text, option));
    assert_non_null(strstr(err.text, seen));
    option_list_free(&options.servers);
    option_list_free(&options.allowed_cidrs);
    loop_free(loop);
}

static void test_wrong_options_are_named(void **state)
{
    (void)state;
    check_refused("dns.example.com", NULL, "dns-servers", "dns.example.com");
    check_refused("unix:/run/dns", NULL, "dns-servers", "unix socket");
    check_refused("10.0.0.2:99999", NULL, "dns-servers", "10.0.0.2:99999");
    check_refused(NULL, "10.0.0.0/33", "allowed-cidrs", "10.0.0.0/33");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_answer),
        WORLD_TEST(test_own_deadline_ends_silence),
        WORLD_TEST(test_silent_aaaa_costs_only_the_grace),
        WORLD_TEST(test_silent_a_costs_only_the_grace),
        WORLD_TEST(test_truncated_answer_is_asked_over_tcp),
        WORLD_TEST(test_nobody_listens),
        WORLD_TEST(test_hosts_file_and_search_list_are_not_asked),
        WORLD_TEST(test_names_that_are_none),
        WORLD_TEST(test_literals_need_no_dns_but_obey),
        WORLD_TEST(test_options_widen_the_policy),
        cmocka_unit_test(test_wrong_options_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
