"""The examples of the SDK's page, as users copy them."""

import json
from datetime import timedelta

import autokitteh
import requests
from autokitteh import AttrDict, del_value, get_value, list_values_keys, set_value


@autokitteh.activity
def fetch_data(url):
    # This entire function runs as a single activity
    response = requests.get(url)
    return response.json()


def fetches(event):
    data = fetch_data(event.data.url)
    print(data)


def on_webhook(event):
    # Start a child session
    session_id = autokitteh.start(
        "worker.py:process_task",
        data={"task_id": 123, "priority": "high"},
        memo={"triggered_by": "webhook"},
    )
    print(f"Started session: {session_id}")


def subscribes(event):
    # Subscribe to Slack messages
    sub_id = autokitteh.subscribe("slack_conn", "event_type == 'message_posted' && data.channel == 'C12345'")
    print(f"Subscribed with ID: {sub_id}")


def waits_for_one(event):
    sub_id = autokitteh.subscribe("webhook_trigger", "data.method == 'POST'")
    print("subscribed")

    # Wait up to 5 minutes
    event = autokitteh.next_event(sub_id, timeout=timedelta(minutes=5))

    if event:
        print(f"Received event: {event.data}")
    else:
        print("Timeout - no event received")


def waits_for_several(event):
    # Wait for either GitHub or Slack event
    github_sub = autokitteh.subscribe("github_conn", "event_type == 'push'")
    slack_sub = autokitteh.subscribe("slack_conn", "event_type == 'message_posted'")
    print("subscribed")

    # Returns whichever event arrives first
    event = autokitteh.next_event(github_sub, slack_sub, timeout=timedelta(hours=1))
    print(f"Received event from: {event.connection_id}")


def unsubscribes(event):
    sub_id = autokitteh.subscribe("slack_conn")

    # ... process some events ...

    # Clean up when done
    autokitteh.unsubscribe(sub_id)
    print("done")


def process_data(data):
    return data["n"] * 2


def api_endpoint(event):
    # Process the request
    data = event.data.body.json
    result = process_data(data)

    # Return JSON response
    autokitteh.http_outcome(
        status_code=200,
        headers={"Content-Type": "application/json"},
        body=json.dumps({"result": result}),
    )


def stores(event):
    # Store values
    set_value("counter", 0)
    set_value("last_user", event.data.user)

    # Retrieve values
    counter = get_value("counter", default=0)
    counter += 1
    set_value("counter", counter)

    # List all keys
    keys = list_values_keys()
    print(f"Stored keys: {keys}")

    # Delete a value
    del_value("last_user")


def workflow(event):
    print("Waiting for approval...")
    signal_data = autokitteh.wait_for_signal("approval", timeout=timedelta(hours=24))

    if signal_data:
        print(f"Approved by: {signal_data.get('approver')}")
    else:
        print("Timeout - no approval received")


def approve(event):
    autokitteh.signal("approval", {"approver": "admin", "timestamp": "2024-01-01"})


def handler(event: autokitteh.Event):
    # Access via attributes
    body = event.data.body

    # Access via dict syntax
    assert body == event["data"]["body"]

    # Get session ID
    print(f"Session: {event.session_id}")


# For testing event handlers
def tests_itself(event):
    handler(AttrDict({"data": {"body": "hello", "method": "POST"}, "session_id": "ses_123"}))
