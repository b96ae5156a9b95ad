# SPDX-License-Identifier: Apache-2.0
"""What the driver suites share: skips by name, the real server, the tables of refusals and of
connection strings."""
import difflib

import pytest

import running
import strings_table
from clients import CLIENTS, unavailable
from expectations import CODES
from mariadb import MariaDB

TABLE = pytest.StashKey()
STRINGS = strings_table.StringTable()

pytest_runtest_logstart = running.pytest_runtest_logstart
pytest_runtest_logfinish = running.pytest_runtest_logfinish


@pytest.fixture
def available(client):
    """Skips a test of a client that tests/drivers/setup could not provide, and says why."""
    reason = unavailable(client)
    if reason:
        pytest.skip(f"{client}: {reason}")


@pytest.fixture(scope="session")
def mariadb():
    with MariaDB() as server:
        yield server


class VerdictTable:
    """Client x code: how much of the longest text each client shows. Printed at the end."""

    def __init__(self):
        self.cells = {}

    def expect(self, client, errno):
        self.cells[client, errno] = "FAILED"

    def show_kept(self, client, errno, text, printed):
        kept = difflib.SequenceMatcher(None, text, printed, autojunk=False).find_longest_match()
        self.cells[client, errno] = f"{kept.size}/{len(text)}"

    def lines(self):
        yield f"{'client':28}" + "".join(f"{errno:>9}" for errno in CODES)
        for client in CLIENTS:
            row = (self.cells.get((client, errno), "not run") for errno in CODES)
            yield f"{client:28}" + "".join(f"{cell:>9}" for cell in row)


@pytest.fixture(scope="session")
def verdict_table(pytestconfig):
    return pytestconfig.stash.setdefault(TABLE, VerdictTable())


def pytest_itemcollected(item):
    strings_table.name_cell(item)


def pytest_runtest_logreport(report):
    STRINGS.add(report)


def pytest_terminal_summary(terminalreporter, config):
    running.pytest_terminal_summary(terminalreporter)
    if STRINGS.cells:
        terminalreporter.section("connection strings: client x target x result")
        for line in STRINGS.lines():
            terminalreporter.write_line(line)
    table = config.stash.get(TABLE, None)
    if table:
        terminalreporter.section("refused before the greeting: bytes of our text that are shown")
        for line in table.lines():
            terminalreporter.write_line(line)
