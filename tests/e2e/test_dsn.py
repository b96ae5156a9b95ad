# SPDX-License-Identifier: Apache-2.0
"""tidblink dsn as a person meets it: which clients, which form, what becomes of a password."""
import json
import os
import pty
import subprocess
import termios

import pytest

from built import built, tethered
from certs import Authority

CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("TIDB")}
PLACE = ["--host", "10.0.0.1", "--port", "4000"]
HOLE = "<PASSWORD>"


def run(*arguments, stdin=None, stdout=subprocess.PIPE, umask=-1):
    words = [built("app/tidblink"), "dsn", *map(str, arguments)]
    given = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    return subprocess.run(words, env={**CLEAN, "HTTPS_PROXY": "http://127.0.0.1:1"}, stdout=stdout,
                          stderr=subprocess.PIPE, timeout=60, umask=umask, **given)


def text_of(*arguments):
    result = run(*arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout.decode()


# ---- which clients, which form ----------------------------------------------------------------

def test_neither_key_nor_network_with_host_and_port():
    assert text_of(*PLACE, "--client", "url") == f"mysql://root:{HOLE}@10.0.0.1:4000/\n"
    assert text_of(*PLACE, "--client", "url", "--direct", "--tls", "off") == (
        f"mysql://root:{HOLE}@10.0.0.1:4000/\n")


@pytest.mark.parametrize("words", [
    ["--client", "go,mysql,url"], ["--client", "go", "--client=mysql", "--client", "url"],
    ["--client", "go, mysql", "--client", "url,go"]])
def test_several_clients(words):
    rows = json.loads(text_of(*PLACE, *words, "--format", "json"))
    assert [row["client"] for row in rows] == ["go", "mysql", "url"]
    heads = [line for line in text_of(*PLACE, *words).splitlines() if line.startswith("# ")]
    assert heads == ["# go-sql-driver/mysql (go)", "# mysql command line (mysql)", "# URL (url)"]


@pytest.mark.parametrize("lines, words, is_off", [
    ("tls-ca = CA", [], True),
    ("tls-ca = CA\nclient-tls = required", [], False),
    ("tls-ca = CA\ntls = passthrough", ["--socket", "/run/x.sock"], None),
    ("tls-ca = CA", ["--host", "10.0.0.1"], False),   # not on this machine
    ("tls-ca = CA", ["--host", "localhost"], True),
    ("", [], False),                                  # the client's own TLS goes to the cluster
])
def test_plaintext_is_said_where_the_proxy_speaks_tls(tmp_path, lines, words, is_off):
    """Connector/J insists on a key or on TLS unless it is told; MySQL's prefers TLS by itself."""
    Authority().write(tmp_path / "ca.pem")
    config = tmp_path / "tidblink.conf"
    config.write_text("[cluster orders]\ncluster-id = 1\n" + lines.replace("CA", str(tmp_path / "ca.pem")))
    client = "jdbc" if is_off is not None else "go"
    text = text_of("orders", "--config", config, "--client", client, "--port", "4000", *words)
    assert ("sslMode=DISABLED&allowPublicKeyRetrieval=true" in text) == bool(is_off), text


def test_one_of_several_that_is_unknown_or_cannot():
    result = run(*PLACE, "--client", "go,pymsql")
    assert (result.returncode, result.stdout) == (2, b"")
    assert b'no client "pymsql"' in result.stderr
    rows = json.loads(text_of("--socket", "/run/x.sock", "--client", "url,go", "--json"))
    assert "no common form" in rows[0]["error"]
    assert "unix(/run/x.sock)" in rows[1]["text"]


def test_format_and_json_are_the_same():
    words = [*PLACE, "--client", "go"]
    assert text_of(*words, "--format", "json") == text_of(*words, "--json")
    assert text_of(*words, "--format", "text") == text_of(*words)
    result = run(*words, "--format", "xml")
    assert result.returncode == 2
    assert b"--format" in result.stderr


def test_list_is_grouped_by_kind():
    lines = text_of("--list").splitlines()
    assert lines[0].split() == ["KIND", "CLIENT", "NAME", "LANGUAGE", "TEST"]
    kinds = [line[:lines[0].index("CLIENT")].strip() for line in lines[1:]]
    assert list(dict.fromkeys(kinds)) == ["general", "command line", "driver", "ORM", "framework",
                                          "tool", "carrier"]
    assert kinds == sorted(kinds, key=list(dict.fromkeys(kinds)).index)
    assert any("Elixir" in line for line in lines)


def test_example_is_a_whole_program():
    program = text_of(*PLACE, "--client", "pymysql", "--example")
    compile(program, "example", "exec")
    assert HOLE in program
    rows = json.loads(text_of(*PLACE, "--client", "pymysql,params", "--example", "--json"))
    assert "SELECT" in rows[0]["text"]
    result = run(*PLACE, "--client", "params", "--example")
    assert (result.returncode, result.stdout) == (2, b"")
    assert b"no example program for it: tidblink dsn prints its string without --example" in (
        result.stderr)


# ---- passwords --------------------------------------------------------------------------------

@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "password"
    path.touch(mode=0o600)
    path.write_text("hun;ter@2\n")
    return path


def test_reveal_into_a_file_for_everybody_is_refused(tmp_path, secret):
    words = [*PLACE, "--client", "url", "--reveal", "--password-file", secret]
    path = tmp_path / "out"
    with path.open("wb") as out:
        path.chmod(0o644)
        result = run(*words, stdout=out)
    assert result.returncode == 2
    assert b"everybody on this machine may read (mode 0644)" in result.stderr
    assert b"Next: umask 077 before a new file, or chmod 600 for this one" in result.stderr
    assert path.read_bytes() == b""
    path.chmod(0o640)
    with path.open("wb") as out:
        assert run(*words, stdout=out).returncode == 0
    assert path.read_text() == "mysql://root:hun%3Bter%402@10.0.0.1:4000/\n"
    with path.open("wb") as out:  # a placeholder is for everybody
        path.chmod(0o644)
        assert run(*PLACE, "--client", "url", stdout=out).returncode == 0


def test_prompt_needs_a_terminal():
    result = run(*PLACE, "--client", "url", "--reveal", "--password-prompt")
    assert (result.returncode, result.stdout) == (2, b"")
    assert b"no terminal: expected --password-file or --password-env" in result.stderr


def test_one_source_of_the_password(secret):
    result = run(*PLACE, "--reveal", "--password-prompt", "--password-file", secret)
    assert result.returncode == 2
    assert b"--password-prompt" in result.stderr


@pytest.mark.parametrize("typed, code, out", [
    ("s\u00e9 cret", 0, "mysql://root:s%C3%A9%20cret@10.0.0.1:4000/\n"), ("\x03", 2, "")])
def test_prompt_shows_nothing_of_what_is_typed(typed, code, out):
    master, slave = pty.openpty()
    words = [built("app/tidblink"), "dsn", *PLACE, "--client", "url", "--reveal",
             "--password-prompt"]
    process = subprocess.Popen(tethered(words), env=CLEAN, stdin=slave, stderr=slave,
                               stdout=subprocess.PIPE, start_new_session=True)
    shown = b""
    while not shown.endswith(b"Password: "):
        shown += os.read(master, 100)
    os.write(master, typed.encode() + b"\n")
    assert process.communicate(timeout=60)[0].decode() == out
    assert process.returncode == code
    assert termios.tcgetattr(slave)[3] & termios.ECHO
    os.close(slave)
    try:
        shown += os.read(master, 4000)
    finally:
        os.close(master)
    assert b"cret" not in shown


# ---- lint -------------------------------------------------------------------------------------

def lint(client, text, *words):
    return run("lint", client, *words, stdin=text.encode() if isinstance(text, str) else text)


def test_lint_of_a_good_string():
    result = lint("go", "app:p@ss@tcp(127.0.0.1:4000)/shop?tls=true&x=1\n")
    assert (result.returncode, result.stderr) == (1, b"")  # tls=true against 127.0.0.1
    result = lint("go", "app:p@ss@tcp(10.0.0.1:4000)/shop?tls=true&x=1\n")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode().splitlines() == [
        "go-sql-driver/mysql (go) reads:",
        "  host      10.0.0.1",
        "  port      4000",
        "  user      app",
        "  password  yes (not shown)",
        "  database  shop",
        "  TLS       verifies the certificate and its name",
        "  others    tls = true",
        "            x = 1",
        "",
        "nothing wrong"]


def test_lint_names_the_place_the_reason_and_the_corrected_string():
    result = lint("mysql2-url", "mysql://app:HUNT/ER@db.example/shop")
    assert result.returncode == 1
    text = result.stdout.decode()
    assert "error at column 17: a raw / in the password" in text
    assert "no port" in text
    assert text.endswith("corrected:\nmysql://app:<PASSWORD>@db.example:4000/shop\n")
    assert "HUNT" not in text + result.stderr.decode()
    assert max(map(len, text.splitlines())) <= 80


def test_lint_as_json():
    result = lint("jdbc", "jdbc:mysql://10.0.0.1:4000/shop?user=app&password=x&useSSL=true",
                  "--format", "json")
    assert result.returncode == 1
    row = json.loads(result.stdout)
    assert (row["host"], row["port"], row["user"], row["database"], row["tls"]) == (
        "10.0.0.1", 4000, "app", "shop", "unverified")
    assert row["password"] is True
    assert row["parameters"] == {"useSSL": "true"}
    finding, = row["findings"]
    assert (finding["severity"], finding["code"], finding["column"]) == (
        "error", "tls-unverified", 53)
    assert row["corrected"] == ("jdbc:mysql://10.0.0.1:4000/shop?user=app&password=<PASSWORD>"
                                "&sslMode=VERIFY_IDENTITY")


def test_lint_of_source_code():
    code = """pymysql.connect(host="localhost", port="4000", user="app", password="HUNT\\tER")"""
    result = lint("pymysql", code)
    assert result.returncode == 1
    assert b"HUNT" not in result.stdout + result.stderr
    assert b"a backslash in the password makes a tab" in result.stdout
    assert b"the port is a text" in result.stdout
    assert b'pymysql.connect(host="127.0.0.1", port=4000, user="app"' in result.stdout


def test_lint_says_what_is_no_literal():
    code = "mysql.createConnection({ host: '127.0.0.1', port: 4000, user: 'app', password: process.env.PW })"
    result = lint("mysql2", code)
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"password  not a literal: its value is not known here" in result.stdout
    report = json.loads(lint("mysql2", code, "--json").stdout)
    assert (report["expressions"], report["findings"]) == (["password"], [])


def test_lint_of_a_file_names_the_line():
    result = lint("laravel", "DB_HOST=127.0.0.1\nDB_PORT=4000\nDB_PASSWORD=HUNT#ER\n")
    assert result.returncode == 1
    assert b"error at line 3, column 17: an unquoted #" in result.stdout
    assert b"HUNT" not in result.stdout


@pytest.mark.parametrize("words, stdin, text", [
    (["go", "app:HUNTER@tcp(h:1)/"], b"", b"the string comes on standard input"),
    ([], b"", b"which client? Expected dsn lint CLIENT"),
    (["pymsql"], b"", b'did you mean "pymysql"?'),
    (["navicat"], b"x", b"no host, socket or user in it"),
    (["login-path"], b"x", b"the login path itself is not text"),
    (["pymysql"], b"x", b"no host, user or password in it"),
    (["go"], b"", b"there is nothing to read"),
    (["go"], b"mysql://app:HUNTER@h:1/", b"a URL, which go refuses"),
    (["url"], b"HUNTER", b"no URL: expected mysql://"),
    (["url"], b"mysql://HUNT\xffER@h/", b"not UTF-8"),
    (["url"], b"x" * 65537, b"longer than 65536 bytes"),
])
def test_lint_that_cannot_be_done(words, stdin, text):
    result = run("lint", *words, stdin=stdin)
    assert (result.returncode, result.stdout) == (2, b"")
    assert text in result.stderr
    assert b"HUNT" not in result.stderr


def test_lint_finds_the_url_in_a_file():
    result = lint("prisma", "# of this app\nNODE_ENV=production\n"
                  "DATABASE_URL='mysql://app:x@127.0.0.1:4000/shop' # the proxy\nPORT=80\n")
    assert result.returncode == 0, result.stdout
    assert b"  database  shop\n" in result.stdout


def test_lint_reads_what_dsn_prints():
    for client in ["mysql", "jdbc", "go", "prisma", "mysqlconnector", "my-cnf", "odbc", "alembic"]:
        printed = text_of("--host", "127.0.0.1", "--port", "4000", "--tls", "off", "--client", client)
        result = lint(client, printed)
        assert result.returncode == 0, result.stdout
        assert b"nothing wrong" in result.stdout
