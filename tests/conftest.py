"""For all tests: no configuration of the developer's leaks in, and nothing of a test's stays behind."""

from __future__ import annotations

import gc
import os
import time

import pytest

for _name in [
    name for name in os.environ if name.startswith(("AK_", "TEMPORAL_")) and name != "AK_CACHE_DIR"
]:
    del os.environ[_name]


@pytest.fixture(autouse=True)
def _home(tmp_path_factory, monkeypatch):
    """No test ever touches the developer's own state."""
    if "AK_HOME" not in os.environ:
        monkeypatch.setenv("AK_HOME", str(tmp_path_factory.getbasetemp() / "home"))


def pytest_unconfigure():
    """Temporal's native threads need a moment before the interpreter ends, or its exit status is not ours."""
    gc.collect()
    time.sleep(0.1)
