"""Manifests: ``autokitteh.yaml`` in, a checked model or all its problems out."""

from __future__ import annotations

from manifest.errors import ManifestError, Problem
from manifest.loader import LoadResult, load, load_text
from manifest.model import Connection, Manifest, Project, Trigger, Var
from manifest.schema import json_schema

__all__ = [
    "Connection",
    "LoadResult",
    "Manifest",
    "ManifestError",
    "Problem",
    "Project",
    "Trigger",
    "Var",
    "json_schema",
    "load",
    "load_text",
]
