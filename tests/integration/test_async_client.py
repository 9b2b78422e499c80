"""``httpx.AsyncClient`` in handlers: its connections are kept from call to call, on one loop of the process."""

from __future__ import annotations

import asyncio
import http.server
import shutil
import threading

import pytest
import pytest_asyncio

from tests.helpers.bed import Bed
from tests.integration.conftest import PROJECTS

pytestmark = pytest.mark.asyncio(loop_scope="module")
EXPECTED = {
    "in_a_block": "['/0', '/1', '/2', '/again']",
    "by_hand": "['/0', '/1']",
    "after_an_error": "['ConnectError', '/after']",
}


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the path, and keeps the connection open."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def url():
    """Of a server."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bed(temporal_server, cached, tmp_path_factory):
    """A build process of the programs."""
    home = tmp_path_factory.mktemp("bed")
    project = home / "project"
    shutil.copytree(PROJECTS / "async_clients", project, ignore=shutil.ignore_patterns("__pycache__"))
    made = Bed(project, home, temporal_server.address, cached=cached)
    await made.start([f"main.py:{handler}" for handler in EXPECTED])
    yield made
    status = await asyncio.to_thread(made.stop)
    made.store.close()
    assert status == 0, (home / "process.log").read_text()[-3000:]


@pytest.mark.parametrize("handler", EXPECTED)
async def test_connections_live_from_call_to_call(bed, url, handler):
    """Warm, and with every step a replay, where the client is made anew."""
    await bed.run(f"main.py:{handler}", {"url": url})
    assert bed.lines() == [EXPECTED[handler]]
