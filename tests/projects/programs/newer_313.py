"""What Python 3.13 brought: copy.replace, deprecated, defaults of type parameters, queues that shut down, locals()."""

import copy
import queue
import threading
import time
import warnings
from dataclasses import dataclass


@dataclass(frozen=True)
class Point[T = int]:
    x: T
    y: T


@warnings.deprecated("use new")
def old(n):
    return n + 1


@warnings.deprecated("use New")
class Old:
    pass


def worker(jobs, done):
    while True:
        try:
            job = jobs.get()
        except queue.ShutDown:
            done.append("shut")
            return
        time.sleep(0.01)
        done.append(job)


def main(event=None):
    print(copy.replace(Point(1, 2), y=3), Point.__type_params__[0].__default__)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        print(old(1), type(Old()).__name__)
    print([str(each.message) for each in seen])
    jobs, done = queue.Queue(), []
    threads = [threading.Thread(target=worker, args=(jobs, done)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for n in range(4):
        jobs.put(n)
    time.sleep(0.1)
    jobs.shutdown()
    for thread in threads:
        thread.join()
    print(sorted(map(str, done)))
    try:
        jobs.put(5)
    except queue.ShutDown:
        print("no more")
    full = queue.Queue(maxsize=1)
    full.put(1)
    waiting = threading.Thread(target=lambda: done.append(refused(full)))
    waiting.start()
    time.sleep(0.05)
    full.shutdown(immediate=True)
    waiting.join()
    print(done[-1])

    def inner():
        a = 1
        seen = locals()
        a = 2
        return seen, a

    print(inner())


def refused(full):
    try:
        full.put(2)
    except queue.ShutDown:
        return "refused"
    return "put"


if __name__ == "__main__":
    main()
