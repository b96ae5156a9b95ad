# SPDX-License-Identifier: Apache-2.0
"""The package on a machine that runs systemd: the service's whole life, with a cloud (the emulator)
and a database (MariaDB) on the loopback addresses of its network."""
import re
import socket
import subprocess
import threading
import time
from pathlib import Path

import pymysql
import pytest

from conftest import deb
from emulator import CLUSTER, ENDPOINT, Emulator
from machine import Machine, why_not
from mariadb import MariaDB
from namespaces import Namespace

PORT = 4000
UNIT = "tidblink.service"
DRAINING = "this proxy is shutting down: draining"
CONFIG = """\
api-url = {api}
api-ca = /etc/tidblink/api-ca.pem
dns-servers = {dns}
allow-loopback = on
aws-cli = off
poll-interval = 1s
poll-interval-changing = 200ms
drain-timeout = 60s
log-level = {level}

[cluster orders]
cluster-id = 1379661944646413143
endpoint-id = vpce-0a1b2c3d4e5f67890
listen = 127.0.0.1:4000, unix:/run/tidblink/orders.sock
"""


@pytest.fixture(scope="module")
def network():
    found = Namespace()
    yield found
    found.close()


@pytest.fixture(scope="module")
def cloud(network):
    with network.inside(), Emulator() as emulator:
        emulator.settings(requestsPerMinute=1000000)
        emulator.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
        yield emulator


@pytest.fixture(scope="module")
def database(network, cloud):
    with network.inside(), MariaDB() as server:
        server.add_user("app", "secret")
        cloud.patch(f"clusters/{CLUSTER}", port=server.port)
        yield server


@pytest.fixture(scope="module")
def machine(installed, network, cloud, database):
    if why_not():
        pytest.skip(why_not())
    with Machine(installed, network) as booted:
        yield booted
    # What configure() wrote is nothing that a purge removes.
    for path in ("etc/tidblink/tidblink.conf", "etc/tidblink/api-ca.pem",
                 *(f"etc/credstore/tidbcloud-{part}-key" for part in ("public", "private"))):
        (installed.root / path).unlink(missing_ok=True)


def configure(machine, cloud, level="info", more=""):
    machine.write("/etc/tidblink/api-ca.pem", Path(cloud.ca).read_text())
    host, port = cloud.dns
    machine.write("/etc/tidblink/tidblink.conf",
                  CONFIG.format(api=cloud.api_url, dns=f"{host}:{port}", level=level) + more)
    for part in ("public", "private"):
        machine.write(f"/etc/credstore/tidbcloud-{part}-key", f"demo-{part}\n", mode=0o600)


@pytest.fixture
def served(machine, cloud):
    """The service runs, freshly started, and a connection is possible."""
    configure(machine, cloud)
    machine.run("systemctl", "reset-failed", UNIT)
    machine.must("systemctl", "restart", UNIT)
    machine.must("tidblink", "wait", "--for", "active")
    yield machine
    machine.must("systemctl", "stop", UNIT)


def connect(network):
    with network.inside():
        return pymysql.connect(host="127.0.0.1", port=PORT, user="app", password="secret",
                               connect_timeout=30)


