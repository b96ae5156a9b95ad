// SPDX-License-Identifier: Apache-2.0
//
// base/net: listening sockets are what they should be from their first moment, and never at the
// cost of somebody else's socket or file.
#include "base/net.h"

#include "base/err.h"
#include "base/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { BACKLOG = 8, MODE = 0660 };

static char folder[] = "/tmp/test_net.XXXXXX";
static char path[64];

static struct addr parsed(const char *text)
{
    struct addr addr = { 0 };
    assert_true(addr_parse(text, &addr, NULL));
    return addr;
}

static struct addr unix_addr(void)
{
    char text[80];
    snprintf(text, sizeof(text), "unix:%s", path);
    return parsed(text);
}

static struct addr bound(int fd)
{
    struct addr addr = { .len = sizeof(addr.un) };
    assert_int_equal(getsockname(fd, &addr.any, &addr.len), 0);
    return addr;
}

// 0 or the errno of connect(2).
static int try_connect(const struct addr *addr)
{
    int fd = socket(addr->any.sa_family, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    int sys = connect(fd, &addr->any, addr->len) < 0 ? errno : 0;
    close(fd);
    return sys;
}

// A file that a temporary name left behind would be one more.
static unsigned files_in_folder(void)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    unsigned count = 0;
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void assert_flags(int fd)
{
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void assert_refused(const struct addr *addr, const char *expected)
{
    struct err err = { 0 };
    assert_int_equal(net_listen(addr, BACKLOG, MODE, &err), -1);
    assert_string_equal(err.text, expected);
    assert_int_equal(err.code, ERR_LISTEN);
}

static void test_tcp_listens(void **state)
{
    (void)state;
    static const char *const texts[] = { "127.0.0.1:0", "[::1]:0" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct addr addr = parsed(texts[i]);
        struct err err = { 0 };
        int fd = net_listen(&addr, BACKLOG, MODE, &err);
        if (fd < 0)
            fail_msg("%s", err.text);
        assert_flags(fd);
        struct addr real = bound(fd);
        assert_true(addr_port(&real) != 0);
        assert_int_equal(try_connect(&real), 0);
        close(fd);
    }
}

static void test_tcp_in_use(void **state)
{
    (void)state;
    char text[ADDR_TEXT_BYTES], command[OS_COMMAND_BYTES];
    char expected[300];
    struct addr any = parsed("127.0.0.1:0");
    int fd = net_listen(&any, BACKLOG, MODE, NULL);
    assert_true(fd >= 0);
    struct addr taken = bound(fd);
    snprintf(expected, sizeof(expected),
        "%s is already in use: choose another port, or find who has it with %s",
        addr_format(&taken, text), os_port_command(addr_port(&taken), command));
    assert_refused(&taken, expected);
    close(fd);
}

// RFC 5737: 192.0.2.0/24 is for documentation and is no machine's.
static void test_tcp_of_somebody_else(void **state)
{
    (void)state;
    char expected[300];
    struct addr addr = parsed("192.0.2.1:4000");
    snprintf(expected, sizeof(expected),
        "192.0.2.1:4000 is not an address of this machine: choose one that \"%s\" shows",
        os_addresses_command);
    assert_refused(&addr, expected);
}

static atomic_uint too_wide; // bits that a socket had before chmod(2) and not after

// In front of the C library's: sees what a socket is in the moment between bind(2) and chmod(2).
int chmod(const char *file, mode_t mode)
{
    struct stat before;
    assert_int_equal(lstat(file, &before), 0);
    too_wide |= before.st_mode & 07777 & ~mode;
    return fchmodat(AT_FDCWD, file, mode, 0);
}

static void test_unix_never_has_a_wider_mode(void **state)
{
    (void)state;
    struct addr addr = unix_addr();
    mode_t umask_before = umask(0);
    int fd = net_listen(&addr, BACKLOG, 0600, NULL);
    umask(umask_before);
    assert_true(fd >= 0);
    assert_int_equal(too_wide, 0);
    close(fd);
    unlink(path);
}

static void test_unix_listens_with_its_mode(void **state)
{
    (void)state;
    static const unsigned modes[] = { 0600, 0660, 0666 };
    struct addr addr = unix_addr();
    mode_t umask_before = umask(0077);
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct stat status;
        struct err err = { 0 };
        int fd = net_listen(&addr, BACKLOG, modes[i], &err);
        if (fd < 0)
            fail_msg("%s", err.text);
        assert_flags(fd);
        assert_int_equal(lstat(path, &status), 0);
        assert_int_equal(status.st_mode, S_IFSOCK | modes[i]);
        assert_int_equal(try_connect(&addr), 0);
        assert_int_equal(files_in_folder(), 1);
        close(fd);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(umask(umask_before), 0077);
}

static void test_a_stale_socket_is_replaced(void **state)
{
    (void)state;
    struct addr addr = unix_addr();
    close(net_listen(&addr, BACKLOG, 0600, NULL));
    assert_int_equal(try_connect(&addr), ECONNREFUSED);
    int fd = net_listen(&addr, BACKLOG, MODE, NULL);
    assert_true(fd >= 0);
    assert_int_equal(try_connect(&addr), 0);
    assert_int_equal(files_in_folder(), 1);
    close(fd);
    unlink(path);
}

struct contender {
    pthread_t thread;
    pthread_barrier_t *start;
    int fd;
};

static void *contend(void *arg)
{
    struct contender *contender = arg;
    struct addr addr = unix_addr();
    pthread_barrier_wait(contender->start);
    contender->fd = net_listen(&addr, BACKLOG, MODE, NULL);
    return NULL;
}

static void test_of_many_that_replace_a_stale_socket_one_wins(void **state)
{
    (void)state;
    enum { ROUNDS = 100, CONTENDERS = 4 };
    struct addr addr = unix_addr();
    for (int round = 0; round < ROUNDS; round++) {
        struct contender contenders[CONTENDERS] = { 0 };
        pthread_barrier_t start;
        unsigned winners = 0;
        close(net_listen(&addr, BACKLOG, MODE, NULL));
        pthread_barrier_init(&start, NULL, CONTENDERS);
        for (size_t i = 0; i < CONTENDERS; i++) {
            contenders[i].start = &start;
            pthread_create(&contenders[i].thread, NULL, contend, &contenders[i]);
        }
        for (size_t i = 0; i < CONTENDERS; i++) {
            pthread_join(contenders[i].thread, NULL);
            winners += contenders[i].fd >= 0;
        }
        assert_int_equal(winners, 1);
        assert_int_equal(try_connect(&addr), 0);
        assert_int_equal(files_in_folder(), 1);
        for (size_t i = 0; i < CONTENDERS; i++) {
            if (contenders[i].fd >= 0)
                close(contenders[i].fd);
        }
        pthread_barrier_destroy(&start);
    }
    unlink(path);
}

static void test_a_live_socket_is_left_alone(void **state)
{
    (void)state;
    char expected[300];
    struct addr addr = unix_addr();
    int fd = net_listen(&addr, 0, MODE, NULL);
    assert_true(fd >= 0);
    snprintf(expected, sizeof(expected),
        "%s is already in use: choose another path, or find who has it with %s", path,
        os_unix_sockets_command);
    assert_refused(&addr, expected);
    // Also when its queue is full: the probe above fills a queue of one.
    assert_refused(&addr, expected);
    assert_int_equal(files_in_folder(), 1);
    close(accept(fd, NULL, NULL));
    assert_int_equal(try_connect(&addr), 0);
    close(fd);
    unlink(path);
}

static void test_what_is_no_socket_is_left_alone(void **state)
{
    (void)state;
    char expected[300];
    char bytes[16] = "";
    struct addr addr = unix_addr();
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "precious", 8), 8);
    close(fd);
    snprintf(expected, sizeof(expected),
        "%s exists and is not a socket: choose another path, or remove it", path);
    assert_refused(&addr, expected);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, bytes, sizeof(bytes)), 8);
    assert_string_equal(bytes, "precious");
    close(fd);
    assert_int_equal(files_in_folder(), 1);
    unlink(path);
    // A symbolic link is not followed to what it names.
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_refused(&addr, expected);
    assert_int_equal(files_in_folder(), 1);
    unlink(path);
}

