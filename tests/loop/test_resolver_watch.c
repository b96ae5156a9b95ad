// SPDX-License-Identifier: Apache-2.0
//
// resolver: what a watch hears over time, the walk over several servers, a resolv.conf that
// changes, and watches that end at awkward moments.
#include "resolver_world.h"

#include "base/clock.h"
#include "base/os_sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static const char host[] = "privatelink-1.clusters.example.com";

static struct fake_reply ips(const char *first, const char *second)
{
    return (struct fake_reply){ .ttl_s = 60, .ips = { first, second } };
}

static void set_mode(struct fake_dns *dns, enum fake_mode mode)
{
    dns->a.mode = dns->aaaa.mode = mode;
}

static void test_refreshed_ahead_and_only_changes_reported(void **state)
{
    struct world *world = *state;
    world->dns.a = ips("10.0.0.1", "10.0.0.2");
    world_watch(world, host);
    uint64_t first_ms = world_report(world, 1)->at_ms;
    world_queries(world, 2);
    assert_in_range(clock_ms() - first_ms, 130, 4000);
    world->dns.a = ips("10.0.0.2", "10.0.0.1"); // rotated
    world_queries(world, 4);
    assert_int_equal(world->reported, 1);
    world->dns.a = ips("10.0.0.3", NULL);
    const struct report *report = world_report(world, 2);
    assert_string_equal(report->text, "10.0.0.3");
    assert_int_equal(report->ttl_s, 60); // as answered, whatever we make of it
}

static void test_stale_while_silent_and_back(void **state)
{
    struct world *world = *state;
    world->dns.a = ips("10.0.0.1", NULL);
    world_watch(world, host);
    uint64_t answered_ms = world_report(world, 1)->answered_ms;
    set_mode(&world->dns, FAKE_SILENT);
    const struct report *report = world_report(world, 2);
    assert_string_equal(report->text, "10.0.0.1 (dns-timeout)");
    assert_in_range(report->answered_ms, answered_ms, report->at_ms - WORLD_TIMEOUT_MS + 60);
    set_mode(&world->dns, FAKE_SERVFAIL);
    assert_string_equal(world_report(world, 3)->text, "10.0.0.1 (dns-servfail)");
    set_mode(&world->dns, FAKE_ANSWER);
    assert_string_equal(world_report(world, 4)->text, "10.0.0.1");
}

static void test_single_nxdomain_is_not_believed(void **state)
{
    struct world *world = *state;
    world->dns.a = ips("10.0.0.1", NULL);
    world_watch(world, host);
    world_report(world, 1);
    unsigned before = world->dns.a_queries;
    set_mode(&world->dns, FAKE_NXDOMAIN);
    world_queries(world, before + 1);
    set_mode(&world->dns, FAKE_ANSWER);
    world_queries(world, before + 4);
    assert_int_equal(world->reported, 1);
    set_mode(&world->dns, FAKE_NXDOMAIN); // and now it stays so
    before = world->dns.a_queries;
    assert_string_equal(world_report(world, 2)->text, "(dns-nxdomain)");
    assert_in_range(world->dns.a_queries, before + 2, UINT32_MAX);
    set_mode(&world->dns, FAKE_ANSWER);
    assert_string_equal(world_report(world, 3)->text, "10.0.0.1");
}

static void test_public_answer_ends_a_private_one(void **state)
{
    struct world *world = *state;
    world->dns.a = ips("10.0.0.1", NULL);
    world_watch(world, host);
    world_report(world, 1);
    world->dns.a = ips("52.1.2.3", NULL);
    assert_string_equal(world_report(world, 2)->text, "(dns-policy)");
}

static void test_refresh_is_at_once_but_not_more_than_once_a_second(void **state)
{
    struct world *world = *state;
    world->options.ttl_min_ms = world->options.ttl_max_ms = 60000;
    world->dns.a = ips("10.0.0.1", NULL);
    world_watch(world, host);
    resolver_refresh(world->watch); // the first look is on its way
    uint64_t first_ms = world_report(world, 1)->at_ms;
    world->dns.a = ips("10.0.0.2", NULL);
    for (int i = 0; i < 5; i++)
        resolver_refresh(world->watch);
    const struct report *report = world_report(world, 2);
    assert_in_range(report->at_ms - first_ms, 900, 4000);
    assert_in_range(world->dns.a_queries, 2, 3); // 3: a retransmission on a busy machine
}

// ---- several servers ----------------------------------------------------------------------------

