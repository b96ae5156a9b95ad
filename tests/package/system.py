# SPDX-License-Identifier: Apache-2.0
"""A fresh Debian 12, unpacked into a folder, in which programs run by chroot(2).

    with System(folder) as system:
        code, said = system.run("apt-get", "install", "-y", *system.bring(package))

Its root is made once by mmdebstrap from the mirror that this machine's apt uses, and kept in the user's
cache, with the packages that were downloaded into one. Root only, Debian only: why_not() says."""
import os
import shutil
import subprocess
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tidblink" / "bookworm"
MAKE_SECONDS, RUN_SECONDS = 400, 300
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
               "LC_ALL": "C.UTF-8", "HOME": "/tmp"}
# proc and dev are the machine's, for this command and what it starts.
ENTER = """set -e
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
root=$1
shift
exec chroot "$root" "$@"
"""


def mirrors():
    """The lines of the machine's apt for Debian 12 itself."""
    text = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI) $(RELEASE)",
         "Created-By: Packages"], text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        timeout=60).stdout
    found = {tuple(line.split()[1:]) for line in text.splitlines() if line.startswith("Debian ")}
    return [f"deb [signed-by={KEYRING}] {uri} {release} main" for uri, release in sorted(found)
            if release.startswith("bookworm")]


def why_not():
    """Why there can be no fresh system here; None: there can."""
    if os.geteuid() != 0:
        return "only root may change its root"
    if not shutil.which("mmdebstrap") or not KEYRING.exists():
        return "there is no mmdebstrap, or no keyring of Debian's (scripts/deps test)"
    if not mirrors():
        return "apt knows no mirror of Debian 12 here"
    return None


def base():
    """The archive of a minimal system and what apt knows of its mirror; RuntimeError: why not."""
    archive = CACHE / "minbase.tar"
    if archive.exists():
        return archive
    CACHE.mkdir(parents=True, exist_ok=True)
    unfinished = CACHE / f"new-{os.getpid()}.tar"  # the suffix says the form
    done = subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", "--skip=cleanup/apt/lists", "bookworm",
         unfinished, "-"], input="\n".join(mirrors()) + "\n", text=True, timeout=MAKE_SECONDS,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        unfinished.unlink(missing_ok=True)
        raise RuntimeError(f"mmdebstrap failed: {done.stdout.strip().splitlines()[-1]}")
    unfinished.rename(archive)
    return archive


class System:
    def __init__(self, folder):
        self.root = Path(folder) / "root"
        self.said = ""

    def __enter__(self):
        self.root.mkdir()
        subprocess.run(["tar", "-xpf", base(), "-C", self.root], check=True, timeout=RUN_SECONDS)
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        archives = self.root / "var/cache/apt/archives"
        for package in (CACHE / "archives").glob("*.deb"):
            shutil.copy(package, archives)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root)

    def log_text(self):
        return self.said

    def keep_downloads(self):
        (CACHE / "archives").mkdir(exist_ok=True)
        for package in (self.root / "var/cache/apt/archives").glob("*.deb"):
            shutil.copy(package, CACHE / "archives")

    def run(self, *words, **environment):
        """(exit code, all that it said)."""
        done = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "enter",
             self.root, *words], text=True, env={**ENVIRONMENT, **environment}, timeout=RUN_SECONDS,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.said += f"$ {' '.join(map(str, words))}\n{done.stdout}[{done.returncode}]\n"
        return done.returncode, done.stdout

    def must(self, *words, **environment):
        code, said = self.run(*words, **environment)
        assert code == 0, f"{' '.join(map(str, words))}: {said}"
        return said

    def bring(self, *paths):
        """Copies files into it; returns where they are inside."""
        for path in paths:
            shutil.copy(path, self.root / "srv")
        return [f"/srv/{path.name}" for path in paths]

    def files(self):
        """Every path with what it is: mode, owner and, of plain files, size."""
        found = {}
        for path in self.root.rglob("*"):
            status = path.lstat()
            name = "/" + str(path.relative_to(self.root))
            found[name] = (oct(status.st_mode), status.st_uid, status.st_gid)
        return found
