# SPDX-License-Identifier: Apache-2.0
"""PyMySQL or mysqlclient (its module is MySQLdb), whichever the first argument names."""
import hashlib
import importlib
import os
import sys
import traceback

name, action = sys.argv[1:]
driver = importlib.import_module(name)
streaming = importlib.import_module(f"{name}.cursors").SSCursor
env = os.environ


def act():
    conn = driver.connect(
        host=env["TIDBLINK_TEST_HOST"], port=int(env["TIDBLINK_TEST_PORT"]),
        user=env["TIDBLINK_TEST_USER"], password=env["TIDBLINK_TEST_PASSWORD"],
        database=env["TIDBLINK_TEST_DATABASE"], cursorclass=streaming)
    if action == "print-error":
        print("connected")
        return
    digest, size = hashlib.sha256(), 0
    cursor = conn.cursor()
    cursor.execute(env["TIDBLINK_TEST_QUERY"])
    for row in cursor:
        line = f"{row[0]}\n".encode()
        digest.update(line)
        size += len(line)
        if action != "result":
            sys.stdout.buffer.write(line)
    if action == "result":
        print(digest.hexdigest(), size)


try:
    act()
except driver.Error as error:
    # The last line of the traceback that an application without a handler prints.
    sys.exit("".join(traceback.format_exception_only(type(error), error)).rstrip("\n"))
