// SPDX-License-Identifier: Apache-2.0
//
// The system calls of a proxy that serves: seccomp(2) by libseccomp. To add one: a row here;
// tests/e2e/test_lockdown.py holds the list against strace. A call that is allowed whatever its
// arguments costs nothing: the kernel remembers such (a bitmap, since Linux 5.11).
#include "base/os_sandbox.h"

#include "base/defs.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/prctl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

// ---- the list -----------------------------------------------------------------------------------

// Whatever their arguments. One of two names may be an older kernel's or another machine's.
static const char *const allowed[] = {
    // A connection's life, busiest first.
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "read",
    "write",
    "recvfrom",
    "sendto",
    "recvmsg",
    "sendmsg",
    "readv",
    "writev",
    "splice",
    "epoll_ctl",
    "accept4",
    "connect",
    "close",
    "shutdown",
    "getsockopt",
    "setsockopt",
    "getsockname",
    "getpeername",
    "bind",
    "pipe2",
    "socketpair",
    "poll",
    "ppoll",
    "select",
    "pselect6",
    "epoll_create1",
    "eventfd2",
    "sendmmsg",
    "recvmmsg",
    "fcntl",
    "dup",
    "dup2",
    "dup3",
    // Threads and clocks.
    "futex",
    "set_robust_list",
    "rseq",
    "sched_yield",
    "sched_getaffinity",
    "sched_setscheduler",
    "exit",
    "exit_group",
    "gettid",
    "getpid",
    "getppid",
    "clock_gettime",
    "clock_getres",
    "gettimeofday",
    "time",
    "clock_nanosleep",
    "nanosleep",
    "restart_syscall",
    "timerfd_create",
    "timerfd_settime",
    "timerfd_gettime",
    "getrandom",
    // Signals.
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigaltstack",
    // Memory; mmap and mprotect are below.
    "munmap",
    "mremap",
    "madvise",
    "brk",
    "mlock",
    "mlock2",
    "munlock",
    // Files: the state, what a reload reads, and what libraries look at. Landlock says which.
    "openat",
    "open",
    "fstat",
    "newfstatat",
    "stat",
    "lstat",
    "statx",
    "access",
    "faccessat",
    "faccessat2",
    "readlink",
    "readlinkat",
    "getdents64",
    "lseek",
    "pread64",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "link",
    "linkat",
    "fchmod",
    "fchown",
    "flock",
    "getcwd",
    "inotify_init1",
    "inotify_add_watch",
    "inotify_rm_watch",
    // Who and where we are.
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getgroups",
    "uname",
    "sysinfo",
    "getrusage",
    "getrlimit",
    "setrlimit",
};

enum { SOCKET_KIND = 0xf };
// In ours and out of it: a thread, and nothing that makes a process or another namespace.
static const uint64_t CLONE_MASK = CLONE_VM | CLONE_THREAD | CLONE_NEWNS | CLONE_NEWCGROUP |
                                   CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                                   CLONE_NEWNET;

// One argument of a call, or two, after a mask.
struct argument {
    unsigned index;
    uint64_t mask, value;
};
struct call {
    const char *name;
    struct argument arguments[2]; // a mask of 0 ends them
};
#define WORD UINT32_MAX

static const struct call conditional[] = {
    { "socket", { { 0, WORD, AF_UNIX } } },
    { "socket", { { 0, WORD, AF_INET }, { 1, SOCKET_KIND, SOCK_STREAM } } },
    { "socket", { { 0, WORD, AF_INET }, { 1, SOCKET_KIND, SOCK_DGRAM } } },
    { "socket", { { 0, WORD, AF_INET6 }, { 1, SOCKET_KIND, SOCK_STREAM } } },
    { "socket", { { 0, WORD, AF_INET6 }, { 1, SOCKET_KIND, SOCK_DGRAM } } },
    { "socket", { { 0, WORD, AF_NETLINK }, { 2, WORD, NETLINK_ROUTE } } },
    // Memory is written or run, never both, and what was written is not run later.
    { "mmap", { { 2, PROT_WRITE | PROT_EXEC, 0 } } },
    { "mmap", { { 2, PROT_WRITE | PROT_EXEC, PROT_WRITE } } },
    { "mmap", { { 2, PROT_WRITE | PROT_EXEC, PROT_EXEC } } },
    { "mprotect", { { 2, PROT_EXEC, 0 } } },
    { "clone", { { 0, CLONE_MASK, CLONE_VM | CLONE_THREAD } } },
    { "ioctl", { { 1, WORD, FIONREAD } } }, { "ioctl", { { 1, WORD, FIONBIO } } },
    { "ioctl", { { 1, WORD, SIOCOUTQ } } }, { "ioctl", { { 1, WORD, TCGETS } } },
    { "ioctl", { { 1, WORD, SIOCGIFNAME } } }, { "ioctl", { { 1, WORD, SIOCGIFINDEX } } },
    { "prctl", { { 0, WORD, PR_SET_NAME } } }, { "prctl", { { 0, WORD, PR_SET_VMA } } },
    { "prlimit64", { { 0, WORD, 0 } } }, // its own
};

