# SPDX-License-Identifier: Apache-2.0
"""The `mariadb` command-line client, driven the way clients.py drives every client.

Options of the client itself (--skip-ssl) are this program's arguments before the action."""
import hashlib
import os
import subprocess
import sys

options, action = sys.argv[1:-1], sys.argv[-1]
env = os.environ
query = "DO 0" if action == "print-error" else env["TIDBLINK_TEST_QUERY"]
command = [
    "mariadb", "--no-defaults", *options, f"--host={env['TIDBLINK_TEST_HOST']}",
    f"--port={env['TIDBLINK_TEST_PORT']}", "--protocol=tcp", f"--user={env['TIDBLINK_TEST_USER']}",
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
