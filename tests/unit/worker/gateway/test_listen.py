"""The gateway's listening socket."""

from __future__ import annotations

import asyncio
import socket

import pytest

from worker.errors import ConfigError
from worker.gateway.server import listen


async def test_answers_are_not_held_back():
    """asyncio switches Nagle's algorithm off on the connections it accepts: a body follows its headers at once."""
    listener = listen("127.0.0.1", 0)
    accepted: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    server = await asyncio.start_server(lambda _reader, writer: accepted.put_nowait(writer), sock=listener)
    async with server, asyncio.timeout(10):
        _reader, client = await asyncio.open_connection(*listener.getsockname())
        writer = await accepted.get()
        connection = writer.get_extra_info("socket")
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
        client.close()
        writer.close()


@pytest.mark.parametrize("host", ["my..shop", "a" * 70])
def test_what_is_no_host_is_refused_with_the_setting(host):
    """Also a name that cannot be one, which Python refuses in its own way."""
    with pytest.raises(ConfigError, match=r"AK_LISTEN: .*:9980 is not an address: "):
        listen(host, 9980)
