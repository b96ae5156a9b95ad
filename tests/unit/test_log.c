// SPDX-License-Identifier: Apache-2.0
//
// base/log: what a line looks like in both formats, in a file and in the journal, and that any
// bytes become one valid line.
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

enum { TEXT_BYTES = 64 * 1024 };

// Standard error goes to a file meanwhile.
static FILE *file;
static int real_stderr;

static void capture_begin(void)
{
    file = tmpfile();
    assert_non_null(file);
    real_stderr = dup(STDERR_FILENO);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
}

static char *capture_end(void)
{
    static char text[TEXT_BYTES];
    assert_true(dup2(real_stderr, STDERR_FILENO) >= 0);
    close(real_stderr);
    rewind(file);
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    text[len] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

// The one line, without its end.
static char *only_line(char *text)
{
    size_t len = strlen(text);
    assert_true(len > 0 && text[len - 1] == '\n');
    text[len - 1] = '\0';
    assert_null(strchr(text, '\n'));
    return text;
}

static cJSON *parse(const char *line)
{
    const char *end = NULL;
    cJSON *object = cJSON_ParseWithOpts(line, &end, true);
    if (!cJSON_IsObject(object))
        fail_msg("no JSON object: %s", line);
    return object;
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    if (!text)
        fail_msg("no text %s", key);
    return text;
}

static void check_time(const char *time)
{
    char whole[CLOCK_TEXT_BYTES];
    int64_t wall_s = 0;
    assert_int_equal(strlen(time), sizeof("2026-11-22T10:19:50.123Z") - 1);
    snprintf(whole, sizeof(whole), "%.19sZ", time);
    assert_true(clock_parse(whole, &wall_s));
    assert_true(llabs((long long)(wall_s - clock_wall_s())) < 3600);
}

static void write_sample(void)
{
    struct log_line line;
    struct err err;
    err_set(&err, ERR_DENIED, "not you");
    log_start(&line, LOG_WARN, "a message");
    log_uint(&line, "conn", UINT64_MAX);
    log_str(&line, "cluster", "orders");
    log_str(&line, "nothing", NULL);
    log_str(&line, "empty", "");
    log_str(&line, "quoted", "say \"no\"");
    log_err(&line, &err);
    log_write(&line);
}

static void test_text_line(void **state)
{
    (void)state;
    log_setup(LOG_INFO, LOG_TEXT, 0);
    capture_begin();
    write_sample();
    char *line = only_line(capture_end());
    char *rest = strchr(line, ' ');
    assert_non_null(rest);
    *rest++ = '\0';
    check_time(line);
    assert_string_equal(rest, "warn a message conn=18446744073709551615 cluster=orders empty=\"\" "
                              "quoted=\"say \\\"no\\\"\" error=denied reason=\"not you\"");
}

static void test_json_line(void **state)
{
    (void)state;
    log_setup(LOG_INFO, LOG_JSON, 0);
    capture_begin();
    write_sample();
    const char *line = only_line(capture_end());
    assert_non_null(strstr(line, "\"conn\":18446744073709551615,"));
    cJSON *object = parse(line);
    check_time(text_of(object, "time"));
    assert_string_equal(text_of(object, "level"), "warn");
    assert_string_equal(text_of(object, "message"), "a message");
    assert_string_equal(text_of(object, "quoted"), "say \"no\"");
    assert_string_equal(text_of(object, "error"), "denied");
    assert_string_equal(text_of(object, "reason"), "not you");
    assert_null(cJSON_GetObjectItem(object, "nothing"));
    cJSON_Delete(object);
}

static unsigned long long seed = 1;

static unsigned draw(unsigned below)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(seed >> 33) % below;
}

