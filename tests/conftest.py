"""For all tests: no configuration of the developer's leaks in, and nothing of a test's stays behind."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.helpers import commands

# Two noisy cores: no example fails for being slow.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

# Binaries and virtual environments may be shared: they are only looked up by version and content.
_KEPT = {"AK_CACHE_DIR"}
_OURS = ("AK_", "TEMPORAL_")

for _name in [name for name in os.environ if name.startswith(_OURS) and name not in _KEPT]:
    del os.environ[_name]
os.environ.pop(
    "COLUMNS", None
)  # set where tests run beside each other; what commands print would depend on it

_CONFIGURATION = pytest.StashKey[str]()


def pytest_configure(config):
    """Temporal's profile file of the developer is out of sight too."""
    config.stash[_CONFIGURATION] = tempfile.mkdtemp(prefix="ak-tests-")
    os.environ["XDG_CONFIG_HOME"] = config.stash[_CONFIGURATION]


@pytest.fixture(autouse=True)
def _home(tmp_path_factory, monkeypatch):
    """No test ever touches the developer's own state."""
    monkeypatch.setenv("AK_HOME", str(tmp_path_factory.getbasetemp() / "home"))


@pytest.fixture(autouse=True)
def _no_thread_left(request):
    """A unit test ends with the threads it found; servers of other tiers live longer than one test."""
    before = set(threading.enumerate())
    yield
    if "unit" in request.path.parts:
        left = [thread for thread in set(threading.enumerate()) - before if not thread.daemon]
        # The event loop's own helpers end with the loop, which pytest closes after this.
        names = [thread.name for thread in left if not thread.name.startswith("asyncio_")]
        assert names == [], "threads left behind"


def children():
    """Command lines of the processes this one started and did not end; Linux only."""
    found = []
    for file in Path("/proc/self/task").glob("*/children"):
        for pid in file.read_text().split():
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue  # it ended just now
            found.append(
                f"{pid} {b' '.join(words[:6]).decode(errors='replace').strip() or '(not waited for)'}"
            )
    return found


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """A run that leaves processes behind has failed."""
    if getattr(session.config.option, "numprocesses", None):
        return  # the children here are pytest's own; each of them checks for itself
    commands.stop()
    left = [line for line in children() if "resource_tracker" not in line]
    if left:
        print("\nprocesses left behind:", *left, sep="\n  ")  # noqa: T201
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config):
    """Temporal's native threads need a moment before the interpreter ends, or its exit status is not ours."""
    shutil.rmtree(config.stash.get(_CONFIGURATION, ""), ignore_errors=True)
    gc.collect()
    time.sleep(0.1)