static void test_next_server_is_asked_when_one_fails(void **state)
{
    struct world *world = *state;
    world_ask_both(world);
    set_mode(&world->dns, FAKE_SERVFAIL);
    world->other.a = ips("10.0.0.7", NULL);
    world_watch(world, host);
    assert_string_equal(world_report(world, 1)->text, "10.0.0.7");
    unsigned asked = world->dns.a_queries;
    world->other.a = ips("10.0.0.8", NULL); // the next look starts with the one that knew
    assert_string_equal(world_report(world, 2)->text, "10.0.0.8");
    assert_int_equal(world->dns.a_queries, asked);
}

static void test_next_server_is_asked_when_one_is_silent(void **state)
{
    struct world *world = *state;
    world_ask_both(world);
    set_mode(&world->dns, FAKE_SILENT);
    world->other.a = ips("10.0.0.7", NULL);
    uint64_t start_ms = clock_ms();
    world_watch(world, host);
    const struct report *report = world_report(world, 1);
    assert_string_equal(report->text, "10.0.0.7");
    assert_in_range(report->at_ms - start_ms, WORLD_TIMEOUT_MS / 2 - 10, 4000);
}

static void test_all_servers_silent_share_the_deadline(void **state)
{
    struct world *world = *state;
    world_ask_both(world);
    set_mode(&world->dns, FAKE_SILENT);
    set_mode(&world->other, FAKE_SILENT);
    uint64_t start_ms = clock_ms();
    world_watch(world, host);
    const struct report *report = world_report(world, 1);
    assert_in_range(report->at_ms - start_ms, WORLD_TIMEOUT_MS - 60, WORLD_TIMEOUT_MS + 2000);
    assert_string_equal(report->text, "(dns-timeout)");
    assert_non_null(strstr(report->failure.text, world->dns.address));
    assert_non_null(strstr(report->failure.text, world->other.address));
}

static void test_servfail_tells_more_than_silence(void **state)
{
    struct world *world = *state;
    world_ask_both(world);
    set_mode(&world->dns, FAKE_SERVFAIL);
    set_mode(&world->other, FAKE_SILENT);
    world_watch(world, host);
    const struct report *report = world_report(world, 1);
    assert_string_equal(report->text, "(dns-servfail)");
    assert_non_null(strstr(report->failure.text, world->dns.address));
}

static void test_nxdomain_is_not_asked_around(void **state)
{
    struct world *world = *state;
    world_ask_both(world);
    set_mode(&world->dns, FAKE_NXDOMAIN);
    world->other.a = ips("10.0.0.7", NULL);
    world_watch(world, host);
    assert_string_equal(world_report(world, 1)->text, "(dns-nxdomain)");
    assert_int_equal(world->other.a_queries, 0);
}

// ---- resolv.conf --------------------------------------------------------------------------------

static void write_file(const char *path, const char *text)
{
    char fresh[128];
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    FILE *file = fopen(fresh, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(fresh, path), 0);
}

// Nothing listens on these addresses, or something does that knows no such name: either way the
// text names the server that was asked.
static void test_resolv_conf_is_read_again(void **state)
{
    struct world *world = *state;
    char path[] = "/tmp/tidblink-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    write_file(path, "search wrong.example.com\nnameserver 127.77.0.1\noptions ndots:5\n");
    option_list_free(&world->options.servers);
    world->options.resolv_conf = path;
    world_watch(world, "db.invalid");
    assert_non_null(strstr(world_report(world, 1)->failure.text, "127.77.0.1"));
    write_file(path, "nameserver 127.77.0.2\nnameserver 127.77.0.3\n");
    assert_non_null(strstr(world_report(world, 2)->failure.text, "127.77.0.2"));
    unlink(path); // c-ares' default
    assert_non_null(strstr(world_report(world, 3)->failure.text, "127.0.0.1"));
}

