"""Handlers that do several things at once, in every way Python has."""

import asyncio
import queue
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed, wait

import autokitteh


@autokitteh.activity
def slow(n):
    time.sleep(0.3 + n % 3 / 10)
    return n * n


@autokitteh.activity
async def slow_async(n):
    await asyncio.sleep(0.2)
    return n + 100


async def one(n, log):
    await asyncio.sleep(0.05 * (3 - n))
    log.append(("slept", n))
    value = slow(n)
    log.append(("called", n))
    return value


async def main(log):
    results = await asyncio.gather(*(one(n, log) for n in range(3)))
    task = asyncio.create_task(one(3, log))
    done, pending = await asyncio.wait({task, asyncio.create_task(asyncio.sleep(60))}, return_when="FIRST_COMPLETED")
    for waiting in pending:
        waiting.cancel()
    try:
        await asyncio.wait_for(asyncio.sleep(30), 0.1)
    except TimeoutError:
        log.append("too late")
    try:
        async with asyncio.timeout(0.1):
            await asyncio.Event().wait()
    except TimeoutError:
        log.append("timeout")
    items = asyncio.Queue()

    async def produce():
        for n in range(3):
            await items.put(slow(n))

    producer = asyncio.create_task(produce())
    results += [await items.get() for _ in range(3)]
    await producer
    lock, semaphore = asyncio.Lock(), asyncio.Semaphore(2)
    async with lock, semaphore:
        results.append(await slow_async(1))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(slow_async(n)) for n in range(2)]
    results += [t.result() for t in tasks]
    results.append(await asyncio.to_thread(slow, 5))
    results.append(task.result())
    return results


def runs_asyncio(event):
    log = []
    results = asyncio.run(main(log))
    print(log)
    return results


async def is_async(event):
    sub = autokitteh.subscribe("waited")
    print("subscribed")
    got = autokitteh.next_event(sub, timeout=30)
    return got.body.json["n"] + await slow_async(0)


def uses_threads(event):
    order, lock, results = [], threading.Lock(), []

    def work(n):
        time.sleep(0.1 * (2 - n))
        with lock:
            value = slow(n)
            order.append(n)
        results.append(value)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not any(worker.is_alive() for worker in workers)
    inbox, ready = queue.Queue(), threading.Event()

    def consume():
        while (item := inbox.get()) is not None:
            results.append(item + 1)
        ready.set()

    threading.Thread(target=consume, daemon=True).start()
    for n in (1, 2, None):
        inbox.put(n)
    assert ready.wait(5)
    timer = threading.Timer(0.1, results.append, ["rang"])
    timer.start()
    timer.join()
    try:
        queue.Queue().get(timeout=0.1)
    except queue.Empty:
        results.append("empty")
    return [order, results]


def uses_executor(event):
    began = time.time()
    with ThreadPoolExecutor(max_workers=4) as pool:
        mapped = list(pool.map(slow, range(4)))
        futures = [pool.submit(slow, n) for n in range(4)]
        completed = sorted(future.result() for future in as_completed(futures))
        done, pending = wait(futures)
        failing = pool.submit(lambda: 1 / 0)
    seconds = time.time() - began
    return [mapped, completed, len(done), len(pending), type(failing.exception()).__name__, seconds < 0.3 * 8]


def uses_parallel(event):
    began = time.time()
    values = autokitteh.parallel(slow, range(6), limit=6)
    return [values, time.time() - began < 6 * 0.3]


def races(event):
    """Whoever finishes first decides the path; a replay must take the same."""
    path = []

    def run(name):
        for step in range(3):
            value = slow_for(random.random() / 5)
            path.append([name, step])
            print(name, step, value)

    threads = [threading.Thread(target=run, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(0.1)
    print(len(path))
    return path


@autokitteh.activity
def slow_for(seconds):
    time.sleep(seconds)
    return "done"


def knows_its_threads(event):
    mine, names, idents = threading.local(), [], []
    mine.value = "handler"

    def work(n):
        assert not hasattr(mine, "value")
        mine.value = n
        slow(n)
        names.append(threading.current_thread().name)
        idents.append(threading.get_ident())
        assert mine.value == n
        assert vars(mine) == {"value": n}

    threads = [threading.Thread(target=work, args=(n,)) for n in range(2)] + [threading.Thread(target=work, args=(2,), name="third")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    def in_pool(n):
        first = not hasattr(mine, "client")
        mine.client = getattr(mine, "client", n)
        slow(n)
        return threading.current_thread().name, first

    with ThreadPoolExecutor(2) as pool:
        pooled = list(pool.map(in_pool, range(4)))
    del mine.value
    return [sorted(names), sorted(idents), sorted(set(name for name, _ in pooled)), sum(first for _, first in pooled), threading.current_thread().name, hasattr(mine, "value")]


def excludes(event):
    condition, barrier, log = threading.Condition(), threading.Barrier(2), []

    def holds(n):
        with condition:
            log.append(f"in {n}")
            slow(n)
            log.append(f"out {n}")
            condition.notify_all()
        barrier.wait()

    threads = [threading.Thread(target=holds, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    with condition:
        everybody = condition.wait_for(lambda: len(log) == 4, timeout=60)
        nobody = condition.wait_for(lambda: False, timeout=0.2)
    for thread in threads:
        thread.join()
    try:
        condition.wait(1)
    except RuntimeError as error:
        return [log, everybody, nobody, str(error)]
