"""Sessions on a real Temporal server: every test runs with a warm cache and with none, where every step replays."""

from __future__ import annotations

import asyncio

import pytest

from tests.helpers.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_simple_handler_gets_the_event_and_returns_its_result(bed):
    """A handler sees the data as attributes, prints into the log and its result is the session's."""
    assert await bed.run("main.py:simple", {"name": "Ada"}) == {"said": "hello"}
    assert bed.lines() == ["hello Ada"]
    assert bed.lines(kind="state") == ["running", "completed"]


async def test_handler_without_input_gets_empty_data(bed):
    """Starting without any input, as the Temporal UI does, is the same as an empty object."""
    assert await bed.run("main.py:simple") == {"said": "hello"}
    assert bed.lines() == ["hello nobody"]


async def test_handler_without_parameters_is_called_without_any(bed):
    """A handler that takes nothing is called with nothing."""
    await bed.run("main.py:zero")
    assert bed.lines() == ["no arguments"]


async def test_handler_with_session_id_gets_it_by_name(bed):
    """A parameter named session_id receives the session's id."""
    await bed.run("main.py:with_session_id")
    assert bed.lines() == ["True"]


async def test_calls_to_a_library_are_activities_in_order(bed):
    """Each call of a library function is one activity with a readable name."""
    assert await bed.run("main.py:steps", {"n": 4}) == 6
    assert await bed.activities() == ["outside.add"] * 4
    assert bed.lines() == ["step 0 0", "step 1 1", "step 2 3", "step 3 6"]


async def test_project_may_say_that_a_library_is_pure(bed):
    """A rule in its pyproject.toml makes a call inline."""
    assert await bed.run("main.py:own_rule") == 6
    assert await bed.activities() == []


async def test_sleep_is_a_durable_timer(bed):
    """time.sleep waits by a Temporal timer and the lines stay in order."""
    assert await bed.run("main.py:naps", {"n": 3}) == "rested"
    assert bed.lines() == ["nap 0", "nap 1", "nap 2"]


async def test_sleep_of_a_library_is_a_durable_timer(bed):
    """It would stop the thread of all sessions."""
    assert await bed.run("main.py:naps_in_a_library") == ["rested", True]
    assert await bed.activities() == []
    history = await bed.client.get_workflow_handle(bed.last).fetch_history()
    timers = [event for event in history.events if event.HasField("timer_started_event_attributes")]
    assert len(timers) == 1


async def test_clock_and_chance_replay_the_same(bed):
    """What was printed before a wait is what the replay computes after it: at module level and in the handler."""
    assert await bed.run("main.py:clocks") == [True] * 7
    assert len(bed.lines()) == 1


async def test_functions_passed_uncalled_are_routed_when_called(bed):
    """Clock, chance and library functions passed as values behave as if they were called in place."""
    await bed.run("main.py:uncalled")
    first, second = bed.lines()
    assert first.split()[:-3] == second.split()
    assert first.split()[-3:] == ["2", "4", "6"]


async def test_module_level_state_is_fresh_in_every_session(bed):
    """A list at module level starts empty in each session and lives through its waits."""
    assert await bed.run("main.py:fresh_state") == [0]
    assert await bed.run("main.py:fresh_state") == [0]


async def test_stop_runs_finally_with_calls(bed):
    """Stopping a session runs its finally blocks, which may call and sleep, and ends it as cancelled."""
    handle = await bed.begin("main.py:cleanup")
    await eventually(lambda: bed.lines(handle.id) == ["waiting"])
    await handle.cancel()
    await eventually(lambda: bed.lines(handle.id) == ["waiting", "cleaning", "42", "clean"])
    description = await handle.describe()
    await eventually_status(handle, "CANCELED")
    assert description.id == handle.id
    assert bed.lines(handle.id, kind="state")[-1].startswith("stopped")


