"""What a fork says of the result it was given."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure

from worker.cli.again import Cut, edited_text
from worker.contracts import MEMO_FORKED_AT, MEMO_FORKED_FROM, MEMO_FORKED_RESULT, origin_of
from worker.masking import HIDDEN, Mask
from worker.steps import CALL, Step

AT = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
SECRET = "very-secret-token"


def step(result: object = None, failure: Failure | None = None) -> Step:
    """A call that has ended, or not."""
    payload = Payload(metadata={"encoding": b"json/plain"}, data=json.dumps({"result": result}).encode())
    return Step(1, CALL, "main.get", "main.py:3", 5, AT, result=payload if result else None, failure=failure)


@pytest.mark.parametrize(
    ("recorded", "cut", "was", "now"),
    [
        (step("old"), Cut(1, '{"n": 2}', "", ""), "'old'", "{'n': 2}"),
        (step(), Cut(1, "7", "", ""), "nothing yet", "7"),
        (step(failure=Failure(message="refused")), Cut(1, "7", "", ""), "refused", "7"),
        (step("old"), Cut(1, "", "ValueError:no", ""), "'old'", "ValueError:no"),
        (step(SECRET), Cut(1, json.dumps(SECRET), "", ""), f"'{HIDDEN}'", f"'{HIDDEN}'"),
        (step("old"), Cut(1, "", f"ValueError:{SECRET}", ""), "'old'", f"ValueError:{HIDDEN}"),
    ],
)
def test_the_old_and_the_new_outcome_are_told_without_secrets(recorded, cut, was, now):
    """As previews, with a word for what had not ended."""
    text = edited_text(recorded, cut, Mask([SECRET]))
    assert json.loads(text) == {"was": was, "now": now}
    memo = {MEMO_FORKED_FROM: "ses_1", MEMO_FORKED_AT: "1", MEMO_FORKED_RESULT: text}
    assert origin_of(memo).startswith(f"fork of `ses_1` at step 1 with `{now}` instead of `{was}`, ")
