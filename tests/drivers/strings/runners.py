# SPDX-License-Identifier: Apache-2.0
"""How the example program of each client is run as it is printed, and why it cannot be.

    runner = RUNNERS["pymysql"]
    runner.why_not()                    # None, or why its tests are skipped
    runner.run(program, folder, env)    # (exit code, standard output, standard error)

A runner with `types_password` is given the `password` as well: nothing that is printed holds it. One
with `has_example = False` is given the string itself: the client is no language. One that `migrates` is
given the string too, and runs programs.MIGRATION: the test looks into the table. `write_string(string,
folder)` puts the string where the example reads it from.

Each runners_LANGUAGE.py has its part of RUNNERS, and where needed of

    OVER_ANOTHER    clients over a driver that goes through all places itself: only some of them
    SLOW_TO_REFUSE  clients that try for long: another name is enough
    REFUSED         (client, place, password): what its row says that it cannot do
    LIMITS          (client, place): what the version that is to be had here cannot do, a skip
    OUT_OF_REACH    client: why its packages are not to be had here, which is a skip by name"""
import importlib
from pathlib import Path

from scenes import LONG

PARTS = [importlib.import_module(path.stem)
         for path in sorted(Path(__file__).resolve().parent.glob("runners_*.py"))]
RUNNERS, LIMITS, OUT_OF_REACH = {}, {}, {}
OVER_ANOTHER, SLOW_TO_REFUSE, REFUSED = set(), set(), set()
for part in PARTS:
    RUNNERS |= part.RUNNERS
    LIMITS |= getattr(part, "LIMITS", {})
    OUT_OF_REACH |= getattr(part, "OUT_OF_REACH", {})
    OVER_ANOTHER |= set(getattr(part, "OVER_ANOTHER", ()))
    SLOW_TO_REFUSE |= set(getattr(part, "SLOW_TO_REFUSE", ()))
    REFUSED |= set(getattr(part, "REFUSED", ()))

PLACES = ("proxy", "socket", "plain", "verify-identity", "verify-ca", "another authority",
          "another name", "no TLS")
WORKING, FAILING = PLACES[:5], PLACES[5:]
# Of a client over another one.
ITS_PLACES = ("proxy", "socket", "verify-identity", "another authority", "another name")
PASSWORDS = ("golden", "unicode")
SHORT = {("proxy", "golden"), ("verify-identity", "unicode"), ("another name", "unicode")}


def cells(places):
    """(client, place, password) that are tried: each through the proxy and straight, with one of the
    passwords each, and against a server of another name; in the long form all."""
    return [(client, place, password) for client in RUNNERS for place in places
            if (client not in OVER_ANOTHER or place in ITS_PLACES)
            and (client not in SLOW_TO_REFUSE or place != "another authority")
            for password in (PASSWORDS if place in WORKING else PASSWORDS[1:])
            if LONG or (place, password) in SHORT]


def is_refused(client, place, password):
    """Whether its row may say no to it."""
    return bool({(client, place, password), (client, place, None), (client, None, password)}
                & REFUSED)


def proven():
    """Whose string goes through the proxy and, verifying, straight, unless its row says no to that."""
    return {client for client in RUNNERS
            if not {(client, "proxy"), (client, "verify-identity")} & {*LIMITS}}


def proven_everywhere():
    """Those of them to whose string the row says no nowhere, for neither password."""
    return {client for client in proven()
            if not any(is_refused(client, place, password)
                       for place in ("proxy", "verify-identity") for password in PASSWORDS)}
