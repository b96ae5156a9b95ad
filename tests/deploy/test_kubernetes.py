# SPDX-License-Identifier: Apache-2.0
"""deploy/kubernetes: valid by Kubernetes' own schemas, and true to what tidblink is."""
import itertools
import re
import sys

import pytest
import yaml

from built import ROOT, built
from tools import fetched, run, seconds_of

MANIFESTS = sorted((ROOT / "deploy/kubernetes").glob("*.yaml"))
# The first with native sidecars by default, and the newest that the schemas know.
VERSIONS = ("1.29.0", "1.37.0")
WITH_PODS = [path for path in MANIFESTS if "initContainers" in path.read_text()]
# What stands in the manifests for the application's own time.
APPLICATION_S, MARGIN_S = 30, 5


def names(path):
    return path.stem


def validate(path, version):
    folder = fetched("kubernetes")
    return run([sys.executable, "-W", "ignore", folder / "bin/kubernetes-validate", "--strict",
                "--kubernetes-version", version, path], PYTHONPATH=str(folder))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", MANIFESTS, ids=names)
def test_schema(path, version):
    code, said = validate(path, version)
    assert code == 0, said


def test_what_the_schema_would_say(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(WITH_PODS[0].read_text().replace("readOnlyRootFilesystem", "readonlyRoot", 1))
    code, said = validate(wrong, VERSIONS[0])
    assert code != 0 and "readonlyRoot" in said, said


def documents(path):
    return list(yaml.safe_load_all(path.read_text()))


def pod(path):
    return next(document["spec"]["template"]["spec"] for document in documents(path)
                if "template" in document.get("spec", {}))


def sidecar(path):
    return next(container for container in pod(path)["initContainers"]
                if container["name"] == "tidblink")


def config_of(path):
    """The configuration in the ConfigMap that the pod mounts, whichever file of here has it."""
    name = next(volume["configMap"]["name"] for volume in pod(path)["volumes"]
                if volume["name"] == "tidblink-config")
    return next(document["data"]["tidblink.conf"]
                for document in itertools.chain.from_iterable(map(documents, MANIFESTS))
                if document["kind"] == "ConfigMap" and document["metadata"]["name"] == name)


def probes_of(container):
    return {name: probe for name, probe in container.items() if name.endswith("Probe")}


@pytest.mark.parametrize("path", WITH_PODS, ids=names)
def test_least_privilege(path):
    spec, container = pod(path), sidecar(path)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert container["restartPolicy"] == "Always"  # what makes it a sidecar
    assert container["securityContext"] == {
        "runAsUser": 65532, "runAsGroup": 65532, "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert container["resources"]["requests"] and container["resources"]["limits"]["memory"]


def test_probes_are_our_own_commands():
    """Each is understood by the program; with no proxy it ends with 3, within the probe's time."""
    distinct = set()
    for path in WITH_PODS:
        probes = probes_of(sidecar(path))
        assert {"startupProbe", "livenessProbe"} <= set(probes)
        for probe in probes.values():
            words = probe["exec"]["command"]
            assert seconds_of(words[words.index("--max") + 1]) < probe["timeoutSeconds"]
            distinct.add(tuple(words))
    for program, *words in distinct:
        assert program == "/usr/bin/tidblink"
        code, said = run([built("app/tidblink"), *words, "--admin-socket", "/nonexistent/a.sock"])
        assert code == 3, said


@pytest.mark.parametrize("path", WITH_PODS, ids=names)
def test_the_grace_period_is_enough(path):
    settings = dict(re.findall(r"(?m)^([a-z-]+) *= *(\S+)", config_of(path)))
    sample = dict(re.findall(r"(?m)^# ([a-z-]+) = (\S+)", (ROOT / "doc/tidblink.conf").read_text()))
    drain_s = sum(seconds_of(settings.get(name, sample[name]))
                  for name in ("drain-delay", "drain-timeout"))
    assert pod(path)["terminationGracePeriodSeconds"] == APPLICATION_S + drain_s + MARGIN_S


@pytest.mark.parametrize("path", WITH_PODS, ids=names)
def test_the_configuration_is_valid(path, tmp_path):
    text = config_of(path)
    for name in ("public", "private"):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text("key\n")
    (tmp_path / "tidblink.conf").write_text(text.replace("/etc/tidblink-key", str(tmp_path)))
    code, said = run([built("app/tidblink"), "proxy", "--check", "--config",
                      tmp_path / "tidblink.conf"])
    assert code == 0, said


@pytest.mark.parametrize("path", WITH_PODS, ids=names)
def test_every_volume_is_there_and_used(path):
    spec = pod(path)
    there = {volume["name"] for volume in spec["volumes"]}
    mounts = [mount for container in (*spec["initContainers"], *spec["containers"])
              for mount in container.get("volumeMounts", [])]
    assert {mount["name"] for mount in mounts} == there
    assert not any("subPath" in mount for mount in mounts)  # would never be updated
    # What the image's environment names must be writable.
    writable = {mount["mountPath"] for mount in sidecar(path)["volumeMounts"]
                if not mount.get("readOnly")}
    assert {"/var/lib/tidblink", "/run/tidblink"} == writable
