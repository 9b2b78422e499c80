"""OpenTelemetry traces: webhook → session → calls → child sessions.

Every identifier is derived from what it names (an event, a run, a step), so each process writes its spans by itself and
they still fit together; nothing is handed through the user's program, and no session waits for a collector. A session's
spans are made from Temporal's history when it has ended: exactly what happened, with Temporal's times.

``spans`` is pure; ``exporter`` reads and hands on; ``collector`` sends.
"""
