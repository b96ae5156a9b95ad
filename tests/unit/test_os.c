// SPDX-License-Identifier: Apache-2.0
//
// base/os, the same in both builds: what libraries of C have more or less in common, and what is
// promised of new descriptors.
#include "base/os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void test_memmem(void **state)
{
    (void)state;
    static const char in[] = "aab\0abc"; // 7 bytes
    const size_t len = sizeof(in) - 1;
    static const struct {
        const char *what;
        size_t what_len;
        int at; // -1: nowhere
    } rows[] = {
        { "", 0, 0 },
        { "a", 1, 0 },
        { "ab", 2, 1 },
        { "b\0a", 3, 2 },
        { "abc", 3, 4 },
        { "c", 1, 6 },
        { "abcd", 4, -1 },
        { "x", 1, -1 },
        { "aab\0abc", 7, 0 },
        { "aab\0abcd", 8, -1 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *found = os_memmem(in, len, rows[i].what, rows[i].what_len);
        assert_ptr_equal(found, rows[i].at < 0 ? NULL : in + rows[i].at);
    }
    assert_null(os_memmem("a", 0, "a", 1));
}

static void test_strcasestr(void **state)
{
    (void)state;
    const char *in = "My_PassWord";
    assert_ptr_equal(os_strcasestr(in, "password"), in + 3);
    assert_ptr_equal(os_strcasestr(in, "WORD"), in + 7);
    assert_ptr_equal(os_strcasestr(in, ""), in);
    assert_null(os_strcasestr(in, "words"));
    assert_null(os_strcasestr("", "a"));
}

static void test_strsep(void **state)
{
    (void)state;
    char text[] = "a,b;,";
    char *rest = text;
    assert_string_equal(os_strsep(&rest, ",;"), "a");
    assert_string_equal(os_strsep(&rest, ",;"), "b");
    assert_string_equal(os_strsep(&rest, ",;"), "");
    assert_string_equal(os_strsep(&rest, ",;"), "");
    assert_null(rest);
    assert_null(os_strsep(&rest, ",;"));
}

// Against gmtime_r, which both builds have from the C library.
static void test_timegm(void **state)
{
    (void)state;
    static const int64_t seconds[] = { 0, 951782400 /* 2000-02-29 */, 951868800, 1709164800,
        1709251199 /* 2024-02-29 */, 1709251200, 4107542399 /* 2100-02-28 */, 4107542400,
        4294967295, -1, -86400, -2208988800 /* 1900 */, 253402300799 /* 9999 */ };
    for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
        time_t at = (time_t)seconds[i];
        struct tm utc;
        assert_non_null(gmtime_r(&at, &utc));
        assert_int_equal(os_timegm(&utc), seconds[i]);
    }
    for (int64_t day = -40000; day < 80000; day++) { // 1860 to 2189
        time_t at = (time_t)(day * 86400 + 43210);
        struct tm utc;
        assert_non_null(gmtime_r(&at, &utc));
        assert_int_equal(os_timegm(&utc), at);
    }
}

static void test_asprintf(void **state)
{
    (void)state;
    char *text = NULL;
    assert_int_equal(os_asprintf(&text, "%s-%d-%s", "a", 12, "b"), 6);
    assert_string_equal(text, "a-12-b");
    free(text);
    assert_int_equal(os_asprintf(&text, "%5000d", 1), 5000);
    assert_int_equal(strlen(text), 5000);
    free(text);
}

static void test_reallocarray(void **state)
{
    (void)state;
    char *array = os_reallocarray(NULL, 3, 5);
    assert_non_null(array);
    for (int i = 0; i < 15; i++)
        array[i] = 'x';
    free(array);
    if (!*os_build)
        return; // the address sanitizer ends a program for glibc's own check of an overflow
    errno = 0;
    volatile size_t huge = SIZE_MAX / 2; // or the compiler warns
    assert_null(os_reallocarray(NULL, huge, 3));
    assert_int_equal(errno, ENOMEM);
}

static void test_random(void **state)
{
    (void)state;
    uint8_t a[40] = { 0 }, b[40] = { 0 };
    bool seen[5] = { 0 };
    assert_true(os_random(a, sizeof(a)));
    assert_true(os_random(b, sizeof(b)));
    assert_memory_not_equal(a, b, sizeof(a));
    assert_int_equal(os_random_below(1), 0);
    for (int i = 0; i < 1000; i++) {
        uint32_t number = os_random_below(ARRAY_LEN(seen));
        assert_true(number < ARRAY_LEN(seen));
        seen[number] = true;
    }
    for (size_t i = 0; i < ARRAY_LEN(seen); i++)
        assert_true(seen[i]); // fails once in 10^96
}

static void test_wipe_and_texts(void **state)
{
    (void)state;
    char secret[] = "secret", none[sizeof(secret)] = { 0 }, text[128];
    os_wipe(secret, sizeof(secret));
    assert_memory_equal(secret, none, sizeof(secret));
    assert_string_equal(os_error_text(ENOENT, text, sizeof(text)), "No such file or directory");
    assert_non_null(strstr(os_error_text(99999, text, sizeof(text)), "99999"));
}

