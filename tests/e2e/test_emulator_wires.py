# SPDX-License-Identifier: Apache-2.0
"""The emulator's live endpoints: what connections to an interface's address meet."""
import socket
import threading

import pytest

from aws_program import plain_aws
from aws_scenes import (
    APP_GROUP, DEFAULT_GROUP, MACHINE, SUBNET_D, addresses_of, aws, connect, create, quick_cloud)
from claims import claimed_port
from emulator import CLUSTER, GROUP

pytestmark = pytest.mark.skipif(not plain_aws(), reason="there is no aws program")
SOON_SECONDS = 0.3  # a connection on loopback that is not there by then gets no answer
LONG_SECONDS = 10


class Echo:
    """A backend: sends back what it got, in capitals, after the other side has ended."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.seen = 0
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.listener.getsockname()[1]

    def serve(self):
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            self.seen += 1
            threading.Thread(target=self.answer, args=(stream,), daemon=True).start()

    @staticmethod
    def answer(stream):
        with stream:
            try:
                stream.sendall(b"hello ")
                heard = b"".join(iter(lambda: stream.recv(65536), b""))
                stream.sendall(heard.upper())
            except OSError:
                pass


@pytest.fixture
def echo():
    echo = Echo()
    yield echo
    echo.listener.close()


@pytest.fixture
def port():
    with claimed_port(["127.77.1.4", "127.77.4.4"]) as port:
        yield port


@pytest.fixture
def cloud(echo, port):
    cloud = quick_cloud()
    cloud.patch(f"clusters/{CLUSTER}", port=port)
    cloud.patch(f"services/{GROUP}", backend=echo.address)
    yield cloud
    cloud.stop()


def dial(host, port, seconds=SOON_SECONDS):
    return socket.create_connection((host, port), timeout=seconds)


def fate(host, port):
    """What an attempt to connect meets."""
    try:
        with dial(host, port) as stream:
            stream.settimeout(LONG_SECONDS)
            return "open" if stream.recv(6) == b"hello " else "closed"
    except TimeoutError:
        return "silent"
    except ConnectionRefusedError:
        return "refused"


def talk(host, port, text):
    with dial(host, port, LONG_SECONDS) as stream:
        stream.sendall(text)
        stream.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: stream.recv(65536), b""))


def allow(aws, port, group=DEFAULT_GROUP, source=APP_GROUP):
    aws.ok("authorize-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port",
           str(port), "--source-group", source)


def wires(cloud):
    return [interface["wire"] for interface in cloud.get("interfaces")]


def test_silent_until_accepted_and_allowed(cloud, aws, port, echo):
    made = create(aws)["VpcEndpointId"]
    hosts = addresses_of(cloud, made)
    allow(aws, port)
    assert [fate(host, port) for host in hosts] == ["silent", "silent"]
    cloud.patch(f"vpcEndpoints/{made}", state="available")
    assert wires(cloud) == ["open", "open"]
    assert [fate(host, port) for host in hosts] == ["open", "open"]
    assert echo.seen == 2  # nobody but we came
    aws.ok("revoke-security-group-ingress", "--group-id", DEFAULT_GROUP, "--protocol", "tcp",
           "--port", str(port), "--source-group", APP_GROUP)
    assert wires(cloud) == ["silent", "silent"] and fate(hosts[0], port) == "silent"
    allow(aws, port)
    assert fate(hosts[0], port) == "open"


def test_bytes_and_half_close(cloud, aws, port):
    host = addresses_of(cloud, connect(cloud, aws))[0]
    allow(aws, port)
    assert talk(host, port, b"") == b"hello "
    assert talk(host, port, b"bytes") == b"hello BYTES"
    long = b"x" * (5 << 20)
    assert talk(host, port, long) == b"hello " + long.upper()
    with dial(host, port) as slow:  # does not read
        slow.settimeout(LONG_SECONDS)
        slow.sendall(long)
        slow.shutdown(socket.SHUT_WR)
        assert len(b"".join(iter(lambda: slow.recv(65536), b""))) == len(long) + 6


@pytest.mark.parametrize("rule, reaches", [
    ("tcp {port} from sg-0a1b2c3d4e5f60002", True), ("tcp {port} from 127.77.1.0/24", True),
    ("tcp {port} from 127.77.1.10/32", True), ("tcp {port} from 127.77.2.0/24", False),
    ("tcp 1-65535 from 0.0.0.0/0", True), ("all from 0.0.0.0/0", True),
    ("tcp from 0.0.0.0/0", True), ("udp {port} from 0.0.0.0/0", False),
    ("tcp 1 from 0.0.0.0/0", False), ("tcp {port} from sg-0a1b2c3d4e5f60001", False)])
def test_ingress_rules(cloud, aws, port, rule, reaches):
    connect(cloud, aws)
    cloud.patch(f"securityGroups/{DEFAULT_GROUP}", ingress=[rule.format(port=port)])
    assert wires(cloud)[0] == ("open" if reaches else "silent")


def test_egress_rules(cloud, aws, port):
    connect(cloud, aws)
    cloud.patch(f"securityGroups/{DEFAULT_GROUP}", ingress=["all from 0.0.0.0/0"])
    for rules, reached in ([], 0), ([f"tcp {port} to {DEFAULT_GROUP}"], 2), (
            [f"tcp {port} to 127.77.4.0/24"], 1), (["tcp 1 to 0.0.0.0/0"], 0), (
            ["all to 0.0.0.0/0"], 2):
        cloud.patch(f"securityGroups/{APP_GROUP}", egress=rules)
        assert wires(cloud).count("open") == reached, rules


def test_without_an_instance_a_rule_for_anybody_is_enough(cloud, aws, port):
    host = addresses_of(cloud, connect(cloud, aws))[0]
    assert fate(host, port) == "silent"
    cloud.remove(f"instance/{MACHINE}")
    cloud.patch(f"securityGroups/{DEFAULT_GROUP}", ingress=[f"tcp {port} from 10.0.0.0/8"])
    assert fate(host, port) == "open"


def test_one_dead_zone(cloud, aws, port):
    made = connect(cloud, aws)
    allow(aws, port)
    first, second = addresses_of(cloud, made)
    interface = cloud.get("interfaces")[0]["id"]
    with dial(first, port) as stream:
        assert stream.recv(6) == b"hello "
        cloud.patch(f"interfaces/{interface}", broken="silent")
        stream.sendall(b"x")
        stream.shutdown(socket.SHUT_WR)
        with pytest.raises(TimeoutError):
            stream.recv(1)
        assert (fate(first, port), fate(second, port)) == ("silent", "open")
        cloud.patch(f"interfaces/{interface}", broken="")
        stream.settimeout(LONG_SECONDS)
        assert stream.recv(1) == b"X"  # it was only frozen
    with dial(first, port) as stream:
        assert stream.recv(6) == b"hello "
        cloud.patch(f"interfaces/{interface}", broken="refuse")
        stream.settimeout(LONG_SECONDS)
        with pytest.raises(ConnectionResetError):
            stream.recv(1)
    assert (fate(first, port), fate(second, port)) == ("refused", "open")


def test_a_new_rule_does_not_end_what_flows(cloud, aws, port):
    host = addresses_of(cloud, connect(cloud, aws))[0]
    allow(aws, port)
    with dial(host, port, LONG_SECONDS) as stream:
        assert stream.recv(6) == b"hello "
        cloud.patch(f"securityGroups/{DEFAULT_GROUP}", ingress=[])
        assert fate(host, port) == "silent"
        stream.sendall(b"still")
        stream.shutdown(socket.SHUT_WR)
        assert stream.recv(5) == b"STILL"


def test_an_endpoint_that_goes_takes_its_connections(cloud, aws, port):
    cloud.settings(deletingSeconds=60)
    made = connect(cloud, aws)
    allow(aws, port)
    host = addresses_of(cloud, made)[0]
    with dial(host, port, LONG_SECONDS) as stream:
        assert stream.recv(6) == b"hello "
        aws.ok("delete-vpc-endpoints", "--vpc-endpoint-ids", made)
        with pytest.raises(ConnectionResetError):
            stream.recv(1)
    assert fate(host, port) == "silent"
    cloud.remove(f"vpcEndpoints/{made}")
    assert fate(host, port) == "refused"  # nothing is left there


def test_an_attempt_that_waits_gets_through_when_it_is_allowed(cloud, aws, port):
    host = addresses_of(cloud, connect(cloud, aws))[0]
    with socket.socket() as stream:
        stream.setblocking(False)
        assert stream.connect_ex((host, port)) != 0
        allow(aws, port)
        stream.settimeout(LONG_SECONDS)
        assert stream.recv(6) == b"hello "  # after the SYN was sent again


def test_backend_that_is_not_there(cloud, aws, port, echo):
    host = addresses_of(cloud, connect(cloud, aws))[0]
    allow(aws, port)
    echo.listener.close()
    with socket.create_server(("127.0.0.1", 0)) as gone:
        cloud.patch(f"services/{GROUP}", backend="127.0.0.1:%d" % gone.getsockname()[1])
    with pytest.raises(ConnectionResetError), dial(host, port, LONG_SECONDS) as stream:
        stream.recv(1)


def test_address_that_is_taken(cloud, aws, port):
    with socket.create_server(("127.77.4.4", port)):
        made = connect(cloud, aws)
        allow(aws, port)
        first, second = (i["wire"] for i in cloud.get("interfaces"))
        assert first == "open" and "already in use" in second
        assert "already in use" in cloud.log_text()
    cloud.patch(f"interfaces/{cloud.get('interfaces')[1]['id']}", broken="")  # tried again
    assert wires(cloud) == ["open", "open"]
    aws.ok("modify-vpc-endpoint", "--vpc-endpoint-id", made, "--remove-subnet-ids", SUBNET_D)
    assert fate("127.77.4.4", port) == "refused"


def test_only_loopback_is_touched(cloud, aws):
    cloud.patch(f"subnets/{SUBNET_D}", cidr="10.77.4.0/24")
    connect(cloud, aws)
    assert [i["address"] for i in cloud.get("interfaces")] == ["127.77.1.4", "10.77.4.4"]
    assert wires(cloud) == ["silent", ""]


def test_ends_with_connections(cloud, aws, port):
    host = addresses_of(cloud, connect(cloud, aws))[0]
    allow(aws, port)
    stream = dial(host, port)
    assert stream.recv(6) == b"hello "
    cloud.stop()  # fails when anything is left over
    stream.close()
