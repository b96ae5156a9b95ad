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
    """Client x code: how much of the longest text each client shows. Printed at the end, and made
    from the reports alone, which xdist brings from wherever a test ran."""

    def __init__(self):
        self.cells = {}

    def add(self, report):
        said = dict(report.user_properties)
        if "refusal_client" in said and (report.when == "call" or not report.passed):
            cell = "skipped" if report.skipped else said.get("refusal_shown", "FAILED")
            self.cells[said["refusal_client"], said["refusal_errno"]] = cell

    def lines(self):
        yield f"{'client':28}" + "".join(f"{errno:>9}" for errno in CODES)
        for client in CLIENTS:
            row = (self.cells.get((client, errno), "not run") for errno in CODES)
            yield f"{client:28}" + "".join(f"{cell:>9}" for cell in row)


REFUSALS, STRINGS = VerdictTable(), strings_table.StringTable()


@pytest.fixture
def refusal_cell(client, errno, record_property):
    """A function that fills the cell: what was sent, what the client printed."""
    record_property("refusal_client", client)
    record_property("refusal_errno", errno)

    def show(text, printed):
        kept = difflib.SequenceMatcher(None, text, printed, autojunk=False).find_longest_match()
        record_property("refusal_shown", f"{kept.size}/{len(text)}")
    return show


def pytest_itemcollected(item):
    strings_table.name_cell(item)


def pytest_runtest_logreport(report):
    REFUSALS.add(report)
    STRINGS.add(report)


def pytest_terminal_summary(terminalreporter):
    running.pytest_terminal_summary(terminalreporter)
    if STRINGS.cells:
        terminalreporter.section("connection strings: client x target x result")
        for line in STRINGS.lines():
            terminalreporter.write_line(line)
    if REFUSALS.cells:
        terminalreporter.section("refused before the greeting: bytes of our text that are shown")
        for line in REFUSALS.lines():
            terminalreporter.write_line(line)
