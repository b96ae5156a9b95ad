# SPDX-License-Identifier: Apache-2.0
"""The options of TLS: which go together, what their values may be, and files that are no good. Each
fault ends `tidblink proxy` with exit code 2 and says what was expected."""
import fcntl
import itertools
import os
import pty
import re
import shutil
import subprocess
import termios

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from built import built
from certs import Authority
from test_bad_config import DONE, USAGE, WAIT_SECONDS, Run, clean_environment, settings

HEAD = "[cluster orders]\nhost = db.example\nport = 4000\nlisten = 127.0.0.1:0\n"
NEEDS_CA = ("tls needs the authority of the cluster's certificate: expected tls-ca (download it "
            "from the cluster's Connect dialog in the TiDB Cloud console)")
NO_OPTIONAL = ("client-tls = optional does not go with tls = passthrough, where the application's "
               "own TLS goes to the cluster: expected tls = verify-full with tls-ca, or client-tls "
               "= off or required")
IN_THE_CLEAR = ("with tls = off, what applications send by TLS would go on to the cluster in the "
                "clear: expected tls = verify-full with tls-ca, or allow-plaintext-upstream = on")
NOT_LOOKED_AT = ("tls-server-name: the cluster's certificate is not looked at: expected tls-ca, "
                 "and tls = verify-full")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Files that are good, by name, and some that are not."""
    directory = tmp_path_factory.mktemp("files")
    authority = Authority()
    authority.write(directory / "ca.pem")
    for name, kind in ("ec", "ec"), ("other", "ec"), ("rsa", "rsa"):
        authority.issue(["localhost"], directory / f"{name}.crt", directory / f"{name}.key",
                        key=kind)
        (directory / f"{name}.key").chmod(0o600)
    key = serialization.load_pem_private_key((directory / "rsa.key").read_bytes(), None)
    lock = serialization.BestAvailableEncryption(b"opensesame")
    for name, form in (("locked", "PKCS8"), ("locked-old", "TraditionalOpenSSL")):
        write(directory / f"{name}.key", key, getattr(serialization.PrivateFormat, form), lock)
    write(directory / "small.key", rsa.generate_private_key(65537, 1024))
    (directory / "garbage").write_text("garbage\n")
    (directory / "garbage").chmod(0o600)
    (directory / "empty-folder").mkdir()
    (directory / "mixed").mkdir()
    shutil.copy(directory / "ca.pem", directory / "mixed" / "a.pem")
    (directory / "other-things").mkdir()
    for folder in "mixed", "other-things":
        shutil.copy(directory / "garbage", directory / folder / "README")
        shutil.copy(directory / "ec.key", directory / folder / "tls.key")
    return directory


def write(path, key, form=serialization.PrivateFormat.PKCS8, lock=serialization.NoEncryption()):
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, lock))
    path.chmod(0o600)


class Config:
    """`orders` and `general` are lines; a file of the shop is {name}."""

    def __init__(self, directory, shop):
        self.run, self.dir, self.shop = Run(directory), directory, shop

    def text(self, orders="", general=""):
        def named(text):
            return re.sub(r"\{([^}]*)\}", lambda found: str(self.shop / found[1]), text)
        return settings(self.dir) + named(general) + HEAD + named(orders)

    def accepted(self, orders="", general="client-rsa-key = {rsa.key}\n"):
        """With a key that is there: to make one takes time."""
        code = self.run(self.text(orders, general), "--check")
        assert (code, self.run.error) == (DONE, "")

    def refused(self, expected, orders="", general=""):
        """By a start as well; `expected` is in the text, where {name} is a file's path."""
        expected = re.sub(r"\{([^}]*)\}", lambda found: str(self.shop / found[1]), expected)
        for arguments in ["--check"], []:
            code = self.run(self.text(orders, general), *arguments)
            assert expected in self.run.error
            assert self.run.error.count("\n") == 1 or not arguments
            assert code == USAGE
        return self.run.error


@pytest.fixture
def config(tmp_path, shop):
    return Config(tmp_path, shop)


# ---- which go together ---------------------------------------------------------------------------

MODES = [None, "auto", "passthrough", "off", "verify-ca", "verify-full"]
CLIENTS = [None, "auto", "off", "optional", "required"]


def error_of(mode, client, has_ca, allowed):
    """None: they go together."""
    mode = mode or "auto"
    if mode == "auto":
        mode = "verify-full" if has_ca else "passthrough"
    if mode.startswith("verify") and not has_ca:
        return NEEDS_CA
    if mode == "passthrough" and client == "optional":
        return NO_OPTIONAL
    if mode == "off" and client in ("optional", "required") and not allowed:
        return IN_THE_CLEAR
    return None


def lines(mode, client, has_ca, allowed):
    return "\n".join([f"tls = {mode}" if mode else "", f"client-tls = {client}" if client else "",
                      "tls-ca = {ca.pem}" if has_ca else "",
                      "allow-plaintext-upstream = on" if allowed else "", ""])


