"""Several things at once, each a chain of calls that end when the test says so."""

import asyncio
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import autokitteh


@autokitteh.activity
def gate(directory, name):
    while not (Path(directory) / name).exists():
        time.sleep(0.005)
    return name


def step(event, name, path):
    path.append(gate(event.data.directory, name))
    print(name)
    return name


def by_executor(event):
    path = []
    with ThreadPoolExecutor(4) as pool:
        firsts = [pool.submit(step, event, f"{n}a", path) for n in range(4)]
        seconds = [pool.submit(step, event, done.result().replace("a", "b"), path) for done in as_completed(firsts)]
        path.append([done.result() for done in as_completed(seconds)])
    return path


def by_asyncio(event):
    path = []

    async def chain(n):
        await asyncio.to_thread(step, event, f"{n}a", path)
        step(event, f"{n}b", path)

    async def main():
        tasks = [asyncio.create_task(chain(n)) for n in range(4)]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        path.append(sorted(tasks.index(task) for task in done))
        await asyncio.gather(*tasks)

    asyncio.run(main())
    return path


def by_threads(event):
    path, items, lock = [], queue.Queue(), threading.Lock()

    def chain(n):
        items.put(step(event, f"{n}a", path))
        with lock:
            items.put(step(event, f"{n}b", path))

    threads = [threading.Thread(target=chain, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    got = [items.get() for _ in range(8)]
    for thread in threads:
        thread.join()
    return [*path, got]


def by_parallel(event):
    path = []
    names = autokitteh.parallel(lambda name: step(event, name, path), [f"{n}{x}" for x in "ab" for n in range(4)], limit=3)
    return [*path, names]
