import autokitteh


@autokitteh.activity
def adds_to(items, item):
    items.append(item)  # lint: changed-argument


@autokitteh.activity
def sets_in(record):
    record["done"] = True  # lint: changed-argument
    record["again"] = True


@autokitteh.activity
def changes_its_own(items):
    items = list(items)
    found = []
    found.append(1)
    return found


def on_event(event):
    items = []
    adds_to(items, 1)
    sets_in({})
    changes_its_own(items)
    items.append(2)
