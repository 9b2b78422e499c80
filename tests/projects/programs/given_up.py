"""Calls that are given up: time limits, cancelled tasks, groups; and how deep a recursion may call."""

import asyncio
import time
import traceback

import autokitteh


@autokitteh.activity
def slow(seconds):
    time.sleep(seconds)
    return seconds


@autokitteh.activity
async def slow_too(seconds):
    await asyncio.sleep(seconds)
    return seconds


async def told(name, work):
    try:
        return await work
    except asyncio.CancelledError as error:
        print(name, "was cancelled", type(error).__mro__[1].__name__)
        raise


async def attempt(name, work):
    try:
        print(name, await work)
    except Exception as error:
        print(name, type(error).__name__, type(error.__cause__).__name__)


async def fails():
    await asyncio.sleep(0.05)
    raise KeyError("in a task")


async def grouped():
    async with asyncio.TaskGroup() as group:
        group.create_task(told("a member", slow_too(5)))
        group.create_task(fails())


async def limited(seconds):
    async with asyncio.timeout(seconds):
        await told("limited", slow_too(5))


async def flow():
    await attempt("a thread", asyncio.wait_for(asyncio.to_thread(slow, 2.5), 0.1))
    await attempt("a coroutine", asyncio.wait_for(told("it", slow_too(5)), 0.1))
    await attempt("in time", asyncio.wait_for(told("it", slow_too(0.01)), 5))
    await attempt("a limit", limited(0.1))
    task = asyncio.create_task(told("a task", slow_too(5)))
    await asyncio.sleep(0.05)
    task.cancel()
    print(await asyncio.gather(task, return_exceptions=True), task.cancelled())
    try:
        await grouped()
    except ExceptionGroup as group:
        print(group.message, group.exceptions)
        print(places(group), places(group.exceptions[0]))
    try:
        await fails()
    except KeyError as error:
        print(places(error))


def places(error):
    frames = traceback.extract_tb(error.__traceback__)
    return [frame.name for frame in frames if frame.filename == __file__]


def down(done, depth=0):
    try:
        down(done, depth + 1)
    except RecursionError:
        if not done:
            try:
                done.append(slow(0))
            except RecursionError:
                pass  # no room here: further up
        raise


def main():
    asyncio.run(flow())
    done = []
    try:
        down(done)
    except RecursionError:
        print("too deep", done)


if __name__ == "__main__":
    main()
