// SPDX-License-Identifier: Apache-2.0
//
// JSON of any texts.
#include "app/json_out.h"

#include "base/memory_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *text_member(const char *text)
{
    struct memory_file file;
    assert_true(memory_file_open(&file));
    struct json_out json = { .out = file.out };
    json_out_open(&json, NULL, '{');
    json_out_text(&json, "t", text);
    json_out_close(&json, '}');
    char *out = memory_file_take(&file);
    assert_non_null(out);
    assert_int_equal(strlen(out), file.size);
    return out;
}

// RFC 8259, sections 7 and 8.1: quotes, backslashes and controls are escaped, and all is UTF-8.
static void test_any_text_is_valid(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "caf\xc3\xa9 \xf0\x9f\x98\x80", "{\"t\":\"caf\xc3\xa9 \xf0\x9f\x98\x80\"}" },
        { "a\"b\\c\n\x01\x7f", "{\"t\":\"a\\\"b\\\\c\\u000a\\u0001\\u007f\"}" },
        { "\xff\xc3", "{\"t\":\"??\"}" },
        { "cut \xe2\x82", "{\"t\":\"cut ??\"}" },
        { "\xc3\"", "{\"t\":\"?\\\"\"}" }, // half a character must not take a quote with it
        { "", "{}" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *out = text_member(cases[i][0]);
        assert_string_equal(out, cases[i][1]);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_any_text_is_valid) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
