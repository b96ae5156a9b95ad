# SPDX-License-Identifier: Apache-2.0
"""Which certificates of a cluster are accepted, and what an application is told of the others. One
proxy has a section for each of them, so that it is started once."""
import contextlib
import datetime
import re
import signal

import pytest

from certs import EXPIRED, NOT_YET, Authority, self_signed
from fake_tidb import FakeTidb, Plan
from proxy import Proxy
from tls_scenes import RawClient, Refused, logged_in, proxy_for, proxy_of, refused, section

HOST = "127.0.0.1"
# The longest text that every client shows whole (tests/drivers).
TEXT_BYTES = 380
NEW_CA = ("Put this cluster's own CA certificate there (TiDB Cloud console: the cluster, Connect, "
          "CA cert). It is for ")
ANY_NAME = 'To accept any certificate of tls-ca, set "tls = verify-ca". It is for '
CLOCK = "Check this machine's clock"



def day(days):
    return (datetime.datetime.now(datetime.timezone.utc) +
            datetime.timedelta(days)).strftime("%Y-%m-%d")


class Shop:
    """Authorities and what they have signed, each in a server of its own."""

    def __init__(self, directory, stack):
        self.dir, self.stack = directory, stack
        self.authority, self.other = Authority(), Authority("another authority")
        self.clusters, self.servers = {}, {}
        self.ca = self.write("ca.pem", self.authority)
        self.other_ca = self.write("other.pem", self.other)

    def write(self, name, *authorities):
        path = self.dir / name
        parts = []
        for authority in authorities:
            authority.write(path)
            parts.append(path.read_bytes())
        path.write_bytes(b"".join(parts))
        return path

    def add(self, alias, pair, ca=None, **options):
        server = self.stack.enter_context(FakeTidb(pair))
        self.servers[alias] = server
        self.clusters[alias] = section(server, tls_ca=ca or self.ca, **options)

    def issue(self, *names, by=None, **options):
        return (by or self.authority).server(self.dir, list(names or [HOST]), **options)


def add_accepted(shop):
    shop.add("plain", shop.issue())
    shop.add("rsa", shop.issue(key="rsa"))
    shop.add("rsa-authority", shop.issue(by=(rsa := Authority("RSA authority", key="rsa"))),
             shop.write("rsa.pem", rsa))
    shop.add("several", shop.issue("a.example", "b.example", HOST))
    shop.add("ipv6-name", shop.issue("::1"), tls_server_name="::1")
    shop.add("other-spelling", shop.issue("::1"), tls_server_name="0:0:0:0:0:0:0:1")
    shop.add("name", shop.issue("db.example"), tls_server_name="db.example")
    shop.add("second-name", shop.issue("db.example"), tls_server_name="x.example, db.example")
    shop.add("upper-case", shop.issue("db.example"), tls_server_name="DB.Example")
    shop.add("absolute-name", shop.issue("db.example"), tls_server_name="db.example.")
    shop.add("wildcard", shop.issue("*.db.example"), tls_server_name="a.db.example")
    shop.add("any-name", shop.issue("db.example"), tls="verify-ca")
    shop.add("any-name-given", shop.issue("db.example"), tls="verify-ca",
             tls_server_name="x.example")
    shop.add("no-name-wanted", shop.issue(HOST, alternatives=False), tls="verify-ca")
    shop.add("two-authorities", shop.issue(by=shop.other),
             shop.write("both.pem", shop.authority, shop.other))
    shop.add("folder", shop.issue(by=shop.other), folder(shop))
    shop.add("chain", shop.issue(by=shop.authority.intermediate()))
    shop.add("long-chain", shop.issue(by=shop.authority.intermediate().intermediate("third")))
    below = shop.authority.intermediate()
    shop.add("intermediate-trusted", shop.issue(by=below), shop.write("below.pem", below))
    shop.add("chain-in-ca-file", shop.issue(by=below, chain=False),
             shop.write("whole.pem", shop.authority, below))
    own = self_signed(shop.dir, [HOST])
    shop.add("self-signed-trusted", own, own.ca)


def folder(shop):
    """As Kubernetes mounts one: links into a hidden folder. And one file more."""
    hidden = shop.dir / "folder" / "..data"
    hidden.mkdir(parents=True)
    shop.other.write(hidden / "ca.crt")
    (hidden.parent / "ca.crt").symlink_to("..data/ca.crt")
    shop.authority.write(hidden.parent / "no.suffix")
    return hidden.parent


ACCEPTED = ["plain", "rsa", "rsa-authority", "several", "ipv6-name", "other-spelling", "name",
            "second-name", "upper-case", "absolute-name", "wildcard", "any-name", "any-name-given",
            "no-name-wanted", "two-authorities", "folder", "chain", "long-chain",
            "intermediate-trusted", "chain-in-ca-file", "self-signed-trusted"]
SNI = {"name": "db.example", "second-name": "x.example", "upper-case": "DB.Example",
       "absolute-name": "db.example", "wildcard": "a.db.example", "any-name-given": "x.example"}


