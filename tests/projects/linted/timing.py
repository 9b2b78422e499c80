"""Clock, chance, waiting."""

import random
import secrets
import threading
import time
import uuid
from datetime import date, datetime, timedelta, timezone

import requests


def stamps(event):
    now = datetime.now(timezone.utc)
    until = (now + timedelta(days=1)).isoformat()
    return until, now.strftime("%Y"), date.today().year, time.time() > 0


def chances(event):
    code = f"{random.randint(0, 9)}{random.choice('abc')}{secrets.token_hex(2)}"
    return code, str(uuid.uuid4()), random.sample(range(9), 2)


def sleeps(event):
    for _ in range(4):
        time.sleep(0.01)


def polls_until(event):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if requests.get(f"{event.data['base']}/items/1").json()["id"] == 1:
            return True
        time.sleep(1)  # not reached
    return False


def in_threads(event):
    found = []

    def fetch(number):
        found.append(requests.get(f"{event.data['base']}/items/{number}").json()["id"])

    threads = [threading.Thread(target=fetch, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)


def computes(event):
    primes = [n for n in range(2, 2000) if all(n % d for d in range(2, int(n**0.5) + 1))]
    total = 0
    for prime in primes:
        total += prime
    return total


def grows(event):
    counts = {}
    for number in range(20_000_000):  # lint: long-computation
        counts[number % 7] = counts.get(number % 7, 0) + 1
    return counts


def spins(event):
    number = 0
    while True:  # lint: long-computation
        number += 1