CASES = list(itertools.product(MODES, CLIENTS, [False, True], [False, True]))
GOOD = [case for case in CASES if not error_of(*case)]
# Where nothing but a fault is left to be seen, the last one does not matter.
BAD = [case for case in CASES if error_of(*case) and not case[3]]


def test_which_go_together(config):
    """A section of each."""
    sections = [HEAD.replace("orders", f"n{number}") + lines(*case)
                for number, case in enumerate(GOOD)]
    config.accepted("".join(sections).removeprefix(HEAD))
    assert len(GOOD) > 80


@pytest.mark.parametrize("case", BAD, ids=lambda case: "-".join(map(str, case)))
def test_which_do_not(config, case):
    assert config.run(config.text(lines(*case)), "--check") == USAGE
    assert config.run.error.endswith(f"[cluster orders]: {error_of(*case)}\n")


@pytest.mark.parametrize("line, expected", [
    ("tls = verify", "expected auto, passthrough, off, verify-ca or verify-full"),
    ("tls = on", "expected auto, passthrough, off, verify-ca or verify-full"),
    ("client-tls = yes", "expected auto, off, optional or required"),
    ("client-tls = preferred", "expected auto, off, optional or required"),
    ("allow-plaintext-upstream = maybe", '"maybe" is not valid'),
    ("client-tls-cert = x", "it is not an option of one cluster")])
def test_values_that_there_are_not(config, line, expected):
    config.refused(expected, orders=line + "\n")


# ---- names ---------------------------------------------------------------------------------------

CA = "tls-ca = {ca.pem}\n"
NO_HOST = "is no host name: expected one without wildcards, as the cluster's certificate has it"


@pytest.mark.parametrize("name", [
    "db.example", "db.example.", "x, y.example", "127.0.0.1", "::1", "_x.example", "DB-1.example",
    "a.b.c.d.e.f.g", "xn--bcher-kva.example", "localhost"])
def test_names(config, name):
    config.accepted(CA + f"tls-server-name = {name}\n")


@pytest.mark.parametrize("name, expected", [
    ("*.db.example", f'"*.db.example" {NO_HOST}'), ("a*.example", NO_HOST),
    ("db.example:4000", f'"db.example:4000" {NO_HOST}'), ("https://db.example", NO_HOST),
    ("[::1]", NO_HOST), ("db example", NO_HOST), ("bücher.example", NO_HOST),
    ("x.example, *.example", NO_HOST), ("x.example,", "none of them empty"),
    ("127.0.0.1, x.example", "127.0.0.1 is an IP address: expected it alone, or host names"),
    ("x.example, ::1", "::1 is an IP address: expected it alone, or host names"),
    ("127.0.0.1, 127.0.0.2", "127.0.0.1 is an IP address: expected it alone, or host names"),
    (".", NO_HOST), (".x", NO_HOST), ("a..b", NO_HOST), ("-x", NO_HOST), ("a.-x", NO_HOST),
    ("x.example, .db.example", NO_HOST)])
def test_names_that_are_none(config, name, expected):
    config.refused(expected, CA + f"tls-server-name = {name}\n")


@pytest.mark.parametrize("orders", ["tls = off\n", "tls = passthrough\n", "", CA + "tls = off\n"])
def test_names_that_nothing_is_compared_with(config, orders):
    config.refused(NOT_LOOKED_AT, orders + "tls-server-name = db.example\n")


# ---- files ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("path, expected", [
    ("{missing}", "tls-ca: cannot read {missing}: No such file or directory"),
    ("{garbage}", "tls-ca: {garbage} holds no CA certificate in PEM"),
    ("{ec.key}", "tls-ca: {ec.key} holds no CA certificate in PEM"),
    ("/dev/null", "tls-ca: /dev/null holds no CA certificate in PEM"),
    ("{empty-folder}", "tls-ca: no file in {empty-folder} holds a CA certificate in PEM"),
    ("{other-things}", "tls-ca: no file in {other-things} holds a CA certificate in PEM")])
@pytest.mark.parametrize("mode", ["auto", "verify-ca"])
def test_authorities_that_are_none(config, path, expected, mode):
    assert "orders" in config.refused(expected, f"tls = {mode}\ntls-ca = {path}\n")


def test_a_folder_that_has_other_files_as_well(config):
    """As Kubernetes mounts a secret of type kubernetes.io/tls: with its key."""
    config.accepted("tls-ca = {mixed}\n")


def test_dsn_prints_no_folder(config):
    """Clients take a file: the reader puts one there."""
    path = config.dir / "tidblink.conf"
    shown = []
    for name in "ca.pem", "mixed":
        path.write_text(config.text(f"tls-ca = {{{name}}}\n"))
        done = subprocess.run(
            [built("app/tidblink"), "dsn", "orders", "--config", path, "--direct", "--client",
             "mysql", "--user", "u"], capture_output=True, text=True, timeout=WAIT_SECONDS,
            env=clean_environment(), check=True)
        shown.append(done.stdout)
    assert f"--ssl-ca={config.shop / 'ca.pem'} " in shown[0]
    assert str(config.shop) not in shown[1]
    assert shown[1] == shown[0].replace(str(config.shop / "ca.pem"), "'<CA_PATH>'")