// The last test: nobody leaves a fence. Behind it another file in the place of the first one cannot
// be read (sandbox = strict), which is no reason to ask the default of a machine without one.
static void test_a_resolv_conf_behind_the_fence(void **state)
{
    struct world *world = *state;
    const struct os_fence_plan plan = { 0 };
    struct os_fence *fence = os_fence_new(&plan);
    char path[] = "/tmp/tidblink-test-XXXXXX", other[] = "/tmp/tidblink-test-XXXXXX";
    int fds[] = { mkstemp(path), mkstemp(other) };
    assert_true(fds[0] >= 0 && fds[1] >= 0);
    close(fds[0]);
    close(fds[1]);
    if (!fence)
        skip();
    write_file(path, "nameserver 127.77.0.1\n");
    write_file(other, "nameserver 127.77.0.2\n");
    option_list_free(&world->options.servers);
    world->options.resolv_conf = path;
    world_watch(world, "db.invalid");
    assert_non_null(strstr(world_report(world, 1)->failure.text, "127.77.0.1"));
    for (size_t i = 0; os_library_files[i]; i++)
        (void)!os_fence_allow(fence, os_library_files[i], OS_RIGHT_READ | OS_RIGHT_LIST);
    assert_true(os_fence_allow(fence, path, OS_RIGHT_READ));
    assert_true(os_fence_allow(fence, "/tmp", OS_RIGHT_MAKE | OS_RIGHT_REMOVE));
    assert_true(os_fence_enter(fence));
    os_fence_free(fence);
    assert_int_equal(rename(other, path), 0);
    resolver_unwatch(world->watch);
    world_watch(world, "other.invalid");
    assert_non_null(strstr(world_report(world, 2)->failure.text, "127.77.0.1"));
    unlink(path);
}

// ---- another network
// ------------------------------------------------------------------------------

static void test_doubted_names_are_told_anew(void **state)
{
    struct err err;
    struct world *world = *state;
    world->dns.a = ips("10.0.0.1", NULL);
    world->options.ttl_min_ms = world->options.ttl_max_ms = UINT64_C(3600000);
    world_watch(world, host);
    world_report(world, 1);
    assert_true(resolver_renew(world->resolver, &err));
    assert_true(resolver_doubt(world->watch, true));
    assert_string_equal(
        world_report(world, 2)->text, "10.0.0.1"); // the same, and told all the same
    assert_false(resolver_doubt(world->watch, false));
    world->dns.a = ips("10.0.0.2", NULL);
    assert_string_equal(world_report(world, 3)->text, "10.0.0.2");
    set_mode(&world->dns, FAKE_NXDOMAIN);
    assert_true(resolver_doubt(world->watch, true));
    assert_string_equal(world_report(world, 4)->text, "(dns-nxdomain)");
}

// The time of a look-up is long here: the old addresses are back before it is over.
static void test_doubted_addresses_are_stale_but_usable(void **state)
{
    struct err err;
    struct world *world = *state;
    world->dns.a = ips("10.0.0.1", NULL);
    world->options.timeout_ms = 15000;
    world->options.ttl_min_ms = world->options.ttl_max_ms = UINT64_C(3600000);
    world_watch(world, host);
    world_report(world, 1);
    set_mode(&world->dns, FAKE_SILENT);
    assert_true(resolver_renew(world->resolver, &err));
    assert_true(resolver_doubt(world->watch, true));
    assert_true(resolver_doubt(world->watch, false)); // the next event of the same change
    assert_string_equal(world_report(world, 2)->text, "10.0.0.1 (dns-timeout)");
    set_mode(&world->dns, FAKE_ANSWER); // what is sent again is answered
    assert_string_equal(world_report(world, 3)->text, "10.0.0.1");
}

static void on_query_stop(void *arg)
{
    loop_stop(arg);
}

// A network that changes while a query to the old server is out: the new server gets it.
static void test_look_up_in_flight_moves_to_the_new_servers(void **state)
{
    struct world *world = *state;
    struct fake_dns old, new;
    if (!fake_dns_open(&old, world->loop, "127.77.0.4", 53)) {
        print_message("port 53 may not be used here (%s)\n", err_errno_text(errno));
        skip();
    }
    assert_true(fake_dns_open(&new, world->loop, "127.77.0.5", 53));
    set_mode(&old, FAKE_SILENT);
    new.a = ips("10.0.0.5", NULL);
    old.on_query = on_query_stop;
    old.arg = world->loop;
    char path[] = "/tmp/tidblink-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    write_file(path, "nameserver 127.77.0.4\n");
    option_list_free(&world->options.servers);
    world->options.resolv_conf = path;
    world->options.timeout_ms = 6000;
    world_watch(world, host);
    world_pass(world, 4000);
    assert_int_equal(old.a_queries, 1); // the first look-up is out
    old.on_query = NULL;
    write_file(path, "nameserver 127.77.0.5\n");
    struct resolver_watch *first = world->watch;
    world_watch(world, "other.example.com"); // its look-up finds the new file
    uint64_t start_ms = clock_ms();
    assert_string_equal(world_report(world, 2)->text, "10.0.0.5");
    assert_string_equal(world->reports[0].text, "10.0.0.5"); // no failure in between
    assert_in_range(clock_ms() - start_ms, 0, 4000);
    resolver_unwatch(first);
    fake_dns_close(&old);
    fake_dns_close(&new);
    unlink(path);
}