def one(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT CONNECTION_ID()")
        return cursor.fetchone()[0]


def test_without_a_configuration_it_is_skipped(machine):
    """Installed, enabled, and neither running nor failed."""
    assert machine.show(UNIT, "UnitFileState") == "enabled"
    machine.must("systemctl", "start", UNIT)
    assert machine.show(UNIT, "ActiveState") == "inactive"
    assert machine.show(UNIT, "ConditionResult") == "no"
    assert machine.must("systemctl", "--failed", "--quiet", "--no-legend") == ""


def test_it_serves(served, network):
    with connect(network) as connection:
        assert one(connection)
    pid = served.show(UNIT, "MainPID")
    assert served.must("stat", "-c", "%U", f"/proc/{pid}") == "tidblink\n"
    status = served.must("cat", f"/proc/{pid}/status")
    for line in ("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1",
                 "Seccomp:\t2"):
        assert line in status, status
    # All of the lock-down that the kernel has goes through the unit's own filter.
    assert "sandbox landlock=none" not in served.journal(UNIT)


def test_whose_the_files_are(served):
    said = served.must("stat", "-c", "%A %U:%G %n", "/run/tidblink/admin.sock",
                       "/run/tidblink/orders.sock", "/var/lib/tidblink",
                       "/var/lib/tidblink/state.json")
    assert said.splitlines() == [
        "srw------- tidblink:tidblink /run/tidblink/admin.sock",
        "srw-rw---- tidblink:tidblink /run/tidblink/orders.sock",
        "drwx------ tidblink:tidblink /var/lib/tidblink",
        "-rw------- tidblink:tidblink /var/lib/tidblink/state.json"]
    # The key is root's on disk, and the service's alone in memory.
    assert served.run("runuser", "-u", "tidblink", "--", "cat",
                      "/etc/credstore/tidbcloud-private-key")[0] != 0
    assert "private" not in served.must("cat", "/proc/self/mounts")


def test_an_application_of_the_group_may_use_the_socket(served):
    served.must("useradd", "--system", "--groups", "tidblink", "shop")
    served.must("useradd", "--system", "stranger")
    for user, may in (("shop", True), ("stranger", False)):
        code, said = served.run("runuser", "-u", user, "--", "test", "-w",
                                "/run/tidblink/orders.sock")
        assert (code == 0) == may, said


def test_the_commands_of_root_find_it(served):
    """Its admin socket and its key, with nothing said."""
    served.must("tidblink", "wait", "--for", "live", "--max", "5s")
    said = served.must("tidblink", "status")
    assert "ACTIVE" in said
    assert "orders" in served.must("tidblink", "clusters")


def test_reload(served, network, cloud):
    pid = served.show(UNIT, "MainPID")
    with connect(network) as connection:
        number = one(connection)
        configure(served, cloud, level="debug")
        served.must("systemctl", "reload", UNIT)
        assert one(connection) == number
        # A configuration that is not valid: systemctl fails, and the old one stays.
        served.write("/etc/tidblink/tidblink.conf", "hold-timeout = never\n")
        code, said = served.run("systemctl", "reload", UNIT)
        assert code != 0, said
        assert "hold-timeout" in served.journal(UNIT)
        assert one(connection) == number
    assert served.show(UNIT, "MainPID") == pid
    assert served.show(UNIT, "ActiveState") == "active"


def test_killed_it_comes_back(served, network):
    served.must("sh", "-c", f"kill -KILL {served.show(UNIT, 'MainPID')}")
    served.must("tidblink", "wait", "--for", "active", "--max", "60s")
    assert served.show(UNIT, "NRestarts") == "1"
    with connect(network) as connection:
        assert one(connection)


def test_stop_drains(served, network):
    connection = connect(network)
    connection.begin()  # between two statements it would end at once
    number = one(connection)
    served.must("systemctl", "stop", "--no-block", UNIT)
    assert one(connection) == number
    connection.close()
    served.must("systemctl", "stop", UNIT)
    assert served.show(UNIT, "Result") == "success"
    assert served.show(UNIT, "ActiveState") == "inactive"


def test_drain_ends_it_for_good(served):
    served.must("tidblink", "drain")
    served.must("systemctl", "stop", UNIT)  # waits until it has ended
    assert served.show(UNIT, "NRestarts") == "0"
    assert served.show(UNIT, "Result") == "success"


def test_a_jump_by_a_program(served, network, cloud):
    """A child of the service, within all of the unit's limits."""
    configure(served, cloud, more="via = command:bash -c 'exec 3<>/dev/tcp/127.0.0.1/$0; cat <&3 & "
                                  "cat >&3; kill $!' %p\n")
    served.must("systemctl", "restart", UNIT)
    served.must("tidblink", "wait", "--for", "ready")
    connection = connect(network)
    connection.begin()
    number = one(connection)
    assert "bash\n" in served.must("sh", "-c", "cat /proc/[0-9]*/comm")
    # A stop is told to tidblink, which lets the transaction come to its end, not to the program.
    served.must("systemctl", "stop", "--no-block", UNIT)
    assert one(connection) == number
    connection.commit()
    connection.close()
    served.must("systemctl", "stop", UNIT)
    assert served.show(UNIT, "Result") == "success"


def test_a_wrong_configuration_fails_the_start(served):
    served.write("/etc/tidblink/tidblink.conf", "[cluster orders]\nlisten = nowhere\n")
    code, _ = served.run("systemctl", "restart", UNIT)
    assert code != 0
    assert "listen: " in served.journal(UNIT)


class Knocking:
    """Connects again and again, from another thread; `failed` has what went wrong. Who is between
    tidblink and the cluster when a drain begins may be told so, where `told` allows it."""

    def __init__(self, network, told=""):
        self.network, self.told, self.count, self.failed = network, told, 0, []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self.over.is_set():
            try:
                with connect(self.network) as connection:
                    one(connection)
                self.count += 1
            except (OSError, pymysql.Error) as error:
                if not self.told or self.told not in repr(error):
                    self.failed.append(repr(error))

    def __enter__(self):
        self.thread.start()
        self.wait_more()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(60)

    def wait_more(self, count=5):
        """Until so many more were served."""
        goal, deadline = self.count + count, time.monotonic() + 60
        while self.count < goal:
            assert time.monotonic() < deadline and not self.failed, self.failed
            time.sleep(0.01)


def newer(package, folder, version):
    """The same package as another version, which dpkg installs as it does any."""
    folder.mkdir()
    subprocess.run(["dpkg-deb", "-R", package, folder / "unpacked"], check=True, timeout=60)
    control = folder / "unpacked/DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", f"Version: {version}", control.read_text()))
    made = folder / f"tidblink_{version}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", folder / "unpacked", made], check=True,
                   timeout=60, stdout=subprocess.DEVNULL)
    return made


