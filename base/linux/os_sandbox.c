// SPDX-License-Identifier: Apache-2.0
//
// landlock(7), and pages for secrets. The numbers are the kernel's own (include/uapi/linux/
// landlock.h of Linux 6.15), because the headers of Debian 12 are of version 2; the kernel says at
// run time which of them it knows.
#include "base/os_sandbox.h"

#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// ---- the kernel's interface ---------------------------------------------------------------------

enum { ASK_VERSION = 1 << 0, RULE_PATH = 1, RULE_PORT = 2 };

// Of struct landlock_ruleset_attr; what a version does not know is zero for it.
struct ruleset {
    uint64_t files;
    uint64_t ports; // since version 4
    uint64_t scope; // since version 6
};

struct path_rule {
    uint64_t rights;
    int32_t fd;
} __attribute__((packed));

struct port_rule {
    uint64_t rights;
    uint64_t port;
};

enum {
    FILE_EXECUTE = 1 << 0,
    FILE_WRITE = 1 << 1,
    FILE_READ = 1 << 2,
    DIR_LIST = 1 << 3,
    DIR_REMOVE_DIR = 1 << 4,
    DIR_REMOVE_FILE = 1 << 5,
    DIR_MAKE_REGULAR = 1 << 8,
    FILE_REFER = 1 << 13,    // since version 2: link or rename into another folder
    FILE_TRUNCATE = 1 << 14, // since version 3
    FILE_IOCTL = 1 << 15,    // since version 5
    ALL_OF_VERSION_1 = FILE_REFER - 1,
    OF_A_FILE = FILE_EXECUTE | FILE_WRITE | FILE_READ | FILE_TRUNCATE | FILE_IOCTL,
    PORT_BIND = 1 << 0,
    SCOPE_ABSTRACT_SOCKETS = 1 << 0,
};

struct os_fence {
    int fd;
    unsigned version;
    uint64_t files; // rights that the kernel knows, and that nobody has without a rule
};

static uint64_t files_of(unsigned version)
{
    uint64_t files = ALL_OF_VERSION_1;
    if (version >= 2)
        files |= FILE_REFER;
    if (version >= 3)
        files |= FILE_TRUNCATE;
    if (version >= 5)
        files |= FILE_IOCTL;
    return files;
}

static bool allow_any_port(const struct os_fence *fence)
{
    const struct port_rule rule = { .rights = PORT_BIND, .port = 0 };
    return syscall(SYS_landlock_add_rule, fence->fd, RULE_PORT, &rule, 0) == 0;
}

struct os_fence *os_fence_new(const struct os_fence_plan *plan)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, ASK_VERSION);
    if (version < 1)
        return NULL;
    struct os_fence *fence = malloc(sizeof(*fence));
    if (!fence)
        return NULL;
    *fence =
        (struct os_fence){ .version = (unsigned)version, .files = files_of((unsigned)version) };
    const struct ruleset ruleset = {
        .files = fence->files,
        .ports = version >= 4 ? (uint64_t)PORT_BIND : 0,
        .scope = version >= 6 && !plan->abstract_sockets ? (uint64_t)SCOPE_ABSTRACT_SOCKETS : 0,
    };
    fence->fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);
    if (fence->fd >= 0 && (!ruleset.ports || !plan->binds_any_port || allow_any_port(fence)))
        return fence;
    int sys = errno;
    os_fence_free(fence);
    errno = sys;
    return NULL;
}

void os_fence_free(struct os_fence *fence)
{
    if (fence && fence->fd >= 0)
        close(fence->fd);
    free(fence);
}

unsigned os_fence_version(const struct os_fence *fence)
{
    return fence->version;
}

static uint64_t kernel_rights(unsigned rights)
{
    static const struct {
        unsigned ours;
        uint64_t kernel;
    } rows[] = {
        { OS_RIGHT_READ, FILE_READ },
        { OS_RIGHT_LIST, DIR_LIST },
        { OS_RIGHT_WRITE, FILE_WRITE | FILE_TRUNCATE },
        { OS_RIGHT_MAKE, DIR_MAKE_REGULAR | FILE_REFER },
        { OS_RIGHT_REMOVE, DIR_REMOVE_FILE },
        { OS_RIGHT_REMOVE_DIR, DIR_REMOVE_DIR },
    };
    uint64_t found = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rights & rows[i].ours)
            found |= rows[i].kernel;
    return found;
}

bool os_fence_allow(struct os_fence *fence, const char *path, unsigned rights)
{
    struct stat status;
    struct path_rule rule = { .rights = kernel_rights(rights) & fence->files };
    rule.fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.fd < 0)
        return false;
    bool done = fstat(rule.fd, &status) == 0;
    if (done && !S_ISDIR(status.st_mode))
        rule.rights &= OF_A_FILE;
    done = done &&
           (!rule.rights || syscall(SYS_landlock_add_rule, fence->fd, RULE_PATH, &rule, 0) == 0);
    int sys = errno;
    close(rule.fd);
    errno = sys;
    return done;
}

bool os_fence_enter(const struct os_fence *fence)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_landlock_restrict_self, fence->fd, 0) == 0;
}

// clang-format off
const char *const os_library_files[] = {
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/localtime",
    "/etc/ld.so.cache",
    "/etc/ssl/openssl.cnf",
    "/etc/ssl/certs",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/usr/share/zoneinfo",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/lib",
    "/lib64",
    "/dev/null",
    "/dev/urandom",
    "/dev/random",
    "/proc/sys/net/ipv4/tcp_keepalive_time",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu/online",
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    "/proc",
#endif
    NULL,
};
// clang-format on

bool os_is_mounted(const char *path)
{
    struct statx status;
    return statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &status) == 0 &&
           (status.stx_attributes_mask & status.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

// ---- secrets ------------------------------------------------------------------------------------

void *os_secret_new(size_t len)
{
    void *secret = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (secret == MAP_FAILED)
        return NULL;
    // Each of them is worth having without the others.
    (void)!mlock2(secret, len, 0); // mlock(2) does nothing under sanitizers
    (void)madvise(secret, len, MADV_DONTDUMP);
    (void)madvise(secret, len, MADV_WIPEONFORK);
    return secret;
}

void os_secret_share(void *secret, size_t len, bool shares)
{
    (void)madvise(secret, len, shares ? MADV_KEEPONFORK : MADV_WIPEONFORK);
    (void)!mlock2(secret, len, 0); // not inherited by fork(2)
}

void os_secret_free(void *secret, size_t len)
{
    if (!secret)
        return;
    os_wipe(secret, len);
    (void)munmap(secret, len); // unlocks
}
