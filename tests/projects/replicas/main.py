"""Sessions that begin on one machine and end on another."""

import os
import random
import time
from pathlib import Path

import autokitteh

HERE = Path(__file__).parent
WORDS = os.path.join(os.path.dirname(__file__), "data", "words.txt")


@autokitteh.activity
def step(number, path, text_path):
    """Reads a file of the project by paths that were made elsewhere, perhaps on another machine."""
    print(f"inside {number}")
    assert (path, text_path) == (HERE / "data" / "words.txt", WORDS), f"{path} and {text_path} are not of {HERE}"
    assert path.read_text() == open(text_path).read() == open("data/words.txt").read()
    return path, number * 2


def works(event):
    n = event.data.body.json["n"]
    subscription = autokitteh.subscribe("news", f"data.body.json.to == {n}")
    total, path = 0, HERE / "data" / "words.txt"
    for number in range(8):
        path, doubled = step(number, path, WORDS)
        assert path.read_text() == open(WORDS).read()
        total += doubled
        print(f"step {number} total {total}")
        time.sleep(random.random() * 0.5)
    for _ in range(2):
        data = autokitteh.next_event(subscription)
        print(f"news {data.body.json['i']}")
    return total


def outlives_its_machine(event):
    words = open("data/words.txt").read().strip()
    path, _ = step(0, HERE / "data" / "words.txt", WORDS)
    print(f"first {words}")
    autokitteh.next_event(autokitteh.subscribe("news", "data.body.json.to == 'long'"))
    path, doubled = step(21, path, WORDS)
    print(f"second {path.read_text().strip()} {open(WORDS).read().strip()}")
    return doubled


def on_tick(event):
    print(f"tick {event.event_id}")
