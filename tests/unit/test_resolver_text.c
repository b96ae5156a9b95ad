// SPDX-License-Identifier: Apache-2.0
//
// resolver/text: each failure is told as what it is, fits an ERR packet, and stays ASCII.
#include "base/err.h"
#include "resolver/cares.h"
#include "resolver/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct telling {
    int status;
    enum err_code code;
    const char *word;
};

static const struct telling tellings[] = {
    { ARES_ENOTFOUND, ERR_DNS_NXDOMAIN, "private DNS is not enabled" },
    { ARES_EBADNAME, ERR_DNS_NXDOMAIN, "not a valid host name" },
    { ARES_ENODATA, ERR_DNS_NODATA, "no address" },
    { ARES_ESERVFAIL, ERR_DNS_SERVFAIL, "SERVFAIL" },
    { ARES_EREFUSED, ERR_DNS_SERVFAIL, "REFUSED" },
    { ARES_EFORMERR, ERR_DNS_SERVFAIL, "FORMERR" },
    { ARES_ENOTIMP, ERR_DNS_SERVFAIL, "NOTIMP" },
    { ARES_EBADRESP, ERR_DNS_SERVFAIL, "makes no sense" },
    { ARES_ETIMEOUT, ERR_DNS_TIMEOUT, "did not answer" },
    { ARES_ECONNREFUSED, ERR_DNS_TIMEOUT, "cannot be reached" },
    { ARES_ENOMEM, ERR_MEMORY, "out of memory" },
};

static void check_fits(const char *text)
{
    if (strlen(text) >= TEXT_BYTES)
        fail_msg("%zu bytes: %s", strlen(text), text);
    for (const char *at = text; *at; at++) {
        if (*at < ' ' || *at > '~')
            fail_msg("not printable ASCII: %s", text);
    }
}

static void test_each_failure_is_told_as_what_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tellings); i++) {
        const struct telling *row = &tellings[i];
        struct err err = { 0 };
        text_failure(row->status, "10.0.0.2", "db.example.com.", 5000, &err);
        assert_int_equal(err.code, row->code);
        assert_non_null(strstr(err.text, row->word));
        assert_non_null(strstr(err.text, "db.example.com"));
        assert_null(strstr(err.text, "db.example.com."));
        check_fits(err.text);
        if (row->code != ERR_MEMORY && row->status != ARES_EBADNAME)
            assert_non_null(strstr(err.text, "10.0.0.2"));
    }
}

static void test_texts_fit_with_the_longest_names(void **state)
{
    (void)state;
    static const char server[] = "[2600:1111:2222:3333:4444:5555:6666:7777]:65535";
    char host[254];
    memset(host, 'x', sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';
    struct err err;
    for (size_t i = 0; i < ARRAY_LEN(tellings); i++) {
        text_failure(tellings[i].status, server, host, 300000, &err);
        check_fits(err.text);
    }
    char servers[160];
    snprintf(servers, sizeof(servers), "%s, %s and 12 more", server, server);
    text_all_silent(servers, host, 300000, &err);
    check_fits(err.text);
}

static void check_host(const char *host, const char *shown)
{
    char out[TEXT_HOST_BYTES];
    assert_string_equal(text_host(host, out), shown);
}

static void test_host_is_made_fit_to_print(void **state)
{
    (void)state;
    check_host("db.example.com.", "db.example.com");
    check_host(".", ".");
    check_host("", "");
    check_host("a b\n\x7f\xc3\xa9", "a?b????");
    char host[TEXT_HOST_BYTES + 1], out[TEXT_HOST_BYTES];
    memset(host, 'h', sizeof(host));
    host[TEXT_HOST_BYTES - 1] = '\0';
    assert_string_equal(text_host(host, out), host); // just fits
    host[TEXT_HOST_BYTES - 1] = 'h';
    host[TEXT_HOST_BYTES] = '\0';
    text_host(host, out);
    assert_int_equal(strlen(out), TEXT_HOST_BYTES - 1);
    assert_string_equal(out + TEXT_HOST_BYTES - 4, "...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_failure_is_told_as_what_it_is),
        cmocka_unit_test(test_texts_fit_with_the_longest_names),
        cmocka_unit_test(test_host_is_made_fit_to_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