// Half of the texts are mostly letters, the others whatever comes.
static void draw_text(char *out, size_t size)
{
    size_t len = draw(4) ? draw(40) : draw((unsigned)size);
    bool is_wild = draw(2);
    for (size_t i = 0; i < len; i++) {
        char byte = is_wild || draw(8) == 0 ? (char)draw(256) : (char)('a' + (int)draw(26));
        out[i] = byte ? byte : ' ';
    }
    out[len] = '\0';
}

static bool is_utf8(const char *text)
{
    for (size_t left = strlen(text), step; left; left -= step, text += step) {
        step = text_utf8_len((const unsigned char *)text, left);
        if (!step)
            return false;
    }
    return true;
}

static void test_any_bytes_become_one_valid_line(void **state)
{
    (void)state;
    static const char *const keys[] = { "one", "two", "three", "four", "five", "six", "seven" };
    log_setup(LOG_INFO, LOG_JSON, 0);
    for (int round = 0; round < 3000; round++) {
        char text[3000];
        struct log_line line;
        capture_begin();
        draw_text(text, sizeof(text));
        log_start(&line, LOG_INFO, "%s", text);
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
            draw_text(text, sizeof(text));
            if (draw(3))
                log_str(&line, keys[i], text);
            else
                log_uint(&line, keys[i], seed);
        }
        log_write(&line);
        const char *written = only_line(capture_end());
        assert_true(strlen(written) < sizeof(line.text));
        assert_true(is_utf8(written));
        cJSON_Delete(parse(written));
    }
}

static void test_nothing_hidden_reaches_a_terminal(void **state)
{
    (void)state;
    log_setup(LOG_INFO, LOG_TEXT, 0);
    capture_begin();
    log_info("a\x1b[2J\xc2\x9b"
             "2Jb\xe2\x80\xa8"
             "c\xe2\x80\xae"
             "d\xe2\x82\xac\xc3\xa9");
    const char *line = only_line(capture_end());
    assert_non_null(strstr(line, "a\\u001b[2J\\u009b2Jb\\u2028c\\u202ed\xe2\x82\xac\xc3\xa9"));
}

