// SPDX-License-Identifier: Apache-2.0
//
// base/changes: a resolv.conf that is written, replaced, linked and removed is noticed once for
// each time that it says something else. Addresses, routes and sleep: tests/e2e/test_wake.py.
#include "base/changes.h"
#include "base/cursor.h"
#include "base/err.h"
#include "base/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <time.h>
#include <unistd.h>

enum { WATCHDOG_MS = 20 * 1000, PATH_BYTES = 256, QUIET_MS = 700 };

static struct {
    struct loop *loop;
    struct timer watchdog;
    struct changes *changes;
    char folder[PATH_BYTES], path[PATH_BYTES], other[PATH_BYTES];
    unsigned noticed;
} world;

static void on_change(void *arg, const struct change *change)
{
    (void)arg;
    assert_int_equal(change->slept_ms, 0);
    if (!change->names)
        return; // this machine's network is nobody's business here
    world.noticed++;
    loop_stop(world.loop);
}

static void on_watchdog(struct timer *timer)
{
    (void)timer;
    loop_stop(world.loop);
}

static void pass(uint64_t ms)
{
    timer_start(&world.watchdog, ms);
    loop_run(world.loop);
    timer_stop(&world.watchdog);
}

static void expect_noticed(void)
{
    unsigned before = world.noticed;
    pass(WATCHDOG_MS);
    assert_int_equal(world.noticed, before + 1);
    pass(QUIET_MS);
    assert_int_equal(world.noticed, before + 1);
}

static void write_to(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int begin(void **state)
{
    struct err err;
    (void)state;
    snprintf(world.folder, sizeof(world.folder), "/tmp/tidblink-test-XXXXXX");
    assert_non_null(mkdtemp(world.folder));
    snprintf(world.path, sizeof(world.path), "%.200s/resolv.conf", world.folder);
    snprintf(world.other, sizeof(world.other), "%.200s/other", world.folder);
    world.noticed = 0;
    world.loop = loop_new("test", &err);
    assert_non_null(world.loop);
    timer_init(&world.watchdog, world.loop, on_watchdog);
    return 0;
}

static int end(void **state)
{
    (void)state;
    changes_free(world.changes);
    world.changes = NULL;
    loop_free(world.loop);
    unlink(world.path);
    unlink(world.other);
    rmdir(world.folder);
    return 0;
}

static void watch(void)
{
    struct err err;
    world.changes = changes_new(world.loop, world.path, on_change, NULL, &err);
    assert_non_null(world.changes);
}

static void test_written_replaced_and_removed(void **unused)
{
    write_to(world.path, "nameserver 10.0.0.1\n");
    watch();
    write_to(world.path, "nameserver 10.0.0.2\n");
    expect_noticed();
    static const char *const texts[] = { "nameserver 10.0.0.3\n", "nameserver 10.0.0.4\n" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) { // as NetworkManager does
        write_to(world.other, texts[i]);
        assert_int_equal(rename(world.other, world.path), 0);
        expect_noticed();
    }
    assert_int_equal(unlink(world.path), 0);
    expect_noticed();
    write_to(world.path, "nameserver 10.0.0.2\n");
    expect_noticed();
}

static void test_what_a_link_leads_to(void **unused)
{
    write_to(world.other, "nameserver 10.0.0.1\n");
    assert_int_equal(symlink("other", world.path), 0);
    watch();
    write_to(world.other, "nameserver 10.0.0.2\n");
    expect_noticed();
    char fresh[PATH_BYTES];
    snprintf(fresh, sizeof(fresh), "%.200s/fresh", world.folder);
    write_to(fresh, "nameserver 10.0.0.3\n");
    assert_int_equal(rename(fresh, world.other), 0);
    expect_noticed();
}

static void test_the_same_again(void **unused)
{
    write_to(world.path, "nameserver 10.0.0.1\n");
    watch();
    write_to(world.path, "nameserver 10.0.0.1\n");
    write_to(world.other, "nameserver 10.0.0.1\n");
    assert_int_equal(rename(world.other, world.path), 0);
    pass(QUIET_MS);
    assert_int_equal(world.noticed, 0);
    write_to(world.path, "nameserver 10.0.0.2\n");
    expect_noticed();
}

// What the kernel says of the timer that is only there to be cancelled: proc(5), fdinfo. On a
// machine without one of the wall clock there is nothing to see.
static void look_at_timer(const char *path)
{
    static const char value_name[] = "it_value: (";
    char line[128], wall_clock[32];
    bool is_ours = false;
    FILE *file = fopen(path, "r");
    if (!file)
        return; // not open, or another system
    snprintf(wall_clock, sizeof(wall_clock), "clockid: %d\n", CLOCK_REALTIME);
    while (fgets(line, sizeof(line), file)) {
        uint64_t left_s;
        is_ours = is_ours || strcmp(line, wall_clock) == 0;
        if (!is_ours || strncmp(line, value_name, strlen(value_name)) != 0)
            continue;
        line[strcspn(line, ",")] = '\0';
        assert_true(parse_uint(line + strlen(value_name), 0, UINT64_MAX, &left_s));
        assert_true(left_s > UINT64_C(100) * 365 * 24 * 3600);
    }
    fclose(file);
}

// A timer that is due would wake the loop for ever.
static void test_the_timer_is_never_due(void **unused)
{
    char path[64];
    write_to(world.path, "");
    watch();
    for (int fd = 0; fd < 64; fd++) {
        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
        look_at_timer(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_written_replaced_and_removed, begin, end),
        cmocka_unit_test_setup_teardown(test_what_a_link_leads_to, begin, end),
        cmocka_unit_test_setup_teardown(test_the_same_again, begin, end),
        cmocka_unit_test_setup_teardown(test_the_timer_is_never_due, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
