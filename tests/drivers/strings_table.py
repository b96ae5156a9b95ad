# SPDX-License-Identifier: Apache-2.0
"""Client x target x result: what became of the strings of every client of the catalogue, printed at
the end of the run. Made from the reports alone, which xdist brings from wherever a test ran."""
import json
import subprocess
from collections import defaultdict

from built import built

TARGETS = {"proxy": "proxy", "socket": "socket", "verify-identity": "direct"}
PASSWORDS = ("golden", "unicode")
FILE = (None, None)  # of a client whose file is read back: it connects to nothing
WIDTH = 100


def name_cell(item):
    """A test of strings/ says which cell it is about, before anything of it can fail."""
    if item.path.parent.name == "strings" and hasattr(item, "callspec"):
        for name in ("client", "place", "user"):
            if name in item.callspec.params:
                item.user_properties.append((f"string_{name}", item.callspec.params[name]))


class StringTable:
    def __init__(self):
        self.cells = defaultdict(dict)  # client: {(place, password): "ok", "no", "skip" or "FAIL"}
        self.reasons = {}               # client: why it was skipped

    def add(self, report):
        """Any report of a test that says which client it is about."""
        said = dict(report.user_properties)
        client = said.get("string_client")
        if not client or report.when != "call" and report.passed:
            return
        cell = said.get("string_place"), said.get("string_user")
        if report.failed:
            self.cells[client][cell] = "FAIL"
        elif report.skipped:
            self.cells[client][cell] = "skip"
            self.reasons[client] = report.longrepr[2].removeprefix("Skipped: ")
        else:
            self.cells[client].setdefault(cell, "no" if "string_refused" in said else "ok")

    def result(self, client, test):
        cells = self.cells[client]
        came = set(cells.values())
        if test == "GUI":
            return "GUI: unproven"
        if "FAIL" in came:
            return "FAILED"
        if "skip" in came and "ok" not in came:
            return "skipped: " + self.reasons[client].removeprefix(f"{client}: ")
        if test != "yes" and FILE not in cells and "ok" in came:
            return "in part: " + self.reasons.get(client, "not proven")
        if test != "yes":
            return "file: read back" if "ok" in came else "no test"
        everywhere = {(place, password) for place in ("proxy", "verify-identity")
                      for password in PASSWORDS}
        if not everywhere <= set(cells) and FILE not in cells:
            return "not run"
        limits = sorted({place for (place, _), what in cells.items() if what == "skip"})
        return f"proven, but: {', '.join(limits)}" if limits else "proven"

    def line(self, client, test):
        cells = self.cells[client]
        places = ("/".join(cells.get((place, password), "-") for password in PASSWORDS)
                  for place in TARGETS)
        others = [came for (place, _), came in cells.items() if place not in TARGETS and came != "no"]
        good = f"{others.count('ok')}/{len(others)}" if others else "-"
        line = f"{client:24}" + "".join(f"{place:11}" for place in places)
        return f"{line}{good:8}{self.result(client, test)}"[:WIDTH].rstrip()

    def lines(self):
        yield "ok: it logged in, selected, prepared, sent 64 KB; with the golden / the Unicode password"
        yield "no: the string is refused, with the reason; other: plain, verify-ca, wrong CA and name"
        head = "".join(f"{target:11}" for target in TARGETS.values())
        yield f"{'client':24}{head}{'other':8}result"
        done = subprocess.run([built("app/tidblink"), "dsn", "--list", "--json"], check=True,
                              stdout=subprocess.PIPE, timeout=60)
        results = defaultdict(int)
        for row in json.loads(done.stdout):
            yield self.line(row["client"], row["test"])
            results[self.result(row["client"], row["test"]).split(":")[0].split(",")[0]] += 1
        yield ", ".join(f"{count} {result}" for result, count in sorted(results.items()))
