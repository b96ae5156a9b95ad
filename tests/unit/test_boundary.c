// SPDX-License-Identifier: Apache-2.0
//
// proxy/boundary: conversations as MySQL, MariaDB and TiDB have them, and where each leaves its
// session.
#include "base/defs.h"
#include "proxy/boundary.h"
#include "proxy/mysql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// "C" the client and "S" the server say what follows, in hex; "…" breaks it into another read; "~"
// stands for a megabyte that nobody sees.
#define QUERY "C 05000000 03 53454c31 "
#define OK(flags) "S 07000001 00 00 00 " flags " 0000 "
#define COLUMNS "01000001 01 0a000002 03646566000000000000 "
#define EOF_PACKET(seq, flags) "050000" seq " fe 0000 " flags " "
#define OK_END(seq, flags) "070000" seq " fe 00 00 " flags " 0000 "
#define EXECUTE(statement) "C 0a000000 17 " statement " 01 01000000 "
#define PREPARE "C 03000000 16 5331 "
#define LOGGED_IN                                                                                  \
    "S 0a000000 0a 352e372e31003132 C 20000001 85a20b00 00000001 21 "                              \
    "0000000000000000000000000000000000000000000000 S 07000002 00 00 00 0200 0000 "

static const struct conversation {
    const char *name, *text;
    enum boundary_place place;
} conversations[] = {
    { "nobody spoke", "", BOUNDARY_UNKNOWN },
    { "a greeting", "S 0a000000 0a 352e372e31003132", BOUNDARY_UNKNOWN },
    { "logged in", LOGGED_IN, BOUNDARY_FREE },
    { "logged in after what is needed for that",
        "S 0a000000 0a 352e372e31003132 C 08000001 "
        "85a20b0000000001 S 02000002 0103 07000003 00 00 00 0200 0000",
        BOUNDARY_FREE },
    { "a switch of the plugin is no end",
        "S 0a000000 0a 352e372e31003132 C 08000001 85a20b0000000001 "
        "S 0e000002 fe 6d7900000000000000000000 00",
        BOUNDARY_UNKNOWN },
    { "OK", LOGGED_IN QUERY OK("0200"), BOUNDARY_FREE },
    { "in a transaction", LOGGED_IN QUERY OK("0300"), BOUNDARY_INSIDE },
    { "in one of autocommit = 0", LOGGED_IN QUERY OK("0100"), BOUNDARY_INSIDE },
    { "in one that only reads", LOGGED_IN QUERY OK("0220"), BOUNDARY_INSIDE },
    { "committed", QUERY OK("0300") QUERY OK("0200"), BOUNDARY_FREE },
    { "many rows changed", QUERY "S 15000001 00 fd010203 fe0102030405060708 0300 0000 414243",
        BOUNDARY_INSIDE },
    { "a long text in an OK",
        QUERY "S 25000001 00 01 00 0200 0000 526f7773206d6174636865643a2031202043"
              "68616e6765643a2031202057",
        BOUNDARY_FREE },
    { "the session's state in an OK", QUERY "S 10000001 00 00 00 0340 0000 00 07 01 05 0474657374",
        BOUNDARY_INSIDE },
    { "rows and EOF",
        QUERY "S " COLUMNS EOF_PACKET("03", "0200") "02000004 0131 " EOF_PACKET("05", "0200"),
        BOUNDARY_FREE },
    { "rows and EOF in a transaction",
        QUERY "S " COLUMNS EOF_PACKET("03", "0300") "02000004 0131 " EOF_PACKET("05", "0300"),
        BOUNDARY_INSIDE },
    { "rows and OK", QUERY "S " COLUMNS "02000003 0131 " OK_END("04", "0200"), BOUNDARY_FREE },
    { "rows and OK in a transaction", QUERY "S " COLUMNS "02000003 0131 " OK_END("04", "0300"),
        BOUNDARY_INSIDE },
    { "an end in small reads", QUERY "S " COLUMNS "02000003 0131 … 0700 … 0004fe00 … 000200 … 0000",
        BOUNDARY_FREE },
    { "an end by itself", QUERY "S " COLUMNS "02000003 0131 … " OK_END("04", "0300"),
        BOUNDARY_INSIDE },
    { "a result that goes on", QUERY "S " COLUMNS "02000003 0131 ", BOUNDARY_UNKNOWN },
    { "more results", QUERY "S " COLUMNS "02000003 0131 " OK_END("04", "0a00"), BOUNDARY_INSIDE },
    { "the last of several", QUERY OK("0a00") "… " OK("0200"), BOUNDARY_FREE },
    { "several at once, in a transaction",
        QUERY "S 07000001 00 00 00 0b00 0000 07000002 00 01 00 0300 "
              "0000",
        BOUNDARY_INSIDE },
    { "several at once", QUERY "S 07000001 00 00 00 0a00 0000 07000002 00 01 00 0200 0000",
        BOUNDARY_UNKNOWN },
    { "a failure", LOGGED_IN QUERY "S 0b000001 ff 2804 233432303030 6162", BOUNDARY_FREE },
    { "a failure in a transaction", QUERY OK("0300") QUERY "S 0b000001 ff 2804 233432303030 6162",
        BOUNDARY_INSIDE },
    { "a failure of the second of several", QUERY OK("0a00") "… 0b000002 ff 2804 233432303030 6162",
        BOUNDARY_FREE },
    { "progress", LOGGED_IN QUERY "S 0b000001 ffffff 01 01 02 0000000000", BOUNDARY_INSIDE },
    { "the end behind it",
        QUERY "S 0b000001 ffffff 01 01 02 0000000000 … 07000002 00 00 00 0200 0000",
        BOUNDARY_FREE },
    { "a cursor that is closed before its end",
        QUERY OK("0200")
            EXECUTE("01000000") "S " COLUMNS EOF_PACKET("03", "4200") "C 05000000 19 01000000",
        BOUNDARY_FREE },
    { "another statement is closed",
        QUERY OK("0200")
            EXECUTE("01000000") "S " COLUMNS EOF_PACKET("03", "4200") "C 05000000 19 02000000",
        BOUNDARY_INSIDE },
    { "one of several that are closed, after rows",
        QUERY OK("0200") EXECUTE("01000000") "S " COLUMNS EOF_PACKET(
            "03", "4200") "C 09000000 1c 0300000001000000 S 020000010131 " EOF_PACKET("02",
            "4200") "C 05000000 19 02000000 05000000 19 03000000",
        BOUNDARY_FREE },
    { "a cursor in a transaction that is closed before its end",
        QUERY OK("0200")
            EXECUTE("01000000") "S " COLUMNS EOF_PACKET("03", "4300") "C 05000000 19 01000000",
        BOUNDARY_INSIDE },
    { "a cursor", QUERY "S " COLUMNS EOF_PACKET("03", "4200"), BOUNDARY_INSIDE },
    { "its end",
        QUERY "S " COLUMNS EOF_PACKET("03", "4200") "C 09000000 1c 0100000001000000 S "
                                                    "02000001 0131 " EOF_PACKET("02", "c200"),
        BOUNDARY_FREE },
    { "PREPARE tells nothing", QUERY OK("0300") PREPARE "S 0c000001 00 01000000 0000 0000 00 0000",
        BOUNDARY_INSIDE },
    { "PREPARE tells nothing either way",
        QUERY OK("0200") PREPARE "S 0c000001 00 01000100 0000 0000 "
                                 "00 0000",
        BOUNDARY_FREE },
    { "a statement is closed", QUERY OK("0200") "C 05000000 19 01000000", BOUNDARY_FREE },
    { "several are", QUERY OK("0300") "C 05000000 19 01000000 05000000 19 02000000",
        BOUNDARY_INSIDE },
    { "closed with the next command",
        QUERY OK("0200") "C 05000000 19 01000000 05000000 03 53454c31 " OK("0300"),
        BOUNDARY_INSIDE },
    { "commands in a row: the OK may be a PREPARE's",
        QUERY OK("0200") "C 05000000 03 53454c31 03000000 "
                         "16 5331 S 0c000001 00 01000000 0000 0000 00 0000",
        BOUNDARY_UNKNOWN },
    { "a long command", "C 0a000000 03 53454c3120 … 53454c31 " OK("0200"), BOUNDARY_FREE },
    { "a file is asked for", QUERY "S 05000001 fb 61616161", BOUNDARY_INSIDE },
    { "it was sent",
        QUERY "S 05000001 fb 61616161 C 04000002 61626364 … 00000003 S 07000004 00 01 00 "
              "0200 0000",
        BOUNDARY_FREE },
    { "a stream", QUERY "S " COLUMNS "~", BOUNDARY_INSIDE },
    { "a statement behind it", QUERY "S " COLUMNS "~ " QUERY OK("0200"), BOUNDARY_FREE },
    { "a statistic", QUERY OK("0300") "C 01000000 09 S 05000001 557074696d", BOUNDARY_INSIDE },
    { "another user",
        QUERY OK("0200") "C 06000000 11 6162630000 S 0e000001 fe "
                         "6d79000000000000000000 0000",
        BOUNDARY_UNKNOWN },
    { "a replica",
        "C 05000000 12 04000000 S 14000001 00 "
        "00000000000000000000000000000000000000",
        BOUNDARY_FREE },
    { "the client's own TLS",
        "S 0a000000 0a 352e372e31003132 C 20000001 85aa0b00 00000001 21 "
        "0000000000000000000000000000000000000000000000 S 1703030005fe 050000 01 fe 0000 0200",
        BOUNDARY_UNKNOWN },
    { "compressed",
        "S 0a000000 0a 352e372e31003132 C 20000001 a5a20b00 00000001 21 "
        "0000000000000000000000000000000000000000000000 S 07000002 00 00 00 0200 0000",
        BOUNDARY_UNKNOWN },
    { "no MySQL", "S 0a000000 0a 352e372e31003132 C 7374696c6c S 796573", BOUNDARY_UNKNOWN },
};

