"""Remind of open pull requests, each once."""

import os

import autokitteh
from autokitteh.github import github_client

github = github_client("gh", base_url=os.getenv("GITHUB_URL"), seconds_between_requests=0)


def on_tick(_):
    reminded = autokitteh.get_value("reminded", default=[])
    repo = github.get_repo("octo/repo")
    for pull in repo.get_pulls(state="open"):
        if pull.number in reminded:
            continue
        print(f"#{pull.number} {pull.title} waits for {', '.join(u.login for u in pull.requested_reviewers)}")
        pull.create_issue_comment("ping")
        reminded.append(pull.number)
    autokitteh.set_value("reminded", reminded)
    autokitteh.add_values("ticks", 1)


def on_look(event):
    print(autokitteh.get_value("reminded"), autokitteh.list_values_keys(), autokitteh.get_value("ticks", default=0) > 0)
