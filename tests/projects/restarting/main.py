"""Sessions that collect events and restart every few of them."""

import json

import autokitteh


def collects(event):
    data = event.data if "me" in event.data else {**event.data.body.json, "got": []}
    feed = autokitteh.subscribe("feed", f"data.body.json.to == {data['me']}")
    got = list(data["got"])
    if not got:
        print("ready")
    while not got or got[-1][0] < data["all"] - 1:
        found = autokitteh.next_event(feed)
        got.append([found.body.json["i"], found.event_id])
        autokitteh.add_values("count", 1)
        if len(got) % data["every"] == 0 and found.body.json["i"] < data["all"] - 1:
            autokitteh.restart({"me": data["me"], "all": data["all"], "every": data["every"], "got": got})
    print(json.dumps(got))
