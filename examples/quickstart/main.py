"""A webhook starts this; it prints five lines with a second between, whatever happens to the machine meanwhile."""

import time


def on_event(event):
    for number in range(1, 6):
        print(f"line {number} of 5")
        time.sleep(1)
    return {"lines": 5}