# As long as they are in real life.
LONG_HOST = "privatelink-19169283.abcdefghijkl.clusters.tidb-cloud.test"
LONG_NAMES = ["tidb-19.abcdefghijkl.clusters.tidb-cloud.test",
              "private-tidb.abcdefg.clusters.tidb-cloud.test"]
LONG_ISSUER = "TiDB Cloud Dedicated Issuing Certificate Authority 2"


def add_refused(shop):
    shop.add("wrong-authority", shop.issue(by=shop.other))
    shop.add("same-name-other-key", shop.issue(by=Authority()))
    shop.add("expired", shop.issue(valid=EXPIRED))
    shop.add("not-yet", shop.issue(valid=NOT_YET))
    shop.add("wrong-name", shop.issue("db.example", "10.1.2.3"))
    shop.add("wrong-ip", shop.issue("127.0.0.2"))
    shop.add("ip-as-name", shop.issue("db.example"), tls_server_name="127.0.0.1")
    shop.add("wildcard-of-host", shop.issue("*.db.example"),
             tls_server_name="privatelink-1.x.example")
    shop.add("wildcard-deep", shop.issue("*.db.example"), tls_server_name="a.b.db.example")
    shop.add("wildcard-of-ip", shop.issue("*.db.example"))
    shop.add("wildcard-of-nothing", shop.issue("*.db.example"), tls_server_name="db.example")
    shop.add("partial-wildcard", shop.issue("a*.db.example"), tls_server_name="abc.db.example")
    shop.add("common-name", shop.issue("x.example", common_name="db.example", alternatives=False),
             tls_server_name="db.example")
    shop.add("self-signed", self_signed(shop.dir, [HOST]))
    shop.add("chain-missing", shop.issue(by=shop.authority.intermediate(), chain=False))
    below = shop.authority.intermediate("expired intermediate", valid=EXPIRED)
    shop.add("expired-intermediate", shop.issue(by=below))
    old = Authority("expired authority", valid=EXPIRED)
    shop.add("expired-authority", shop.issue(by=old), shop.write("old.pem", old))
    shop.add("ca-only-wrong", shop.issue(by=shop.other), tls="verify-ca")
    shop.add("ca-only-expired", shop.issue(valid=EXPIRED), tls="verify-ca")
    shop.add("both-wrong", shop.issue("db.example", by=shop.other))
    shop.add("expired-and-misnamed", shop.issue("db.example", valid=EXPIRED))
    issuer = Authority(LONG_ISSUER)
    for alias, ca in ("long-names", shop.write("issuer.pem", issuer)), \
            ("long-names-wrong-authority", None):
        shop.add(alias, shop.issue(*LONG_NAMES, by=issuer), ca, tls_server_name=LONG_HOST)


ISSUER, OTHER = "issuer /CN=tidblink test authority", "issuer /CN=another authority"
NOT_FROM = f"(127.0.0.1) is not from tls-ca. {NEW_CA}"


def misnamed(expected, suggested, names):
    return (f"is not for {expected}. If it is the cluster's, set "
            f"\"tls-server-name = {suggested}\". It is for {names}, {ISSUER}, expires {day(30)}")


