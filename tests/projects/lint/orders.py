import autokitteh
import requests


def fetch(url):
    return requests.get(url)


def loops_over_a_set(event):
    names = {item["name"] for item in event.data["items"]}
    for name in names:  # lint: set-order
        requests.post("http://localhost/", json=name)


def through_a_helper(event):
    for url in set(event.data["urls"]) - {"x"}:  # lint: set-order
        fetch(url)


def in_a_comprehension(event):
    urls = set(event.data["urls"])
    return [fetch(url) for url in urls]  # lint: set-order


def handed_over(event):
    autokitteh.parallel(fetch, set(event.data["urls"]))  # lint: set-order
    list(map(fetch, frozenset(event.data["urls"])))  # lint: set-order


def copied_in_its_order(event):
    urls = list(set(event.data["urls"]))
    for url in urls:  # lint: set-order
        fetch(url)


def of_words(event):
    for name in {"a", "b"}:  # lint: set-order
        fetch(name)


def is_fine(event):
    urls = set(event.data["urls"])
    for url in sorted(urls):
        fetch(url)
    for url in urls:
        print(url)
    for number in {1, 2, 3}:
        fetch(str(number))
    return len(urls)