// ---- descriptors --------------------------------------------------------------------------------

static void assert_flags(int fd, bool is_non_blocking)
{
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0, is_non_blocking);
}

static void test_files(void **state)
{
    (void)state;
    struct stat status;
    char path[] = "/tmp/test_os.XXXXXX.new";
    char other[] = "/tmp/test_os.XXXXXX.new";
    int fd = os_mkstemps(path, strlen(".new"));
    int other_fd = os_mkstemps(other, strlen(".new"));
    assert_flags(fd, false);
    assert_string_not_equal(path, other);
    assert_null(strstr(path, "XXXXXX"));
    assert_string_equal(path + strlen(path) - 4, ".new");
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    close(fd);
    close(other_fd);
    unlink(other);

    FILE *file = os_fopen(path, "w");
    assert_non_null(file);
    assert_flags(fileno(file), false);
    assert_true(fputs("text\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    char line[16];
    file = os_fopen(path, "r");
    assert_non_null(file);
    assert_flags(fileno(file), false);
    assert_non_null(fgets(line, sizeof(line), file));
    assert_string_equal(line, "text\n");
    fclose(file);
    unlink(path);
    assert_null(os_fopen(path, "r"));
    assert_int_equal(errno, ENOENT);
}

static void test_sockets(void **state)
{
    (void)state;
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(addr);
    int listener = os_socket(AF_INET, SOCK_STREAM), client = os_socket(AF_INET, SOCK_STREAM);
    assert_flags(listener, true);
    assert_int_equal(bind(listener, (struct sockaddr *)&addr, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
    assert_int_equal(os_accept(listener, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(
        connect(client, (struct sockaddr *)&addr, len) == 0 || errno == EINPROGRESS, 1);
    struct pollfd wait = { .fd = listener, .events = POLLIN };
    assert_int_equal(poll(&wait, 1, 10000), 1);
    int accepted = os_accept(listener, (struct sockaddr *)&addr, &len);
    assert_flags(accepted, true);
    close(accepted);
    close(client);
    close(listener);
}

static void test_pipe(void **state)
{
    (void)state;
    int fds[2];
    assert_true(os_pipe(fds));
    assert_flags(fds[0], false);
    assert_flags(fds[1], false);
    close(fds[0]);
    close(fds[1]);
}

static void test_splice(void **state)
{
    (void)state;
    int to[2], from[2];
    if (*os_build) {
        assert_false(os_splice_pipe(to, 65536));
        assert_int_equal(errno, ENOSYS);
        puts("the portable build has no splice(2)");
        skip();
    }
    assert_true(os_splice_pipe(to, 65536));
    assert_true(os_pipe(from));
    assert_flags(to[0], true);
    assert_flags(to[1], true);
    assert_int_equal(write(from[1], "bytes", 5), 5);
    assert_int_equal(os_splice(from[0], to[1], 100), 5);
    assert_int_equal(os_splice(from[0], to[1], 100), -1);
    assert_int_equal(errno, EAGAIN);
    char text[6] = "";
    assert_int_equal(read(to[0], text, 5), 5);
    assert_string_equal(text, "bytes");
    for (size_t i = 0; i < 2; i++) {
        close(to[i]);
        close(from[i]);
    }
}

static bool rings(const struct os_bell *bell)
{
    struct pollfd wait = { .fd = bell->read_fd, .events = POLLIN };
    return poll(&wait, 1, 0) == 1;
}

static void test_bell(void **state)
{
    (void)state;
    struct os_bell bell;
    assert_true(os_bell_open(&bell));
    assert_flags(bell.read_fd, true);
    assert_flags(bell.write_fd, true);
    os_bell_quiet(&bell); // does not wait
    assert_false(rings(&bell));
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 100000; i++) // more than a pipe holds
            os_bell_ring(&bell);
        assert_true(rings(&bell));
        os_bell_quiet(&bell);
        assert_false(rings(&bell));
    }
    os_bell_close(&bell);
    os_bell_close(&bell);
    assert_int_equal(bell.read_fd, -1);
}

static void test_peer(void **state)
{
    (void)state;
    int fds[2];
    uint32_t pid = 1, uid = 1;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    if (os_peer(fds[0], &pid, &uid)) {
        assert_int_equal(uid, getuid());
        assert_true(pid == 0 || pid == (uint32_t)getpid());
    } else {
        assert_true(*os_build); // Linux tells it
    }
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memmem),
        cmocka_unit_test(test_strcasestr),
        cmocka_unit_test(test_strsep),
        cmocka_unit_test(test_timegm),
        cmocka_unit_test(test_asprintf),
        cmocka_unit_test(test_reallocarray),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_wipe_and_texts),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_sockets),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_splice),
        cmocka_unit_test(test_bell),
        cmocka_unit_test(test_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
