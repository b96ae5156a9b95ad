# SPDX-License-Identifier: Apache-2.0
"""What each client prints for an ERR packet, word by word, as seen with Debian 12's versions and
the versions pinned in this folder. expected_output() is for every suite that refuses a client."""

MAX_TEXT_BYTES = 380  # the longest text that tidblink sends

# errno: (the name that mysql2 gives it, the SQLSTATE that MySQL Connector/J gives it when the
# packet has none)
CODES = {
    1040: ("ER_CON_COUNT_ERROR", "08004"),
    1042: ("ER_BAD_HOST_ERROR", "08S01"),
    1043: ("ER_HANDSHAKE_ERROR", "08S01"),
    1053: ("ER_SERVER_SHUTDOWN", "08S01"),
    1105: ("ER_UNKNOWN_ERROR", "HY000"),
    1130: ("ER_HOST_NOT_PRIVILEGED", "HY000"),
    3159: ("ER_SECURE_TRANSPORT_REQUIRED", "HY000"),
}
# What only a login that tidblink takes part in is refused with; so never without the marker.
LOGIN_CODES = {
    1159: ("ER_NET_READ_INTERRUPTED", "08S01"),
    1251: ("ER_NOT_SUPPORTED_AUTH_MODE", "08004"),
}

# Instead of the greeting, so without a `#state` marker. The .N are the cuts: libmariadb keeps 511
# bytes of a message, of its own wrapper and ours together 510. PyMySQL before 1.1 takes the first
# 6 bytes for a marker without looking at them.
BEFORE_GREETING = {
    "mariadb":
        "ERROR 2002 (HY000): Received error packet before completion of TLS handshake."
        " The authenticity of the following error cannot be verified: {errno} - {text:.385}\n",
    "mariadb-skip-ssl":
        "ERROR {errno} (HY000): {text:.511}\n",
    "mysql":
        "ERROR {errno} (HY000): {text:.511}\n",
    "pymysql":
        "pymysql.err.OperationalError: ({errno}, {text_without_6!r})\n",
    "mysqlclient":
        "MySQLdb._exceptions.OperationalError: ({errno}, {text_to_511!r})\n",
    "mysqlclient-3.4":
        "MySQLdb._exceptions.OperationalError: ({errno}, {text_to_511!r})\n",
    "mariadb-connector-python":
        "mariadb.OperationalError: {text:.511} (errno: {errno}, sqlstate: HY000)\n",
    "mysql-connector-python":
        "mysql.connector.errors.DatabaseError: {errno} (HY000): {text:.511}\n",
    "mysql-connector-python-pure":
        "mysql.connector.errors.DatabaseError: {errno}: {text}\n",
    "mysql2":
        "Error: {text} {{ code: '{name}', errno: {errno}, sqlState: '' }}\n",
    "go-sql-driver":
        "Error {errno}: {text}\n",
    # The number is lost: an application that looks at it sees -1.
    "mariadb-connector-j":
        "java.sql.SQLNonTransientConnectionException: Could not connect to"
        " HostAddress{{host='{host}', port={port}, type='master'}}. {text}\n"
        "Caused by: java.sql.SQLException: {text}\n"
        "SQL Error: -1, SQLState: 08000\n",
    "mysql-connector-j":
        "java.sql.{mysql_exception}: {state_meaning},  message from server: \"{text}\"\n"
        "SQL Error: {errno}, SQLState: {state}\n",
}

# After the client's answer to the greeting, with the marker.
AFTER_GREETING = {
    "mariadb":
        "ERROR {errno} ({state}): {text:.511}\n",
    "mariadb-skip-ssl":
        "ERROR {errno} ({state}): {text:.511}\n",
    "mysql":
        "ERROR {errno} ({state}): {text:.511}\n",
    "pymysql":
        "pymysql.err.OperationalError: ({errno}, {text!r})\n",
    "mysqlclient":
        "MySQLdb._exceptions.OperationalError: ({errno}, {text_to_511!r})\n",
    "mysqlclient-3.4":
        "MySQLdb._exceptions.OperationalError: ({errno}, {text_to_511!r})\n",
    "mariadb-connector-python":
        "mariadb.OperationalError: {text:.511} (errno: {errno}, sqlstate: {state})\n",
    "mysql-connector-python":
        "mysql.connector.errors.{connector_exception}: {errno} ({state}): {text:.511}\n",
    "mysql-connector-python-pure":
        "mysql.connector.errors.{connector_exception}: {errno} ({state}): {text}\n",
    "mysql2":
        "Error: {text} {{ code: '{name}', errno: {errno}, sqlState: '{state}' }}\n",
    "go-sql-driver":
        "Error {errno} ({state}): {text}\n",
    "mariadb-connector-j":
        "java.sql.{mariadb_exception}: Could not connect to"
        " address=(host={host})(port={port})(type=master) : (conn={connection_id}) {text}\n"
        "Caused by: java.sql.{mariadb_exception}: (conn={connection_id}) {text}\n"
        "SQL Error: {errno}, SQLState: {state}\n",
    "mysql-connector-j":
        "java.sql.{mysql_exception}: {text}\n"
        "SQL Error: {errno}, SQLState: {state}\n",
}

STATE_MEANINGS = {
    "08004": "Connection exception, SQL-server rejected establishment of SQL-connection",
    "08S01": "MySQL-defined, Communication link failure",
    "HY000": "CLI-specific condition",
}


def expected_output(client, errno, text, state=None, host="127.0.0.1", port=0, connection_id=0):
    """The client's whole stderr. `state`: the packet's marker; None: refused before the greeting.

    `host` and `port` are what the client was told to connect to, `connection_id` is the
    greeting's: MariaDB Connector/J prints them."""
    name, implied_state = {**CODES, **LOGIN_CODES}[errno]
    template = (BEFORE_GREETING if state is None else AFTER_GREETING)[client]
    state = state or implied_state
    lost = state.startswith("08")
    return template.format(
        errno=errno, name=name, state=state, state_meaning=STATE_MEANINGS[state],
        text=text, text_without_6=text[6:], text_to_511=text[:511],
        host=host, port=port, connection_id=connection_id,
        connector_exception="OperationalError" if lost else "DatabaseError",
        mysql_exception="SQLNonTransientConnectionException" if lost else "SQLException",
        mariadb_exception=f"SQL{'NonTransient' if lost else 'Transient'}ConnectionException")
