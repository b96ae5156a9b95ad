# SPDX-License-Identifier: Apache-2.0
"""Holds answers of the control API against its swagger document, more strictly than the document
asks: no property that it does not know, in no object."""
import copy
import json
import re
from pathlib import Path

import jsonschema

DOCUMENT = json.loads((Path(__file__).parent / "tidbcloud-dedicated-v1beta1.swagger.json").read_text())
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")


def strict(schema):
    """Swagger 2.0 to JSON schema draft 4: null where x-nullable says so, unknown properties never."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: strict(value) for key, value in schema.items()}
    if "properties" in schema:
        schema.setdefault("additionalProperties", False)
    if schema.pop("x-nullable", False):
        schema["type"] = [schema["type"], "null"]
    return schema


DEFINITIONS = strict(copy.deepcopy(DOCUMENT["definitions"]))
FORMATS = jsonschema.FormatChecker(formats=())
FORMATS.checks("date-time")(lambda value: bool(TIME.match(value)))


def operation(method, path):
    """The document's entry for a request, or None."""
    base = DOCUMENT["basePath"]
    path = path.split("?")[0]
    if not path.startswith(base + "/"):
        return None
    path = path[len(base):]
    for template, operations in DOCUMENT["paths"].items():
        pattern = re.sub(r"\\\{[^/]*?\\\}", "[^/:]+", re.escape(template))
        if re.fullmatch(pattern, path) and method.lower() in operations:
            return operations[method.lower()]
    return None


def check(method, path, status, body):
    """Fails unless `body` is what the document says for this request and status."""
    responses = operation(method, path)["responses"]
    schema = strict(copy.deepcopy(responses.get(str(status), responses["default"])["schema"]))
    schema["definitions"] = DEFINITIONS
    if "$ref" in schema:  # draft 4: whatever stands beside a $ref is not looked at
        schema = {"allOf": [{"$ref": schema["$ref"]}], "definitions": DEFINITIONS}
    jsonschema.Draft4Validator(schema, format_checker=FORMATS).validate(body)
