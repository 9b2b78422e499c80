"""Values that a project published: ``GET /store/<project>/<key>``."""

from __future__ import annotations

import asyncio
import json

from starlette.requests import Request
from starlette.responses import Response

from worker.gateway.refusals import refusal
from worker.store import Store


class Published:
    """Anybody may read what ``publish_value`` named, and nothing else."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self, request: Request) -> Response:
        """The value as JSON."""
        project, key = request.path_params["project"], request.path_params["key"]
        found = await asyncio.to_thread(self._store.values.get, project, key)
        if found is None or not found.published:
            return refusal("AK3404")
        return Response(json.dumps(found.shown, ensure_ascii=False) + "\n", media_type="application/json")
