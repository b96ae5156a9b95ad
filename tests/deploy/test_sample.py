# SPDX-License-Identifier: Apache-2.0
"""doc/tidblink.conf is a configuration: as it is, and with every line of it in force."""
import re
import subprocess

import pytest

from built import ROOT, built
from certs import Authority

SAMPLE = ROOT / "doc/tidblink.conf"
# What the sample names and a machine does not have.
FILES = {"public.key": "p\n", "private.key": "s\n", "jump.password": "secret\n"}


def check(path, *words, **environment):
    done = subprocess.run([built("app/tidblink"), "proxy", "--check", "--config", path, *words],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                          env={"PATH": "/usr/bin:/bin", **environment})
    return done.returncode, done.stdout


def in_force(text):
    """Every commented line that is a setting or the head of a section."""
    return re.sub(r"(?m)^# (?=[a-z0-9-]+ = |\[cluster )", "", text)


@pytest.fixture
def folder(tmp_path):
    """In the place of /etc/tidblink and its like: what the sample names."""
    pair = Authority().server(tmp_path, ["localhost"])
    pair.cert.rename(tmp_path / "local.pem")
    pair.key.rename(tmp_path / "local.key")
    for name in ("api-ca.pem", "orders-ca.pem"):
        (tmp_path / name).write_bytes(pair.ca.read_bytes())
    for name, text in FILES.items():
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_every_line_is_valid(folder):
    text = re.sub(r"/(?:etc|run|var/lib)/tidblink", str(folder), in_force(SAMPLE.read_text()))
    # The machine's own addresses and users are not those of the sample.
    text = re.sub(r"(?m)^source = .*", "source = 127.0.0.1,127.0.0.2", text)
    text = re.sub(r"(?m)^(allow-(?:users|groups)) = .*", r"\1 = root", text)
    (folder / "tidblink.conf").write_text(text)
    code, said = check(folder / "tidblink.conf")
    assert code == 0, said
    assert f"orders on unix:{folder}/orders.sock" in said


def test_nothing_is_set_in_it():
    """With the key from elsewhere and a cluster on the command line it changes nothing."""
    code, said = check(SAMPLE, "orders", TIDBCLOUD_PUBLIC_KEY="p", TIDBCLOUD_PRIVATE_KEY="s")
    assert (code, said) == (0, "configuration is valid: 1 cluster\n  orders on 127.0.0.1:4000\n")


def test_the_sample_of_the_readme(folder):
    """The block of README.md under "Use", with its comments."""
    readme = (ROOT / "README.md").read_text()
    block = re.search(r"(?m)((?:^ {4}.*\n|^\n)*^ {4}\[cluster orders\]\n(?: {4}.*\n)+)", readme)
    text = block.group(1).replace("/etc/tidblink", str(folder)).replace("/run/tidblink", str(folder))
    (folder / "tidblink.conf").write_text(text)
    code, said = check(folder / "tidblink.conf")
    assert code == 0, said
