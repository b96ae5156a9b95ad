# SPDX-License-Identifier: Apache-2.0
"""Hooks for a conftest.py: a run that is broken off says which tests it was in, however many
processes it had."""

UNFINISHED = {}  # in the order in which they began


def pytest_runtest_logstart(nodeid):
    UNFINISHED[nodeid] = True


def pytest_runtest_logfinish(nodeid):
    UNFINISHED.pop(nodeid, None)


def pytest_terminal_summary(terminalreporter):
    if UNFINISHED:
        terminalreporter.section("not finished")
        for nodeid in UNFINISHED:
            terminalreporter.write_line(nodeid)
