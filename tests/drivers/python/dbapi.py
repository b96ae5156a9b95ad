# SPDX-License-Identifier: Apache-2.0
"""A Python driver; the first argument names its module: pymysql, MySQLdb (of mysqlclient),
mysql.connector, mysql.connector.pure (the same without its C part), mariadb (MariaDB
Connector/Python, with its C part)."""
import hashlib
import importlib
import os
import sys
import traceback
from pathlib import Path

name, action = sys.argv[1:]
driver = importlib.import_module(name.removesuffix(".pure"))
env = os.environ
tls, ca = env["TIDBLINK_TEST_TLS"], env["TIDBLINK_TEST_CA"]

# What each spells TLS like; nothing is said about it by default. "on" verifies nothing.
if name == "pymysql":
    TLS = {"off": {"ssl_disabled": True}, "on": {"ssl": {"check_hostname": False}},
           "verify": {"ssl": {"ca": ca}}}
elif name == "MySQLdb":
    # Debian's 1.4.6 knows no ssl_mode with MariaDB's library. "cipher" turns TLS on without a CA;
    # a 3.4 below it stops insisting on TLS when a file tells it to.
    TLS = {"off": {"read_default_file": str(Path(__file__).with_name("no-tls.cnf"))},
           "on": {"ssl": {"cipher": "ALL"}}, "verify": {"ssl": {"ca": ca}}}
elif name == "mariadb":
    TLS = {"off": {}, "on": {"ssl": True}, "verify": {"ssl_ca": ca, "ssl_verify_cert": True}}
else:
    TLS = {"off": {"ssl_disabled": True}, "on": {"ssl_disabled": False},
           "verify": {"ssl_ca": ca, "ssl_verify_cert": True, "ssl_verify_identity": True}}
options = {
    "user": env["TIDBLINK_TEST_USER"], "password": env["TIDBLINK_TEST_PASSWORD"],
    "database": env["TIDBLINK_TEST_DATABASE"], **TLS.get(tls, {})}
if env["TIDBLINK_TEST_SOCKET"]:
    options["unix_socket"] = env["TIDBLINK_TEST_SOCKET"]
else:
    options.update(host=env["TIDBLINK_TEST_HOST"], port=int(env["TIDBLINK_TEST_PORT"]))
if name.startswith("mysql.connector"):
    options["use_pure"] = name.endswith(".pure")
if name == "mariadb":
    options["plugin_dir"] = env["MARIADB_PLUGIN_DIR"]  # its own comes without plugins


def streaming_cursor(conn):
    """Row by row: as a rule they hold the whole result in memory."""
    if name in ("pymysql", "MySQLdb"):
        return conn.cursor(importlib.import_module(f"{name}.cursors").SSCursor)
    return conn.cursor(buffered=False)


def act():
    conn = driver.connect(**options)
    if action == "print-error":
        print("connected")
        return
    digest, size = hashlib.sha256(), 0
    cursor = streaming_cursor(conn)
    cursor.execute(env["TIDBLINK_TEST_QUERY"])
    for row in cursor:
        line = f"{row[0]}\n".encode()
        digest.update(line)
        size += len(line)
        if action != "result":
            sys.stdout.buffer.write(line)
    if action == "result":
        print(digest.hexdigest(), size)
    conn.close()


try:
    act()
except driver.Error as error:
    # The last line of the traceback that an application without a handler prints.
    sys.exit("".join(traceback.format_exception_only(type(error), error)).rstrip("\n"))
