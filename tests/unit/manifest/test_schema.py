"""The JSON Schema agrees with the loader about shape, names and choices."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

import manifest
from manifest import schema

MANIFESTS = Path(__file__).parents[2] / "manifests"
VALIDATOR = jsonschema.Draft202012Validator(manifest.json_schema())
# A file that is no YAML has no shape to check.
SHAPELESS = {"bad-not-yaml"}
BAD = [path for path in sorted(MANIFESTS.glob("bad-*.yaml")) if path.stem not in SHAPELESS]


def project(**fields):
    """A manifest around some fields of a project."""
    return {"version": "v2", "project": {"name": "p", **fields}}


def test_schema_is_a_schema():
    """It is valid by the standard it names."""
    jsonschema.Draft202012Validator.check_schema(manifest.json_schema())


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_schema_rejects_bad_manifests(path):
    """What the loader refuses for its shape an editor underlines too."""
    assert not VALIDATOR.is_valid(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"version": 2},
        {"version": "v2", "project": {}},
        {"version": "v2", "other": 1},
        project(name="1st"),
        project(conections=[]),
        project(connections=[{"name": "a", "integration": "slak"}]),
        project(connections=[{"name": "a"}]),
        project(vars={"A": "1"}),
        project(vars=[{"name": "A", "secret": "maybe"}]),
        project(vars=[{"value": "1"}]),
        project(triggers=[{"name": "t"}]),
        project(triggers=[{"name": "t", "type": "hook"}]),
        project(triggers=[{"name": "t", "webhook": "x"}]),
    ],
)
def test_schema_and_loader_reject_the_same(document):
    """A document of the wrong shape is refused by both."""
    assert not VALIDATOR.is_valid(document)
    assert manifest.load_text(yaml.safe_dump(document)).manifest is None


@pytest.mark.parametrize(
    "document",
    [
        {"version": "v1"},
        project(display_name=3),
        project(
            vars=[{"name": "A", "value": 1.5}, {"name": "B", "value": None}, {"name": "C", "value": True}]
        ),
        project(vars=None, connections=None, triggers=None),
        project(triggers=[{"name": "t", "webhook": {}, "x-owner": "me"}]),
        project(triggers=[{"name": "t", "schedule": "@daily", "data": {"a": 1}}]),
    ],
)
def test_schema_and_loader_accept_the_same(document):
    """A scalar is any text, empty lists may be left empty, and ``x-`` keys are free."""
    assert VALIDATOR.is_valid(document)
    assert manifest.load_text(yaml.safe_dump(document)).manifest is not None


def test_schema_describes_every_key():
    """Each key of each object has a description for the editor."""
    for name, keys in schema.OBJECTS.items():
        for key in keys:
            assert key.description.endswith("."), f"{name}.{key.name}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a", True), ("_A1", True), ("1a", False), ("", False), ("a-b", False), ("a\n", False), ("é", False)],
)
def test_names_are_ascii_identifiers(text, expected):
    """Letters, digits and the underscore, no digit first."""
    assert schema.is_name(text) is expected
