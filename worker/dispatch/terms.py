"""Check filters for a build process, one JSON line each: a text in, its term or what is wrong with it out.

A project with requirements of its own has no CEL library in its environment, so that it cannot be at odds with it.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    """Answer until standard input ends."""
    from manifest.filters import FilterSyntaxError
    from worker.dispatch.match import term_of

    for line in sys.stdin:
        try:
            answer: dict[str, object] = {"term": term_of(json.loads(line))}
        except FilterSyntaxError as error:
            answer = {"problem": str(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
