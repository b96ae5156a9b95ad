// SPDX-License-Identifier: Apache-2.0
//
// app/settings: every default is valid, the order of precedence, which clusters are meant, and the
// exact texts of what is refused.
#include "app/settings.h"
#include "base/err.h"
#include "base/os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARGS_MAX = 24 };

static char file_path[] = "/tmp/test_settings_XXXXXX";
static char config_flag[] = "--config";

static void write_file(const char *text)
{
    FILE *file = os_fopen(file_path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

// The words of `line` behind "--config FILE".
static struct settings *build(const char *line, struct err *err)
{
    char words[1024];
    char *argv[ARGS_MAX] = { config_flag, file_path };
    char *rest = words;
    int argc = 2;
    snprintf(words, sizeof(words), "%s", line);
    for (char *word = NULL; (word = os_strsep(&rest, " "));) {
        if (*word)
            argv[argc++] = word;
    }
    const struct command_line command_line = { .argc = argc, .argv = argv };
    const struct settings_request request = {
        .line = &command_line, .clusters_max = 8, .serves = true
    };
    return settings_build(&request, err);
}

static void expect_error(const char *file, const char *line, enum err_code code, const char *text)
{
    struct err err = { 0 };
    char expected[ERR_TEXT_BYTES];
    write_file(file);
    struct settings *settings = build(line, &err);
    assert_null(settings);
    // '@' stands for the file's name.
    const char *at = strchr(text, '@');
    if (at)
        snprintf(expected, sizeof(expected), "%.*s%s%s", (int)(at - text), text, file_path, at + 1);
    else
        snprintf(expected, sizeof(expected), "%s", text);
    assert_string_equal(err.text, expected);
    assert_int_equal(err.code, code);
}

static struct settings *expect_settings(const char *file, const char *line)
{
    struct err err = { 0 };
    write_file(file);
    struct settings *settings = build(line, &err);
    if (!settings)
        fail_msg("%s", err.text);
    return settings;
}

static const char *listen_of(const struct settings *settings, size_t cluster)
{
    assert_true(cluster < settings->cluster_count);
    assert_int_equal(settings->clusters[cluster].listen.count, 1);
    return settings->clusters[cluster].listen.items[0];
}

static void test_every_default_is_valid(void **state)
{
    (void)state;
    static const struct option_table *const tables[] = { &settings_source_table,
        &settings_global_table, &settings_cluster_table };
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct option_row *row = &tables[t]->rows[i];
            struct settings settings = { 0 };
            struct cluster_settings cluster = { 0 };
            struct err err = { 0 };
            void *target = t == 2 ? (void *)&cluster : (void *)&settings;
            if (row->fallback && !settings_assign(row, target, row->fallback, row->name, &err))
                fail_msg("%s", err.text);
            assert_non_null(row->help);
            option_free(tables[t], target);
        }
    }
}

static void test_names_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < settings_global_table.count; i++) {
        const char *name = settings_global_table.rows[i].name;
        assert_ptr_equal(option_find(&settings_global_table, name), &settings_global_table.rows[i]);
        assert_null(option_find(&settings_cluster_table, name));
        assert_null(option_find(&settings_source_table, name));
    }
}

static void test_defaults(void **state)
{
    (void)state;
    setenv("STATE_DIRECTORY", "/s/one:/s/two", 1);
    struct settings *settings = expect_settings("", "orders");
    assert_string_equal(settings->control.api_url, "https://dedicated.tidbapi.com");
    assert_int_equal(settings->proxy.hold_timeout_ms, 4000);
    assert_int_equal(settings->proxy.socket_mode, 0660);
    assert_int_equal(settings->resolver.timeout_ms, 5000);
    assert_int_equal(settings->resolver.ttl_max_ms, 60000);
    assert_false(settings->control.loss_refuses);
    assert_string_equal(settings->control.state_dir, "/s/one");
    assert_string_equal(settings->admin_socket, "/s/one/admin.sock");
    assert_int_equal(addr_port(&settings->admin), 9400);
    assert_string_equal(listen_of(settings, 0), "127.0.0.1:4000");
    assert_int_equal(addr_port(settings->proxy_targets[0].listens), 4000);
    settings_free(settings);
    unsetenv("STATE_DIRECTORY");
}

