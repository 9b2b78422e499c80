"""The page of incidents is about the incidents that tests prepare."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NUMBERS = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]


def test_the_page_has_a_row_for_each_prepared_incident():
    """And says how many there are, as the front page does."""
    prepared = list((ROOT / "tests/acceptance/incidents/golden").glob("*.txt"))
    page = (ROOT / "docs/incidents.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    number = NUMBERS[len(prepared) - 10]
    assert len(prepared) == len(rows)
    assert f"{number.capitalize()} incidents" in page
    front = re.search(r"incidents\.md\): (\w+) things", (ROOT / "README.md").read_text())
    assert front is not None
    assert front[1] == number
