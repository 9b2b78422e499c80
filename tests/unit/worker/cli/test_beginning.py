"""How ``ak up`` begins: with little to load before Temporal's server is started."""

from __future__ import annotations

import subprocess
import sys

SLOW = {
    "sqlalchemy",
    "temporalio",
    "rich",
    "starlette",
    "uvicorn",
    "yaml",
    "celpy",
    "cryptography",
    "greenlet",
}


def test_what_starts_temporals_server_loads_no_slow_library():
    """The rest is loaded while the server starts; what is loaded before delays everything."""
    code = "import sys, worker.cli.beginning; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "worker" in loaded
    assert not SLOW & loaded