static void test_sum_of_a_full_line_is_valid(void **state)
{
    (void)state;
    char text[3000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_setup(LOG_INFO, LOG_JSON, 1);
    capture_begin();
    for (int i = 0; i < 4; i++) {
        struct log_line line;
        log_start(&line, LOG_INFO, "full");
        log_str(&line, "text", text);
        log_write(&line);
    }
    log_finish();
    log_setup(LOG_INFO, LOG_JSON, 0);
    char *first = capture_end();
    char *second = strchr(first, '\n');
    assert_non_null(second);
    *second++ = '\0';
    cJSON_Delete(parse(first));
    cJSON *sum = parse(only_line(second));
    const cJSON *repeated = cJSON_GetObjectItem(sum, "repeated");
    assert_true(cJSON_IsNumber(repeated));
    assert_int_equal(repeated->valueint, 2);
    cJSON_Delete(sum);
}

static void test_journal_gets_priorities(void **state)
{
    (void)state;
    struct stat status;
    char stream[64];
    capture_begin();
    assert_int_equal(fstat(STDERR_FILENO, &status), 0);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_setup(LOG_TRACE, LOG_TEXT, 0);
    log_error("e");
    log_warn("w");
    log_info("i");
    log_debug("d");
    log_trace("t");
    log_setup(LOG_INFO, LOG_JSON, 0); // it has a level and a time of its own
    log_info("j");
    setenv("JOURNAL_STREAM", "1:1", 1); // somebody else's
    log_setup(LOG_INFO, LOG_TEXT, 0);
    log_info("f");
    unsetenv("JOURNAL_STREAM");
    char *text = capture_end();
    const char *const journal =
        "<3>error e\n<4>warn w\n<6>info i\n<7>debug d\n<7>trace t\n{\"time\":";
    assert_memory_equal(text, journal, strlen(journal));
    assert_non_null(strstr(text, "Z info f\n"));
    assert_null(strstr(text, "<6>info f"));
}

static void test_forced_lines_pass_every_level(void **state)
{
    (void)state;
    log_setup(LOG_ERROR, LOG_TEXT, 1);
    capture_begin();
    for (int i = 0; i < 3; i++) {
        struct log_line line;
        log_start(&line, LOG_INFO, "asked for");
        log_force(&line);
        log_write(&line);
        log_warn("not asked for");
    }
    const char *text = capture_end();
    log_setup(LOG_INFO, LOG_TEXT, 0);
    int lines = 0;
    for (const char *at = text; (at = strstr(at, "info asked for\n")); at++)
        lines++;
    assert_int_equal(lines, 3);
    assert_null(strstr(text, "not asked for"));
}

// A pipe that nobody reads: lines are lost and counted, and the count itself is a valid line.
static void test_lost_lines_are_counted(void **state)
{
    (void)state;
    int ends[2];
    static char text[TEXT_BYTES * 4];
    log_setup(LOG_INFO, LOG_JSON, 0);
    assert_int_equal(pipe(ends), 0);
    real_stderr = dup(STDERR_FILENO);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    enum { LINES = 4000 };
    for (int i = 0; i < LINES; i++)
        log_info("a line that is long enough to fill a pipe sooner or later");
    ssize_t got = read(ends[0], text, sizeof(text) - 1);
    log_info("the reader is back");
    ssize_t more = read(ends[0], text + got, sizeof(text) - 1 - (size_t)got);
    assert_true(dup2(real_stderr, STDERR_FILENO) >= 0);
    close(real_stderr);
    close(ends[0]);
    close(ends[1]);
    assert_true(got > 0 && more > 0);
    text[got + more] = '\0';
    int written = 0, lost = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        cJSON *object = parse(line);
        check_time(text_of(object, "time"));
        const cJSON *count = cJSON_GetObjectItem(object, "lines");
        if (count) {
            assert_string_equal(text_of(object, "message"), "log lines were lost");
            assert_string_equal(text_of(object, "level"), "warn");
            lost += count->valueint;
        } else {
            written++;
        }
        cJSON_Delete(object);
    }
    assert_true(lost > 0);
    assert_int_equal(written + lost, LINES + 1);
}

// A disk that is full in the middle of a line, and has room again. RLIMIT_FSIZE stands for it.
static void test_a_line_that_was_written_in_part(void **state)
{
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct sigaction before;
    struct rlimit limit, full;
    char *part, *count, *rest;
    (void)state;
    log_setup(LOG_INFO, LOG_JSON, 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(sigaction(SIGXFSZ, &ignore, &before), 0);
    full = limit;
    full.rlim_cur = 20;
    capture_begin();
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    log_info("cut");
    log_info("lost");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    log_info("whole");
    part = capture_end();
    assert_int_equal(sigaction(SIGXFSZ, &before, NULL), 0);
    count = strchr(part, '\n');
    assert_non_null(count);
    assert_int_equal(count - part, 20);
    rest = strchr(++count, '\n');
    assert_non_null(rest);
    *rest++ = '\0';
    cJSON *object = parse(count);
    assert_string_equal(text_of(object, "message"), "log lines were lost");
    assert_int_equal(cJSON_GetObjectItem(object, "lines")->valueint, 2);
    cJSON_Delete(object);
    object = parse(only_line(rest));
    assert_string_equal(text_of(object, "message"), "whole");
    cJSON_Delete(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_line),
        cmocka_unit_test(test_json_line),
        cmocka_unit_test(test_any_bytes_become_one_valid_line),
        cmocka_unit_test(test_nothing_hidden_reaches_a_terminal),
        cmocka_unit_test(test_sum_of_a_full_line_is_valid),
        cmocka_unit_test(test_journal_gets_priorities),
        cmocka_unit_test(test_forced_lines_pass_every_level),
        cmocka_unit_test(test_lost_lines_are_counted),
        cmocka_unit_test(test_a_line_that_was_written_in_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