static void test_unix_paths_that_cannot_be(void **state)
{
    (void)state;
    char expected[300];
    struct addr missing = parsed("unix:/nonexistent-folder/x.sock");
    assert_refused(
        &missing, "cannot make the socket /nonexistent-folder/x.sock: No such file or directory");
    char text[120] = "unix:/";
    memset(text + 6, 'x', 100);
    struct addr too_long = parsed(text);
    snprintf(expected, sizeof(expected),
        "the socket path %s is 101 bytes long: expected at most 100", text + strlen("unix:"));
    assert_refused(&too_long, expected);
}

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void test_options_of_connected_sockets(void **state)
{
    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    net_keepalive(fd, 60000);
    net_nodelay(fd);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), 10);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPCNT), 6);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(net_socket_error(fd), 0);
    close(fd);
    assert_int_equal(net_socket_error(fd), EBADF);
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    net_keepalive(pair[0], 60000);
    net_nodelay(pair[0]);
    net_user_timeout(pair[0], 5000);
    assert_int_equal(write(pair[0], "x", 1), 1);
    close(pair[0]);
    close(pair[1]);
}

static void test_user_timeout(void **state)
{
    (void)state;
#ifdef TCP_USER_TIMEOUT
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    net_user_timeout(fd, 5000);
    int seen = option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT);
    close(fd);
    if (!*os_build) {
        assert_int_equal(seen, 5000);
        return;
    }
