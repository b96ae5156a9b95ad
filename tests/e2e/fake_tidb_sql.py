# SPDX-License-Identifier: Apache-2.0
"""What the fake TiDB answers to commands: enough for drivers to log in and for tests to see whose
answer they got. Payloads only; see dev.mysql.com, "Text Resultset"."""
import re
import struct

from fake_tidb_wire import DEPRECATE_EOF, error, lenenc

(COM_QUIT, COM_INIT_DB, COM_QUERY, COM_FIELD_LIST, COM_STATISTICS, COM_PING, COM_CHANGE_USER,
 COM_STMT_CLOSE, COM_SET_OPTION, COM_RESET_CONNECTION) = (1, 2, 3, 4, 9, 14, 17, 25, 27, 31)
NUMBER, TEXT = 0x08, 0xFD  # column types
OK = b"\0\0\0\x02\0\0\0"   # nothing affected, autocommit, no warnings
EOF = b"\xfe\0\0\x02\0"

# What drivers ask for when they log in; anything else is "".
VARIABLES = {
    "auto_increment_increment": 1, "autocommit": 1, "character_set_client": "utf8mb4",
    "character_set_connection": "utf8mb4", "character_set_results": "utf8mb4",
    "character_set_server": "utf8mb4", "collation_connection": "utf8mb4_bin",
    "collation_server": "utf8mb4_bin", "init_connect": "", "interactive_timeout": 28800,
    "license": "Apache License 2.0", "lower_case_table_names": 2, "max_allowed_packet": 67108864,
    "net_buffer_length": 16384, "net_write_timeout": 60, "performance_schema": 0,
    "query_cache_size": 0, "query_cache_type": "OFF", "system_time_zone": "UTC",
    "sql_mode": "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
                "ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION",
    "time_zone": "SYSTEM", "transaction_isolation": "REPEATABLE-READ",
    "transaction_read_only": 0, "tx_isolation": "REPEATABLE-READ", "tx_read_only": 0,
    "version_comment": "TiDB Server (Apache License 2.0) Community Edition, MySQL 8.0 compatible",
    "wait_timeout": 28800}

NO_ANSWER = object()


def answer(session, command, body):
    """The payloads of the answer, one after the other."""
    if command == COM_QUERY:
        yield from _query(session, body.rstrip(b"\0").decode(errors="replace"))
    elif command in (COM_PING, COM_RESET_CONNECTION):
        yield OK
    elif command == COM_INIT_DB:
        session.database = body.decode(errors="replace")
        yield OK
    elif command == COM_CHANGE_USER:
        session.user = body.partition(b"\0")[0].decode(errors="replace")
        yield OK
    elif command in (COM_FIELD_LIST, COM_SET_OPTION):
        yield EOF
    elif command == COM_STATISTICS:
        yield b"Uptime: 1  Threads: 0  Questions: 0"
    elif command != COM_STMT_CLOSE:  # which has no answer
        yield error(1105, "HY000", f"command {command} not supported now")


def _query(session, text):
    bare = re.sub(r"/\*(?!!).*?\*/", "", text, flags=re.DOTALL).strip().rstrip(";").strip()
    word = re.match(r"\w*", bare)[0].upper()
    if word == "BULK":  # BULK rows size
        rows, size = map(int, bare.split()[1:])
        yield from resultset(session, [("bulk", TEXT)], ([b"x" * size] for _ in range(rows)))
    elif word == "FAIL":
        yield error(1064, "42000", "You have an error in your SQL syntax")
    elif word == "SELECT":
        yield from _select(session, text, bare)
    elif word == "SHOW":
        yield from _show(session, bare)
    elif word == "USE":
        session.database = bare.split(None, 1)[1].strip("`")
        yield OK
    else:
        yield OK


def _select(session, text, bare):
    """One row: of variables, literals and session functions, or else of the query's own text."""
    if bare.split()[1:] == ["$$"]:  # MySQL 9's client asks so whether $$ quotes, and wants an ERR
        yield error(1054, "42S22", "Unknown column '$$' in 'field list'")
        return
    items = _split(re.sub(r"(?i)\s+limit\s+\d+$", "", bare[len("SELECT"):].strip()))
    cells = [_evaluate(session, item) for item in items]
    if any(value is NO_ANSWER for _, value in cells):
        cells = [("echo", text)]
    columns = [(name, NUMBER if isinstance(value, int) else TEXT) for name, value in cells]
    yield from resultset(session, columns, [[_cell(value) for _, value in cells]])


def _split(text):
    """At commas that are neither quoted nor inside parentheses."""
    parts = re.findall(r"""(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\([^()]*\)|[^,])+""", text,
                       re.DOTALL)
    return [part.strip() for part in parts]


def _evaluate(session, item):
    """(column name, value) of an expression."""
    expression, alias, name = (re.split(r"(?i)\s+(as)\s+", item, maxsplit=1) + ["", ""])[:3]
    name = name.strip("`'\"") if alias else expression
    functions = {"DATABASE()": session.database, "SCHEMA()": session.database,
                 "USER()": f"{session.user}@{session.host}", "VERSION()": session.server.version,
                 "CURRENT_USER()": f"{session.user}@%", "CONNECTION_ID()": session.id,
                 "NULL": None}
    if re.fullmatch(r"-?\d+", expression):
        return name, int(expression)
    if match := re.fullmatch(r"""(['"])(.*)\1""", expression, re.DOTALL):
        return match[2] if not alias else name, re.sub(r"\\(.)", r"\1", match[2])
    if match := re.fullmatch(r"(?i)@@(?:(?:session|global)\.)?(\w+)", expression):
        known = {**VARIABLES, "version": session.server.version, "port": session.server.port}
        return name, known.get(match[1].lower(), "")
    return name, functions.get(expression.upper(), NO_ANSWER)


def _show(session, bare):
    like = re.search(r"(?i)like\s+'([^']*)'", bare)
    what = bare.upper()
    if "VARIABLES" in what or "STATUS" in what:
        known = VARIABLES if "VARIABLES" in what else {
            "Ssl_cipher": session.cipher or "", "Ssl_version": session.tls_version or ""}
        rows = [[name.encode(), str(value).encode()] for name, value in known.items()
                if not like or re.fullmatch(like[1].replace("%", ".*"), name, re.IGNORECASE)]
        yield from resultset(session, [("Variable_name", TEXT), ("Value", TEXT)], rows)
    else:
        names = ("Level", "Code", "Message") if "WARNINGS" in what else ("Name",)
        yield from resultset(session, [(name, TEXT) for name in names], [])


def _cell(value):
    return None if value is None else str(value).encode()


def _column(name, kind):
    charset = 63 if kind == NUMBER else 46  # binary, utf8mb4_bin
    return (lenenc(b"def") + lenenc(b"") * 3 + lenenc(name.encode()) * 2 +
            struct.pack("<BHIBHBH", 12, charset, 1 << 20, kind, 0, 0, 0))


def resultset(session, columns, rows):
    yield bytes([len(columns)])
    for name, kind in columns:
        yield _column(name, kind)
    modern = session.effective & DEPRECATE_EOF
    if not modern:
        yield EOF
    for row in rows:
        yield b"".join(b"\xfb" if cell is None else lenenc(cell) for cell in row)
    yield b"\xfe\0\0\x02\0\0\0" if modern else EOF
