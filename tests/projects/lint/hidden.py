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


def on_event(event):
    account = Account(1)
    with tempfile.TemporaryDirectory() as directory:  # lint: hidden-io
        print(directory)
    with threading.Lock():
        print(account.label)
    with requests.Session() as session:
        session.get("http://localhost/")
    return account.fetch()
