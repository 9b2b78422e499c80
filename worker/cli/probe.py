"""``python -m worker.cli.probe``: one harmless call through a vendor's own client, in the project's interpreter.

What to do is one JSON line on standard input, so that no secret is in the process list; the answer is one on standard
output. The connection's variables are in the environment, where the SDK's helpers look for them.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any


def attempt(job: dict[str, Any]) -> dict[str, Any]:
    """Make the call; whether it went well, and what was said when not."""
    try:
        helper = getattr(importlib.import_module(f"autokitteh.{job['module']}"), job["helper"])
        found = helper(job["connection"], **job["arguments"])
        for name, arguments in job["steps"]:
            found = getattr(found, name)(**arguments)
    except Exception as error:
        return {"ok": False, "message": f"{type(error).__name__}: {error}"}
    return {"ok": True, "message": ""}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(attempt(json.loads(sys.stdin.readline()))) + "\n")
