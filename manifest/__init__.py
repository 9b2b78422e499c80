"""Manifests: ``autokitteh.yaml`` in, a checked model or all its problems out; what changes, and making it so."""

from __future__ import annotations

from manifest.apply import apply
from manifest.changes import Change, Create, Delete, Kept, Place, Rename, Update
from manifest.errors import ManifestError, Problem
from manifest.loader import LoadResult, load, load_text
from manifest.model import Connection, Manifest, Project, Trigger, Var
from manifest.plan import Plan, Surprise, Usage, plan
from manifest.schema import json_schema
from manifest.target import State, StoredVar, Target

__all__ = [
    "Change",
    "Connection",
    "Create",
    "Delete",
    "Kept",
    "LoadResult",
    "Manifest",
    "ManifestError",
    "Place",
    "Plan",
    "Problem",
    "Project",
    "Rename",
    "State",
    "StoredVar",
    "Surprise",
    "Target",
    "Trigger",
    "Update",
    "Usage",
    "Var",
    "apply",
    "json_schema",
    "load",
    "load_text",
    "plan",
]
