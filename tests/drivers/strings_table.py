# SPDX-License-Identifier: Apache-2.0
"""Client x target x result: what became of the strings of every client of the catalogue, printed at
the end of the run. Made from the reports alone, which xdist brings from wherever a test ran."""
import json
import subprocess
from collections import defaultdict

from built import built

TARGETS = {"proxy": "proxy", "socket": "socket", "verify-identity": "direct"}
MUST = ("proxy", "verify-identity")
PASSWORDS = ("golden", "unicode")
FILE = (None, None)  # of a client whose file is read back: it connects to nothing
WIDTH = 100


def name_cell(item):
    """A test of strings/ says which cell it is about, before anything of it can fail."""
    if item.path.parent.name == "strings" and hasattr(item, "callspec"):
        server = ", MySQL" if item.path.stem.endswith("_mysql") else ""
        for name in ("client", "place", "user"):
            if name in item.callspec.params:
                value = item.callspec.params[name] + (server if name == "place" else "")
                item.user_properties.append((f"string_{name}", value))


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
        everywhere = {(place, password) for place in MUST for password in PASSWORDS}
        if not everywhere <= set(cells) and FILE not in cells:
            return "ok in the short form" if "ok" in came else "not run"
        lacks = list(self.lacks(cells))
        return f"proven, not: {', '.join(lacks)}" if lacks else "proven"

    def lacks(self, cells):
        """What its row refuses or this machine's version cannot do, of what every client should."""
        refused = {cell for cell, came in cells.items() if came == "no" and cell[0] in MUST}
        for password in PASSWORDS:
            if {(place, password) for place in MUST} <= refused:
                yield password
                refused -= {(place, password) for place in MUST}
        yield from sorted({TARGETS[place] for place, _ in refused} |
                          {place for (place, _), came in cells.items() if came == "skip"})

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
        yield "no: the string is refused, with the reason"
        yield "other: plain, verify-ca, MySQL as the server; another CA, another name, no TLS are noticed"
        head = "".join(f"{target:11}" for target in TARGETS.values())
        yield f"{'client':24}{head}{'other':8}result"
        done = subprocess.run([built("app/tidblink"), "dsn", "--list", "--json"], check=True,
                              stdout=subprocess.PIPE, timeout=60)
        results = defaultdict(int)
        for row in json.loads(done.stdout):
            yield self.line(row["client"], row["test"])
            results[self.result(row["client"], row["test"]).split(":")[0]] += 1
        yield "; ".join(f"{count} {result}" for result, count in sorted(results.items()))
