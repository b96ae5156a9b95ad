// SPDX-License-Identifier: Apache-2.0
//
// base/options: every type reads, prints and compares its values; what is refused says exactly what
// was expected.
#include "base/options.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct values {
    bool tls;
    uint64_t threads;
    uint64_t backlog;
    uint64_t pool;
    uint64_t hold_ms;
    uint64_t poll_ms;
    char *ca;
    char *token;
    uint64_t token_ms;
    int level;
    struct option_list listen;
    uint64_t mode;
};

enum { LEVEL_ERROR, LEVEL_WARN, LEVEL_INFO };

static const char *const levels[] = { "error", "warn", "info", NULL };

#define AT(field) offsetof(struct values, field)
// clang-format off
static const struct option_row rows[] = {
    { "tls", OPTION_BOOL, AT(tls), "on", 0, 0, OPTION_RELOAD, NULL, NULL, "speak TLS to the cluster" },
    { "threads", OPTION_UINT, AT(threads), "0", 0, 64, 0, NULL, NULL, "worker threads" },
    { "backlog", OPTION_UINT, AT(backlog), "128", 1, 0, 0, NULL, NULL, "listen backlog" },
    { "pool", OPTION_UINT, AT(pool), NULL, 0, 0, 0, NULL, NULL, "anything" },
    { "hold-timeout", OPTION_MS, AT(hold_ms), "4s", 0, 60000, OPTION_RELOAD, NULL, NULL, "how long a new connection is held while its endpoint is not ready yet" },
    { "poll-interval", OPTION_MS, AT(poll_ms), NULL, 1500, 0, 0, NULL, "TIME-BETWEEN-POLLS", "how often is asked" },
    { "tls-ca", OPTION_TEXT, AT(ca), NULL, 0, 0, 0, NULL, "PATH", "certificates to trust" },
    { "token", OPTION_TEXT, AT(token), NULL, 0, 0, OPTION_SECRET | OPTION_NO_FLAG, NULL, NULL, "what nobody may see" },
    { "token-age", OPTION_MS, AT(token_ms), NULL, 0, 0, OPTION_SECRET | OPTION_NO_FLAG, NULL, NULL, "a secret number" },
    { "log-level", OPTION_CHOICE, AT(level), "info", 0, 0, 0, levels, NULL, "what is logged" },
    { "listen", OPTION_LIST, AT(listen), "127.0.0.1:4000", 0, 0, 0, NULL, "ADDR[,ADDR]", "addresses to listen on" },
    { "socket-mode", OPTION_MODE, AT(mode), "0660", 0, 0, 0, NULL, NULL, "mode of unix sockets" },
};
// clang-format on
static const struct option_table table = { rows, ARRAY_LEN(rows) };

static const struct option_row *row(const char *name)
{
    const struct option_row *found = option_find(&table, name);
    assert_non_null(found);
    return found;
}

static void assign(struct values *values, const char *name, const char *text)
{
    struct err err = { 0 };
    if (!option_assign(row(name), values, text, "here", &err))
        fail_msg("%s = %s: %s", name, text, err.text);
}

// The error, without the origin "here" that all of them have to begin with.
static void assert_refused(const char *name, const char *text, const char *expected)
{
    struct values values = { 0 };
    const struct values untouched = values;
    struct err err = { 0 };
    assert_false(option_assign(row(name), &values, text, "here", &err));
    assert_int_equal(err.code, ERR_OPTION);
    assert_memory_equal(err.text, "here: ", 6);
    assert_string_equal(err.text + 6, expected);
    assert_memory_equal(&values, &untouched, sizeof(values));
}

static void assert_format(const char *name, const struct values *values, const char *expected)
{
    char *text = option_format(row(name), values);
    assert_string_equal(text, expected);
    free(text);
}

static void test_find_knows_one_spelling(void **state)
{
    (void)state;
    assert_ptr_equal(option_find(&table, "threads"), &rows[1]);
    assert_null(option_find(&table, "hold_timeout"));
    assert_null(option_find(&table, "hold-timeou"));
}

