# SPDX-License-Identifier: Apache-2.0
"""The packages in a fresh Debian 12: what is there, and what works."""
from built import ROOT


def test_programs_run(installed):
    assert installed.must("tidblink", "--version").startswith("tidblink ")
    assert "usage: tidblink" in installed.must("tidblink", "--help")
    assert "--scenario" in installed.must("tidblink-emulator", "--help")


def test_the_sample_is_a_configuration(installed):
    said = installed.must(
        "tidblink", "proxy", "--check", "orders", "--config",
        "/usr/share/doc/tidblink/examples/tidblink.conf", TIDBCLOUD_PUBLIC_KEY="p",
        TIDBCLOUD_PRIVATE_KEY="s")
    assert "configuration is valid: 1 cluster" in said


def test_scenarios_start(installed):
    """The emulator's own, from where the package has them."""
    said = installed.must("timeout", "--preserve-status", "1", "tidblink-emulator", "--scenario",
                          "/usr/share/doc/tidblink-emulator/examples/demo.json")
    assert '"api_url":"https://127.0.0.1:' in said


def test_manual_pages(installed):
    # The minimal system leaves documentation of other packages out, not ours: dpkg has no such rule.
    said = installed.must("man", "--warnings", "tidblink", MANWIDTH="80")
    assert said.startswith("TIDBLINK(1)") and "warning" not in said[:200]
    assert "TIDBLINK(1)" in installed.must("man", "5", "tidblink.conf", MANWIDTH="80")
    assert "TIDBLINK-EMULATOR(1)" in installed.must("man", "tidblink-emulator", MANWIDTH="80")


def test_completion_loads_by_itself(installed):
    said = installed.must(
        "bash", "-c", "source /usr/share/bash-completion/bash_completion; "
        "_completion_loader tidblink; complete -p tidblink; COMP_WORDS=(tidblink wa) COMP_CWORD=1; "
        "_tidblink; echo \"${COMPREPLY[*]}\"")
    assert said == "complete -F _tidblink tidblink\nwait\n"


def test_owners_and_modes(installed):
    listed = [name for package in ("tidblink", "tidblink-emulator")
              for name in installed.must("dpkg", "-L", package).splitlines()
              if name != "/."]
    files = installed.files()
    for name in listed:
        mode, uid, gid = files.get(name) or files[f"/usr{name}"]  # /lib is /usr/lib
        assert (uid, gid) == (0, 0), name
        assert int(mode, 8) & 0o7022 == 0 or mode.startswith("0o12"), f"{name}: {mode}"
    assert "/etc/tidblink" in listed


def test_the_unit(installed):
    said = installed.must("systemctl", "is-enabled", "tidblink.service")
    assert said == "enabled\n"  # and does nothing as long as there is no configuration
    assert "ConditionPathExists=/etc/tidblink/tidblink.conf" in installed.must(
        "cat", "/lib/systemd/system/tidblink.service")
    assert installed.must("systemd-analyze", "verify", "tidblink.service") == ""


def test_its_user(installed):
    entry = installed.must("getent", "passwd", "tidblink").strip().split(":")
    assert 100 <= int(entry[2]) < 1000 and entry[5:] == ["/var/lib/tidblink", "/usr/sbin/nologin"]
    assert installed.must("getent", "group", "tidblink").startswith("tidblink:x:")


def test_the_readme_names_what_the_packages_are(packages):
    readme = (ROOT / "README.md").read_text()
    for path in packages.glob("*.deb"):
        name = path.name.split("_")[0]
        assert name in readme or name.endswith("-dbgsym"), name