struct talk {
    struct boundary boundary;
    bool server_spoke_last;
};

static void say(struct talk *talk, char who, const uint8_t *bytes, size_t len)
{
    // Of their own size, so that a read beyond the end is seen.
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    if (who == 'S') {
        boundary_server_said(&talk->boundary, copy, len, !talk->server_spoke_last);
        talk->server_spoke_last = true;
    } else if (boundary_client_said(&talk->boundary, copy, len, talk->server_spoke_last)) {
        talk->server_spoke_last = false;
    }
    free(copy);
}

static unsigned digit(char letter)
{
    return letter <= '9' ? (unsigned)(letter - '0') : (unsigned)(letter - 'a') + 10;
}

static enum boundary_place hear(const char *text)
{
    static const char pause[] = "…";
    uint8_t bytes[256];
    size_t len = 0;
    char who = 'C';
    struct talk talk = { 0 };
    for (; *text; text++) {
        bool is_pause = strncmp(text, pause, strlen(pause)) == 0;
        if (is_pause || *text == 'C' || *text == 'S' || *text == '~') {
            if (len)
                say(&talk, who, bytes, len);
            len = 0;
            if (*text == '~')
                boundary_server_missed(&talk.boundary);
            else if (is_pause)
                text += strlen(pause) - 1;
            else
                who = *text;
        } else if (*text != ' ') {
            assert_true(len < sizeof(bytes));
            bytes[len++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
            text++;
        }
    }
    if (len)
        say(&talk, who, bytes, len);
    return boundary_place(&talk.boundary);
}

static void test_conversations(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(conversations); i++) {
        enum boundary_place place = hear(conversations[i].text);
        if (place == conversations[i].place)
            continue;
        print_message(
            "%s: %d, expected %d\n", conversations[i].name, place, conversations[i].place);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void test_a_login_that_was_seen(void **state)
{
    (void)state;
    struct talk talk = { .server_spoke_last = true };
    boundary_login(&talk.boundary, MYSQL_PROTOCOL_41);
    assert_int_equal(boundary_place(&talk.boundary), BOUNDARY_UNKNOWN);
    boundary_logged_in(&talk.boundary);
    assert_int_equal(boundary_place(&talk.boundary), BOUNDARY_FREE);
    const uint8_t query[] = { 5, 0, 0, 0, 3, 'S', 'E', 'L', '1' };
    const uint8_t begun[] = { 7, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0 };
    say(&talk, 'C', query, sizeof(query));
    say(&talk, 'S', begun, sizeof(begun));
    assert_int_equal(boundary_place(&talk.boundary), BOUNDARY_INSIDE);
}

// The same numbers every time.
static size_t draw(void)
{
    static uint64_t state = 1;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return state >> 33;
}

// Any bytes, in any pieces: nothing but memory safety is asked for.
static void test_any_bytes(void **state)
{
    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct talk talk = { 0 };
        for (int turn = 0; turn < 8; turn++) {
            uint8_t bytes[64];
            size_t len = 1 + draw() % sizeof(bytes);
            for (size_t i = 0; i < len; i++)
                bytes[i] = (uint8_t)draw();
            if (draw() % 2 && len >= 5) { // a packet of the right length
                const uint8_t header[] = { (uint8_t)(len - 4), 0, 0, (uint8_t)(draw() % 2) };
                const uint8_t firsts[] = { 0x00, 0xfe, 0xff, 0xfb, 0x03 };
                memcpy(bytes, header, sizeof(header));
                bytes[4] = firsts[draw() % sizeof(firsts)];
            }
            say(&talk, draw() % 2 ? 'S' : 'C', bytes, len);
            (void)boundary_place(&talk.boundary);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversations),
        cmocka_unit_test(test_a_login_that_was_seen),
        cmocka_unit_test(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
