"""What a report of lint says, in a form that tests compare."""

from __future__ import annotations


def kinds(found):
    """The calls of the only handler as (line, kind, name)."""
    return [
        (int(item["where"].rpartition(":")[2]), item["kind"], item["name"])
        for item in found["handlers"][0]["calls"]
    ]
