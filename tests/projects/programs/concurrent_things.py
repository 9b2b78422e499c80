"""Threads, executors, queues, locks, asyncio, context variables, timers."""

import asyncio
import concurrent.futures
import contextvars
import queue
import threading
import time

VAR = contextvars.ContextVar("var", default="unset")


def worker(q, out, name):
    while (item := q.get()) is not None:
        out.append((name, item * 2))
        q.task_done()
    q.task_done()


async def job(n, log):
    log.append(f"start {n}")
    await asyncio.sleep(0.01 * n)
    log.append(f"end {n}")
    if n == 3:
        raise ValueError("three")
    return n * 10


async def flow():
    log = []
    print(await asyncio.gather(job(2, log), job(1, log), job(3, log), return_exceptions=True), log)
    try:
        await asyncio.wait_for(asyncio.sleep(5), 0.01)
    except asyncio.TimeoutError:
        print("timed out")
    task = asyncio.create_task(asyncio.sleep(5))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled", task.cancelled())
    q = asyncio.Queue()

    async def produce():
        for i in range(3):
            await q.put(i)
        await q.put(None)

    async def consume():
        got = []
        while (item := await q.get()) is not None:
            got.append(item)
        return got

    print(await asyncio.gather(produce(), consume()))
    lock, sem, ev = asyncio.Lock(), asyncio.Semaphore(2), asyncio.Event()

    async def guarded(i):
        async with sem, lock:
            return i

    print([await c for c in asyncio.as_completed([guarded(1)])], await asyncio.gather(*map(guarded, range(3))))
    asyncio.get_running_loop().call_soon(ev.set)
    await ev.wait()
    try:
        async with asyncio.TaskGroup() as tg:
            a = tg.create_task(job(1, log))
            b = tg.create_task(job(3, log))
    except* ValueError as group:
        print("group", group.exceptions, a.result(), b.done())
    done, pending = await asyncio.wait([asyncio.create_task(job(1, [])), asyncio.create_task(job(500, []))], return_when=asyncio.FIRST_COMPLETED)
    print(len(done), len(pending))
    for p in pending:
        p.cancel()
    async with asyncio.timeout(1):
        VAR.set("in flow")
    print(VAR.get(), await asyncio.to_thread(lambda: VAR.get()), asyncio.iscoroutinefunction(flow))

    class Res:
        async def __aenter__(self):
            return "res"

        async def __aexit__(self, *exc):
            print("aexit", exc[0])

    async with Res() as r:
        print(r)
    return "flow done"


def main(event=None):
    q, out = queue.Queue(), []
    threads = [threading.Thread(target=worker, args=(q, out, i), daemon=True) for i in range(2)]
    for t in threads:
        t.start()
    for i in range(4):
        q.put(i)
    for _ in threads:
        q.put(None)
    q.join()
    for t in threads:
        t.join()
    print(sorted(item for _, item in out), [t.is_alive() for t in threads])
    with concurrent.futures.ThreadPoolExecutor(max_workers=3) as pool:
        print(list(pool.map(lambda x: x * x, range(5))))
        futures = {pool.submit(pow, 2, n): n for n in range(3)}
        print(sorted((futures[f], f.result()) for f in concurrent.futures.as_completed(futures)))
        bad = pool.submit(lambda: 1 / 0)
        print(type(bad.exception()).__name__)
    lock, count = threading.Lock(), [0]

    def add():
        for _ in range(100):
            with lock:
                count[0] += 1

    ts = [threading.Thread(target=add) for _ in range(3)]
    [t.start() for t in ts]
    [t.join() for t in ts]
    print(count)
    event_ = threading.Event()
    threading.Timer(0.01, event_.set).start()
    print(event_.wait(5), event_.is_set())
    local = threading.local()
    local.x = 1
    print(local.x, threading.current_thread() is threading.main_thread())
    cond = threading.Condition()
    ready = []

    def waiter():
        with cond:
            cond.wait_for(lambda: ready, timeout=5)
            ready.append("seen")

    t = threading.Thread(target=waiter)
    t.start()
    with cond:
        ready.append("go")
        cond.notify_all()
    t.join()
    print(ready)
    barrier = threading.Barrier(2)
    t = threading.Thread(target=barrier.wait)
    t.start()
    barrier.wait()
    t.join()
    try:
        q.get(timeout=0.01)
    except queue.Empty:
        print("empty")
    started = time.monotonic()
    time.sleep(0.02)
    print(time.monotonic() - started >= 0.02)
    token = VAR.set("main")
    ctx = contextvars.copy_context()
    print(ctx.run(lambda: VAR.get()), VAR.get())
    VAR.reset(token)
    print(asyncio.run(flow()), VAR.get())


if __name__ == "__main__":
    main()