#endif
    puts("the portable build knows no TCP_USER_TIMEOUT");
    skip();
}

static void test_socket_error_is_taken_once(void **state)
{
    (void)state;
    struct addr any = parsed("127.0.0.1:0");
    int listener = net_listen(&any, BACKLOG, MODE, NULL);
    struct addr addr = bound(listener);
    close(listener);
    int fd = os_socket(AF_INET, SOCK_STREAM);
    if (connect(fd, &addr.any, addr.len) < 0 && errno == EINPROGRESS) {
        assert_int_equal(net_socket_error(fd), ECONNREFUSED);
        assert_int_equal(net_socket_error(fd), 0);
    }
    close(fd);
}

static void test_transient(void **state)
{
    (void)state;
    assert_true(net_is_transient(EAGAIN));
    assert_true(net_is_transient(EINTR));
    assert_true(net_is_transient(ECONNABORTED));
    assert_false(net_is_transient(ECONNRESET));
    assert_false(net_is_transient(EMFILE));
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/x.sock", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp_listens),
        cmocka_unit_test(test_tcp_in_use),
        cmocka_unit_test(test_tcp_of_somebody_else),
        cmocka_unit_test(test_unix_never_has_a_wider_mode),
        cmocka_unit_test(test_unix_listens_with_its_mode),
        cmocka_unit_test(test_a_stale_socket_is_replaced),
        cmocka_unit_test(test_of_many_that_replace_a_stale_socket_one_wins),
        cmocka_unit_test(test_a_live_socket_is_left_alone),
        cmocka_unit_test(test_what_is_no_socket_is_left_alone),
        cmocka_unit_test(test_unix_paths_that_cannot_be),
        cmocka_unit_test(test_options_of_connected_sockets),
        cmocka_unit_test(test_user_timeout),
        cmocka_unit_test(test_socket_error_is_taken_once),
        cmocka_unit_test(test_transient),
    };
    return cmocka_run_group_tests_name("net", tests, make_folder, remove_folder);
}
