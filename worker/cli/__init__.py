"""``ak``: talk to the operator. One file per group of commands."""

from __future__ import annotations
