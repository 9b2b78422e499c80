"""``python -P -m worker.lint DIRECTORY HANDLER…``: the report as JSON, made with the project's own interpreter."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Final

from worker.errors import WorkerError
from worker.lint.report import lint

_DEPTH: Final = 100_000
_STACK_BYTES: Final = 256 * 1024 * 1024


def main() -> int:
    """Print the report, or what is wrong with the project."""
    try:
        document = lint(Path(sys.argv[1]), sys.argv[2:])
    except WorkerError as error:
        failed = {"message": error.message, "where": error.where, "hint": error.hint, "code": error.code}
        sys.stdout.write(json.dumps({"error": failed}))
        return 1
    sys.stdout.write(json.dumps(document))
    return 0


def deeply() -> int:
    """The same with room for deep code: a sum of thousands of terms is a tree as deep."""
    sys.setrecursionlimit(_DEPTH)
    threading.stack_size(_STACK_BYTES)
    status = [3]

    def run() -> None:
        status[0] = main()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return status[0]


if __name__ == "__main__":
    sys.exit(deeply())