REFUSED = {
    "wrong-authority": [f"{NOT_FROM}127.0.0.1, {OTHER}, expires {day(30)}"],
    "same-name-other-key": [f"{NOT_FROM}127.0.0.1, {ISSUER}"],
    "expired": [f"expired on {day(-1)}. {CLOCK}", f"It is for 127.0.0.1, {ISSUER}"],
    "not-yet": ["not yet valid", CLOCK, f"It is for 127.0.0.1, {ISSUER}"],
    "wrong-name": [misnamed("127.0.0.1", "db.example", "db.example, 10.1.2.3")],
    "wrong-ip": [misnamed("127.0.0.1", "127.0.0.2", "127.0.0.2")],
    "ip-as-name": [misnamed("127.0.0.1", "db.example", "db.example")],
    "wildcard-of-host": [
        misnamed("privatelink-1.x.example", "privatelink-1.db.example", "*.db.example")],
    "wildcard-deep": [misnamed("a.b.db.example", "a.db.example", "*.db.example")],
    "wildcard-of-nothing": [misnamed("db.example", "db.db.example", "*.db.example")],
    "wildcard-of-ip": [misnamed("127.0.0.1", "tidb.db.example", "*.db.example")],
    "partial-wildcard": [f"is not for abc.db.example. {ANY_NAME}a*.db.example, {ISSUER}"],
    "common-name": [f"is not for db.example. {ANY_NAME}no host, {ISSUER}"],
    "self-signed": [f"{NOT_FROM}127.0.0.1, issuer /CN=127.0.0.1"],
    "chain-missing": [f"{NOT_FROM}127.0.0.1, issuer /CN=tidblink test intermediate"],
    "expired-intermediate": ["a CA certificate of cluster expired-intermediate expired on",
                             day(-1), ISSUER, "clock"],
    "expired-authority": ["a CA certificate of cluster expired-authority expired on", day(-1),
                          "issuer /CN=expired authority", "into tls-ca"],
    "ca-only-wrong": [f"{NOT_FROM}127.0.0.1, {OTHER}"],
    "ca-only-expired": [f"expired on {day(-1)}. {CLOCK}", ISSUER],
    "both-wrong": [f"{NOT_FROM}db.example, {OTHER}"],
    "expired-and-misnamed": [f"expired on {day(-1)}. {CLOCK}", f"It is for db.example, {ISSUER}"],
    "long-names": [f'is not for {LONG_HOST}. If it is the cluster\'s, set '
                   f'"tls-server-name = {LONG_NAMES[0]}". It is for '],
    "long-names-wrong-authority": [f"({LONG_HOST}) is not from tls-ca. {NEW_CA}"],
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with contextlib.ExitStack() as stack:
        shop = Shop(tmp_path_factory.mktemp("trust"), stack)
        add_accepted(shop)
        add_refused(shop)
        assert set(shop.clusters) == {*ACCEPTED, *REFUSED}
        shop.proxy = stack.enter_context(proxy_of(shop.clusters))
        yield shop


@pytest.mark.parametrize("alias", ACCEPTED)
def test_accepted(shop, alias):
    with logged_in(shop.proxy.port(alias)) as client:
        assert client.query("SELECT 'served'") == [b"served"]
    conn = shop.servers[alias].accept()
    assert conn.tls and conn.sni == SNI.get(alias)


@pytest.mark.parametrize("alias", REFUSED)
def test_refused(shop, alias):
    """The application's driver prints all that is needed, and the server has learned nothing of a
    login but the SSLRequest."""
    refusal = refused(shop.proxy.port(alias))
    assert (refusal.number, refusal.state) == (1105, "HY000")
    for words in ["tidblink: ", f"cluster {alias}", *REFUSED[alias]]:
        assert words in refusal.text
    assert len(refusal.text) <= TEXT_BYTES
    conn = shop.servers[alias].accept()
    conn.wait_ended()
    assert conn.response is None and b"app" not in conn.raw
    line = shop.proxy.wait_log(rf"connection closed .*cluster={alias} ").string
    assert "close=refused" in line and "error=tls" in line
    assert refusal.text.replace('"', '\\"') in line


def test_the_refusal_is_also_told_inside_of_the_clients_own_tls(shop):
    refusal = refused(shop.proxy.port("wrong-name"), tls=True)
    assert refusal.number == 1105 and "tls-server-name = db.example" in refusal.text


@pytest.mark.parametrize("alias", [
    "wrong-name", "wrong-ip", "ip-as-name", "wildcard-of-host", "wildcard-deep",
    "wildcard-of-nothing", "wildcard-of-ip", "long-names"])
def test_what_the_text_suggests_works(shop, alias):
    """The line is pasted into the configuration as it stands, and read by SIGHUP."""
    pasted = re.search(r'set "(tls-server-name) = ([^"]+)"\.',
                       refused(shop.proxy.port(alias)).text).groups()
    with proxy_of({alias: shop.clusters[alias]}) as proxy:
        assert refused(proxy.port(alias)).number == 1105
        proxy.clusters = {alias: {**proxy.clusters[alias], pasted[0]: pasted[1],
                                  "listen": proxy.address(alias)}}
        proxy.write_config()
        proxy.signal(signal.SIGHUP)
        proxy.wait_log("info configuration reloaded ")
        logged_in(proxy.port(alias)).sock.close()


def test_a_group_has_the_names_of_its_cluster(shop):
    server = shop.servers["name"]
    place = f"--host 127.0.0.1 --port {server.port} --listen 127.0.0.1:0"
    proxy = Proxy(None, {"orders": shop.clusters["name"]}, {"state-source": "none", "spares": 0},
                  wrapper=["sh", "-c", f'exec "$@" orders/batch {place}', "sh"])
    with contextlib.ExitStack() as stack:
        proxy.launch()
        stack.push(proxy)
        logged_in(proxy.port("orders/batch")).sock.close()
        assert server.conns[-1].sni == "db.example"


def test_without_any_name_verify_ca_is_suggested_and_works(shop):
    options = {**shop.clusters["common-name"], "tls": "verify-ca"}
    with proxy_of({"common-name": options}) as proxy:
        logged_in(proxy.port("common-name")).sock.close()


# ---- no TLS at all -------------------------------------------------------------------------------

@pytest.mark.parametrize("mode", ["verify-full", "verify-ca"])
def test_a_server_that_offers_no_tls(shop, mode):
    """Nobody vouches for the greeting: somebody in the middle may have taken the bit out of it."""
    with FakeTidb(shop.issue()) as server, \
            proxy_for(server, tls=mode, tls_ca=shop.ca) as proxy:
        server.plan = Plan(strip_ssl=True)
        with pytest.raises(Refused) as error:
            RawClient(proxy.port())
        assert (error.value.number, error.value.state) == (1105, None)
        for words in [f"at 127.0.0.1:{server.port} offers no TLS", "no password was sent",
                      "tidblink status orders"]:
            assert words in error.value.text
        conn = server.accept()
        conn.wait_ended()
        assert conn.raw == b""
        server.plan = Plan()
        logged_in(proxy.port()).sock.close()
