import subprocess
import tempfile
import threading

import requests


class Account:
    def __init__(self, number):
        self.number = number
        self.client = requests.Session()

    @property
    def balance(self):
        return self.client.get(f"http://localhost/{self.number}").json()  # lint: io-in-property

    @property
    def label(self):
        return f"account {self.number}"

    def __repr__(self):
        return requests.get("http://localhost/").text  # lint: io-in-property

    def fetch(self):
        return self.client.get("http://localhost/")


class Pages:
    def __iter__(self):
        for number in range(3):
            yield requests.get(f"http://localhost/{number}").text  # lint: io-in-iterator

    def __next__(self):
        return 1


class Lock:
    def __enter__(self):
        requests.post("http://localhost/lock")  # lint: io-in-with
        return self

    def __exit__(self, *error):
        requests.post("http://localhost/unlock")  # lint: io-in-with


def runs_over_them(event):
    with Lock():
        return list(Pages())


def on_event(event):
    account = Account(1)
    with tempfile.TemporaryDirectory() as directory:  # lint: refused
        print(directory)
    with threading.Lock():
        print(account.label)
    with requests.Session() as session:
        session.get("http://localhost/")
    return account.fetch()
