"""The user's code: pack it, rewrite its calls, run it in a namespace of its own, decide what each call is.

May import: ``worker.contracts``, ``worker.ids``, ``worker.errors``, the standard library. Never: Temporal.
"""
