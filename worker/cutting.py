"""Where a recording is cut for a fork: the tasks up to the last result it takes over, and what arrives when it goes live.

Pure. Rules:

1. The cut is where the last of the results of the steps 1 to N reached the session. A result of a later step that
   came before is left out: the fork asks for that step again, live.
2. Signals and events count by when they came: those up to the cut are the fork's too.
3. A session that was started, and a subscription, are taken over or not asked for at all: never made twice.

May import: worker.recording, worker.steps. Never: the store, a client.
"""

from __future__ import annotations

from dataclasses import replace

from worker.contracts import JSON
from worker.errors import NotFoundError, UsageError
from worker.recording import Recording, is_again
from worker.steps import CHILD, SYSTEM


def cut(made: Recording, at: int, outcome: JSON = None) -> JSON:
    """What a fork at step ``at`` takes over.

    Args:
        made: the recording.
        at: the last step whose result is taken over.
        outcome: another outcome for that step, ``{"as": "completed", "result": …}`` and the like.

    Raises:
        NotFoundError: there is no such step.
        UsageError: the session cannot be cut there; the message says where it can.
    """
    _check(made, at, outcome)
    if outcome is not None and at in made.settled:
        made = replace(made, tasks=[_with(task, at, outcome) for task in made.tasks])
    index, local = max(made.settled.get(n, (0, -1)) for n in range(1, at + 1))
    jobs = _jobs_at(made, index, local)
    if at not in made.settled:
        index, local, jobs = len(made.tasks), -1, [{"step": at, **(outcome or {})}]
    _check_cut(made, at, index)
    whole = [_of_steps(task, at) for task in made.tasks[: index + 1]]
    tasks = whole[:index]
    if local >= 0:
        tasks.append({**whole[index], "locals": whole[index]["locals"][:local], "more": False})
    signals = _arriving(whole[index])["signals"] if local < 0 and index < len(whole) else []
    late = _late(made, at, index)
    kept = [job for job in jobs if job["step"] <= at]
    return {
        "origin": made.origin,
        "seed": made.seed,
        "at": at,
        "steps": [[step.kind, step.name, step.where] for step in made.steps[:at]],
        "tasks": tasks,
        "live": {"signals": signals, "jobs": [*kept, *late]},
    }


def so_many(steps: int) -> str:
    """``3 steps``."""
    return f"{steps or 'no'} step{'s' if steps != 1 else ''}{'' if steps else ' yet'}"


def _check(made: Recording, at: int, outcome: JSON) -> None:
    if not 1 <= at <= len(made.steps):
        raise NotFoundError(
            f"{made.origin} has no step {at}: it has {so_many(len(made.steps))}",
            hint=f"`ak session show {made.origin}` numbers them; 0 is the start.",
        )
    step = made.steps[at - 1]
    if at not in made.settled and outcome is None:
        raise UsageError(
            f"step {at} of {made.origin}, {step.name} ({step.where}), has no result yet",
            hint=f"Make it again with --at {at - 1}, or give it a result with --set-result.",
        )
    if is_again(step):
        raise UsageError(
            f"step {at} of {made.origin} is what it did itself to be a fork",
            hint=f"Use --at {at - 1}, or a step after it.",
        )


def _check_cut(made: Recording, at: int, index: int) -> None:
    """Refuse a cut that would leave half of something."""
    if made.stopped is not None and made.stopped <= min(index, len(made.tasks) - 1):
        raise UsageError(
            f"{made.origin} was asked to stop before its step {at} had ended",
            hint="Fork it before that: its last steps clean up.",
        )
    for task in made.tasks[:index]:
        for n in task["asked"]:
            step = made.steps[n - 1]
            if n > at and (step.kind == CHILD or (step.kind == SYSTEM and step.name == "subscribe")):
                raise UsageError(
                    f"step {n} of {made.origin}, {step.name} ({step.where}), was asked for at the same time as step {at}",
                    hint=f"Use --at {n}: a started session and a subscription are taken over, never made twice.",
                )


def _with(task: dict[str, JSON], at: int, outcome: JSON) -> dict[str, JSON]:
    """The task with another outcome of one step, where that reached the session."""
    changed: dict[str, JSON] = {
        name: [
            {**{key: job[key] for key in ("step", "seq", "at") if key in job}, **outcome}
            if job["step"] == at and not job.get("ended")
            else job
            for job in task[name]
        ]
        for name in ("jobs", "locals")
    }
    if "live" in task:
        changed["live"] = {**task["live"], **_with({**task["live"], "locals": []}, at, outcome)}
        del changed["live"]["locals"]
    return {**task, **changed}


def _jobs_at(made: Recording, index: int, local: int) -> list[JSON]:
    if index >= len(made.tasks):
        return []
    return list(_arriving(made.tasks[index])["jobs"]) if local < 0 else [made.tasks[index]["locals"][local]]


def _arriving(task: dict[str, JSON]) -> dict[str, JSON]:
    """What arrives with a task; where a fork went on live, what it had kept back until then."""
    found: dict[str, JSON] = task.get("live", task)
    return found


def _of_steps(task: dict[str, JSON], at: int) -> dict[str, JSON]:
    """A task without what belongs to steps after the cut; ``more`` says that there was some."""
    return {
        **task,
        "jobs": [job for job in task["jobs"] if job["step"] <= at],
        "asked": [n for n in task["asked"] if n <= at],
        "locals": [job for job in task["locals"] if job["step"] <= at],
        "more": any(n > at for n in task["asked"]) or any(job["step"] > at for job in task["locals"]),
    }


def _late(made: Recording, at: int, index: int) -> list[JSON]:
    """The ends of sessions that were started before the cut and ended after it: nobody will tell the fork."""
    return [
        job
        for task in made.tasks[index + 1 :]
        for job in task["jobs"]
        if job.get("ended") and job["step"] <= at
    ]
