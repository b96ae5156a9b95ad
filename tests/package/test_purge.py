# SPDX-License-Identifier: Apache-2.0
"""The last of these files: the packages are gone afterwards."""
import re

# What the system's own tools make for any package, or change.
NOT_OURS = re.compile(r"/(?:var/(?:cache|log)/|var/lib/(?:dpkg|apt|systemd|pam|ucf|man-db)|srv/|"
                      r"etc/(?:ld\.so\.cache|passwd-?|group-?|g?shadow-?|subuid|subgid|\.pwd\.lock)$)")


def test_purge_leaves_nothing(installed):
    """But the user, as Debian wants it."""
    state = installed.root / "var/lib/tidblink"
    state.mkdir(mode=0o700, exist_ok=True)
    (state / "state.json").write_text("{}")
    installed.must("apt-get", "purge", "-y", "-q", "tidblink", "tidblink-emulator")
    left = [name for name in installed.files() if "tidblink" in name and not NOT_OURS.match(name)]
    assert left == []
    assert "tidblink" not in installed.must("dpkg", "--get-selections")