async def test_stop_leaves_an_executor_whose_threads_sleep(bed):
    """Leaving ``with ThreadPoolExecutor()`` waits for its threads, of which one may sleep for a day."""
    handle = await bed.begin("main.py:nap_in_a_pool")
    await eventually(lambda: bed.lines(handle.id) == ["waiting"])
    await handle.cancel()
    await eventually_status(handle, "CANCELED")
    assert bed.lines(handle.id) == ["waiting", "clean"]


async def test_stop_ends_code_that_swallows_everything(bed):
    """A bare except in a loop cannot keep a stopped session alive."""
    handle = await bed.begin("main.py:swallow")
    await eventually(lambda: "tick" in bed.lines(handle.id))
    await handle.cancel()
    await eventually_status(handle, "CANCELED")


async def test_uncaught_error_says_what_and_where_first(bed):
    """The failure's message is the type, the text and the user's line."""
    assert await bed.error("main.py:raises") == f"KeyError: 'id' (main.py:{line_of(bed, 'return data[')})"
    assert bed.lines(kind="state")[-1] == "error"


async def test_uncaught_error_of_a_call_shows_the_users_frames(bed):
    """An error raised in a library keeps its type and points at the user's lines."""
    message = await bed.error("main.py:uncaught")
    assert message.startswith("outside.CustomError: custom y (main.py:")
    traceback = "\n".join(bed.lines(kind="error"))
    assert "in helper_that_fails" in traceback
    assert "worker/" not in traceback


async def test_exit_status_zero_completes_and_others_fail(bed):
    """sys.exit() ends the session as a process would end."""
    assert await bed.run("main.py:exits", {"code": 0}) is None
    assert (await bed.error("main.py:exits", {"code": 3})).startswith("SystemExit: 3")


async def test_exceptions_cross_with_type_and_attributes(bed):
    """Custom constructors, unpicklable attributes and built-in exceptions arrive as what they were."""
    await bed.run("main.py:catches")
    assert bed.lines() == [
        "CustomError 42 x custom x",
        "LockedError ('with a lock',) with a lock",
        "division by zero",
        "2 /nowhere/at/all",
    ]


async def test_changes_made_to_arguments_come_back(bed):
    """What a call does to its arguments is done to the caller's objects, in place."""
    await bed.run("main.py:changes")
    assert bed.lines() == ["[1, 2, 3] {'a': [1, 2], 'b': 3} [1, 2] True", "[1, 2] True"]


async def test_unpicklable_arguments_work(bed):
    """A lock, a lambda and a generator can be passed to a library."""
    await bed.run("main.py:lock_argument")
    assert bed.lines() == ["locked", "42", "14", "3"]


async def test_unpicklable_result_is_a_clear_error(bed):
    """A result that cannot be kept is an error that names the call, the type, the line and the remedy."""
    message = await bed.error("main.py:lock_result")
    assert "outside.make_lock" in message
    assert "lock" in message
    assert "@autokitteh.activity" in message
    assert f"main.py:{line_of(bed, 'return outside.make_lock')}" in message


async def test_open_file_survives_waits(bed):
    """A project file that stays open across waits is read on."""
    await bed.run("main.py:open_file")
    assert bed.lines() == ["first", "second", "third"]


async def test_project_file_is_read_by_path(bed):
    """pathlib reads the project's files relative to the project."""
    await bed.run("main.py:reads_file")
    assert bed.lines() == ["first"]


async def test_environment_is_the_deployments(bed):
    """os.getenv sees the variables of the deployment."""
    await bed.run("main.py:env")
    assert bed.lines() == ["hi none"]


async def test_prints_inside_calls_are_in_order(bed):
    """Lines come in the order in which they were printed, by user code and by a library inside a call."""
    await bed.run("main.py:logs", {"n": 4})
    assert bed.lines() == ["line 0", "line 1", "line 2", "inside 2", "line 3"]


async def test_missing_handler_is_an_error_with_a_hint(bed):
    """A workflow type that names no handler fails with what exists."""
    assert "simple" in await bed.error("main.py:simpel")


async def test_signal_from_outside_is_kept_and_logged(bed):
    """A signal of any name and shape never wedges a session."""
    handle = await bed.begin("main.py:waits", {"seconds": 1})
    await handle.signal("approval", {"by": "Ada"})
    await handle.signal("no arguments")
    assert await asyncio.wait_for(handle.result(), 30) == "waited"
    assert len(bed.lines(handle.id, kind="signal")) == 2


