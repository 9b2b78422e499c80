"""Handlers that use the vendors' clients; the test runs their servers."""

import os

from autokitteh.github import github_client
from autokitteh.google import google_sheets_client, gspread_client
from autokitteh.slack import slack_client

URL = os.getenv("VENDOR_URL")
slack = slack_client("vendor", base_url=f"{URL}/")
github = github_client("vendor", base_url=URL, seconds_between_requests=0)


def posts(event):
    sent = [slack.chat_postMessage(channel="C", text=text)["ts"] for text in ("a", "b")]
    pages = [page["page"] for page in slack.users_list()]
    return [sent, pages]


def reads_issues(event):
    repo = github.get_repo("o/r")
    titles = [issue.title for issue in repo.get_issues()]
    first = repo.get_issues()[0]
    print(first.title, repo.get_issues().totalCount)
    return [repo.full_name, titles, first.body, repo.get_issue(1).title]


def reads_sheets(event):
    service = google_sheets_client("vendor", client_options={"api_endpoint": URL})
    values = service.spreadsheets().values()
    return values.get(spreadsheetId="abc", range="A1").execute()["values"]
