// SPDX-License-Identifier: Apache-2.0
//
// guide/shell: no word of a printed command is ever lost.
#include "guide/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_a_word_that_is_too_long_is_not_lost(void **state)
{
    (void)state;
    char word[SHELL_WORD_BYTES + 2], out[SHELL_WORD_BYTES];
    memset(word, 'a', sizeof(word));
    word[SHELL_WORD_BYTES - 1] = '\0';
    assert_string_equal(shell_word(word, out), word);
    word[SHELL_WORD_BYTES - 1] = 'a';
    word[SHELL_WORD_BYTES] = '\0';
    assert_string_equal(shell_word(word, out), "TOO_LONG");
    memset(word, '\'', 400); // each is four characters
    word[400] = '\0';
    assert_string_equal(shell_word(word, out), "TOO_LONG");
    assert_string_equal(shell_word("", out), "''");
    assert_string_equal(shell_word("a b", out), "'a b'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_word_that_is_too_long_is_not_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
