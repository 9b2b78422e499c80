"""The model as JSON and back."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest import Connection, Manifest, Project, Trigger, Var

TEXT = st.text(max_size=5)
VARS = st.lists(st.builds(Var, TEXT, TEXT, TEXT, st.booleans()), max_size=2).map(tuple)
CONNECTIONS = st.lists(st.builds(Connection, TEXT, TEXT, VARS), max_size=2).map(tuple)
TRIGGERS = st.lists(
    st.builds(Trigger, TEXT, TEXT, TEXT, TEXT, TEXT, st.booleans(), st.booleans(), TEXT, TEXT), max_size=2
).map(tuple)
MANIFEST = st.builds(Manifest, TEXT, st.none() | st.builds(Project, TEXT, TEXT, CONNECTIONS, VARS, TRIGGERS))


@given(MANIFEST)
def test_model_survives_json(model):
    """Written as JSON text and read back, a manifest is equal to itself."""
    assert Manifest.from_json(json.loads(json.dumps(model.to_json()))) == model


def test_model_reads_json_of_an_older_version():
    """Optional fields that were not there yet have their defaults."""
    tree = {
        "version": "v1",
        "project": {
            "name": "p",
            "connections": [],
            "vars": [{"name": "A"}],
            "triggers": [{"name": "t", "kind": "webhook"}],
        },
    }
    project = Manifest.from_json(tree).project
    assert project == Project("p", vars=(Var("A"),), triggers=(Trigger("t", "webhook"),))
    assert project.triggers[0].is_durable


def test_model_cannot_be_changed():
    """What was checked stays what was checked."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Project("p").name = "q"
