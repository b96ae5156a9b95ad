# SPDX-License-Identifier: Apache-2.0
"""Every client in every TLS mode against every server: matrix.py has what is done. By default some
of the cells, so that each client, mode and server is there; TIDBLINK_MATRIX=FILE runs them all and
writes the table to that file."""
import os
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from clients import unavailable
from matrix import MATRIX_CLIENTS, MODES, Group, every_cell, some_cells
from matrix_servers import SERVERS, Files

TABLE = os.environ.get("TIDBLINK_MATRIX")
CELLS = every_cell(SERVERS) if TABLE else some_cells(SERVERS)
AT_ONCE = 3


class Runner:
    """Runs the selected cells ahead, a group at a time in each thread; results() waits for one."""

    def __init__(self, cells):
        self.futures = {cell: Future() for cell in cells}
        self.files = Files()
        names = dict.fromkeys(cell.server for cell in cells)
        self.servers = {name: SERVERS[name][0](self.files) for name in names}
        self.broken = []
        self.pool = ThreadPoolExecutor(AT_ONCE)
        for mode in MODES:
            for name in names:
                wanted = [cell for cell in cells if (cell.mode, cell.server) == (mode, name)]
                if wanted:
                    self.pool.submit(self._run, self.servers[name], mode, wanted)

    def _run(self, server, mode, cells):
        try:
            with Group(server, mode, self.files) as group:
                for cell in cells:
                    self._run_cell(group, cell)
        except Exception as error:  # the proxy did not start, or did not end well: a leak, a crash
            self.broken.append(f"{mode}: {error}")
            for cell in cells:
                if not self.futures[cell].done():
                    self.futures[cell].set_exception(error)

    def _run_cell(self, group, cell):
        future = self.futures[cell]
        try:
            future.set_result(group.cell(cell.client))
        except Exception as error:
            future.set_exception(AssertionError(f"{error}\n---- the proxy's log:\n"
                                                f"{group.proxy.log_text()}"))

    def close(self):
        self.pool.shutdown(cancel_futures=True)
        for server in self.servers.values():
            server.stop()
        self.files.remove()
        assert not self.broken, self.broken


def why_skipped(cell):
    return unavailable(cell.client) or cell.cannot() or SERVERS[cell.server][1]()


@pytest.fixture(scope="module")
def runner(request):
    chosen = {item.callspec.params["cell"] for item in request.session.items
              if "cell" in getattr(getattr(item, "callspec", None), "params", {})}
    runner = Runner([cell for cell in CELLS if cell in chosen and not why_skipped(cell)])
    yield runner
    runner.close()


@pytest.fixture(scope="module")
def table():
    shown = {}
    yield shown
    if TABLE:
        with open(TABLE, "w") as out:
            out.writelines(f"{line}\n" for line in lines_of(shown))


def lines_of(shown):
    """A table per server; what is not short stands below it, once, under a number."""
    for server in SERVERS:
        notes = {}

        def cell_text(client, mode):
            text = shown.get((client, mode, server), "not run")
            if text in ("ok", "not run", "FAILED"):
                return text
            return f"{text.split(':')[0].split(' with')[0]} [{notes.setdefault(text, len(notes) + 1)}]"

        yield f"## {server}\n"
        yield "| tls, client-tls; the client's setting | " + " | ".join(MATRIX_CLIENTS) + " |"
        yield "|---" * (len(MATRIX_CLIENTS) + 1) + "|"
        for mode in MODES:
            yield f"| {mode} | " + " | ".join(cell_text(c, mode) for c in MATRIX_CLIENTS) + " |"
        yield ""
        for text, number in notes.items():
            yield f"{number}. {text}"
        yield ""


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_cell(cell, request, table):
    reason = why_skipped(cell)
    table[cell] = f"skipped: {reason}" if reason else "FAILED"
    if reason:
        pytest.skip(reason)
    runner = request.getfixturevalue("runner")
    table[cell] = runner.futures[cell].result(timeout=600)
