"""``python -P -m worker.lint DIRECTORY HANDLER…``: the report as JSON, made with the project's own interpreter."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from worker.errors import WorkerError
from worker.lint.report import lint


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


if __name__ == "__main__":
    sys.exit(main())
