# SPDX-License-Identifier: Apache-2.0
"""Becomes a program for which some system calls are not there, as on a kernel that lacks them:

    python3 without_calls.py landlock_create_ruleset seccomp -- PROGRAM...
"""
import ctypes
import errno
import os
import sys

SCMP_ACT_ALLOW, SCMP_ACT_ERRNO = 0x7FFF0000, 0x00050000  # seccomp.h


def main():
    split = sys.argv.index("--")
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    seccomp.seccomp_rule_add.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
    seccomp.seccomp_load.argtypes = [ctypes.c_void_p]
    rules = seccomp.seccomp_init(SCMP_ACT_ALLOW)
    for name in sys.argv[1:split]:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        assert seccomp.seccomp_rule_add(rules, SCMP_ACT_ERRNO | errno.ENOSYS, number, 0) == 0, name
    assert seccomp.seccomp_load(rules) == 0
    os.execvp(sys.argv[split + 1], sys.argv[split + 1:])


main()
