# SPDX-License-Identifier: Apache-2.0
"""Stops one thread of a program and lets the others run, as a thread that hangs (ptrace(2)).

    with stopped_thread(proxy.process.pid, index=1): …
"""
import contextlib
import ctypes
import os

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, thread):
    if libc.ptrace(request, thread, None, None) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@contextlib.contextmanager
def stopped_thread(pid, index):
    """The index-th thread in the order in which they were started; 0 is the main thread."""
    thread = sorted(int(name) for name in os.listdir(f"/proc/{pid}/task"))[index]
    ptrace(SEIZE, thread)
    try:
        ptrace(INTERRUPT, thread)
        os.waitpid(thread, WALL)
        yield thread
    finally:
        ptrace(DETACH, thread)
