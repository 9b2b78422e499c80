"""requests.Session, urllib and http.client against a server of the program's own."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request

import autokitteh
import requests
import server_for_tests

session = requests.Session()
session.headers["X-App"] = "programs"


class Api:
    def __init__(self, base):
        self.base = base
        self.session = requests.Session()
        self.session.hooks["response"].append(lambda r, *a, **k: r)

    def __truediv__(self, path):
        return self.session.get(f"{self.base}/{path}").json()

    @property
    def status(self):
        return self.session.get(f"{self.base}/status", timeout=5).status_code

    def __iter__(self):
        page = 1
        while page:
            data = self.session.get(self.base + "/pages", params={"page": page}).json()
            yield from data["items"]
            page = data["next"]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.session.close()


def main(event=None):
    base = server_for_tests.start()
    r = session.get(f"{base}/echo", params={"q": "a b"}, headers={"X-Y": "1"})
    print(r.status_code, r.json()["path"], r.json()["headers"]["X-App"], r.ok, r.headers["content-type"], r.text[:8])
    r = session.post(f"{base}/echo", json={"a": [1]}, timeout=5)
    print(r.json()["body"], r.request.method, type(r.elapsed).__name__)
    print(requests.post(f"{base}/echo", data={"f": "x"}, files={"up": ("n.txt", b"data")}).json()["body"].count("n.txt"))
    try:
        requests.get(f"{base}/missing").raise_for_status()
    except requests.HTTPError as error:
        print(error.response.status_code, str(error).split(" for ")[0])
    try:
        requests.get("http://127.0.0.1:9/", timeout=1)
    except requests.ConnectionError as error:
        print(type(error).__name__, error.request.url)
    session.get(f"{base}/cookie")
    print(session.cookies.get("flavor"), session.get(f"{base}/echo").json()["headers"].get("Cookie"))
    with Api(base) as api:
        print((api / "echo")["path"], api.status, list(api))
    with urllib.request.urlopen(f"{base}/echo?{urllib.parse.urlencode({'k': 'é'})}") as response:
        print(response.status, json.load(response)["path"])
    try:
        urllib.request.urlopen(f"{base}/missing")
    except urllib.error.HTTPError as error:
        print(error.code, error.reason)
    host = urllib.parse.urlsplit(base).netloc
    connection = http.client.HTTPConnection(host, timeout=5)
    connection.request("GET", "/echo", headers={"X-Z": "z"})
    response = connection.getresponse()
    print(response.status, json.loads(response.read())["headers"]["X-Z"])
    connection.close()
    print([requests.get(u).status_code for u in (f"{base}/echo", f"{base}/missing")])
    print(list(map(lambda r: r.status_code, map(requests.get, [f"{base}/echo"] * 2))))
    server_for_tests.stop()


if __name__ == "__main__":
    main()