static void test_defaults_are_read_like_values(void **state)
{
    (void)state;
    struct values values = { 0 };
    assert_true(option_defaults(&table, &values, NULL));
    assert_true(values.tls);
    assert_int_equal(values.threads, 0);
    assert_int_equal(values.backlog, 128);
    assert_int_equal(values.hold_ms, 4000);
    assert_int_equal(values.poll_ms, 0);
    assert_null(values.ca);
    assert_int_equal(values.level, LEVEL_INFO);
    assert_int_equal(values.listen.count, 1);
    assert_string_equal(values.listen.items[0], "127.0.0.1:4000");
    assert_int_equal(values.mode, 0660);
    option_free(&table, &values);
    const struct values zero = { 0 };
    assert_memory_equal(&values, &zero, sizeof(values));
}

static void test_a_wrong_default_is_found(void **state)
{
    (void)state;
    static const struct option_row wrong[] = {
        { .name = "threads", .type = OPTION_UINT, .fallback = "many", .max = 64, .help = "" },
    };
    struct values values = { 0 };
    struct err err = { 0 };
    assert_false(option_defaults(&(struct option_table){ wrong, 1 }, &values, &err));
    assert_string_equal(err.text,
        "default of threads: \"many\" is not valid: expected a whole number from 0 to 64");
}

static void test_bool(void **state)
{
    (void)state;
    static const char *const words[] = { "off", "on", "false", "true", "no", "yes", "0", "1" };
    struct values values = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        values.tls = i % 2 == 0;
        assign(&values, "tls", words[i]);
        assert_int_equal(values.tls, i % 2);
    }
    assert_format("tls", &values, "on");
    assert_refused("tls", "maybe", "\"maybe\" is not valid: expected on or off");
    assert_refused("tls", "On", "\"On\" is not valid: expected on or off");
    assert_refused("tls", "", "\"\" is not valid: expected on or off");
}

static void test_uint(void **state)
{
    (void)state;
    struct values values = { 0 };
    assign(&values, "threads", "64");
    assert_int_equal(values.threads, 64);
    assert_format("threads", &values, "64");
    assign(&values, "pool", "18446744073709551615");
    assert_true(values.pool == UINT64_MAX);
    assert_refused("threads", "65", "\"65\" is not valid: expected a whole number from 0 to 64");
    assert_refused("threads", "-1", "\"-1\" is not valid: expected a whole number from 0 to 64");
    assert_refused("threads", "4 ", "\"4 \" is not valid: expected a whole number from 0 to 64");
    assert_refused("backlog", "0", "\"0\" is not valid: expected a whole number of at least 1");
    assert_refused("pool", "1e3", "\"1e3\" is not valid: expected a whole number");
    assert_refused("pool", "18446744073709551616",
        "\"18446744073709551616\" is not valid: expected a whole number");
}

static void test_duration(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
        const char *printed;
    } good[] = {
        { "250ms", 250, "250ms" },
        { "4s", 4000, "4s" },
        { "4000ms", 4000, "4s" },
        { "90s", 90000, "90s" },
        { "2m", 120000, "2m" },
        { "60m", 3600000, "1h" },
        { "1h", 3600000, "1h" },
    };
    struct values values = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (good[i].ms < 1500)
            continue; // below what poll-interval allows
        assign(&values, "poll-interval", good[i].text);
        assert_int_equal(values.poll_ms, good[i].ms);
        assert_format("poll-interval", &values, good[i].printed);
    }
    assign(&values, "hold-timeout", "250ms");
    assert_format("hold-timeout", &values, "250ms");
    assign(&values, "hold-timeout", "0s");
    assert_format("hold-timeout", &values, "0s");
    assign(&values, "hold-timeout", "1m");
    assert_int_equal(values.hold_ms, 60000);
}

