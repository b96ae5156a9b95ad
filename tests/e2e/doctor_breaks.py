# SPDX-License-Identifier: Apache-2.0
"""How each hop of doctor is broken, what it must say then, and what is done by hand where that is
no command. Used by test_doctor.py."""
import contextlib
import os
import socket
import ssl
import threading
from dataclasses import dataclass
from typing import Callable

import certs
from doctor_scene import (
    ENDPOINT_GROUP, IP_A, MACHINE, OTHER_ADDRESS, OTHER_GROUP, OTHER_SUBNET, OTHER_VPC, OWN_GROUP,
    SUBNET_A, SUBNET_B, SUBNET_D, VPC, VPCE)
from emulator import CLUSTER, ENDPOINT, GROUP, HOST, PRIVATE_KEY, PUBLIC_KEY
from fake_tidb import Plan


def patch(path, **fields):
    return lambda scene: scene.cloud.patch(path, **fields)


def becomes_active(path, state):
    return patch(path, state=state, then=[{"afterSeconds": 1, "state": "ACTIVE"}])


def both(*deeds):
    def all_of_them(scene):
        for deed in deeds:
            deed(scene)
    return all_of_them


def option(**options):
    return lambda scene: scene.set(**options)


def cluster_option(**options):
    return lambda scene: scene.set_cluster(**options)


def fault(does, **fields):
    return lambda scene: scene.cloud.fault(does, **fields)


def deny(*actions):
    return lambda scene: scene.cloud.add(
        "credentials", accessKeyId="AKIAEXAMPLE", denies=list(actions))


def without(path):
    return lambda scene: scene.cloud.remove(path)


def key_file(mode):
    return lambda scene: (scene.dir / "private.key").chmod(mode)


def write_key(text):
    return lambda scene: (scene.dir / "private.key").write_text(text)


def interfaces(broken, only=None):
    def set_them(scene):
        for interface in scene.cloud.get("interfaces"):
            if not only or interface["address"] == only:
                scene.cloud.patch(f"interfaces/{interface['id']}", broken=broken)
    return set_them


def server_plan(plan):
    return lambda scene: setattr(scene.server, "plan", plan)


def certificate(names, **options):
    return lambda scene: scene.server.use(scene.authority.server(scene.dir, names, **options))


def silent_server(scene):
    sock = scene.more.enter_context(socket.socket(type=socket.SOCK_DGRAM))
    sock.bind(("127.0.0.1", 0))
    return f"127.0.0.1:{sock.getsockname()[1]}"


def own_server(scene):
    return "%s:%d" % scene.cloud.dns


def expired_api(scene):
    """As it looks when this machine's clock is ahead."""
    pair = scene.authority.server(scene.dir, ["127.0.0.1"], valid=certs.EXPIRED)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    listener = scene.more.enter_context(socket.create_server(("127.0.0.1", 0)))

    def serve():
        while listener.fileno() != -1:
            with contextlib.suppress(OSError), listener.accept()[0] as sock:
                context.wrap_socket(sock, server_side=True).close()
    threading.Thread(target=serve, daemon=True).start()
    scene.set(api_url="https://127.0.0.1:%d" % listener.getsockname()[1], api_ca=pair.ca)


def broken_state_file(scene):
    (scene.dir / "broken.json").write_text("{")
    scene.set(state_source=f"file:{scene.dir}/broken.json")


def other_authority(scene):
    certs.Authority("another").write(scene.dir / "other.pem")
    scene.set_cluster(tls_ca=scene.dir / "other.pem")


def put_stub(scene, name, script):
    """A program of this machine that the emulated world must hear of."""
    path = scene.dir / "bin" / name
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)


def skew_clock(scene):
    control = scene.cloud.control.geturl()
    put_stub(scene, "timedatectl", f"exec curl -sf -o {os.devnull} -X PATCH "
             f"-d '{{\"serverClockSeconds\": 0}}' {control}/settings\n")
    scene.cloud.settings(serverClockSeconds=-400)


