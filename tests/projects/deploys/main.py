"""Says at every turn which version it is; never two different ones."""

import time

import autokitteh
from version import VERSION


@autokitteh.activity
def stamp():
    return VERSION


def on_event(event):
    kind = event.data.body.json["kind"]
    begin = VERSION
    seen = [stamp()]
    if kind == "waits":
        autokitteh.next_event(autokitteh.subscribe("end"))
    else:
        time.sleep({"runs": 0.3, "sleeps": 15}[kind])
    seen.append(stamp())
    from late import VERSION as late

    return [begin, *seen, late, VERSION]
