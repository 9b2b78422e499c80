"""Count to twenty, a second apart. Kill what you like meanwhile: `ak session log` shows each number once."""

import os
import time

import autokitteh


@autokitteh.activity
def who_counts():
    return os.getpid()


def on_event(event):
    processes = []
    for number in range(1, int(event.data.get("to", 20)) + 1):
        pid = who_counts()
        if pid not in processes:
            processes.append(pid)
        print(f"{number} (process {processes.index(pid) + 1})")
        time.sleep(float(event.data.get("pause", 1)))
    return {"processes": len(processes)}
