# SPDX-License-Identifier: Apache-2.0
"""What a real bash offers with the completion that the build made."""
import os
import pty
import subprocess
import time

import pytest

from built import built, tethered
from complete import complete

SCRIPT = "deploy/tidblink"


def program(*words):
    return subprocess.run([built("app/tidblink"), *words], check=True, text=True,
                          stdout=subprocess.PIPE, timeout=30).stdout


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "tidblink.conf"
    path.write_text("# [cluster no]\n[cluster orders]\ncluster-id = 1\n\n  [ cluster  two words ]\n"
                    "[cluster it's]\n[cluster billing] ; a comment\n")
    return path


def offers(line, config=None):
    return complete(built(SCRIPT), line, {"TIDBLINK_CONFIG": str(config or "/nonexistent")})


def test_commands():
    listed = program("--help").split("commands:\n")[1].split("\n\n")[0]
    commands = [line.split()[0] for line in listed.splitlines()]
    assert offers("tidblink ") == [*commands, "--help", "--version"]
    assert offers("tidblink upg") == ["upgrade"]


def test_every_option_of_every_command():
    for command in offers("tidblink ")[:-2]:
        told = [word for word in program(command, "--help").replace(",", " ").split("\n")
                if word.startswith("  --")]
        options = {line.split()[0] for line in told}
        assert options <= set(offers(f"tidblink {command} --")), command


def test_choices():
    levels = ["error", "warn", "info", "debug", "trace"]
    assert offers("tidblink proxy --log-level ") == levels
    assert offers("tidblink proxy --log-level=") == levels
    assert offers("tidblink proxy --log-level=d") == ["debug"]
    assert offers("tidblink proxy --check --log-level d") == ["debug"]
    assert offers("tidblink wait --for ") == ["started", "live", "ready", "active"]
    # The same name, another meaning.
    assert "verify-full" in offers("tidblink proxy --tls ")
    assert "verify-identity" in offers("tidblink dsn --tls ")
    assert offers("tidblink proxy --hold-timeout ") == []


def test_clients():
    assert offers("tidblink dsn --client pymysq") == ["pymysql"]
    assert offers("tidblink dsn --client jdbc,pymysq") == ["jdbc,pymysql"]
    assert offers("tidblink dsn lint pymysq") == ["pymysql"]
    assert "rails" in offers("tidblink connect --env ")
    assert offers("tidblink connect --env mysql,rai") == ["mysql,rails"]


def test_clusters_of_the_configuration(config):
    all_of_them = ["orders", "two\\ words", "it\\'s", "billing"]
    assert offers("tidblink status ", config) == all_of_them
    assert offers("tidblink status b", config) == ["billing"]
    assert offers(f"tidblink status --config {config} ") == all_of_them
    assert offers(f"tidblink status --config={config} o") == ["orders"]
    assert offers("tidblink endpoint create ", config) == all_of_them
    assert offers("tidblink endpoint ", config)[:2] == ["command", "create"]
    assert offers("tidblink wait --max 3s o", config) == ["orders"]
    assert offers("tidblink wait --json o", config) == ["orders"]
    assert offers("tidblink status ") == []


def test_files(config, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    assert offers(f"tidblink proxy --config {tmp_path}/tid") == [str(config)]
    assert offers(f"tidblink proxy --state-dir {tmp_path}/") == [str(folder)]
    assert offers(f"tidblink proxy --state-source file:{tmp_path}/tid") == [str(config)]
    assert set(offers(f"tidblink proxy --tls-ca {tmp_path}/")) == {str(config), str(folder)}


def test_another_command_behind_two_dashes():
    assert "mariadb-dump" in offers("tidblink connect orders -- mariadb-d")
    before = "_command_offset() { COMPREPLY=(\"offset $1\"); }"
    assert complete(built(SCRIPT), "tidblink connect orders -- mariadb -", before=before) == ["offset 4"]


def read_until(terminal, words, seen=b"", seconds=30):
    deadline = time.monotonic() + seconds
    while words not in seen:
        assert time.monotonic() < deadline, seen.decode()
        seen += os.read(terminal, 4096)
    return seen


def test_a_key_at_a_terminal(config, tmp_path):
    """Readline itself: one tab."""
    environment = {"PATH": f"{built('app/tidblink').parent}:/usr/bin:/bin", "HOME": str(tmp_path),
                   "TIDBLINK_CONFIG": str(config), "TERM": "dumb", "PS1": "ready> "}
    terminal, slave = pty.openpty()
    with subprocess.Popen(tethered(["bash", "--norc", "--noprofile", "-i"]), env=environment,
                          stdin=slave, stdout=slave, stderr=slave, start_new_session=True) as bash:
        os.close(slave)
        read_until(terminal, b"ready> ")
        os.write(terminal, f"source {built(SCRIPT)}; complete -p tidblink\n".encode())
        read_until(terminal, b"complete -F _tidblink tidblink\r\nready> ")
        os.write(terminal, b"tidblink status tw\t--js\t")
        read_until(terminal, b"tidblink status two\\ words --json ")
        bash.kill()
    os.close(terminal)
