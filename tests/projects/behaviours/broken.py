import no_such_library


def on_event(event):
    return 1