// The admin socket would stand in the folder that is off; systemd's is another one.
static void test_state_dir_off(void **state)
{
    (void)state;
    setenv("STATE_DIRECTORY", "/s/one", 1);
    struct settings *settings = expect_settings("state-dir = off\n", "orders");
    assert_null(settings->control.state_dir);
    assert_string_equal(settings->admin_socket, "off");
    assert_int_equal(settings->admin_unix.len, 0);
    settings_free(settings);
    setenv("RUNTIME_DIRECTORY", "/r/one", 1);
    settings = expect_settings("state-dir = off\n", "orders");
    assert_null(settings->control.state_dir);
    assert_string_equal(settings->admin_socket, "/r/one/admin.sock");
    settings_free(settings);
    unsetenv("RUNTIME_DIRECTORY");
    unsetenv("STATE_DIRECTORY");
}

static void test_flag_beats_environment_beats_file_beats_default(void **state)
{
    (void)state;
    static const char file[] = "hold-timeout = 1s\nconnect-timeout = 1s\nlog-level = warn\n";
    setenv("TIDBLINK_HOLD_TIMEOUT", "2s", 1);
    setenv("TIDBLINK_CONNECT_TIMEOUT", "2s", 1);
    struct settings *settings = expect_settings(file, "orders --hold-timeout 3s");
    assert_int_equal(settings->proxy.hold_timeout_ms, 3000);
    assert_int_equal(settings->proxy.connect_timeout_ms, 2000);
    assert_int_equal(settings->log_level, LOG_WARN);
    assert_int_equal(settings->proxy.dial_budget_ms, 15000);
    settings_free(settings);
    unsetenv("TIDBLINK_HOLD_TIMEOUT");
    unsetenv("TIDBLINK_CONNECT_TIMEOUT");
}

static void test_api_url_has_a_second_variable(void **state)
{
    (void)state;
    setenv("TIDBCLOUD_DEDICATED_ENDPOINT", "https://one", 1);
    struct settings *settings = expect_settings("api-url = https://file\n", "orders");
    assert_string_equal(settings->control.api_url, "https://one");
    settings_free(settings);
    setenv("TIDBLINK_API_URL", "https://two", 1);
    settings = expect_settings("", "orders");
    assert_string_equal(settings->control.api_url, "https://two");
    settings_free(settings);
    unsetenv("TIDBCLOUD_DEDICATED_ENDPOINT");
    unsetenv("TIDBLINK_API_URL");
}

static const char two_clusters[] = "[cluster orders]\n"
                                   "cluster-id = 123\n"
                                   "endpoint-id = vpce-1\n"
                                   "tls-ca = /ca.pem\n"
                                   "[cluster billing]\n"
                                   "group = analytics\n";

static void test_sections_are_served_in_their_order(void **state)
{
    (void)state;
    struct settings *settings = expect_settings(two_clusters, "");
    assert_int_equal(settings->cluster_count, 2);
    assert_string_equal(settings->control_targets[0].alias, "orders");
    assert_string_equal(settings->control_targets[0].cluster, "123");
    assert_string_equal(settings->control_targets[0].endpoint_id, "vpce-1");
    assert_string_equal(settings->control_targets[1].cluster, "billing");
    assert_string_equal(settings->control_targets[1].group, "analytics");
    assert_string_equal(listen_of(settings, 0), "127.0.0.1:4000");
    assert_string_equal(listen_of(settings, 1), "127.0.0.1:4001");
    settings_free(settings);
}