// ---- the end of watches -------------------------------------------------------------------------

static void on_wrong_report(void *arg, const struct resolution *resolution)
{
    (void)arg;
    (void)resolution;
    fail_msg("a report after resolver_unwatch");
}

// Both names are asked at the same moment, so when the second is reported the first would have
// been.
static void test_no_report_after_unwatch(void **state)
{
    struct world *world = *state;
    world->dns.a = ips("10.0.0.1", NULL);
    world->dns.aaaa.mode = FAKE_SILENT; // the grace keeps the look-up in flight
    world_watch(world, host);
    struct resolver_watch *unasked =
        resolver_watch(world->resolver, "unasked.example.com", on_wrong_report, world);
    struct resolver_watch *asked =
        resolver_watch(world->resolver, "asked.example.com", on_wrong_report, world);
    struct resolver_watch *literal =
        resolver_watch(world->resolver, "10.0.0.1", on_wrong_report, world);
    resolver_unwatch(unasked);
    resolver_unwatch(literal);
    world_queries(world, 2);
    resolver_unwatch(asked);
    world_report(world, 1);
}

static void test_freed_while_queries_are_out(void **state)
{
    struct world *world = *state;
    set_mode(&world->dns, FAKE_SILENT);
    world_watch(world, host);
    world_queries(world, 1);
    resolver_unwatch(world->watch);
    world->watch = NULL;
    resolver_free(world->resolver);
    world->resolver = NULL;
}

static void test_freed_while_tcp_is_out(void **state)
{
    struct world *world = *state;
    world->dns.a.mode = world->dns.aaaa.mode = FAKE_TRUNCATED;
    world_watch(world, host);
    world_queries(world, 1); // its truncated answer is on its way
}

static void unwatch_and_free(struct world *world)
{
    resolver_unwatch(world->watch);
    world->watch = NULL;
    resolver_free(world->resolver);
    world->resolver = NULL;
}

static void test_watcher_may_end_everything_in_its_report(void **state)
{
    struct world *world = *state;
    world->dns.a = ips("10.0.0.1", NULL);
    world->dns.aaaa.mode = FAKE_SILENT; // c-ares still has a query then
    world->on_report = unwatch_and_free;
    world_watch(world, host);
    world_report(world, 1);
}

static void refresh_and_watch_another(struct world *world)
{
    resolver_refresh(world->watch);
    resolver_unwatch(world->watch);
    world->on_report = NULL;
    world_watch(world, "other.example.com");
}

static void test_watcher_may_watch_in_its_report(void **state)
{
    struct world *world = *state;
    world->dns.a = ips("10.0.0.1", NULL);
    world->on_report = refresh_and_watch_another;
    world_watch(world, host);
    assert_string_equal(world_report(world, 2)->text, "10.0.0.1");
    assert_string_equal(world->dns.name, "other.example.com");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_refreshed_ahead_and_only_changes_reported),
        WORLD_TEST(test_stale_while_silent_and_back),
        WORLD_TEST(test_single_nxdomain_is_not_believed),
        WORLD_TEST(test_public_answer_ends_a_private_one),
        WORLD_TEST(test_refresh_is_at_once_but_not_more_than_once_a_second),
        WORLD_TEST(test_next_server_is_asked_when_one_fails),
        WORLD_TEST(test_next_server_is_asked_when_one_is_silent),
        WORLD_TEST(test_all_servers_silent_share_the_deadline),
        WORLD_TEST(test_servfail_tells_more_than_silence),
        WORLD_TEST(test_nxdomain_is_not_asked_around),
        WORLD_TEST(test_resolv_conf_is_read_again),
        WORLD_TEST(test_doubted_names_are_told_anew),
        WORLD_TEST(test_doubted_addresses_are_stale_but_usable),
        WORLD_TEST(test_look_up_in_flight_moves_to_the_new_servers),
        WORLD_TEST(test_no_report_after_unwatch),
        WORLD_TEST(test_freed_while_queries_are_out),
        WORLD_TEST(test_freed_while_tcp_is_out),
        WORLD_TEST(test_watcher_may_end_everything_in_its_report),
        WORLD_TEST(test_watcher_may_watch_in_its_report),
        WORLD_TEST(test_a_resolv_conf_behind_the_fence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
