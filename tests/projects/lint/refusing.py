import os
import signal


def on_event(event):
    if event.data.get("fork"):
        os.fork()  # lint: refused
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # lint: refused
