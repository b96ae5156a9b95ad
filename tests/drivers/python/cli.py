# SPDX-License-Identifier: Apache-2.0
"""The `mariadb` or the `mysql` command-line client, driven the way clients.py drives every client.

The first argument says which; options of the client itself (--skip-ssl) are between it and the
action."""
import hashlib
import os
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "e2e"))
from mysql_root import mysql_client  # noqa: E402

name, *options, action = sys.argv[1:]
env = os.environ
query = "DO 0" if action == "print-error" else env["TIDBLINK_TEST_QUERY"]
ca = f"--ssl-ca={env['TIDBLINK_TEST_CA']}"
TLS = {
    "mariadb": {"default": [], "off": ["--skip-ssl"], "on": ["--ssl"],
                "verify": ["--ssl", ca, "--ssl-verify-server-cert"]},
    "mysql": {"default": [], "off": ["--ssl-mode=DISABLED"], "on": ["--ssl-mode=REQUIRED"],
              "verify": [ca, "--ssl-mode=VERIFY_IDENTITY"]},
}
if env["TIDBLINK_TEST_SOCKET"]:
    options += ["--protocol=socket", f"--socket={env['TIDBLINK_TEST_SOCKET']}"]
else:
    options += ["--protocol=tcp", f"--host={env['TIDBLINK_TEST_HOST']}",
                f"--port={env['TIDBLINK_TEST_PORT']}"]
if env["TIDBLINK_TEST_KEY"] and name == "mysql":  # the other one asks for the key by itself
    options.append("--get-server-public-key")
start = ["mariadb", "--no-defaults"] if name == "mariadb" else mysql_client()
command = [
    *start, *options, *TLS[name][env["TIDBLINK_TEST_TLS"]], f"--user={env['TIDBLINK_TEST_USER']}",
    "--batch", "--raw", "--quick", "--skip-column-names", f"--execute={query}",
    env["TIDBLINK_TEST_DATABASE"]]
process = subprocess.Popen(
    command, stdout=subprocess.PIPE, env={**env, "MYSQL_PWD": env["TIDBLINK_TEST_PASSWORD"]})

digest, size = hashlib.sha256(), 0
while piece := process.stdout.read1(1 << 20):
    digest.update(piece)
    size += len(piece)
    if action != "result":
        sys.stdout.buffer.write(piece)
if process.wait() != 0:
    sys.exit(1)
if action == "result":
    print(digest.hexdigest(), size)
if action == "print-error":
    print("connected")