static void test_the_command_line_selects_and_adds(void **state)
{
    (void)state;
    struct settings *settings =
        expect_settings(two_clusters, "billing --listen 127.0.0.1:0 --port 4001 orders/tiflash "
                                      "--listen=unix:/o.sock 77 --host h");
    assert_int_equal(settings->cluster_count, 3);
    assert_string_equal(settings->clusters[0].alias, "billing");
    assert_string_equal(listen_of(settings, 0), "127.0.0.1:0");
    assert_int_equal(settings->control_targets[0].port, 4001);
    // Another node group of a known cluster: its own endpoint and host, the same cluster and CA.
    assert_string_equal(settings->control_targets[1].alias, "orders/tiflash");
    assert_string_equal(settings->control_targets[1].cluster, "123");
    assert_string_equal(settings->control_targets[1].group, "tiflash");
    assert_null(settings->control_targets[1].endpoint_id);
    assert_string_equal(settings->clusters[1].tls_ca, "/ca.pem");
    assert_string_equal(settings->control_targets[2].cluster, "77");
    assert_string_equal(settings->control_targets[2].host, "h");
    assert_string_equal(listen_of(settings, 2), "127.0.0.1:4002");
    settings_free(settings);
}

// What dsn prints must be the port that the proxy has, whoever else is served.
static void test_the_default_port_follows_the_file(void **state)
{
    (void)state;
    struct settings *settings = expect_settings(two_clusters, "billing");
    assert_string_equal(listen_of(settings, 0), "127.0.0.1:4001");
    settings_free(settings);
}

static void test_cluster_options_in_the_environment(void **state)
{
    (void)state;
    setenv("TIDBLINK_LISTEN", "127.0.0.1:4444", 1);
    struct settings *settings = expect_settings("", "orders");
    assert_string_equal(listen_of(settings, 0), "127.0.0.1:4444");
    settings_free(settings);
    expect_error(two_clusters, "", ERR_OPTION,
        "the environment sets listen for one cluster, and there are 2: set it in the [cluster "
        "NAME] sections");
    unsetenv("TIDBLINK_LISTEN");
}