static void test_duration_refused(void **state)
{
    (void)state;
    assert_refused("hold-timeout", "4",
        "\"4\" is not valid: expected a unit behind the number, as in 4ms or 4s");
    assert_refused("hold-timeout", "0",
        "\"0\" is not valid: expected a unit behind the number, as in 0ms or 0s");
    static const char *const wrong[] = { "61s", "60001ms", "-4s", "4 s", "4d", "s", "", "4s4s",
        "1.5s", "99999999999999999999h", "1000000000000000000000000000s" };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char expected[200];
        snprintf(expected, sizeof(expected),
            "\"%s\" is not valid: expected a duration from 0s to 1m, written like 250ms, 4s, 2m or "
            "1h",
            wrong[i]);
        assert_refused("hold-timeout", wrong[i], expected);
    }
    // Without an upper bound the range of the type is one.
    assert_refused("poll-interval", "18446744073709551615s",
        "\"18446744073709551615s\" is not valid: expected a duration of at least 1500ms, written "
        "like 250ms, 4s, 2m or 1h");
    assert_refused("poll-interval", "1s",
        "\"1s\" is not valid: expected a duration of at least 1500ms, written like 250ms, 4s, 2m "
        "or 1h");
}

static void test_text(void **state)
{
    (void)state;
    struct values values = { 0 };
    assert_format("tls-ca", &values, "");
    assign(&values, "tls-ca", "/a");
    assign(&values, "tls-ca", "/etc/ca.pem");
    assert_string_equal(values.ca, "/etc/ca.pem");
    assert_format("tls-ca", &values, "/etc/ca.pem");
    assign(&values, "tls-ca", "");
    assert_null(values.ca);
}

static void test_choice(void **state)
{
    (void)state;
    struct values values = { 0 };
    assign(&values, "log-level", "warn");
    assert_int_equal(values.level, LEVEL_WARN);
    assert_format("log-level", &values, "warn");
    assert_refused("log-level", "loud", "\"loud\" is not valid: expected error, warn or info");
}

static void test_list(void **state)
{
    (void)state;
    struct values values = { 0 };
    assign(&values, "listen", "one");
    assign(&values, "listen", " a:1 ,unix:/with blank/x\t, b:2");
    assert_int_equal(values.listen.count, 3);
    assert_string_equal(values.listen.items[0], "a:1");
    assert_string_equal(values.listen.items[1], "unix:/with blank/x");
    assert_string_equal(values.listen.items[2], "b:2");
    assert_format("listen", &values, "a:1, unix:/with blank/x, b:2");
    assign(&values, "listen", " ");
    assert_int_equal(values.listen.count, 0);
    assert_format("listen", &values, "");
    assert_refused("listen", "a,,b",
        "\"a,,b\" is not valid: expected items with commas between them, none of them empty");
    assert_refused("listen", "a,",
        "\"a,\" is not valid: expected items with commas between them, none of them empty");
}

static void test_mode(void **state)
{
    (void)state;
    static const char *const wrong[] = { "660x", "0888", "66", "00660", "1777", "rw", "" };
    struct values values = { 0 };
    assign(&values, "socket-mode", "600");
    assert_int_equal(values.mode, 0600);
    assign(&values, "socket-mode", "0666");
    assert_int_equal(values.mode, 0666);
    assert_format("socket-mode", &values, "0666");
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char expected[100];
        snprintf(expected, sizeof(expected),
            "\"%s\" is not valid: expected an octal file mode such as 0660", wrong[i]);
        assert_refused("socket-mode", wrong[i], expected);
    }
}

static void test_secrets_are_never_shown(void **state)
{
    (void)state;
    struct values values = { 0 };
    assign(&values, "token", "hunter2");
    assert_format("token", &values, "(secret)");
    assert_refused("token-age", "123",
        "the value (secret) is not valid: expected a duration, written like 250ms, 4s, 2m or 1h");
    option_free(&table, &values);
}

static void test_long_and_wild_values_are_cut_and_cleaned(void **state)
{
    (void)state;
    assert_refused("tls", "123456789012345678901234567890123456789012345678901234567890123",
        "\"123456789012345678901234567890123456789012345678901234567890...\" is not valid: "
        "expected on or off");
    assert_refused("tls", "a\n\033[1mb", "\"a??[1mb\" is not valid: expected on or off");
}

