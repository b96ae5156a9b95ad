# SPDX-License-Identifier: Apache-2.0
"""The image of deploy/docker, built from its Dockerfile without a daemon (buildah), on a base that is a
fresh Debian 12; and run as a container runs it: as 65532, with a read-only root but for its volumes.
Minutes, so that only the long form has it."""
import json
import os
import shutil
import subprocess

import pytest

from built import ROOT
from scenes import LONG
from system import base, why_not

BUILD_SECONDS = 1500
DOCKERFILE = ROOT / "deploy/docker/Dockerfile"
# As in a pod, whose root nobody can write.
RUN = """set -e
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount -o remount,bind,ro "$1"
for folder in var/lib/tidblink run/tidblink; do
    mount -t tmpfs -o uid=65532,gid=65532,mode=0700 tmpfs "$1/$folder"
done
root=$1
shift
exec /usr/sbin/chroot --userspec=65532:65532 "$root" "$@"
"""

pytestmark = [
    pytest.mark.skipif(not LONG, reason="an image takes minutes; scripts/test long has it"),
    pytest.mark.skipif(not shutil.which("buildah"), reason="there is no buildah (scripts/deps long)")]


class Buildah:
    """Images in a folder of its own, without namespaces of users and without a network of its own."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, *words):
        done = subprocess.run(
            ["buildah", "--root", self.folder / "images", "--runroot", self.folder / "run",
             *map(str, words)], text=True, stdin=subprocess.DEVNULL, timeout=BUILD_SECONDS,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs"})
        assert done.returncode == 0, done.stdout + done.stderr[-4000:]
        return done.stdout.strip()


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """(buildah, the root of a container of the image)."""
    if why_not():
        pytest.skip(why_not())
    buildah = Buildah(tmp_path_factory.mktemp("buildah"))
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, base(), "/")
    buildah("commit", "--quiet", "--rm", container, "debian:bookworm")
    # The format that has health checks.
    buildah("bud", "--pull-never", "--format", "docker", "--network", "host", "--file", DOCKERFILE,
            "--tag", "tidblink", ROOT)
    container = buildah("from", "--pull-never", "tidblink")
    yield buildah, buildah("mount", container)
    buildah("rm", "--all")
    buildah("rmi", "--all", "--force")


def run(root, *words, **environment):
    os.makedirs(f"{root}/proc", exist_ok=True)
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", RUN, "run", root,
            *words], {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment}


def settings_of(buildah):
    return json.loads(buildah("inspect", "--type", "image", "tidblink"))["Docker"]["config"]


def test_what_the_image_says(image):
    config = settings_of(image[0])
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["/usr/bin/tidblink"] and config["Cmd"] == ["proxy"]
    assert config["Healthcheck"]["Test"] == [
        "CMD", "/usr/bin/tidblink", "wait", "--for", "live", "--max", "2s"]
    assert set(config["Volumes"]) == {"/var/lib/tidblink", "/run/tidblink"}
    assert config["Labels"]["org.opencontainers.image.title"] == "tidblink"


def test_its_size(image):
    size = sum(os.lstat(os.path.join(folder, name)).st_size
               for folder, _, names in os.walk(image[1]) for name in names)
    assert size < 40 << 20, f"{size >> 20} MiB"


def test_it_runs_and_its_health_check_says_so(image):
    """With the options of the image, a read-only root, and no key: its states come from nowhere."""
    buildah, root = image
    config = settings_of(buildah)
    environment = dict(entry.split("=", 1) for entry in config["Env"])
    command, environment = run(
        root, *config["Entrypoint"], *config["Cmd"], "orders", **environment,
        TIDBLINK_STATE_SOURCE="none", TIDBLINK_HOST="localhost", TIDBLINK_PORT="4000",
        TIDBLINK_LISTEN="127.0.0.1:0", TIDBLINK_ADMIN_LISTEN="off")
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as proxy:
        first, log = str(proxy.pid), []
        try:
            while not log or " listening" not in log[-1]:
                assert (line := proxy.stderr.readline()), "".join(log)
                log.append(line)
            # In the container, as its runtime would: in the namespaces of its first process.
            children = f"/proc/{proxy.pid}/task/{proxy.pid}/children"
            with open(children, encoding="ascii") as file:
                first = file.read().split()[0]
            check = subprocess.run(
                ["nsenter", f"--target={first}", "--mount", "--pid", "--root", "--setuid=65532",
                 "--setgid=65532", *config["Healthcheck"]["Test"][1:]], timeout=60, text=True,
                env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            assert check.returncode == 0, check.stdout
        finally:
            subprocess.run(["kill", "-TERM", first], check=False)
            proxy.wait(60)
