import hashlib
import time

from autokitteh import next_event, subscribe


def spins(event):
    while True:  # lint: long-computation
        event = None


def counts(event):
    total = 0
    for i in range(100_000):
        for j in range(10 * 1000):  # lint: long-computation
            total += int(str(i * j)) & 1
    return total


def hashes(event):
    return hashlib.pbkdf2_hmac("sha256", b"x", b"y", 1_000_000)  # lint: long-computation


def listens(event):
    subscription = subscribe("hook")
    while True:  # lint: endless-history
        print(next_event(subscription))


def listens_for_a_while(event):
    subscription = subscribe("hook")
    while True:
        if not next_event(subscription, timeout=10):
            break


def polls(event):
    for _ in range(100):
        time.sleep(1)
