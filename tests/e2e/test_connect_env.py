# SPDX-License-Identifier: Apache-2.0
"""tidblink connect --env: what each form's programs find, with a password that has every special
character; the option file; and where the password is not."""
import json
import os
import re
import signal
import stat
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from built import linux_only
from connecting import Connect, once, python
from mysql_root import root_command
from scenes import ready
from servers import Greeter

GOLDEN = "a@b:c/d?e#f[g]h!i$j&k'l(m)n*o+p,q;r=s%t\"u\\v w{x}y^z|<>~`"
SHOW = python("say(json.dumps(dict(os.environ)))")
FORMS = ["url", "mysql", "laravel", "spring", "rails", "django", "prisma", "symfony", "dotenv"]


@pytest.fixture
def server():
    with Greeter() as greeter:
        yield greeter


@pytest.fixture
def open_cloud(cloud, server):
    ready(cloud, server.port)
    return cloud


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "password"
    path.touch(mode=0o600)
    path.write_text(GOLDEN + "\n")
    return path


def shown(cloud, *words, **arguments):
    code, out, errors = once(cloud, *words, "--", *SHOW, **arguments)
    # Where passwords may go in the clear, the log warns.
    assert code == 0 and ("--socket" in words or errors == ""), errors
    return json.loads(out)


def of_url(url):
    """(scheme, user, password, host, port, database, query) as whoever decodes each part reads it."""
    parts = urlsplit(url)
    account, _, place = parts.netloc.rpartition("@")
    user, _, password = account.partition(":")
    host, _, port = place.partition(":")
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return (parts.scheme, unquote(user), unquote(password), unquote(host), port,
            unquote(parts.path[1:]), query)


URLS = {
    "url": ("mysql", {}), "rails": ("mysql2", {}), "django": ("mysql", {}), "prisma": ("mysql", {}),
    "symfony": ("mysql", {"serverVersion": "8.0.11-TiDB", "charset": "utf8mb4"}),
}


@pytest.mark.parametrize("form", URLS)
def test_forms_with_a_url(open_cloud, secret, form):
    env = shown(open_cloud, "--env", form, "--user", "app", "--database", "shop/1",
                "--password-file", secret)
    scheme, query = URLS[form]
    assert of_url(env["DATABASE_URL"]) == (
        scheme, "app", GOLDEN, "127.0.0.1", env["TIDBLINK_CONNECT_PORT"], "shop/1", query)


def test_url_is_what_a_command_gets_by_default(open_cloud):
    env = shown(open_cloud)
    assert env["DATABASE_URL"] == f"mysql://root@{env['TIDBLINK_CONNECT_ADDRESS']}/"
    assert env["TIDBLINK_CONNECT_ADDRESS"] == f"127.0.0.1:{env['TIDBLINK_CONNECT_PORT']}"
    assert "DATABASE_URL" not in shown(open_cloud, "--env", "none", env={})


@pytest.mark.parametrize("form, names", [
    ("laravel", {"DB_CONNECTION": "mysql", "DB_HOST": "127.0.0.1", "DB_PORT": "PORT", "DB_URL": "",
                 "DATABASE_URL": "", "DB_SOCKET": "", "DB_DATABASE": "shop", "DB_USERNAME": "app",
                 "DB_PASSWORD": GOLDEN}),
    ("spring", {"SPRING_DATASOURCE_URL": "jdbc:mysql://127.0.0.1:PORT/shop",
                "SPRING_DATASOURCE_USERNAME": "app", "SPRING_DATASOURCE_PASSWORD": GOLDEN}),
    ("mysql", {"MYSQL_HOST": "127.0.0.1", "MYSQL_TCP_PORT": "PORT", "MYSQL_PWD": GOLDEN}),
    ("dotenv", {"DB_HOST": "127.0.0.1", "DB_PORT": "PORT", "DB_USERNAME": "app",
                "DB_PASSWORD": GOLDEN, "DB_DATABASE": "shop"}),
])
def test_forms_with_a_variable_for_each_value(open_cloud, form, names):
    env = shown(open_cloud, "--env", form, "--user", "app", "--database", "shop", "--password-env",
                "GIVEN", env={"GIVEN": GOLDEN, "MYSQL_UNIX_PORT": "/elsewhere", "DB_URL": "mysql://x"})
    port = env["TIDBLINK_CONNECT_PORT"]
    wanted = {name: value.replace("PORT", port) for name, value in names.items()}
    assert {name: env.get(name) for name in names} == wanted
    assert form != "mysql" or "MYSQL_UNIX_PORT" not in env


def test_what_is_not_given_stays_as_it_was(open_cloud):
    before = {"DB_PASSWORD": "kept", "DB_DATABASE": "kept too", "MYSQL_PWD": "kept as well"}
    env = shown(open_cloud, "--env", "laravel, mysql", env=before)
    assert {name: env[name] for name in before} == before
    assert env["DB_HOST"] == env["MYSQL_HOST"] == "127.0.0.1"


