# SPDX-License-Identifier: Apache-2.0
"""What only Linux or glibc has is named in base/linux/, what only macOS or FreeBSD has in
base/portable/, and nowhere else. The portable build finds the same and more, but not on every
change."""

import re

import sources

HEADERS = (
    r"linux/.*|asm/.*|systemd/.*|seccomp\.h|sys/(?:epoll|eventfd|fanotify|inotify|pidfd|prctl|procctl|ptrace|"
    r"random|sendfile|signalfd|sysctl|sysinfo|timerfd|event)\.h"
)
CALLS = (
    "accept4 arc4random arc4random_buf arc4random_uniform asprintf canonicalize_file_name clone "
    "close_range dprintf_np epoll_create1 epoll_ctl epoll_wait eventfd execvpe explicit_bzero "
    "fanotify_init getentropy getpeereid getrandom inotify_add_watch inotify_init inotify_init1 "
    "kevent kqueue memfd_create memmem memrchr mempcpy mkostemp mkostemps pidfd_open "
    "pidfd_send_signal pipe2 ppoll prctl preadv2 procctl ptrace pthread_setaffinity_np "
    "pthread_setname_np qsort_r rawmemchr reallocarray renameat2 sched_getaffinity "
    "sched_setaffinity seccomp_init seccomp_load secure_getenv sendfile signalfd splice strcasestr strchrnul strerror_r "
    "strerrordesc_np strerrorname_np strsep syscall sysctlbyname tee timegm timerfd_create "
    "timerfd_settime vasprintf vmsplice waitid"
).split()
NAMES = (
    "__linux__ __APPLE__ __FreeBSD__ _GNU_SOURCE EFD_NONBLOCK EFD_CLOEXEC EV_CLOSED "
    "IP_BIND_ADDRESS_NO_PORT MSG_NOSIGNAL NSIG O_PATH O_TMPFILE SCHED_BATCH SIOCOUTQ "
    "SO_ATTACH_FILTER SO_INCOMING_CPU SO_NOSIGPIPE SO_PEERCRED SOCK_CLOEXEC SOCK_NONBLOCK "
    "TCP_CORK TCP_INFO TCP_KEEPALIVE TCP_KEEPCNT TCP_KEEPIDLE TCP_KEEPINTVL TCP_QUICKACK "
    "TCP_USER_TIMEOUT environ program_invocation_name program_invocation_short_name ucred"
).split()
PREFIXES = r"CLONE_|CLOSE_RANGE_|LANDLOCK_|F_SETPIPE|F_GETPIPE|LOCAL_PEER|P_PIDFD|PR_SET_|PR_GET_|SCMP_|SPLICE_F_|TFD_"

# One regular expression for all of them, on C without comments and texts.
FORBIDDEN = re.compile(
    rf"(?<![\w.>])(?P<call>{'|'.join(CALLS)})\s*\("
    rf"|(?<![\w])(?P<name>{'|'.join(NAMES)})(?!\w)"
    rf"|(?<![\w])(?P<prefix>(?:{PREFIXES})\w*)"
)
INCLUDE = r"^\s*#\s*include\s*<(" + HEADERS + r")>"
FILES = r'"(/(?:proc|sys)/[^"]*)"'  # a test may look at them
MODES = r'\bfopen\s*\([^;]*"[rwa]b?\+?e"'

# base/os.h chooses the flag of send(2); the test asks the kernel what net.c has set.
ALLOWED = {
    "base/os.h": {"MSG_NOSIGNAL"},
    # stands where the kernel would answer
    "tests/e2e/clocks.c": {"syscall", "timerfd_create", "timerfd_settime"},
    "tests/loop/test_net.c": {"TCP_KEEPCNT", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_USER_TIMEOUT"},
}
# They are about Linux, and about nothing else.
OF_LINUX = {"tests/e2e/old_kernel.c", "tests/e2e/trespass.c"}
INSTEAD = "has its place in base/linux/ and a twin in base/portable/ (base/os.h)"


def is_checked(path):
    """bench/ measures Linux; the two folders are the place."""
    return (path.parts[0] in (*sources.FOLDERS, "tests") and path.as_posix() not in OF_LINUX and
            path.parts[:2] not in (("base", "linux"), ("base", "portable")))


def check(path, text):
    code = sources.code_only(text)
    allowed = ALLOWED.get(path.as_posix(), ())
    for line, match in sources.matches(INCLUDE, text):
        yield f"{path}:{line}: <{match.group(1)}> {INSTEAD}"
    for match in FORBIDDEN.finditer(code):
        name = next(filter(None, match.groups()))
        if name not in allowed:
            line = code.count("\n", 0, match.start()) + 1
            yield f"{path}:{line}: {name} {INSTEAD}"
    for line, _ in sources.matches(MODES, text):
        yield f"{path}:{line}: the mode \"e\" of fopen(): use os_fopen"
    if path.parts[0] != "tests":
        for line, match in sources.matches(FILES, text):
            yield f"{path}:{line}: {match.group(1)} {INSTEAD}"


def twins(files):
    """Every file of one folder has its twin in the other."""
    names = {side: {path.name for path in files if path.parts[:2] == ("base", side)}
             for side in ("linux", "portable")}
    for name in sorted(names["linux"] ^ names["portable"]):
        side, other = (("linux", "portable") if name in names["linux"] else ("portable", "linux"))
        yield f"base/{side}/{name}: has no twin base/{other}/{name}"


def main():
    files = sources.c_files()
    findings = list(twins(files))
    for path in files:
        if is_checked(path):
            findings += check(path, sources.read(path))
    sources.report(findings)


if __name__ == "__main__":
    main()
