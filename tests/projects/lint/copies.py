import requests


def load():
    return requests.get("https://x.example.com").json()


def later(function):
    return [function]


CONFIG = load()  # lint: module-level-io
ACTIONS = later(load)


class Holder:
    def __init__(self):
        self.last = requests.get("https://x.example.com")


def on_event(event):
    holder = Holder()
    if (now := requests.get("https://x.example.com")) is holder.last:  # lint: identity-of-result
        return 1
    for answer in [requests.get("a"), requests.get("b")]:
        if answer is now:  # lint: identity-of-result
            return 2
    with requests.get("c") as third:
        if third is now:  # lint: identity-of-result
            return 3
    return [one for one in (requests.get("d"),) if one is now]  # lint: identity-of-result


def fine(event):
    first = requests.get("a")
    same = first
    return same is first, type(first) is dict, first.json() is None
