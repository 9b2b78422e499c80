"""What the packages show to the world is what they say they show."""

from __future__ import annotations

import pickle
import types

import autokitteh
import manifest


def public_names(module) -> set[str]:
    """Names without an underscore that are not submodules by accident."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and name != "annotations" and not isinstance(value, types.ModuleType)
    }


def test_autokitteh_exports_what_it_lists():
    """``__all__`` of the SDK is its public names."""
    assert public_names(autokitteh) | {"errors", "store"} == set(autokitteh.__all__)


def test_manifest_exports_what_it_lists():
    """``__all__`` of the manifest package is its public names."""
    assert public_names(manifest) == set(manifest.__all__)


def test_exported_classes_pickle_by_their_public_path():
    """Exported classes travel by a path that cannot move."""
    for name in autokitteh.__all__:
        value = getattr(autokitteh, name)
        if isinstance(value, type):
            assert pickle.loads(pickle.dumps(value)) is value
            assert value.__module__ in {"autokitteh", "autokitteh.errors"}
