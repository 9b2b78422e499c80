"""What a session takes along when it restarts: Temporal's continue-as-new, for the same session id and handler.

Rules:

1. The new run's second argument is the bundle of ``Carried``; it is read only where Temporal says that a run before
   made it. It may be large: Temporal's payload codec then leaves it in the store.
2. What is registered in the store (subscriptions, names of signals) is by session id, so it stays and is only known
   again. Mail that nobody took goes along, with the ids by which repeats are dropped.
3. Lines of the log go on counting, so that the runs read as one log.
4. A stop that came meanwhile wins, also one in the same activation as the signal that led to the restart: Temporal
   would not pass it on to the new run.
5. The new run stays on the version of the one before, as a pinned workflow does. (Temporal's option to begin it on the
   current version needs a newer server than the oldest we take, and older ones ignore it without a word.)

The state is taken after the last step of the handler's, in the activation that ends the run. A signal that arrives
while that is under way makes Temporal refuse the end; the activation is then repeated with the signal in it.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, NoReturn

from temporalio import workflow

from autokitteh.errors import SessionRestart
from worker.contracts import JSON, MEMO_BEGAN, MEMO_FORKED_FROM, MEMO_RESTARTS, Carried, UserValue


def carried_by(info: workflow.Info, args: list[UserValue]) -> Carried:
    """What the run before left; nothing in a first run, whatever its arguments are."""
    bundle = args[1] if len(args) > 1 else None
    if not info.continued_run_id:
        # Whether anybody of ours wrote it is checked before the handler begins, see ``recorded``.
        bundle = carried_by_fork(bundle) if workflow.memo().get(MEMO_FORKED_FROM) else None
    if not isinstance(bundle, dict):
        return Carried()
    known = {field.name for field in dataclasses.fields(Carried)}
    return Carried(**{name: value for name, value in bundle.items() if name in known})


def carried_by_fork(sealed: UserValue) -> UserValue:
    """What the session brought along that a fork takes over."""
    record = sealed.get("fork") if isinstance(sealed, dict) else None
    return record.get("carried") if isinstance(record, dict) else None


def began(info: workflow.Info, memo: Any) -> str:
    """Since when the session hears signals: ISO text, as it stands in the histories of sessions."""
    return str(memo.get(MEMO_BEGAN) or info.start_time.isoformat())


def go_on(session: Any, request: SessionRestart, args: list[UserValue]) -> NoReturn:
    """End this run and begin the next one; called when nothing of the session's runs any more."""
    memo, info = workflow.memo(), workflow.info()
    fresh = request.data is not None
    events, signals, seen, dropped = session.mail.packed(lambda value: packed(session, value))
    bundle = Carried(
        line=session.output.upcoming,
        encoded=fresh or session.carried.encoded,
        events=events,
        signals=signals,
        seen=seen,
        dropped=dropped,
        **session.runtime.known.packed(),
    )
    restarts = int(memo.get(MEMO_RESTARTS) or 0) + 1
    workflow.continue_as_new(
        args=[request.data if fresh else (args[0] if args else None), dataclasses.asdict(bundle)],
        memo={
            **memo,
            MEMO_BEGAN: memo.get(MEMO_BEGAN) or info.workflow_start_time.isoformat(),
            MEMO_RESTARTS: str(restarts),
        },
    )


def packed(session: Any, value: UserValue) -> JSON:
    """A payload of a signal as JSON: most are; bytes, as a foreign client may send them, are encoded."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return session.codec.encode(value)
    return value
