"""The longest tests begin first."""

from __future__ import annotations

import pytest


def _seconds(item: pytest.Item) -> float:
    """How long a test may take."""
    mark = item.get_closest_marker("timeout")
    return mark.args[0] if mark else 0


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Files by the longest that one of their tests may take, those of one test before those of many.

    A worker is given its next file with the last but one test: of two long files of one test each, one would wait for
    the other.
    """
    tests: dict[str, list[pytest.Item]] = {}
    for item in items:
        tests.setdefault(item.path.name, []).append(item)
    by_length = sorted(
        tests.values(), key=lambda file: (-max(map(_seconds, file)), len(file), file[0].path.name)
    )
    items[:] = [item for file in by_length for item in file]