// These would do harm, and EPERM says so; what is on neither list, and the conditional ones with
// other arguments, look like an older kernel's (ENOSYS), for which libraries have another way.
static const char *const refused[] = { "execve", "execveat", "fork", "vfork", "ptrace",
    "process_vm_readv", "process_vm_writev", "kill", "tkill", "rt_sigqueueinfo",
    "rt_tgsigqueueinfo", "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "listen",
    "pkey_mprotect", "memfd_create", "memfd_secret", "mount", "umount2", "pivot_root", "chroot",
    "setns", "unshare", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "keyctl",
    "add_key", "request_key", "init_module", "finit_module", "delete_module", "kexec_load",
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "capset",
    "chown", "lchown", "fchownat", "chmod", "fchmodat", "mknod", "mknodat", "symlink", "symlinkat",
    "setxattr", "open_by_handle_at", "name_to_handle_at", "personality", "seccomp", "reboot",
    "settimeofday", "clock_settime", "swapon", "quotactl", "acct", "syslog" };

// Where the sanitizers are built in: they look for leaks at the end, by a process of their own.
#if defined(__SANITIZE_ADDRESS__)
static const char *const also_allowed[] = { "clone", "ptrace", "wait4", "getdents", "prctl",
    "process_vm_readv", "kill", "tgkill", "mprotect", "personality" };
#else
static const char *const also_allowed[] = { NULL };
#endif

void os_calls_print(FILE *out)
{
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        fprintf(out, "%s\n", allowed[i]);
    for (size_t i = 0; i < ARRAY_LEN(conditional); i++)
        if (i == 0 || conditional[i].name != conditional[i - 1].name)
            fprintf(out, "%s (some)\n", conditional[i].name);
    fputs("tgkill (some)\n", out);
    for (size_t i = 0; i < ARRAY_LEN(also_allowed) && also_allowed[i]; i++)
        fprintf(out, "%s (sanitizer)\n", also_allowed[i]);
}

// ---- into the kernel ----------------------------------------------------------------------------

// A name that this libseccomp or this machine does not have is nobody's to call.
static int add(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned count,
    const struct scmp_arg_cmp *arguments)
{
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR)
        return 0;
    int result = seccomp_rule_add_array(filter, action, number, count, arguments);
    // -EDOM: not on this machine. -EEXIST, -EACCES: that is its answer already.
    return result == -EDOM || result == -EEXIST || result == -EACCES ? 0 : result;
}

static int add_names(
    scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t count)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < count && names[i]; i++)
        result = add(filter, action, names[i], 0, NULL);
    return result;
}

// The calls that may go on under a condition; ours is known only now.
static int add_conditional(scmp_filter_ctx filter)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < ARRAY_LEN(conditional); i++) {
        struct scmp_arg_cmp arguments[2];
        unsigned count = 0;
        for (; count < ARRAY_LEN(arguments) && conditional[i].arguments[count].mask; count++) {
            const struct argument *argument = &conditional[i].arguments[count];
            arguments[count] =
                SCMP_CMP(argument->index, SCMP_CMP_MASKED_EQ, argument->mask, argument->value);
        }
        result = add(filter, SCMP_ACT_ALLOW, conditional[i].name, count, arguments);
    }
    const struct scmp_arg_cmp of_ours = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid());
    return result ? result : add(filter, SCMP_ACT_ALLOW, "tgkill", 1, &of_ours);
}

// For all threads at once (TSYNC), which takes no_new_privs to all of them as well.
static int load(scmp_filter_ctx filter, bool is_logged)
{
    int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); // a binary tree
    if (result == 0 && is_logged)
        (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
    return result ? result : seccomp_load(filter);
}

// glibc asks for every thread that it makes, and its flags are out of a filter's sight: it has
// clone(2) for kernels that do not know it. A filter of its own, because this is no news for the
// audit log.
static int hide_clone3(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        return -ENOMEM;
    int result = add(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
    result = result ? result : load(filter, false);
    seccomp_release(filter);
    return result;
}

// The names above, and where their arguments are, hold for these. Others have mmap2(2), stat64(2),
// clock_gettime64(2) and more in place of them, and a proxy there would be left without memory.
#if defined(__LP64__) && (defined(__x86_64__) || defined(__aarch64__))
static const bool knows_machine = true;
#else
static const bool knows_machine = false;
#endif

int os_calls_limit(void)
{
    int result = knows_machine ? hide_clone3() : -ENOTSUP;
    scmp_filter_ctx filter = result ? NULL : seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!filter)
        return result ? -result : ENOMEM;
    result = add(filter, SCMP_ACT_ALLOW, "clone3", 0, NULL); // above
    if (result == 0)
        result = add_names(filter, SCMP_ACT_ALLOW, also_allowed, ARRAY_LEN(also_allowed));
    if (result == 0)
        result = add_names(filter, SCMP_ACT_ALLOW, allowed, ARRAY_LEN(allowed));
    if (result == 0)
        result = add_conditional(filter);
    if (result == 0)
        result = add_names(filter, SCMP_ACT_ERRNO(EPERM), refused, ARRAY_LEN(refused));
    result = result ? result : load(filter, true);
    seccomp_release(filter);
    return -result;
}
