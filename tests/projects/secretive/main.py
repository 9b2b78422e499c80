"""Uses its secrets in every way a program can."""

import base64
import json
import logging
import os
import subprocess
import sys
import threading
import urllib.parse

import autokitteh
import requests
from autokitteh.slack import slack_client

TOKEN = os.getenv("TOKEN")
PEM = os.getenv("PEM")
logging.basicConfig(level="INFO")


class Client:
    """An object that holds a secret and pickles."""

    def __init__(self, token):
        self.token = token
        self.headers = {"Authorization": f"Bearer {token}".encode()}


def every_way(event):
    """Arguments, results, values, children, prints, logs, processes."""
    url = os.getenv("VENDOR_URL")
    forms = [
        TOKEN,
        json.dumps({"token": TOKEN, "pem": PEM}),
        urllib.parse.quote(f"?token={TOKEN}&pem={PEM}"),
        base64.b64encode(f"user:{TOKEN}".encode()).decode(),
        base64.b64encode(f"a:{TOKEN}:b".encode()).decode(),
        PEM,
        base64.b64encode(b"plain-marker-1234").decode(),
    ]
    requests.post(f"{url}/post", json={"token": TOKEN}, data=None, auth=("user", TOKEN), timeout=10)
    requests.post(f"{url}/post", headers={"Authorization": "Basic " + forms[3]}, data=forms[1], timeout=10)
    for form in forms:
        print("printed", form)
        logging.getLogger("app").warning("logged %s", form)
        echo(form)
    print(base64.b64decode(forms[6]))
    print(repr(PEM), sorted(os.environ.items()))
    sys.stderr.write(f"stderr {TOKEN} {PEM} plain-marker-1234\n")
    subprocess.run(["env"], check=True)
    subprocess.run([sys.executable, "-c", "import os; print('sub', os.environ['TOKEN'], os.environ['PEM'])"], check=True)
    kept = held(Client(TOKEN), (TOKEN, PEM.encode()), {TOKEN: {PEM}})
    print("kept", kept.token, kept)
    autokitteh.set_value("kept", forms)
    autokitteh.set_value("object", (TOKEN, PEM))
    print("value", autokitteh.get_value("kept"), autokitteh.get_value("object"))
    child = autokitteh.start("main.py:child", {"token": TOKEN, "forms": forms}, {"label": f"for {TOKEN}"})
    autokitteh.signal(child, "go", {"token": TOKEN})
    autokitteh.signal("broadcast", forms)
    try:
        fails(TOKEN)
    except ValueError as error:
        print("caught", error, error.args, error.token)
    thread = threading.Thread(target=echo, args=(PEM,))
    thread.start()
    thread.join()
    first = autokitteh.subscribe("whole", f'data.method == "POST" && data.url != "{TOKEN}"')
    second = autokitteh.subscribe("whole", f'data.body.json.token == "{PEM[:8]}{TOKEN}"')
    print("subscribed", autokitteh.next_event([first, second], timeout=0.05))
    autokitteh.unsubscribe(first)
    slack = slack_client("chat", base_url=f"{url}/")
    print("slack", slack.auth_test()["url"], slack.token)
    print("token in the environment", os.environ["chat__BotToken"])
    return {"token": TOKEN, "forms": forms, "same": forms[0] == TOKEN and forms[5] == PEM}


@autokitteh.activity
def echo(text):
    """A step."""
    print("in a step", text)
    sys.stderr.write(f"stderr of a step {text}\n")
    return [text, {"again": f"<{text}>"}]


@autokitteh.activity
def held(client, pair, table):
    """A step with an object, which comes back."""
    assert client.token == pair[0] == next(iter(table)), "a secret did not arrive"
    return client


@autokitteh.activity
def fails(token):
    """A step whose error tells."""
    error = ValueError(f"bad token {token}", {"token": token})
    error.token = token
    raise error from RuntimeError(f"inner {PEM}")


def child(event):
    """Data from its parent."""
    print("child", event.data.token, event.data.forms)
    print("signal", autokitteh.wait_for_signal("go", timeout=20))
    raise RuntimeError(f"the child failed with {event.data.token} and {PEM}")


def answers(event):
    """Tells the secret to who asks."""
    autokitteh.http_outcome(200, body=f"the token is {TOKEN}", headers={"X-Token": TOKEN})


def as_one_step(event):
    """Not durable."""
    autokitteh.set_value("one_step", TOKEN)
    print("one step", TOKEN)
    return TOKEN
