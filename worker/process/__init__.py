"""A build process: load one project, serve its sessions and calls until told to stop.

Started by the supervisor as ``python -m worker.process``; one per deployment. Assembles the rooms below it.
"""

from __future__ import annotations