def never_registered(scene):
    scene.cloud.settings(discovers=False)
    scene.cloud.remove(f"endpoints/{ENDPOINT}")
    scene.cloud.patch(f"vpcEndpoints/{VPCE}", state="pendingAcceptance", privateDns=False)


def discovered(scene):
    scene.cloud.patch(f"vpcEndpoints/{VPCE}", state="pendingAcceptance", privateDns=False)
    scene.cloud.patch(f"endpoints/{ENDPOINT}", state="DISCOVERED")


def stale_id(scene):
    scene.set_cluster(endpoint_id="vpce-0a1b2c3d4e5f6ffff")


FOREIGN = "vpce-0a1b2c3d4e5f60009"


def foreign_connection(scene):
    scene.cloud.patch(f"endpoints/{ENDPOINT}", endpointId=FOREIGN, state="ACTIVE", message="")


def no_endpoint_at_all(scene):
    scene.cloud.remove(f"endpoints/{ENDPOINT}")
    scene.cloud.remove(f"vpcEndpoints/{VPCE}")


def deleted_in_aws(scene):
    scene.cloud.remove(f"vpcEndpoints/{VPCE}")
    # The emulator's TiDB Cloud has noticed; the real one takes its time.
    scene.cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE", message="")


def accepted_in_one_cloud(scene):
    scene.cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
    scene.cloud.patch(f"vpcEndpoints/{VPCE}", state="pendingAcceptance", privateDns=False)


def make_another(scene):
    scene.sh(f"tidblink endpoint delete orders --endpoint-id {VPCE} --yes --config={scene.file}")
    scene.sh(f"tidblink setup orders --apply --config={scene.file}")


def in_another_vpc(scene):
    scene.cloud.patch(f"instance/{MACHINE}", vpc=OTHER_VPC, subnet=OTHER_SUBNET,
                      securityGroups=[OTHER_GROUP], address=OTHER_ADDRESS)


def hosted_zone(name, address, **fields):
    return lambda scene: scene.cloud.add("hostedZones", name=name, vpc=VPC, a=[address], **fields)


def delete_zones(scene):
    for zone in scene.cloud.get("hostedZones"):
        scene.cloud.remove(f"hostedZones/{zone['id']}")


@dataclass
class Break:
    """`hop`: which must be named. `fix`: a regular expression for what is printed; `by_hand`: what
    that means, where it is no command, or what is to be done besides it; `soon`: what happens by
    itself while the command waits for it."""
    hop: str
    do: Callable
    fix: str
    by_hand: Callable = None
    soon: Callable = None
    saw: str = ""
    warns: bool = False
    answer: str = None  # to what the command asks on a terminal


