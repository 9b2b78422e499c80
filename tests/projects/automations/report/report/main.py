"""A report of a day's sales, from a model and a template of the project."""

import datetime
import os
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from string import Template

import autokitteh
import requests

from .models import Orders

TEMPLATES = Path(__file__).parent / "templates"


@autokitteh.activity
def fetch(day):
    response = requests.get(os.environ["API_URL"], params={"day": day.isoformat()})
    return Orders.model_validate({"orders": response.json()})


def on_report(event):
    day = datetime.date(2026, 1, 2)
    orders = fetch(day)
    customer = attrgetter("customer")
    lines = [
        f"{name}: {sum(order.cents for order in group) / 100:.2f}"
        for name, group in groupby(sorted(orders.paid(), key=customer), key=customer)
    ]
    text = Template((TEMPLATES / "report.txt").read_text()).substitute(day=day, lines="\n".join(lines))
    print(*text.splitlines(), sep="\n")
    return orders.model_dump(mode="json")["orders"][0]
