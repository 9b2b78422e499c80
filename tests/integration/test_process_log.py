"""What a build process writes to its log file, in the format that was asked for."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys

import pytest

from worker.contracts import BootConfig

BOOT = BootConfig(
    project="shop",
    deployment="dep_1",
    build="bld_1",
    version="v1",
    directory="",
    entrypoints=[],
    temporal_address="127.0.0.1:1",
    temporal_namespace="default",
    database_url="sqlite:///store.db",
    payload_keys={"k1": "this is no hex"},  # an error that nobody foresaw
)


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_log_of_a_build_process_has_the_format_asked_for(log_format, tmp_path):
    """One JSON document a line, or text; the error is in it with its facts."""
    boot = dataclasses.replace(BOOT, directory=str(tmp_path), log_format=log_format)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "worker.process"],
        input=json.dumps(dataclasses.asdict(boot)) + "\n",
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "AK_REPORT_FD"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    entry = next(line for line in done.stderr.splitlines() if "build_process_failed" in line)
    if log_format == "text":
        assert entry.startswith("error: build_process_failed")
    else:
        found = json.loads(entry)
        assert (found["level"], found["action"]) == ("error", "build_process_failed")
        assert "ValueError" in found["error"]