def test_an_upgrade_of_the_package_refuses_nobody(served, network, packages, installed, tmp_path):
    before = served.show(UNIT, "MainPID")
    busy = connect(network)
    busy.begin()
    number = one(busy)
    (path,) = installed.bring(newer(deb(packages, "tidblink"), tmp_path / "newer", "9.9"))
    with Knocking(network) as knocking:
        said = served.must("dpkg", "-i", path)
        assert "did not take over" not in said
        knocking.wait_more()
    assert knocking.failed == []
    after = served.show(UNIT, "MainPID")
    assert after not in (before, "0")
    assert served.show(UNIT, "ActiveState") == "active"
    assert served.show(UNIT, "NRestarts") == "0"
    # A transaction stays with the former process until it is done.
    assert one(busy) == number
    # The new one is systemd's as the former was: a stop waits for it; and for what is on the former
    # one still, when the new one has nothing left.
    late = connect(network)
    late.begin()
    served.must("systemctl", "stop", "--no-block", UNIT)
    assert one(late) != number
    late.close()
    served.must("sh", "-c", "while journalctl --sync; ! journalctl --output=cat "
                            f"--unit={UNIT} | grep -q 'waiting for the end of the former'; do :; done")
    assert one(busy) == number
    busy.commit()
    busy.close()
    served.must("systemctl", "stop", UNIT)
    assert served.show(UNIT, "Result") == "success"