static void test_kubernetes_variable_is_no_port(void **state)
{
    (void)state;
    setenv("TIDBLINK_PORT", "tcp://10.0.0.7:4000", 1);
    struct settings *settings = expect_settings("", "orders");
    assert_int_equal(settings->clusters[0].port, 0);
    settings_free(settings);
    setenv("TIDBLINK_PORT", "4001", 1);
    settings = expect_settings("", "orders");
    assert_int_equal(settings->clusters[0].port, 4001);
    settings_free(settings);
    unsetenv("TIDBLINK_PORT");
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *file, *line;
        enum err_code code;
        const char *text;
    } cases[] = {
        { "", "", ERR_USAGE,
            "no cluster: expected a CLUSTER on the command line, or a [cluster NAME] section in "
            "@" },
        { "hold-timout = 4s\n", "orders", ERR_OPTION,
            "@:1: hold-timout: unknown option: expected one that tidblink proxy --help lists; did "
            "you mean \"hold-timeout\"?" },
        { "\nlisten = 127.0.0.1:4000\n", "orders", ERR_OPTION,
            "@:2: listen: expected inside a [cluster NAME] section" },
        { "[cluster a]\nlog-level = info\n", "", ERR_OPTION,
            "@:2: log-level: expected before the first section: it is not an option of one "
            "cluster" },
        { "[target a]\n", "", ERR_OPTION,
            "@:1: [target a]: unknown section: expected [cluster "
            "NAME]" },
        { "threads = many\n", "orders", ERR_OPTION,
            "@:1: threads: \"many\" is not valid: expected a whole number from 0 to 64" },
        { "state-source = disk\n", "orders", ERR_OPTION,
            "@:1: state-source: \"disk\" is not valid: expected api, file:PATH or none" },
        { "api-url = cloud.local\n", "orders", ERR_OPTION,
            "@:1: api-url: \"cloud.local\" is not valid: expected https://HOST[:PORT]" },
        { "[cluster a]\ncluster-id = orders-prod\n", "", ERR_OPTION,
            "@:2: cluster-id: \"orders-prod\" is not valid: expected digits, as tidblink clusters "
            "shows them" },
        { "dns-servers = 10.0.0.2, dns.local\n", "orders", ERR_OPTION,
            "@:1: dns-servers: \"dns.local\" is not valid: expected an IP address, or IP:PORT" },
        { "", "--hold-timeout 4 orders", ERR_USAGE,
            "--hold-timeout: \"4\" is not valid: expected a unit behind the number, as in 4ms or "
            "4s" },
        { "", "--listen 127.0.0.1:1 orders", ERR_USAGE,
            "--listen: it is an option of one cluster: expected behind a CLUSTER" },
        { "", "orders --lisen 127.0.0.1:1", ERR_USAGE,
            "--lisen: unknown option; did you mean \"listen\"?" },
        { "", "orders --port", ERR_USAGE, "--port: expected a value behind it" },
        { "", "orders -v", ERR_USAGE, "-v: unknown option; options begin with two dashes" },
        { "", "orders orders", ERR_USAGE, "cluster orders is named twice" },
        { "", "orders/", ERR_USAGE, "\"orders/\" is no cluster: expected NAME or NAME/GROUP" },
        { "", "a --listen 0.0.0.0:4000", ERR_OPTION,
            "cluster a: listen: 0.0.0.0:4000 can be reached from other machines: expected a "
            "loopback address, or allow-remote = on" },
        { "admin-listen = 0.0.0.0:9400\n", "a", ERR_OPTION,
            "admin-listen: 0.0.0.0:9400 can be reached from other machines: expected a loopback "
            "address, or allow-remote = on" },
        { "[cluster a]\nlisten = 127.0.0.1:4001\n[cluster b]\n", "", ERR_OPTION,
            "@:3: [cluster b]: listen: 127.0.0.1:4001 is taken by cluster a: expected an address "
            "for each" },
        { "state-source = none\n[cluster a]\nhost = h\n", "", ERR_OPTION,
            "@:2: [cluster a]: state-source is none, so nobody tells where the cluster is: "
            "expected host and port" },
        { "api-public-key-file = /k\n", "a", ERR_OPTION,
            "api-private-key-file: not set, while the other key file is: expected both" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect_error(cases[i].file, cases[i].line, cases[i].code, cases[i].text);
}

static void test_allow_remote_allows(void **state)
{
    (void)state;
    struct settings *settings =
        expect_settings("admin-listen = off\n", "a --listen 0.0.0.0:4000 --allow-remote");
    assert_true(settings->allow_remote);
    assert_int_equal(settings->admin.len, 0);
    settings_free(settings);
}

// Each in listen and in admin-listen.
static void test_which_addresses_need_allow_remote(void **state)
{
    (void)state;
    static const char *const local[] = { "127.0.0.1:4000", "127.0.0.2:4000", "127.255.255.254:4000",
        "[::1]:4000", "[::ffff:127.0.0.1]:4000" };
    static const char *const remote[] = { "0.0.0.0:4000", "10.0.0.1:4000", "192.0.2.1:4000",
        "128.0.0.1:4000", "169.254.169.254:4000", "[::]:4000", "[::2]:4000", "[fe80::1]:4000",
        "[2001:db8::1]:4000", "[::ffff:10.0.0.1]:4000", "[::ffff:0.0.0.0]:4000" };
    char file[200], line[200], text[300];
    for (size_t i = 0; i < ARRAY_LEN(local); i++) {
        snprintf(file, sizeof(file), "admin-listen = %s\n", local[i]);
        snprintf(line, sizeof(line), "a --listen %s", local[i]);
        settings_free(expect_settings("", line));
        settings_free(expect_settings(file, "a"));
    }
    for (size_t i = 0; i < ARRAY_LEN(remote); i++) {
        static const char why[] = "can be reached from other machines: expected a loopback "
                                  "address, or allow-remote = on";
        snprintf(file, sizeof(file), "admin-listen = %s\n", remote[i]);
        snprintf(line, sizeof(line), "a --listen %s", remote[i]);
        snprintf(text, sizeof(text), "cluster a: listen: %s %s", remote[i], why);
        expect_error("", line, ERR_OPTION, text);
        snprintf(text, sizeof(text), "admin-listen: %s %s", remote[i], why);
        expect_error(file, "a", ERR_OPTION, text);
        snprintf(line, sizeof(line), "a --listen %s --allow-remote", remote[i]);
        settings_free(expect_settings("", line));
    }
    settings_free(expect_settings("", "a --listen unix:/tmp/a.sock"));
}

static void test_lists_of_users_need_a_unix_listener(void **state)
{
    (void)state;
    expect_error("[cluster a]\nallow-users = root\n", "", ERR_OPTION,
        "@:1: [cluster a]: allow-users is about unix sockets, and over TCP nobody can tell who "
        "connects: expected a listen = unix:PATH with it");
    if (!os_knows_peers) {
        expect_error("[cluster a]\nlisten = unix:/tmp/a.sock\nallow-users = root\n", "", ERR_OPTION,
            "@:1: [cluster a]: allow-users, allow-groups: this system does not tell who connects "
            "to a unix socket");
        return;
    }
    expect_error("[cluster a]\nlisten = unix:/tmp/a.sock\nallow-users = nobody-of-this-name\n", "",
        ERR_OPTION,
        "@:1: [cluster a]: allow-users, allow-groups: \"nobody-of-this-name\" is no user of this "
        "machine: expected a name that \"getent passwd\" shows, or an id");
    expect_error("[cluster a]\nlisten = unix:/tmp/a.sock\nallow-groups = 4294967295\n", "",
        ERR_OPTION,
        "@:1: [cluster a]: allow-users, allow-groups: \"4294967295\" is no group of this machine: "
        "expected a name that \"getent group\" shows, or an id");
    struct settings *settings = expect_settings(
        "[cluster a]\nlisten = unix:/tmp/a.sock, 127.0.0.1:0\nallow-users = root, 1001\n", "");
    assert_non_null(settings->proxy_targets[0].allow);
    settings_free(settings);
}

static void test_port_zero_is_no_duplicate(void **state)
{
    (void)state;
    settings_free(expect_settings("", "a --listen 127.0.0.1:0,127.0.0.1:0 b --listen 127.0.0.1:0"));
}

static void test_a_missing_file_is_an_error_when_asked_for(void **state)
{
    (void)state;
    struct err err = { 0 };
    char missing[] = "/nonexistent/tidblink.conf";
    char *argv[] = { config_flag, missing };
    const struct command_line line = { .argc = 2, .argv = argv };
    const struct settings_request request = { .line = &line, .clusters_max = 1 };
    assert_null(settings_build(&request, &err));
    assert_string_equal(err.text, "/nonexistent/tidblink.conf: cannot open the configuration file: "
                                  "No such file or directory");
}

static void test_only_cluster(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct settings *settings = expect_settings(two_clusters, "");
    assert_null(settings_only_cluster(settings, &err));
    assert_int_equal(err.code, ERR_USAGE);
    settings_free(settings);
    settings = expect_settings(two_clusters, "billing");
    assert_string_equal(settings_only_cluster(settings, &err)->alias, "billing");
    settings_free(settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_default_is_valid),
        cmocka_unit_test(test_names_are_unique),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_state_dir_off),
        cmocka_unit_test(test_flag_beats_environment_beats_file_beats_default),
        cmocka_unit_test(test_api_url_has_a_second_variable),
        cmocka_unit_test(test_sections_are_served_in_their_order),
        cmocka_unit_test(test_the_command_line_selects_and_adds),
        cmocka_unit_test(test_the_default_port_follows_the_file),
        cmocka_unit_test(test_cluster_options_in_the_environment),
        cmocka_unit_test(test_kubernetes_variable_is_no_port),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_allow_remote_allows),
        cmocka_unit_test(test_which_addresses_need_allow_remote),
        cmocka_unit_test(test_lists_of_users_need_a_unix_listener),
        cmocka_unit_test(test_port_zero_is_no_duplicate),
        cmocka_unit_test(test_a_missing_file_is_an_error_when_asked_for),
        cmocka_unit_test(test_only_cluster),
    };
    // The surroundings of whoever runs the tests must not matter.
    static const char *const variables[] = { "RUNTIME_DIRECTORY", "STATE_DIRECTORY",
        "CREDENTIALS_DIRECTORY", "TIDBCLOUD_DEDICATED_ENDPOINT" };
    for (size_t i = 0; i < ARRAY_LEN(variables); i++)
        unsetenv(variables[i]);
    int fd = mkstemp(file_path);
    if (fd < 0)
        return 1;
    close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(file_path);
    return failed;
}