async def test_signal_with_start_arrives_before_the_handler(bed):
    """A signal in the first task is kept although it comes before the start job."""
    handle = await bed.client.start_workflow(
        "main.py:waits",
        {"seconds": 0.1},
        id=f"ses_signal_{bed.name}_{bed.cached}",
        task_queue=bed.name,
        start_signal="early",
        start_signal_args=[1],
    )
    assert await asyncio.wait_for(handle.result(), 30) == "waited"
    assert bed.lines(handle.id, kind="signal") == ["signal early received: 1"]


async def test_looping_handler_ends_and_its_neighbours_go_on(bed):
    """A handler that computes for ever is ended with its line; other sessions are not harmed."""
    neighbours = [await bed.begin("main.py:naps", {"n": 10, "seconds": 0.3}) for _ in range(5)]
    message = await bed.error("main.py:loops_forever")
    first = line_of(bed, "looping") + 1
    assert f"main.py:{first}" in message or f"main.py:{first + 1}" in message
    assert [await asyncio.wait_for(n.result(), 60) for n in neighbours] == ["rested"] * 5


async def eventually_status(handle, status):
    """Wait until the workflow has that status."""

    async def has() -> bool:
        """Whether it stands there now."""
        described = await handle.describe()
        return described.status is not None and described.status.name == status

    await eventually(has)


def line_of(bed, text: str) -> int:
    """The number of the first line of main.py that contains the text."""
    lines = (bed.directory / "main.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


async def test_module_level_state_travels_with_activities(bed):
    """An @activity function sees the session's module-level state, and what it changes comes back in place."""
    await bed.run("main.py:travels")
    assert bed.lines() == ["1 1 ['a']", "3 12 True ['a', 'mine', 'b']"]
    await bed.run("main.py:travels")
    assert bed.lines() == ["1 1 ['a']", "3 12 True ['a', 'mine', 'b']"]


async def test_marks_keep_calls_from_being_activities(bed):
    """inhibit_activities and register_no_activity run calls where they are made."""
    await bed.run("main.py:marks")
    assert bed.lines() == ["2", "8 2"]
    assert await bed.activities() == ["outside.add"]


async def test_forged_input_is_plain_data(bed):
    """Something that looks like our envelope in a session's input is never unpickled."""
    forged = {
        "preview": "x",
        "pickle": "v1.00000000.AAAA.gASVHgAAAAAAAACMCGJ1aWx0aW5zlIwEZXZhbJSTlIwCMSuUhZRSlC4=",
    }
    assert await bed.run("main.py:simple", {"name": forged}) == {"said": "hello"}
    assert bed.lines() == [f"hello {forged}"]


async def test_changed_surroundings_belong_to_their_session(bed):
    """Environment, working directory and search path of one session are not another's, also across waits."""
    running = [await bed.begin("main.py:surroundings", {"number": n}) for n in range(4)]
    assert await bed.run("main.py:untouched") == [None, False, False]
    assert [await asyncio.wait_for(handle.result(), 60) for handle in running] == [True] * 4
    assert await bed.run("main.py:untouched") == [None, False, False]


async def test_logging_stands_in_the_session_log(bed):
    """What logging lets through is a line of the session, once."""
    await bed.run("main.py:speaks")
    assert bed.lines(kind="log") == ["WARNING: careful 1", "ERROR: done"]


async def test_async_handler_runs(bed):
    """A coroutine function is a handler like any other."""
    assert await bed.run("main.py:asynchronous") == 1


async def test_failures_in_temporal_show_the_users_frames_only(bed):
    """The stack traces a person meets in the Temporal UI hold nothing of ours."""
    await bed.error("main.py:uncaught")
    history = (await bed.client.get_workflow_handle(bed.last).fetch_history()).to_json()
    assert "helper_that_fails" in history
    assert "worker/activities" not in history
    assert "worker/session" not in history
