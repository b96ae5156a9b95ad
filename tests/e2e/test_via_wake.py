# SPDX-License-Identifier: Apache-2.0
"""--via after sleep, and without a word: the jump's name is looked up anew, and an ssh master whose connection is dead,
which it does not know yet, lets nobody wait."""
import contextlib
import os
import signal
from pathlib import Path

import pymysql
import pytest

import client
from built import linux_only
from clocks import Clocks
from jumps import FAR_NAME, Socks, Ssh, descendants, far_side
from namespaces import Namespace
from proxy import ORDERS, Proxy
from servers import Server
from test_via import connect, query, refusal, through, world  # noqa: F401
from test_via_programs import served, wait_until

# The portable build looks at its clocks every two seconds, which the test's do not change.
pytestmark = linux_only("CLOCK_BOOTTIME and timerfd")
SLEPT = "info the machine slept for_s=3600"


@contextlib.contextmanager
def asleep(world, jump, **options):
    with Clocks() as clocks, through(world, jump, env=clocks.env(), **options) as proxy:
        def sleep():
            mark = proxy.mark()
            clocks.sleep(3600)
            proxy.wait_log(SLEPT, after=mark)
        yield proxy, sleep


def sessions(jump):
    """sshd's, which hold the connections; the listener is none of them."""
    found = []
    for number in descendants(jump.process.pid):
        with contextlib.suppress(OSError):
            words = (Path("/proc") / str(number) / "cmdline").read_bytes()
            if words.startswith(b"sshd") and b"[listener]" not in words:
                found.append(number)
    assert found, jump.log_text()
    return found


def silence(jump):
    """As when the network is another one: packets are lost without a word."""
    numbers = sessions(jump)
    for number in numbers:
        os.kill(number, signal.SIGSTOP)
    return numbers


def asked(jump):
    """How often sshd was asked for what is not there."""
    return jump.log_text().count("connect_to 127.0.0.1 port 1: failed")


def test_a_dead_master_lets_nobody_wait(world):
    """The next connection logs in anew; the ones of before end."""
    with Ssh() as jump, asleep(world, jump, dial_budget="20s") as (proxy, sleep):
        old = connect(proxy)
        query(old, "SELECT 1")
        silence(jump)
        sleep()
        with connect(proxy) as connection:
            assert query(connection, "SELECT 2") == ((2,),)
            proxy.wait_log(r"info ssh.s shared connection does not answer.* via=ssh://bastion")
            assert jump.logins() == 2
            with pytest.raises(pymysql.err.OperationalError):
                query(old, "SELECT 3")
            proxy.wait_log(r"info ssh.s shared connection has ended.* via=ssh://bastion")
            assert query(connection, "SELECT 4") == ((4,),)
        # The old master took its own socket with it, and the new one is in use.
        with connect(proxy) as connection:
            assert query(connection, "SELECT 5") == ((5,),)
        assert jump.logins() == 2
        assert len(list(jump.dir.glob("tidblink-ssh.*/m*"))) == 1
        proxy.stop_program()
        assert not list(jump.dir.glob("tidblink-ssh.*"))


def test_a_master_that_answers_stays(world):
    with Ssh() as jump, asleep(world, jump) as (proxy, sleep):
        with connect(proxy) as connection:
            query(connection, "SELECT 1")
            sleep()
            wait_until(lambda: asked(jump) == 1, "the master was asked")
            assert query(connection, "SELECT 2") == ((2,),)
            with connect(proxy) as other:
                assert query(other, "SELECT 3") == ((3,),)
        assert jump.logins() == 1
        assert "shared connection" not in proxy.log_text()


def test_a_master_that_answers_late_is_used_again(world):
    """As when the Wi-Fi joins seconds after the machine woke up: who had to type a password to log in
    need not again."""
    with Ssh() as jump, asleep(world, jump) as (proxy, sleep):
        with connect(proxy) as connection:
            query(connection, "SELECT 1")
            numbers = silence(jump)
            sleep()
            proxy.wait_log(r"info ssh.s shared connection does not answer.* via=ssh://bastion")
            for number in numbers:
                os.kill(number, signal.SIGCONT)
            proxy.wait_log(r"info ssh.s shared connection answers again via=ssh://bastion")
            assert query(connection, "SELECT 2") == ((2,),)
            with connect(proxy) as other:
                assert query(other, "SELECT 3") == ((3,),)
        assert jump.logins() == 1


def test_a_dead_master_of_which_nothing_told(world):
    """A router that has forgotten the connection: one client waits in vain, the next is served."""
    with Ssh() as jump, through(world, jump, dial_budget="5s") as proxy:
        with served(proxy) as connection:
            query(connection, "SELECT 1")
        silence(jump)
        assert "it has not answered in time" in refusal(proxy)
        proxy.wait_log(r"info ssh.s shared connection does not answer.* via=ssh://bastion")
        with served(proxy) as connection:
            assert query(connection, "SELECT 2") == ((2,),)
        assert jump.logins() == 2


def test_a_dead_master_in_another_network(cloud):
    """Which way ssh takes is not known here: any change of addresses is reason to ask."""
    with contextlib.closing(Namespace()) as home, home.inside(), Server() as server, Ssh() as jump:
        section = {"host": FAR_NAME, "port": server.port, "via": jump.via}
        with Proxy(cloud, {"far": section}, {"state-source": "none", "threads": 1,
                                             "dial-budget": "20s"}, jump.environment) as proxy:
            def greeted():
                near = client.connect(proxy.port("far"))
                client.read_greeting(near)
                return near, server.accept()
            near, far = greeted()
            silence(jump)
            home.ip("link", "add", "other0", "type", "bridge")
            home.ip("address", "add", "172.18.0.1/16", "dev", "other0")
            home.ip("link", "set", "other0", "up")
            proxy.wait_log(r"info ssh.s shared connection does not answer.* via=ssh://bastion")
            for sock in (*greeted(), near, far):
                sock.close()
            assert jump.logins() == 2


def test_the_jumps_name_is_looked_up_anew(world, tmp_path):
    """At once, and not when the old address has failed."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.1.9 jump.example\n")
    with Socks() as jump, Clocks() as clocks, Proxy(
            world, {"orders": {**ORDERS, "via": f"socks5h://jump.example:{jump.port}"}},
            {"threads": 1}, clocks.env(), wrapper=far_side(hosts)) as proxy:
        proxy.wait_verdict("allow")
        proxy.wait_log(r" resolved .*first=127\.0\.1\.9\b")
        hosts.write_text("127.0.0.1 jump.example\n")
        mark = proxy.mark()
        clocks.sleep(3600)
        proxy.wait_log(r" resolved .*first=127\.0\.0\.1\b", after=mark)
        with connect(proxy) as connection:
            assert query(connection, "SELECT 1") == ((1,),)