@pytest.mark.parametrize("form, seen", [
    ("mysql", lambda env: (env["MYSQL_UNIX_PORT"], env.get("MYSQL_HOST"), env.get("MYSQL_TCP_PORT"))),
    ("laravel", lambda env: (env["DB_SOCKET"], None, None)),
    ("rails", lambda env: (of_url(env["DATABASE_URL"])[6]["socket"], None, None)),
    ("prisma", lambda env: (of_url(env["DATABASE_URL"])[6]["socket"], None, None)),
    ("django", lambda env: (of_url(env["DATABASE_URL"])[3], None, None)),
    ("symfony", lambda env: (unquote(of_url(env["DATABASE_URL"])[6]["unix_socket"]), None, None)),
])
def test_forms_over_a_unix_socket(open_cloud, tmp_path, form, seen):
    path = tmp_path / "a b+c.sock"
    env = shown(open_cloud, "--env", form, "--socket", path,
                env={"MYSQL_HOST": "elsewhere", "MYSQL_TCP_PORT": "1"})
    assert seen(env) == (str(path), None, None)


@pytest.mark.parametrize("form, name, place", [
    ("url", "DATABASE_URL", "ssl-ca"), ("rails", "DATABASE_URL", "sslca"),
    ("django", "DATABASE_URL", "ssl-ca"), ("laravel", "MYSQL_ATTR_SSL_CA", None)])
def test_the_clusters_ca(open_cloud, tmp_path, form, name, place):
    """Where TLS is the application's own, and it can be told of a CA."""
    ca = tmp_path / "the ca.pem"
    ca.write_bytes(Path(open_cloud.ca).read_bytes())
    env = shown(open_cloud, "--env", form, section={"tls-ca": ca, "tls": "passthrough"})
    assert (of_url(env[name])[6][place] if place else env[name]) == str(ca)


@pytest.mark.parametrize("form, name, words", [
    ("rails", "DATABASE_URL", "ssl_mode=disabled"), ("django", "DATABASE_URL", "ssl_mode=DISABLED"),
    ("spring", "SPRING_DATASOURCE_URL", "sslMode=DISABLED&allowPublicKeyRetrieval=true")])
def test_plaintext_is_said_where_the_proxy_speaks_tls(open_cloud, form, name, words):
    """Its clients would insist on TLS, or fetch no key for the password."""
    verifying = {"tls-ca": open_cloud.ca, "tls": "verify-full"}
    env = shown(open_cloud, "--env", form, section=verifying)
    assert env[name].endswith("/?" + words)
    env = shown(open_cloud, "--env", form, section={**verifying, "client-tls": "required"})
    assert env[name].endswith("/")


def test_a_form_that_cannot_name_the_ca_says_so(open_cloud, tmp_path):
    code, _, errors = once(open_cloud, "--env", "spring", "--", "true",
                           section={"tls-ca": open_cloud.ca, "tls": "passthrough"})
    assert code == 0
    assert "--env spring has no place for tls-ca: its clients do not verify the cluster" in errors


def test_a_password_that_a_form_cannot_carry(open_cloud):
    code, _, errors = once(open_cloud, "--env", "spring", "--password-env", "GIVEN", "--", "true",
                           env={"GIVEN": "a${b}c"})
    assert code == 2
    assert "--env spring: the password holds" in errors and "a${b}c" not in errors
    code, _, errors = once(open_cloud, "--env", "mysql", "--password-env", "GIVEN", "--", "true",
                           env={"GIVEN": "a\tb"})
    assert code == 2 and "control characters, which an option file cannot carry" in errors


# ---- the option file ------------------------------------------------------------------------------

@pytest.mark.parametrize("over", ["tcp", "socket"])
def test_real_clients_log_in_by_the_option_file(cloud, mariadb, secret, tmp_path, over):
    """MariaDB's; the variables are taken away, so that it is the file."""
    words = ["--socket", tmp_path / "o.sock"] if over == "socket" else []
    mariadb.add_user("golden", GOLDEN)
    ready(cloud, mariadb.port)
    ask = ("unset MYSQL_PWD MYSQL_HOST MYSQL_TCP_PORT MYSQL_UNIX_PORT; mariadb --skip-ssl -N "
           "-e 'SELECT CURRENT_USER(), DATABASE()' && mariadb-admin --skip-ssl ping")
    code, out, errors = once(cloud, *words, "--env", "mysql", "--user", "golden", "--database",
                             "test", "--password-file", secret, "--", "sh", "-c", ask,
                             env={"HOME": "/nonexistent"})
    assert (code, out) == (0, "golden@%\ttest\nmysqld is alive"), errors


