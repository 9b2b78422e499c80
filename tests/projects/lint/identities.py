import requests

MISSING = object()


def compares(event):
    first = requests.get("http://localhost/")
    second = requests.get("http://localhost/")
    if first is second:  # lint: identity-of-result
        return 1
    if first is None or second is not None:
        return 2
    if event.data.get("x", MISSING) is MISSING:
        return 3
    return first == second
