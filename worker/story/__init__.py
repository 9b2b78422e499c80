"""What a session did, told from Temporal's history and the store; the process that ran it is not needed.

``gather`` reads, ``build`` puts steps, arrivals and log lines in order (pure), ``previews`` says values in a few words
(pure), ``sources`` finds the user's lines, ``render`` writes text for a terminal (pure).

May import: the store, Temporal's client and messages, worker.steps, worker.payload. Never: session, activities, cli.
"""

from __future__ import annotations