CERT = "client-tls-cert: {%s} holds no certificate in PEM"
NO_CERT = "client-tls-cert: cannot read {%s}: No such file or directory"
MISSING = "client-tls-key: {%s} cannot be opened: No such file or directory"
OPEN = "client-tls-key: {%s} holds a secret, and everybody may read it: its mode is 0644"
NO_KEY = "client-tls-key: {%s} is no private key in PEM, without a password"
OTHER = "client-tls-key: {%s} is not the private key of {%s}"


@pytest.mark.parametrize("cert, key, expected", [
    ("missing", "ec.key", NO_CERT % "missing"), ("garbage", "ec.key", CERT % "garbage"),
    ("ec.key", "ec.crt", CERT % "ec.key"), ("empty-folder", "ec.key", CERT % "empty-folder"),
    ("ec.crt", "missing", MISSING % "missing"),
    ("ec.crt", "garbage", NO_KEY % "garbage"),
    ("ec.crt", "ec.crt", OPEN % "ec.crt"),
    ("ec.crt", "other.key", OTHER % ("other.key", "ec.crt")),
    ("rsa.crt", "locked.key", NO_KEY % "locked.key"),
    ("rsa.crt", "locked-old.key", NO_KEY % "locked-old.key"),
    ("ec.crt", "rsa.key", OTHER % ("rsa.key", "ec.crt")),
    ("rsa.crt", "ec.key", OTHER % ("ec.key", "rsa.crt"))])
def test_an_own_certificate_that_is_no_good(config, cert, key, expected):
    config.refused(expected, CA,
                   f"client-tls-cert = {{{cert}}}\nclient-tls-key = {{{key}}}\n")


def test_one_of_certificate_and_key(config):
    both = "expected both"
    config.refused(f"client-tls-key: not set, while client-tls-cert is: {both}", CA,
                   "client-tls-cert = {ec.crt}\n")
    config.refused(f"client-tls-cert: not set, while client-tls-key is: {both}", CA,
                   "client-tls-key = {ec.key}\n")


@pytest.mark.parametrize("cert, key", [("ec.crt", "ec.key"), ("rsa.crt", "rsa.key")])
def test_an_own_certificate(config, cert, key):
    config.accepted(CA, f"client-tls-cert = {{{cert}}}\nclient-tls-key = {{{key}}}\n"
                        "client-rsa-key = {rsa.key}\n")


NO_RSA = ("client-rsa-key: {%s} is not an RSA private key of 2048 to 4096 bits in PEM, without a "
          "password")


@pytest.mark.parametrize("name", ["ec.key", "small.key", "locked.key", "locked-old.key"])
def test_an_rsa_key_that_is_no_good(config, name):
    config.refused(NO_RSA % name, CA, f"client-rsa-key = {{{name}}}\n")


def test_rsa_keys(config):
    """A check makes none."""
    config.accepted(CA, "client-rsa-key = {rsa.key}\n")
    config.accepted(CA, "client-rsa-key = {not-yet.key}\n")
    assert not (config.shop / "not-yet.key").exists()
    config.accepted(CA, "")
    assert not (config.dir / "state").exists()


def test_an_rsa_key_that_cannot_be_made(config):
    text = config.text(CA, "client-rsa-key = {no/folder/rsa.key}\n")
    assert config.run(text, "--check") == USAGE
    assert f"client-rsa-key: cannot write into {config.shop}/no/folder: " in config.run.error
    assert config.run(text) != DONE
    assert f"cannot write the RSA key {config.shop}/no/folder/rsa.key: " in config.run.error


@pytest.mark.parametrize("general", [
    "client-tls-cert = {rsa.crt}\nclient-tls-key = {locked.key}\n",
    "client-tls-cert = {rsa.crt}\nclient-tls-key = {locked-old.key}\n",
    "client-rsa-key = {locked.key}\n", "client-rsa-key = {locked-old.key}\n"])
def test_nobody_is_asked_for_the_password_of_a_key(config, general):
    """OpenSSL would, on the terminal: so it is given one. Nothing is written to it."""
    path = config.dir / "tidblink.conf"
    path.write_text(config.text(CA, general))
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [built("app/tidblink"), "proxy", "--config", path, "--check"], stdin=theirs,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT_SECONDS, check=False,
            env=clean_environment(), start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0))
        os.set_blocking(ours, False)
        os.close(theirs)
        theirs = None
        try:
            shown = os.read(ours, 1000)
        except OSError:  # EIO: nothing, and nobody holds the other end
            shown = b""
    finally:
        os.close(ours)
        if theirs is not None:
            os.close(theirs)
    assert done.returncode == USAGE and b"without a password" in done.stderr
    assert shown == b"" and b"pass phrase" not in done.stderr
