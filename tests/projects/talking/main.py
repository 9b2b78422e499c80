"""Sessions that subscribe, count, signal each other in a ring, and answer a webhook."""

from autokitteh import add_values, http_outcome, next_event, signal, subscribe, unsubscribe, wait_for_signal


def talks(event):
    n, count = event.data.body.json["n"], event.data.body.json["of"]
    feed = subscribe("feed", f"data.body.json.to == {n}")
    asked = subscribe("asked", f"data.body.json.to == {n}")
    add_values("ready", 1)
    seen = set()
    while len(seen) < 3:
        got = next_event(feed)
        seen.add(got.body.json["i"])
        print("got", got.event_id, got.body.json["i"])
        add_values("count", 1)
    unsubscribe(feed)
    signal(f"ring {(n + 1) % count}", n)
    print("ring", n, wait_for_signal(f"ring {n}"))
    got = next_event(asked)
    http_outcome(200, json={"n": n}, event_id=got.event_id)
    add_values("ended", 1)
    return n
