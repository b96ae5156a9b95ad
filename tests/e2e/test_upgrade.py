# SPDX-License-Identifier: Apache-2.0
"""tidblink upgrade and tidblink reload --upgrade: the command's copy takes over and stays."""
import os
import shutil
import signal
import subprocess
import time

import client
from built import built, linux_only
from certs import Authority
from emulator import ENDPOINT
from proxy import Proxy
from scenes import running
from test_takeover import WAIT_SECONDS, find_pid, server, still_serves  # noqa: F401


def command(proxy, *words, program=None):
    return subprocess.run([program or built("app/tidblink"), *words, "--config",
                           proxy.dir / "tidblink.conf"],
                          env=proxy.env, capture_output=True, text=True, timeout=WAIT_SECONDS,
                          check=False)


def end(pid):
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + WAIT_SECONDS
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not os.path.exists(f"/proc/{pid}")


def test_the_command_upgrade(cloud, server):  # noqa: F811
    with running(cloud) as proxy:
        proxy.write_config()
        port = proxy.port()
        log = open(proxy.dir / "upgrade.log", "wb")
        process = subprocess.Popen([built("app/tidblink"), "upgrade", "--config",
                                    proxy.dir / "tidblink.conf"], env=proxy.env, stderr=log)
        assert process.wait(WAIT_SECONDS) == 0
        pid = find_pid(proxy.dir / "admin.sock")
        try:
            assert pid not in (proxy.process.pid, process.pid)
            assert proxy.wait() == 0
            with client.connect(port) as near:
                client.read_greeting(near)
        finally:
            end(pid)


def test_upgrade_with_a_key_of_the_environment(cloud, server):  # noqa: F811
    """The new process is a copy of the command, whose environment no longer has the key."""
    with running(cloud, api_public_key_file=None, api_private_key_file=None, wrapper=[
            "/usr/bin/env", "TIDBCLOUD_PUBLIC_KEY=demo-public",
            "TIDBCLOUD_PRIVATE_KEY=demo-private"]) as proxy:
        proxy.env.update(TIDBCLOUD_PUBLIC_KEY="demo-public", TIDBCLOUD_PRIVATE_KEY="demo-private")
        log = proxy.dir / "upgrade.log"
        with open(log, "wb") as out:
            assert subprocess.run([built("app/tidblink"), "upgrade", "--config",
                                   proxy.dir / "tidblink.conf"], env=proxy.env, stderr=out,
                                  timeout=WAIT_SECONDS, check=False).returncode == 0, \
                log.read_text()
        pid = find_pid(proxy.dir / "admin.sock")
        try:
            assert proxy.wait() == 0
            cloud.patch(f"endpoints/{ENDPOINT}", state="FAILED")
            deadline = time.monotonic() + WAIT_SECONDS
            while " verdict=refuse " not in log.read_text():  # the API tells the new one as well
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
        finally:
            end(pid)


@linux_only("/dev/fd of folders")
def test_credentials_of_the_running_one(tmp_path):
    """systemd shows a service's credentials to the process that it has started, and an empty place at
    the same path to one that ExecReload= starts: the files come from the running one. Twice."""
    folder, away = tmp_path / "credentials", tmp_path / "away"
    folder.mkdir()
    authority = Authority()
    authority.write(folder / "ca.pem")
    authority.issue(["localhost"], folder / "cert.pem", folder / "key.pem")
    orders = {"host": "127.0.0.1", "port": "1", "tls-ca": folder / "ca.pem"}
    with Proxy(None, {"orders": orders}, {
            "state-source": "none", "client-tls-cert": folder / "cert.pem",
            "client-tls-key": folder / "key.pem"}, env={"CREDENTIALS_DIRECTORY": str(folder)}) as proxy:
        folder.rename(away)
        former = proxy.process.pid
        try:
            for number in range(2):
                with open(tmp_path / f"log{number}", "w+", encoding="utf-8") as log:
                    done = subprocess.run(
                        [built("app/tidblink"), "upgrade", "--config", proxy.dir / "tidblink.conf"],
                        env={**os.environ, "CREDENTIALS_DIRECTORY": str(folder)}, stderr=log,
                        timeout=WAIT_SECONDS, check=False)
                    log.seek(0)
                    assert done.returncode == 0, log.read()
                pid = find_pid(proxy.dir / "admin.sock")
                assert pid != former
                former = pid
            assert proxy.wait() == 0
            assert proxy.admin("/reload", "POST")[0] == 200
        finally:
            if former != proxy.process.pid:
                end(former)


@linux_only("way to tell program files apart")
def test_reload_upgrades_only_another_program(cloud, server, tmp_path):  # noqa: F811
    with running(cloud) as proxy:
        assert command(proxy, "reload", "--upgrade").returncode == 0
        proxy.wait_log("configuration reloaded")
        assert find_pid(proxy.dir / "admin.sock") == proxy.process.pid
        newer = tmp_path / "tidblink"
        shutil.copy(built("app/tidblink"), newer)
        with open(tmp_path / "log", "wb") as log:
            assert subprocess.run([newer, "reload", "--upgrade", "--config",
                                   proxy.dir / "tidblink.conf"], env=proxy.env, stderr=log,
                                  timeout=WAIT_SECONDS, check=False).returncode == 0
        pid = find_pid(proxy.dir / "admin.sock")
        try:
            assert pid != proxy.process.pid
            assert proxy.wait() == 0
            assert os.readlink(f"/proc/{pid}/exe") == str(newer)
        finally:
            end(pid)