def test_an_upgrade_with_a_file_that_is_a_credential(served, network, installed, cloud):
    """systemd shows it to the process that it has started; the next ones have it from that."""
    drop_in = f"etc/systemd/system/{UNIT}.d/credential.conf"
    served.write(f"/{drop_in}", "[Service]\nLoadCredential=api-ca:/etc/tidblink/api-ca.pem\n"
                                "Environment=TIDBLINK_API_CA=%d/api-ca\n")
    served.must("systemctl", "daemon-reload")
    served.must("systemctl", "restart", UNIT)
    served.must("tidblink", "wait", "--for", "active")
    for _ in range(2):
        before = served.show(UNIT, "MainPID")
        served.must("cp", "--remove-destination", "/usr/bin/tidblink", "/usr/bin/tidblink.new")
        served.must("mv", "/usr/bin/tidblink.new", "/usr/bin/tidblink")
        served.must("systemctl", "reload", UNIT)
        assert served.show(UNIT, "MainPID") != before
        served.must("tidblink", "wait", "--for", "active")
        served.must("systemctl", "reload", UNIT)
    # Killed, the process that took over comes back as any, with the sockets of the store.
    kept = served.show(UNIT, "NFileDescriptorStore")
    served.must("sh", "-c", f"kill -KILL {served.show(UNIT, 'MainPID')}")
    served.must("tidblink", "wait", "--for", "active", "--max", "60s")
    assert served.show(UNIT, "NRestarts") == "1"
    assert served.show(UNIT, "NFileDescriptorStore") == kept == "2"
    (installed.root / drop_in).unlink()
    served.must("systemctl", "daemon-reload")


def test_the_watchdog_is_fed_after_an_upgrade_too(served, installed):
    """A short one; the upgrade is that of a program that is another file."""
    served.write(f"/etc/systemd/system/{UNIT}.d/watchdog.conf", "[Service]\nWatchdogSec=2s\n")
    served.must("systemctl", "daemon-reload")
    served.must("systemctl", "restart", UNIT)
    served.must("tidblink", "wait", "--for", "active")
    before = served.show(UNIT, "MainPID")
    served.must("cp", "--remove-destination", "/usr/bin/tidblink", "/usr/bin/tidblink.new")
    served.must("mv", "/usr/bin/tidblink.new", "/usr/bin/tidblink")
    served.must("systemctl", "reload", UNIT)
    after = served.show(UNIT, "MainPID")
    assert after != before
    # An event for every time that it was fed: three of them are more than the 2 s.
    fed = {served.show(UNIT, "WatchdogTimestampMonotonic")}
    deadline = time.monotonic() + 60
    while len(fed) < 4 and time.monotonic() < deadline:
        fed.add(served.show(UNIT, "WatchdogTimestampMonotonic"))
        time.sleep(0.05)
    assert len(fed) == 4
    assert served.show(UNIT, "MainPID") == after
    assert served.show(UNIT, "NRestarts") == "0"
    (installed.root / f"etc/systemd/system/{UNIT}.d/watchdog.conf").unlink()
    served.must("systemctl", "daemon-reload")


def test_who_connects_during_a_restart_waits(served, network):
    with Knocking(network, told=DRAINING) as knocking:
        for _ in range(3):
            served.must("systemctl", "restart", UNIT)
            knocking.wait_more()
    assert knocking.failed == []


def test_socket_activation(served, network):
    """The port is systemd's; the first client starts the service."""
    served.must("systemctl", "stop", UNIT)
    served.must("systemctl", "start", "tidblink.socket")
    assert served.show(UNIT, "ActiveState") == "inactive"
    with connect(network) as connection:
        assert one(connection)
    assert served.show(UNIT, "ActiveState") == "active"
    with Knocking(network, told=DRAINING) as knocking:
        served.must("systemctl", "restart", UNIT)
        knocking.wait_more()
    assert knocking.failed == []
    served.must("systemctl", "stop", "tidblink.socket", UNIT)


def test_a_removal_ends_the_socket_as_well(served, network, packages, installed):
    served.must("systemctl", "stop", UNIT)
    served.must("systemctl", "start", "tidblink.socket")
    with connect(network) as connection:
        assert one(connection)
    served.must("dpkg", "--remove", "tidblink")
    for unit in (UNIT, "tidblink.socket"):
        assert served.show(unit, "ActiveState") in ("inactive", "failed"), unit
    with network.inside(), pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", PORT), 10)
    (path,) = installed.bring(deb(packages, "tidblink"))
    served.must("dpkg", "--install", path)
    assert served.show(UNIT, "ActiveState") == "active"