BREAKS = {
    # This machine and the control API.
    "unknown option": Break(
        "configuration", option(keepalife="60s"), "correct it", option(keepalife=None),
        saw=r"tidblink\.conf:\d+: keepalife.*keepalive"),
    "tls without authority": Break(
        "configuration", cluster_option(tls_ca=None, tls="verify-full"), "correct it",
        cluster_option(tls="auto"), saw="tls-ca"),
    "port of PD": Break(
        "configuration", cluster_option(port=2379), "correct it", cluster_option(port=None),
        saw="2379 .*VPC peering"),
    "port of TiKV": Break(
        "configuration", cluster_option(port=20160), "correct it", cluster_option(port=None),
        saw="20160 .*VPC peering"),
    "key file for all": Break(
        "key-files", key_file(0o644), r"^chmod o-rwx /\S+private\.key$",
        saw=r"everybody may read it \(mode 0644,"),
    "key file that a group may write": Break(
        "key-files", key_file(0o660), r"^chmod g-w /\S+private\.key$",
        saw="its group may write it"),
    "key file that all may write": Break(
        "key-files", key_file(0o666), r"^chmod o-rwx,g-w /\S+private\.key$"),
    "no key file": Break(
        "key-files", lambda scene: (scene.dir / "private.key").unlink(), "make a key",
        both(write_key(PRIVATE_KEY), key_file(0o600))),
    "empty key file": Break(
        "key-files", write_key(""), "make a key", write_key(PRIVATE_KEY), saw="is empty"),
    "wrong private key": Break(
        "api-key", write_key("another"), "put both parts in place", write_key(PRIVATE_KEY)),
    "key without rights": Break(
        "rights", patch(f"keys/{PUBLIC_KEY}", forbidden=True), "give the key a role",
        patch(f"keys/{PUBLIC_KEY}", forbidden=False)),
    "API silent": Break(
        "api", both(option(api_timeout="300ms"), fault("hang")), "curl -v",
        lambda scene: scene.cloud.clear_faults(), saw="no answer"),
    "API not there": Break(
        "api", lambda scene: scene.set(api_url="https://127.0.0.1:1"), "curl -v .*:1$",
        lambda scene: scene.set(api_url=scene.cloud.api_url)),
    "API fails": Break(
        "api", fault("status", status=503), "curl -v",
        lambda scene: scene.cloud.clear_faults(), saw="503"),
    "API of another CA": Break(
        "api", lambda scene: scene.set(api_ca=scene.pair.ca), "curl -v",
        lambda scene: scene.set(api_ca=scene.cloud.ca), saw="not trusted"),
    "API of a certificate that has expired": Break(
        "api", expired_api, "check this machine's clock .*timedatectl set-ntp true$",
        lambda scene: scene.set(api_url=scene.cloud.api_url, api_ca=scene.cloud.ca),
        saw="certificate has expired"),
    "no state file": Break(
        "api", lambda scene: scene.set(state_source=f"file:{scene.dir}/none.json"),
        "tidblink that writes it", option(state_source=None), saw=r"none\.json: No such file"),
    "broken state file": Break(
        "api", broken_state_file, "tidblink that writes it", option(state_source=None),
        saw=r"broken\.json"),
    "clock off": Break("clock", skew_clock, r"^timedatectl set-ntp true$", saw="6 min ahead of"),
    "clock a little off": Break(
        "clock", both(skew_clock, lambda scene: scene.cloud.settings(serverClockSeconds=100)),
        r"^timedatectl", saw="100 s behind", warns=True),
    "quota used up": Break(
        "quota", lambda scene: scene.cloud.settings(requestsPerMinute=1), r"wait \d+ s",
        lambda scene: scene.cloud.settings(requestsPerMinute=1000)),
    # TiDB Cloud's side.
    "cluster unknown": Break(
        "cluster", cluster_option(cluster_id="10000000000000000001"), r"^tidblink clusters ",
        cluster_option(cluster_id=CLUSTER), saw="not found"),
    "no Dedicated cluster": Break(
        "cluster", cluster_option(cluster_id="10581524941437919003"), r"^tidblink clusters ",
        cluster_option(cluster_id=CLUSTER), saw="Starter or Essential instance tiny"),
    "cluster paused": Break(
        "cluster", patch(f"clusters/{CLUSTER}", state="PAUSED"),
        r"^tidblink setup orders --resume --apply "),
    "cluster being created": Break(
        "cluster", patch(f"clusters/{CLUSTER}", state="CREATING"),
        r"^tidblink setup orders --apply ", saw="CREATING",
        soon=becomes_active(f"clusters/{CLUSTER}", "CREATING")),
    "cluster being deleted": Break(
        "cluster", patch(f"clusters/{CLUSTER}", state="DELETING"), "tidblink clusters",
        patch(f"clusters/{CLUSTER}", state="ACTIVE")),
    "no such group": Break(
        "group", cluster_option(group="analytics"), 'correct "group"', cluster_option(group=None)),
    "group paused": Break(
        "group", patch(f"groups/{GROUP}", state="PAUSED"), "Resume it in the TiDB Cloud console",
        patch(f"groups/{GROUP}", state="ACTIVE")),
    "service being created": Break(
        "service", patch(f"services/{GROUP}", state="CREATING"),
        r"^tidblink setup orders --apply ", saw="CREATING",
        soon=becomes_active(f"services/{GROUP}", "CREATING")),
    "service being deleted": Break(
        "service", patch(f"services/{GROUP}", state="DELETING"), "tidblink clusters",
        patch(f"services/{GROUP}", state="ACTIVE")),
    "no endpoint": Break(
        "connection", no_endpoint_at_all, r"^tidblink setup orders --apply ", saw="none"),
    "endpoint not registered": Break(
        "connection", never_registered, r"^tidblink endpoint create orders ",
        saw=f"{VPCE} exists in AWS"),
    "endpoint DISCOVERED": Break(
        "connection", discovered, r"^tidblink endpoint create orders ", saw="DISCOVERED"),
    "endpoint PENDING": Break(
        "connection", patch(f"endpoints/{ENDPOINT}", state="PENDING"),
        r"^tidblink endpoint wait orders ", saw="PENDING",
        soon=becomes_active(f"endpoints/{ENDPOINT}", "PENDING")),
    "endpoint FAILED": Break(
        "connection", patch(f"endpoints/{ENDPOINT}", state="FAILED", message="no such service"),
        r"^tidblink endpoint delete orders .* && tidblink setup orders --apply ", saw="FAILED"),
    "wrong endpoint-id": Break(
        "connection", stale_id,
        rf'set "endpoint-id = {VPCE}"', cluster_option(endpoint_id=VPCE),
        saw=rf"vpce-0a1b2c3d4e5f6ffff, which TiDB Cloud does not know; it knows {VPCE}"),
    "wrong endpoint-id and only another VPC's endpoint": Break(
        "connection", both(stale_id, without(f"vpcEndpoints/{VPCE}"), foreign_connection),
        r"^tidblink setup orders --apply ",
        saw=rf"vpce-0a1b2c3d4e5f6ffff, which TiDB Cloud does not know; it knows {FOREIGN}"),
    # AWS's side.
    "AWS credentials expired": Break(
        "aws", lambda scene: scene.cloud.add(
            "credentials", accessKeyId="AKIAEXAMPLE", expired=True), "give the CLI credentials",
        patch("credentials/AKIAEXAMPLE", expired=False), warns=True),
    "endpoint deleted in AWS": Break(
        "endpoint", deleted_in_aws,
        rf"look first .*: aws sts get-caller-identity; .*: tidblink endpoint delete orders "
        rf"--endpoint-id {VPCE} --config\S+ && tidblink setup orders --apply ", make_another,
        saw="does not exist in this account"),
    "endpoint rejected": Break(
        "endpoint-state", patch(f"vpcEndpoints/{VPCE}", state="rejected"),
        rf"^tidblink endpoint delete orders --endpoint-id {VPCE} --config\S+ && "
        r"tidblink setup orders --apply ", saw="rejected", answer="yes"),
    "endpoint that AWS has not seen accepted": Break(
        "endpoint-state", accepted_in_one_cloud,
        r"wait, and look again: tidblink endpoint wait orders .*; .*ask TiDB Cloud support$",
        patch(f"vpcEndpoints/{VPCE}", state="available", privateDns=True), saw="pendingAcceptance"),
    "this machine in another VPC": Break(
        "vpc", in_another_vpc, rf"^tidblink setup orders --vpc-id {OTHER_VPC} --apply ",
        saw=rf"the endpoint is in {VPC}, this machine in {OTHER_VPC}"),
    "DNS support off": Break(
        "vpc-dns", patch(f"vpcs/{VPC}", dnsSupport=False),
        r"^aws ec2 modify-vpc-attribute .*--enable-dns-support$", saw="enableDnsSupport"),
    "DNS hostnames off": Break(
        "vpc-dns", patch(f"vpcs/{VPC}", dnsHostnames=False),
        r"^aws ec2 modify-vpc-attribute .*--enable-dns-hostnames$", saw="enableDnsHostnames"),
    "both DNS attributes off": Break(
        "vpc-dns", patch(f"vpcs/{VPC}", dnsSupport=False, dnsHostnames=False),
        r"^aws ec2 modify-vpc-attribute .*--enable-dns-support && aws .*--enable-dns-hostnames$"),
    "private DNS off": Break(
        "private-dns", patch(f"vpcEndpoints/{VPCE}", privateDns=False),
        rf"^aws ec2 modify-vpc-endpoint .*--vpc-endpoint-id {VPCE} --private-dns-enabled$"),
    "no interface in this zone": Break(
        "subnets", patch(f"vpcEndpoints/{VPCE}", subnets=[SUBNET_D]),
        r"^aws ec2 modify-vpc-endpoint .*--add-subnet-ids subnet-", warns=True,
        saw="this machine is in use1-az1"),
    "a zone without the service": Break(
        "subnets", patch(f"vpcEndpoints/{VPCE}", subnets=[SUBNET_D, SUBNET_B]),
        rf"^aws ec2 modify-vpc-endpoint ", warns=True,
        by_hand=patch(f"vpcEndpoints/{VPCE}", subnets=[SUBNET_A, SUBNET_D])),
    "security group lets nothing in": Break(
        "ingress", patch(f"securityGroups/{ENDPOINT_GROUP}", ingress=["tcp 22 from 0.0.0.0/0"]),
        rf"^aws ec2 authorize-security-group-ingress .*{ENDPOINT_GROUP}.*{OWN_GROUP}"),
    "security group lets in what a list holds": Break(
        "tcp", both(patch(f"securityGroups/{ENDPOINT_GROUP}",
                          ingress=["tcp 443 from pl-0a1b2c3d4e5f60002",
                                   "tcp 4000 from pl-0a1b2c3d4e5f60001"]), interfaces("silent")),
        "aws ec2 describe-network-acls",
        both(interfaces(""), patch(f"securityGroups/{ENDPOINT_GROUP}",
                                   ingress=[f"tcp 4000 from {OWN_GROUP}"])), saw="no answer"),
    "security group lets nothing out": Break(
        "egress", patch(f"securityGroups/{OWN_GROUP}", egress=["tcp 443 to 0.0.0.0/0"]),
        rf"^aws ec2 authorize-security-group-egress .*{OWN_GROUP}.*{ENDPOINT_GROUP}"),
    "security group lets nothing out to addresses that are not known": Break(
        "egress", both(deny("ec2:DescribeNetworkInterfaces"),
                       patch(f"securityGroups/{OWN_GROUP}", egress=["tcp 443 to 0.0.0.0/0"])),
        rf"^aws ec2 authorize-security-group-egress .*{OWN_GROUP}.*{ENDPOINT_GROUP}"),
    # From here to the cluster.
    "public DNS server": Break(
        "dns-servers", option(dns_servers="203.0.113.53"), r'set "dns-servers = 127\.\d+\.0\.2"',
        lambda scene: scene.set(dns_servers=own_server(scene)), saw="public"),
    "DNS server that knows nothing": Break(
        "name", lambda scene: scene.set(dns_servers="%s:%d" % scene.cloud.public_dns),
        'set "dns-servers', lambda scene: scene.set(dns_servers=own_server(scene)),
        saw="NXDOMAIN"),
    "silent DNS server": Break(
        "name", lambda scene: scene.set(dns_servers=silent_server(scene)), 'set "dns-servers',
        lambda scene: scene.set(dns_servers=own_server(scene)), saw="did not answer"),
    "DNS fails": Break(
        "name", fault("dnsServfail"), 'set "dns-servers',
        lambda scene: scene.cloud.clear_faults(), saw="SERVFAIL"),
    "zone of the very name": Break(
        "answer", hosted_zone(HOST, "127.0.0.9"),
        rf"^aws route53 disassociate-vpc-from-hosted-zone .*VPCId={VPC}", saw="127.0.0.9 is not"),
    "public address in a zone": Break(
        "answer", hosted_zone(HOST, "203.0.113.9"),
        r"^aws route53 disassociate-vpc-from-hosted-zone ", saw="203.0.113.9"),
    "zone of this VPC alone": Break(
        "answer", hosted_zone(HOST, "127.0.0.9", shared=False),
        rf"delete its record of {HOST} .*: aws route53 delete-hosted-zone .*--id Z\S+$",
        delete_zones, saw="127.0.0.9 is not"),
    "public address from elsewhere": Break(
        "answer", lambda scene: scene.cloud.add("names", name=HOST, a=["203.0.113.9"]),
        "no private hosted zone", without(f"names/{HOST}"), saw="203.0.113.9"),
    "one of two DNS servers silent": Break(
        "servers-agree",
        lambda scene: scene.set(dns_servers=f"{own_server(scene)}, {silent_server(scene)}"),
        r"take 127\.0\.0\.1:\d+ out of dns-servers",
        lambda scene: scene.set(dns_servers=own_server(scene)), saw="no answer", warns=True),
    "one dead zone": Break(
        "tcp", interfaces("silent", only=IP_A), "support", interfaces(""),
        saw=rf"{IP_A}:4000 no answer", warns=True),
    "everything dropped": Break(
        "tcp", interfaces("silent"), "aws ec2 describe-network-acls", interfaces(""),
        saw="no answer"),
    "nothing listens": Break(
        "tcp", interfaces("refuse"), "compare the port", interfaces(""), saw="refused"),
    "server silent": Break(
        "greeting", server_plan(Plan(at={"accepted": "hang"})), "compare the port",
        server_plan(Plan()), saw="no whole greeting"),
    "server refuses": Break(
        "greeting", server_plan(Plan(refuse=(1040, "08004", "Too many connections"))),
        "what the server says", server_plan(Plan()), saw="error 1040: Too many connections"),
    "no MySQL server": Break(
        "greeting", server_plan(Plan(garbage=b"HTTP/1.1 400 Bad Request\r\n\r\n")),
        "compare the port", server_plan(Plan()), saw="no MySQL server"),
    "another authority": Break(
        "tls", other_authority, r"put this cluster's CA certificate into .*other\.pem",
        lambda scene: scene.set_cluster(tls_ca=scene.pair.ca)),
    "no authority": Break(
        "tls", lambda scene: scene.set_cluster(tls_ca=scene.dir / "none.pem"),
        r"put this cluster's CA certificate into .*none\.pem",
        lambda scene: scene.set_cluster(tls_ca=scene.pair.ca)),
    "certificate of another name": Break(
        "tls", certificate(["other.example"], valid=(-1, 90)),
        r'"tls-server-name = other\.example"', cluster_option(tls_server_name="other.example")),
    "certificate without names": Break(
        "tls", certificate([HOST], valid=(-1, 90), alternatives=False), '"tls = verify-ca"',
        cluster_option(tls="verify-ca")),
    "certificate expired": Break(
        "tls", certificate([HOST], valid=certs.EXPIRED), "check this machine's clock",
        certificate([HOST], valid=(-1, 90)), saw="expired"),
    "certificate soon to end": Break(
        "tls", certificate([HOST], valid=(-80, 3)), "check this machine's clock",
        certificate([HOST], valid=(-1, 90))),
    "certificate to end": Break(
        "tls", certificate([HOST], valid=(-80, 20)), "", certificate([HOST], valid=(-1, 90)),
        warns=True),
    "certificate expired and not verified": Break(
        "tls", both(cluster_option(tls_ca=None), certificate([HOST], valid=certs.EXPIRED)),
        "check this machine's clock", certificate([HOST], valid=(-1, 90)), saw="not verified",
        warns=True),
    "certificate to end and not verified": Break(
        "tls", both(cluster_option(tls_ca=None), certificate([HOST], valid=(-80, 3))),
        "", certificate([HOST], valid=(-1, 90)), saw="not verified", warns=True),
    "unusual plugin": Break(
        "plugin", lambda scene: setattr(scene.server, "plugin", "auth_socket"),
        "default_authentication_plugin",
        lambda scene: setattr(scene.server, "plugin", "caching_sha2_password"), warns=True),
    "keepalive too long": Break(
        "idle", option(keepalive="400s"), 'set "keepalive = 60s"', option(keepalive="60s")),
}
