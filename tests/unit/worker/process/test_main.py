"""The frame of a build process: which event loop it runs on."""

from __future__ import annotations

import asyncio
import io
import sys

import pytest

from worker.process.__main__ import listen, run


async def kind_of_loop() -> str:
    """Where the running loop's class comes from."""
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


def test_process_runs_on_libuv_where_it_is_installed():
    """The faster loop is used, and only for what is run here."""
    pytest.importorskip("uvloop")
    assert run(kind_of_loop()) == "uvloop"
    assert asyncio.run(kind_of_loop()) == "asyncio"


def test_process_runs_without_libuv(monkeypatch):
    """A Python for which there is no uvloop has its own loop."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run(kind_of_loop()) == "asyncio"


def test_a_supervisor_that_is_gone_may_meet_a_process_that_ends():
    """The loop is closed already: there is nothing left to stop, and nothing to say."""
    loop = asyncio.new_event_loop()
    loop.close()
    listen(io.BytesIO(b""), None, loop, asyncio.Event())