def test_mysqls_own_clients_log_in_by_the_option_file(cloud, mysql97, secret):
    mysql97.add_user("golden", GOLDEN)
    ready(cloud, mysql97.port)
    alone = ["env", "-u", "MYSQL_PWD", "-u", "MYSQL_HOST", "-u", "MYSQL_TCP_PORT", "-u", "MYSQL_UNIX_PORT"]
    plugins = f"--plugin-dir={mysql97.root}/usr/lib/mysql/plugin"
    for program, *ask in (["mysql", "-N", "-e", "SELECT CURRENT_USER(), DATABASE()"],
                          ["mysqladmin", "ping"]):
        code, out, errors = once(
            cloud, "--env", "mysql", "--user", "golden", "--database", "test",
            "--password-file", secret, "--", *alone, *root_command(f"usr/bin/{program}"), plugins,
            *ask, env={"HOME": "/nonexistent"})
        assert (code, out) == (0, "mysqld is alive" if program == "mysqladmin" else "golden@%\ttest"), errors


def test_real_clients_log_in_by_the_variables(cloud, mariadb, secret):
    mariadb.add_user("golden", GOLDEN)
    ready(cloud, mariadb.port)
    ask = "mariadb --no-defaults --skip-ssl -u golden -N -e 'SELECT CURRENT_USER()'"
    code, out, errors = once(cloud, "--env", "mysql", "--password-file", secret, "--", "sh", "-c", ask)
    assert (code, out) == (0, "golden@%"), errors


FILE = python("folder = os.environ['MYSQL_HOME']",
              "say(json.dumps([folder, os.stat(folder).st_mode, os.stat(folder + '/my.cnf').st_mode,"
              " open(folder + '/my.cnf').read()]))", "wait()")


def file_of(connect):
    folder, folder_mode, mode, text = json.loads(connect.wait_out(r"^\[")[0] and connect.out.text)
    assert stat.S_IMODE(folder_mode) == 0o700 and stat.S_IMODE(mode) == 0o600
    return Path(folder), text


def test_the_option_file_is_closed_to_others_and_gone_afterwards(open_cloud, secret):
    words = ["--env", "mysql", "--password-file", secret, "--", *FILE]
    with Connect(open_cloud, *words) as connect:
        folder, text = file_of(connect)
        assert folder.parent == connect.dir  # XDG_RUNTIME_DIR
        escaped = GOLDEN.replace("\\", "\\\\").replace('"', '\\"')
        assert f'password="{escaped}"\n' in text
        connect.signal(signal.SIGTERM)
        assert connect.wait() == 128 + signal.SIGTERM
        assert not folder.exists()


def test_without_a_runtime_folder_it_is_in_tmp(open_cloud):
    with Connect(open_cloud, "--env", "mysql", "--", *FILE, env={"XDG_RUNTIME_DIR": ""}) as connect:
        folder, text = file_of(connect)
        assert folder.parent == Path("/tmp") and "password" not in text
        connect.signal(signal.SIGTERM)
        connect.wait()
        assert not folder.exists()


@linux_only("signal for the end of a parent")
def test_what_a_killed_one_left_is_removed_by_the_next(open_cloud, secret, tmp_path):
    env = {"XDG_RUNTIME_DIR": str(tmp_path)}
    words = ["--env", "mysql", "--password-file", secret, "--", *FILE]
    with Connect(open_cloud, *words, env=env) as alive, Connect(open_cloud, *words, env=env) as killed:
        kept, left = file_of(alive)[0], file_of(killed)[0]
        killed.process.kill()
        killed.wait()
        assert left.exists()
        assert once(open_cloud, "--env", "mysql", "--", "true", env=env)[0] == 0
        assert not left.exists() and kept.exists()


def test_a_command_that_cannot_be_run_leaves_no_file(open_cloud, tmp_path):
    env = {"XDG_RUNTIME_DIR": str(tmp_path / "run")}
    os.mkdir(tmp_path / "run")
    assert once(open_cloud, "--env", "mysql", "--", "/nonexistent/x", env=env)[0] == 127
    assert not os.listdir(tmp_path / "run")


# ---- where the password is not --------------------------------------------------------------------

def test_the_password_is_in_no_command_line_and_no_log(open_cloud, secret):
    look = python("me, parent = os.getpid(), os.getppid()",
                  "say('\\n'.join(open(f'/proc/{pid}/cmdline').read() for pid in (me, parent)))",
                  "say(str('DB_PASSWORD' in os.environ))")
    code, out, errors = once(
        open_cloud, "--env", ",".join(FORMS), "--password-file", secret, "--", *look,
        options={"log-level": "trace"})
    assert code == 0 and "True" in out.splitlines()
    assert "verdict" in errors
    for text in out, errors:
        assert GOLDEN not in text and not re.search("a%40b%3Ac", text)


def test_without_a_password_none_is_in_the_environment(open_cloud, secret):
    env = shown(open_cloud, "--env", ",".join(FORMS))
    assert not [name for name in env if "PWD" in name and name not in ("PWD", "OLDPWD")]
    assert not [name for name in env if "PASSWORD" in name]
    assert "root@" in env["DATABASE_URL"]
