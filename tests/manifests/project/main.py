from __future__ import annotations

from os import path


async def later(event):
    pass


class Handler:
    pass


def on_event(event):
    pass


alias = on_event
