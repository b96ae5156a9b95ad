# SPDX-License-Identifier: Apache-2.0
"""XML answers held against the models that the AWS CLI reads them with (botocore's service-2.json):
every element is a known member, every scalar of its type, and the lists that EC2 always has are
there."""
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

DATA = Path("/usr/lib/python3/dist-packages/awscli/botocore/data")
# Lists that EC2 leaves out, too, where there is nothing to say.
MAY_BE_ABSENT = {"Ipv6Prefixes", "Ipv4Prefixes", "Ipv6CidrBlockAssociationSet", "ProductCodes",
                 "BlockDeviceMappings", "ElasticGpuAssociations", "NetworkInterfaces", "Licenses",
                 "ElasticInferenceAcceleratorAssociations", "UnknownIpPermissions"}
SCALARS = {
    "string": r".*", "integer": r"-?\d+", "long": r"-?\d+", "boolean": r"true|false",
    "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"}


def tag_of(element):
    return element.tag.rpartition("}")[2]


class Model:
    def __init__(self, service, version):
        model = json.loads((DATA / service / version / "service-2.json").read_text())
        self.shapes, self.operations = model["shapes"], model["operations"]
        self.enveloped = model["metadata"]["protocol"] == "ec2"

    def check(self, operation, text):
        """The answer of an operation as XML; the tags of all that it has."""
        root = ElementTree.fromstring(text)
        assert tag_of(root) == operation + "Response"
        members = list(root)
        if self.enveloped:
            identifier = members.pop(0)
            assert tag_of(identifier) == "requestId" and len(identifier.text) == 36
        seen = set()
        output = self.operations[operation].get("output")
        if output:
            self.structure(output["shape"], members, operation, seen)
        else:
            assert [(tag_of(m), m.text) for m in members] == [("return", "true")]
        return seen

    def value(self, shape, element, path, seen):
        kind = self.shapes[shape]["type"]
        seen.add(tag_of(element))
        if kind == "structure":
            self.structure(shape, list(element), path, seen)
        elif kind == "list":
            member = self.shapes[shape]["member"]
            for item in element:
                assert tag_of(item) == member.get("locationName", "member"), path
                self.value(member["shape"], item, path, seen)
        else:
            assert len(element) == 0, path
            assert re.fullmatch(SCALARS[kind], element.text or "", re.DOTALL), (path, element.text)

    def structure(self, shape, elements, path, seen):
        members = self.shapes[shape]["members"]
        names = {member.get("locationName", name): name for name, member in members.items()}
        tags = [tag_of(element) for element in elements]
        assert len(tags) == len(set(tags)), f"{path}: an element twice in {tags}"
        assert set(tags) <= set(names), f"{path}: {set(tags) - set(names)} are no members"
        for element in elements:
            name = names[tag_of(element)]
            self.value(members[name]["shape"], element, f"{path}.{name}", seen)
        for name, member in members.items():
            if self.shapes[member["shape"]]["type"] == "list" and name not in MAY_BE_ABSENT:
                assert member.get("locationName", name) in tags, f"{path}: no {name}"
