"""Manifests and states of projects for property tests: few names, so that they meet."""

from __future__ import annotations

from types import MappingProxyType

from hypothesis import strategies as st

from manifest import Connection, Project, State, StoredVar, Trigger, Var

NAMES = st.sampled_from(["a", "b", "c", "d"])
TEXT = st.sampled_from(["", "1", "2", "x y"])


def unique(items, key=lambda item: item.name):
    """Few of them, each name once."""
    return st.lists(items, max_size=4, unique_by=key).map(tuple)


VARS = unique(st.builds(Var, NAMES, TEXT, TEXT, st.booleans()))
TRIGGERS = unique(
    st.builds(
        Trigger,
        NAMES,
        st.sampled_from(["webhook", "schedule", "connection"]),
        TEXT,
        TEXT,
        filter=TEXT,
        is_sync=st.booleans(),
        connection=TEXT,
        schedule=TEXT,
        timezone=TEXT,
    )
)
PROJECTS = st.builds(
    Project,
    st.just("p"),
    TEXT,
    unique(st.builds(Connection, NAMES, TEXT, VARS)),
    VARS,
    TRIGGERS,
)
STATES = st.builds(
    State,
    st.none() | TEXT,
    unique(st.builds(Connection, NAMES, TEXT)),
    unique(
        st.builds(
            StoredVar, NAMES, TEXT, st.sampled_from(["", "a", "b"]), st.booleans(), TEXT, st.none() | TEXT
        ),
        lambda item: (item.connection, item.name),
    ),
    TRIGGERS,
    st.dictionaries(NAMES, NAMES, max_size=3).map(MappingProxyType),
)
