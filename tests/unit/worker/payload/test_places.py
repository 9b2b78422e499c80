"""Paths inside the build travel relative to it: another machine has it somewhere else."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from tests.helpers.codecs import KEYS, UserCode, sent
from worker.payload.codec import Codec
from worker.payload.signing import Signer

HERE, THERE = "/var/a/builds/bld_0123456789", "/home/b/.autokitteh/builds/bld_0123456789"


def codec(directory, **secrets):
    """The codec of a process whose build is in this directory."""
    return Codec(Signer(KEYS), UserCode(), secrets=secrets, project="p", directory=directory)


def moved(value, **secrets):
    """The value as it arrives on another machine; the first one's directory never travels."""
    tree = codec(HERE, **secrets).encode(value)
    assert HERE not in sent(tree)
    return codec(THERE, **secrets).decode(tree)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (HERE, THERE),
        (f"{HERE}/data/a.csv", f"{THERE}/data/a.csv"),
        (f"{HERE}/a:{HERE}/b", f"{THERE}/a:{THERE}/b"),
        ([f"file://{HERE}/a", 1], [f"file://{THERE}/a", 1]),
        (Path(HERE), Path(THERE)),
        (Path(HERE) / "data" / "a.csv", Path(THERE) / "data" / "a.csv"),
        ((PurePosixPath(HERE) / "x", {f"{HERE}/y"}), (PurePosixPath(THERE) / "x", {f"{THERE}/y"})),
        (Path("/elsewhere/x"), Path("/elsewhere/x")),
        ({f"{HERE}/key": 1}, {f"{THERE}/key": 1}),
    ],
    ids=repr,
)
def test_path_inside_the_build_is_found_on_another_machine(here, there):
    """As text, as a path, alone or inside other values; what is elsewhere stays as it is."""
    found = moved(here)
    assert found == there
    assert type(found) is type(there)


def test_path_and_secret_in_one_text():
    """Each travels by its own name."""
    text = f"{HERE}/x?token=t0psecret&again={HERE}"
    assert moved(text, TOKEN="t0psecret") == f"{THERE}/x?token=t0psecret&again={THERE}"
    assert "t0psecret" not in sent(codec(HERE, TOKEN="t0psecret").encode(text))


def test_path_is_readable_in_temporals_ui():
    """The preview is the path as the project's author knows it."""
    tree = codec(HERE).encode(f"{HERE}/data/a.csv")
    assert tree == {"preview": "./data/a.csv", "secret": [{"build": ""}, "/data/a.csv"]}


def test_arguments_of_a_call_move_as_well():
    """Positional and by keyword, together in one pickle when they share objects."""
    shared = [Path(HERE) / "a"]
    args, kwargs, _ = codec(THERE).decode_call(
        codec(HERE).encode_call((shared, shared), {"to": f"{HERE}/out"})
    )
    assert args == ([Path(THERE) / "a"], [Path(THERE) / "a"])
    assert args[0] is args[1]
    assert kwargs == {"to": f"{THERE}/out"}
