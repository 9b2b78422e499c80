"""New rows of a sheet, as they come."""

import os
import time

import autokitteh
from autokitteh.google import google_sheets_client

SHEET = os.environ["SHEET_ID"]


def rows(service):
    found = service.spreadsheets().values().get(spreadsheetId=SHEET, range="A1:B").execute()
    return found.get("values", [])


def on_begin(event):
    service = google_sheets_client("sheets", client_options={"api_endpoint": os.environ["SHEETS_URL"]})
    seen = 0
    while seen < 3:
        fresh = rows(service)
        for name, amount in fresh[seen:]:
            print("row", name, int(amount))
            autokitteh.store[name] = {"amount": int(amount)}
        seen = len(fresh)
        time.sleep(0.2)
    return {key: autokitteh.store[key]["amount"] for key in autokitteh.store}