def test_reload_upgrades_with_the_words_of_proxy(tmp_path):
    """A unit whose ExecStart= names clusters and options has them in its ExecReload= as well: without
    them the new process would close the listeners of the old one."""
    clusters = {alias: {"host": "127.0.0.1", "port": "1"} for alias in ("orders", "more")}
    newer = tmp_path / "tidblink"
    shutil.copy(built("app/tidblink"), newer)
    with Proxy(None, clusters, {"state-source": "none"}) as proxy:
        words = ["orders", "--listen", f"127.0.0.1:{proxy.port('orders')}"]
        result = command(proxy, "reload", *words)
        assert result.returncode == 2 and "with --upgrade" in result.stderr
        with open(tmp_path / "log", "wb") as log:
            assert subprocess.run([newer, "reload", "--upgrade", "--config",
                                   proxy.dir / "tidblink.conf", *words], env=proxy.env, stderr=log,
                                  timeout=WAIT_SECONDS, check=False).returncode == 0
        pid = find_pid(proxy.dir / "admin.sock")
        try:
            assert proxy.wait() == 0
            text = (tmp_path / "log").read_text()
            assert f" listening cluster=orders address=127.0.0.1:{proxy.port('orders')} " in text
            assert "listening cluster=more" not in text
        finally:
            end(pid)


def test_who_reads_what_it_prints_is_not_kept(cloud, server):  # noqa: F811
    """The new process holds neither standard output nor input: "$(tidblink upgrade)", ssh, pipes end."""
    with running(cloud) as proxy, open(proxy.dir / "upgrade.log", "wb") as log:
        done = subprocess.run([built("app/tidblink"), "upgrade", "--config",
                               proxy.dir / "tidblink.conf"], env=proxy.env, stderr=log,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, timeout=WAIT_SECONDS,
                              check=False)
        pid = find_pid(proxy.dir / "admin.sock")
        try:
            assert (done.returncode, done.stdout) == (0, b"")
        finally:
            end(pid)


def test_at_a_terminal_the_log_goes_on_where_it_was(cloud, server):  # noqa: F811
    """Whoever upgrades leaves the terminal; what is wrong before is said there."""
    with running(cloud) as proxy:
        ours, theirs = os.openpty()
        try:
            assert subprocess.run([built("app/tidblink"), "upgrade", "--config",
                                   proxy.dir / "tidblink.conf"], env=proxy.env, stderr=theirs,
                                  timeout=WAIT_SECONDS, check=False).returncode == 0
            pid = find_pid(proxy.dir / "admin.sock")
            try:
                proxy.wait_log(" taken over: ")
                assert proxy.process.wait(WAIT_SECONDS) == 0
                mark = proxy.mark()
                cloud.patch(f"endpoints/{ENDPOINT}", state="FAILED")
                proxy.wait_log(" verdict=refuse ", after=mark)
                said = os.read(ours, 65536).decode()
                assert " starting " in said and " taken over: " not in said
            finally:
                end(pid)
        finally:
            os.close(ours)
            os.close(theirs)


@linux_only("/proc")
def test_a_new_process_that_is_killed_before_it_serves(cloud, server):  # noqa: F811
    """By the kernel, for want of memory, for one."""
    with running(cloud) as proxy:
        proxy.clusters["orders"]["host"] = "silent.example.com"
        proxy.options["dns-servers"] = "127.0.0.1:9"
        proxy.write_config()
        upgrade = subprocess.Popen([built("app/tidblink"), "upgrade", "--config",
                                    proxy.dir / "tidblink.conf"], env=proxy.env,
                                   stderr=subprocess.PIPE, text=True)
        said = upgrade.stderr.readline()
        while " sandbox " not in said:
            assert (line := upgrade.stderr.readline()), said
            said += line
        pids = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
                if is_of(pid, proxy) and pid not in (proxy.process.pid, upgrade.pid)]
        assert len(pids) == 1, pids
        os.kill(pids[0], signal.SIGKILL)
        _, rest = upgrade.communicate(timeout=WAIT_SECONDS)
        assert upgrade.returncode == 1
        assert "the new process was killed before it served, and the running proxy goes on" in rest
        proxy.wait_log("the take-over has failed, and this process goes on")
        still_serves(proxy)


def is_of(pid, proxy):
    """A process with this configuration."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return str(proxy.dir / "tidblink.conf").encode() in file.read().split(b"\0")
    except OSError:
        return False


def test_an_upgrade_that_fails(cloud, server):  # noqa: F811
    with running(cloud) as proxy:
        conf = proxy.write_config()
        conf.write_text(conf.read_text() + "\n[cluster other]\nhost = x.example.com\n"
                        "cluster-id = 1379661944646413143\nlisten = 127.0.0.1:1\n"
                        if os.geteuid() else conf.read_text().replace(
                            "listen = 127.0.0.1:0", "listen = 127.0.0.1:0, 192.0.2.1:1"))
        result = command(proxy, "upgrade")
        assert result.returncode in (1, 2) and result.stderr
        still_serves(proxy)


def test_upgrade_without_a_proxy(cloud, server):  # noqa: F811
    with running(cloud) as proxy:
        proxy.signal(signal.SIGTERM)
        assert proxy.wait() == 0
        result = command(proxy, "upgrade")
        assert result.returncode == 1 and "no proxy with this configuration runs" in result.stderr
