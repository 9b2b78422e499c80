"""Handlers that do several things at once: deterministic on Temporal's loop, calls to the outside side by side.

Each test runs twice: with a warm cache, and with none, where every step replays.
"""

from __future__ import annotations

from tests.acceptance.test_sdk import begin, finish, post, printed, up  # noqa: F401 - the fixture

FILE = "together.py"


def run(up, handler: str):  # noqa: F811 - the fixture's name
    """The result of a handler."""
    return finish(up, begin(up, handler, file=FILE))["result"]


def test_asyncio_runs_on_the_sessions_loop(up):  # noqa: F811
    """gather, create_task, wait, wait_for, timeout, Queue, Lock, TaskGroup, to_thread: the results are Python's."""
    assert run(up, "runs_asyncio") == [0, 1, 4, 0, 1, 4, 101, 100, 101, 25, 9]


def test_async_handler_may_wait_for_events(up):  # noqa: F811
    """The handler itself is a coroutine function."""
    session = begin(up, "is_async", file=FILE)
    printed(up, session, "subscribed")
    post(up, "waited", json={"n": 1})
    assert finish(up, session)["result"] == 101


def test_threads_locks_events_timers_and_queues(up):  # noqa: F811
    """Threads take turns where they wait."""
    order, results = run(up, "uses_threads")
    assert (order, results) == ([2, 1, 0], [4, 1, 0, 2, 3, "rang", "empty"])


def test_threads_have_names_numbers_and_locals_of_their_own(up):  # noqa: F811
    """Each thread, and each worker of an executor; the names are the same on every replay."""
    assert run(up, "knows_its_threads") == [
        ["Thread-1 (work)", "Thread-2 (work)", "third"],
        [2, 3, 4],
        ["ThreadPoolExecutor-0_0", "ThreadPoolExecutor-0_1"],
        2,
        "MainThread",
        False,
    ]


def test_conditions_exclude_and_barriers_meet(up):  # noqa: F811
    """What holds a condition keeps the others out, also while it waits for a call."""
    log, everybody, nobody, message = run(up, "excludes")
    assert log in (["in 0", "out 0", "in 1", "out 1"], ["in 1", "out 1", "in 0", "out 0"])
    assert (everybody, nobody, message) == (True, False, "cannot wait on un-acquired lock")


def test_executor_runs_calls_side_by_side(up):  # noqa: F811
    """map, submit, as_completed, wait, and an exception kept in its future."""
    assert run(up, "uses_executor") == [[0, 1, 4, 9], [0, 1, 4, 9], 4, 0, "ZeroDivisionError", True]


def test_parallel_is_the_simple_way(up):  # noqa: F811
    """The results come in the items' order, in less time than one after the other."""
    assert run(up, "uses_parallel") == [[0, 1, 4, 9, 16, 25], True]


def test_replay_takes_the_path_that_was_taken(up):  # noqa: F811
    """The order in which activities finished is kept: each line once, in the order of the path."""
    session = begin(up, "races", file=FILE)
    path = finish(up, session)["result"]
    assert len(path) == 9
    assert up.prints(session) == [f"{name} {step} done" for name, step in path] + ["9"]
