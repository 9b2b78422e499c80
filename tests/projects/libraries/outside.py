"""A library of somebody else's: everything here is a call to the outside."""

import threading
import time


class CustomError(Exception):
    def __init__(self, response, *, code):
        super().__init__(f"custom {response}")
        self.response = response
        self.code = code


class LockedError(Exception):
    def __init__(self, detail):
        super().__init__(detail)
        self.detail = detail
        self.lock = threading.Lock()


class Box:
    def __init__(self, items):
        self.items = items

    def put(self, item):
        self.items.append(item)


def add(a, b):
    return a + b


def double(x):
    return 2 * x


def triple(x):
    return 3 * x


def naps(seconds):
    time.sleep(seconds)
    return "rested"


def divide(a, b):
    return a / b


def slow(seconds):
    time.sleep(seconds)
    return seconds


def fail_custom(response, code):
    raise CustomError(response, code=code)


def fail_locked():
    raise LockedError("with a lock")


def fail_file():
    open("/nowhere/at/all")


def change(items, table, group):
    items.sort()
    table["a"].append(2)
    table["b"] = 3
    group.add(2)


def use_lock(lock):
    with lock:
        return "locked"


def apply(function, value):
    return function(value)


def total(numbers):
    return sum(numbers)


def make_lock():
    return threading.Lock()


def say(text):
    print(text)


def raise_it(error):
    raise error


def call(function, *args):
    return function(*args)


def total(numbers):
    return sum(numbers)