static void test_equal_is_what_a_reload_compares(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *other;
    } changes[] = {
        { "tls", "off" },
        { "threads", "3" },
        { "hold-timeout", "5s" },
        { "tls-ca", "/b" },
        { "token", "b" },
        { "log-level", "error" },
        { "listen", "127.0.0.1:4001" },
        { "listen", "127.0.0.1:4000, [::1]:4000" },
        { "socket-mode", "0600" },
    };
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct values a = { 0 };
        struct values b = { 0 };
        assert_true(option_defaults(&table, &a, NULL));
        assert_true(option_defaults(&table, &b, NULL));
        assert_true(option_equal(row(changes[i].name), &a, &b));
        assign(&b, changes[i].name, changes[i].other);
        for (size_t n = 0; n < table.count; n++)
            assert_int_equal(option_equal(&rows[n], &a, &b), &rows[n] != row(changes[i].name));
        assign(&a, changes[i].name, changes[i].other);
        assert_true(option_equal(row(changes[i].name), &a, &b));
        option_free(&table, &a);
        option_free(&table, &b);
    }
}

static void test_environment(void **state)
{
    (void)state;
    struct values values = { 0 };
    struct err err = { 0 };
    setenv("TESTLINK_HOLD_TIMEOUT", "250ms", 1);
    setenv("TESTLINK_TOKEN", "t", 1);
    setenv("TESTLINK_OF_SOMEBODY_ELSE", "x", 1);
    assert_true(option_environment(&table, "TESTLINK", &values, &err));
    assert_int_equal(values.hold_ms, 250);
    assert_string_equal(values.token, "t");
    setenv("TESTLINK_HOLD_TIMEOUT", "250", 1);
    assert_false(option_environment(&table, "TESTLINK", &values, &err));
    assert_string_equal(err.text, "TESTLINK_HOLD_TIMEOUT: \"250\" is not valid: expected a unit "
                                  "behind the number, as in 250ms or 250s");
    unsetenv("TESTLINK_HOLD_TIMEOUT");
    unsetenv("TESTLINK_TOKEN");
    unsetenv("TESTLINK_OF_SOMEBODY_ELSE");
    option_free(&table, &values);
}

static void test_help_is_aligned_and_wrapped(void **state)
{
    (void)state;
    static const char expected[] = //
        "  --tls                        speak TLS to the cluster (default on)\n"
        "  --threads N                  worker threads (default 0)\n"
        "  --backlog N                  listen backlog (default 128)\n"
        "  --pool N                     anything\n"
        "  --hold-timeout TIME          how long a new connection is held while its\n"
        "                               endpoint is not ready yet (default 4s)\n"
        "  --poll-interval TIME-BETWEEN-POLLS\n"
        "                               how often is asked\n"
        "  --tls-ca PATH                certificates to trust\n"
        "  token TEXT                   what nobody may see (file or environment only)\n"
        "  token-age TIME               a secret number (file or environment only)\n"
        "  --log-level error|warn|info  what is logged (default info)\n"
        "  --listen ADDR[,ADDR]         addresses to listen on (default 127.0.0.1:4000)\n"
        "  --socket-mode MODE           mode of unix sockets (default 0660)\n";
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    option_help(&table, out);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_knows_one_spelling),
        cmocka_unit_test(test_defaults_are_read_like_values),
        cmocka_unit_test(test_a_wrong_default_is_found),
        cmocka_unit_test(test_bool),
        cmocka_unit_test(test_uint),
        cmocka_unit_test(test_duration),
        cmocka_unit_test(test_duration_refused),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_mode),
        cmocka_unit_test(test_secrets_are_never_shown),
        cmocka_unit_test(test_long_and_wild_values_are_cut_and_cleaned),
        cmocka_unit_test(test_equal_is_what_a_reload_compares),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_help_is_aligned_and_wrapped),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
