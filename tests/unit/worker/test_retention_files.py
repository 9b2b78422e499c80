"""Files of a machine: what nothing uses any more goes, what is in use is touched and stays."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import pytest

from tests.helpers.fake_store import deployment
from worker import environment
from worker.config import Settings
from worker.retention import Files

DAYS = 86_400


def aged(path: Path, days: float) -> Path:
    """A file or directory so many days old."""
    if path.suffix:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    else:
        path.mkdir(parents=True)
        (path / "file.txt").write_text("x")
    os.utime(path, (0, time.time() - days * DAYS))
    return path


@pytest.fixture
def settings(tmp_path):
    """Settings of a home of its own."""
    return Settings.load({"AK_HOME": str(tmp_path / "home"), "AK_CACHE_DIR": str(tmp_path / "cache")})


def test_unused_files_go_and_used_ones_are_touched(settings):
    """Builds after a day, logs and environments after a month; counting deletes nothing."""
    builds, logs, environments = (
        settings.home / "builds",
        settings.home / "logs",
        settings.cache_dir / "environments",
    )
    wanted = deployment()
    kept = [
        aged(builds / wanted.build_id, 50),
        aged(builds / "bld_new", 0.5),
        aged(logs / f"{wanted.project}-{wanted.id}.log", 50),
        aged(logs / "shop-dep_9.log", 20),
        aged(logs / "temporal.log", 50),
        aged(environments / "young", 20),
    ]
    gone = [
        aged(builds / "bld_old", 2),
        aged(builds / ".bld_old-cut-short", 2),
        aged(logs / "shop-dep_0.log", 40),
        aged(logs / "shop-dep_0.old.log", 40),
        aged(environments / "old", 40),
    ]
    files = Files(settings)
    assert sorted(files.clean([wanted], delete=False)) == sorted(map(str, gone))
    assert all(path.exists() for path in gone)
    assert sorted(files.clean([wanted], delete=True)) == sorted(map(str, gone))
    assert [path for path in gone if path.exists()] == []
    assert all(path.exists() for path in kept)
    assert time.time() - kept[0].stat().st_mtime < DAYS
    assert files.clean([wanted], delete=True) == []


def test_environment_that_is_being_made_or_used_stays(settings):
    """Its lock is held, or its mark of use is new."""
    environments = settings.cache_dir / "environments"
    used = aged(environments / environment.key("requests"), 40)
    aged(used / ".ready.mark", 40).rename(used / ".ready")
    os.utime(used, (0, time.time() - 40 * DAYS))
    busy = aged(environments / "busy", 40)
    wanted = deployment()
    object.__setattr__(wanted, "requirements", "requests")
    with (environments / "busy.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        Files(settings).clean([wanted], delete=True)
        assert busy.exists()
    Files(settings).clean([wanted], delete=True)
    assert not busy.exists()
    assert used.exists()


def test_nothing_goes_when_deployments_are_kept_for_ever(settings, tmp_path):
    """An age of 0 is none."""
    for_ever = Settings.load(
        {"AK_HOME": str(settings.home), "AK_CACHE_DIR": str(tmp_path), "AK_RETENTION_DEPLOYMENT_DAYS": "0"}
    )
    old = aged(settings.home / "builds" / "bld_old", 400)
    assert Files(for_ever).clean([], delete=True) == []
    assert old.exists()
