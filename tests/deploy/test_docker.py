# SPDX-License-Identifier: Apache-2.0
"""deploy/docker: the Dockerfile by a linter, and what fill-root makes, run as the image is."""
import os
import re
import shutil
import subprocess

import pytest

from built import ROOT, built
from tools import fetched, run

DOCKERFILE = ROOT / "deploy/docker/Dockerfile"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may change its root")


def lint(path):
    return run([fetched("hadolint") / "bin/hadolint", "--no-color", path])


def test_linter():
    assert lint(DOCKERFILE) == (0, "")


def test_what_the_linter_would_say(tmp_path):
    wrong = tmp_path / "Dockerfile"
    wrong.write_text(DOCKERFILE.read_text().replace("debian:bookworm", "debian:latest"))
    code, said = lint(wrong)
    assert code != 0 and "DL3007" in said


def test_what_is_promised():
    text = DOCKERFILE.read_text()
    last = text[text.rindex("\nFROM "):]
    assert re.search(r"(?m)^USER 65532:65532$", last)
    assert re.search(r'CMD \["/usr/bin/tidblink", "wait", "--for", "live", "--max", "2s"\]', last)
    assert re.search(r'(?m)^ENTRYPOINT \["/usr/bin/tidblink"\]$', last)
    assert not re.search(r"(?m)^(RUN|EXPOSE)", last)  # nothing there could run
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text())[1]
    assert f"ARG VERSION={version}\n" in last


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The root file system of the image, with the program that was built."""
    folder = tmp_path_factory.mktemp("image") / "root"
    code, said = run([ROOT / "deploy/docker/fill-root", folder, built("app/tidblink")])
    assert code == 0, said
    yield folder
    shutil.rmtree(folder)


# As a container's: with /proc, where the sanitizer looks for its options.
ENTER = """mount -t proc proc "$1/proc" && exec /usr/sbin/chroot --userspec=65532:65532 "$@" """


def in_image(root, *words, **environment):
    """As the container's user, without anything of the host."""
    (root / "proc").mkdir(exist_ok=True)
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", ENTER, "enter", root, "/usr/bin/tidblink", *words],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
        env={"STATE_DIRECTORY": "/var/lib/tidblink", "RUNTIME_DIRECTORY": "/run/tidblink",
             "TIDBLINK_AWS_CLI": "off", "PATH": "/usr/bin:/bin", **environment})
    return done.returncode, done.stdout


@needs_root
def test_all_libraries_are_there(root):
    code, said = in_image(root, "--version")
    assert code == 0 and said.startswith("tidblink "), said
    code, said = in_image(root, "proxy", "--check", "orders", TIDBCLOUD_PUBLIC_KEY="p",
                          TIDBCLOUD_PRIVATE_KEY="s")
    assert code == 0, said


def test_no_shell_and_no_setuid(root):
    programs = {str(path.relative_to(root)) for path in root.rglob("*")
                if path.is_file() and path.stat().st_mode & 0o111 and ".so" not in path.name}
    assert programs == {"usr/bin/tidblink"}
    assert not [path for path in root.rglob("*") if path.stat().st_mode & 0o6000]


@needs_root
def test_what_the_user_may_write(root):
    mine = {str(path.relative_to(root)) for path in root.rglob("*")
            if path.stat().st_uid == 65532 or path.stat().st_mode & 0o002}
    assert mine == {"tmp", "run/tidblink", "var/lib/tidblink"}


def test_scanners_see_the_packages(root):
    packages = {path.name: path.read_text() for path in (root / "var/lib/dpkg/status.d").iterdir()}
    assert {"libc6", "libssl3", "libcurl4", "ca-certificates"} <= set(packages)
    for name, text in packages.items():
        assert text.startswith(f"Package: {name}\n") and "\nVersion: " in text
        assert (root / f"usr/share/doc/{name}/copyright").exists(), name
