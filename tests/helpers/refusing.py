"""A server at a port of this machine that speaks as much gRPC as it takes to refuse everything that is asked of it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS, _PING = 0, 1, 4, 6
_ACK = _END_STREAM = 1
_END_HEADERS = 4
_STATUS_200 = b"\x88"  # an entry of HPACK's static table


@contextlib.contextmanager
def refusing(status: int, message: str) -> Iterator[str]:
    """Its address; what the client asks first, what the server can do, it answers: nothing in particular."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server, status, message), daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"


def _serve(server: socket.socket, status: int, message: str) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = server.accept()
            threading.Thread(target=_talk, args=(client, status, message), daemon=True).start()


def _talk(client: socket.socket, status: int, message: str) -> None:
    greeted = False
    with client, client.makefile("rb") as incoming, contextlib.suppress(OSError, struct.error):
        incoming.read(len(_PREFACE))
        client.sendall(_frame(_SETTINGS, 0, 0, b""))
        while True:
            high, low, kind, flags, stream = struct.unpack(">BHBBL", incoming.read(9))
            content = incoming.read((high << 16) + low)
            if kind in {_SETTINGS, _PING} and not flags & _ACK:
                client.sendall(_frame(kind, _ACK, 0, content if kind == _PING else b""))
            elif kind in {_DATA, _HEADERS} and flags & _END_STREAM:
                client.sendall(_refusal(stream, status, message) if greeted else _greeting(stream))
                greeted = True


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return struct.pack(">BHBBL", len(content) >> 16, len(content) & 0xFFFF, kind, flags, stream) + content


def _greeting(stream: int) -> bytes:
    head = _STATUS_200 + _fields({"content-type": "application/grpc"})
    return (
        _frame(_HEADERS, _END_HEADERS, stream, head)
        + _frame(_DATA, 0, stream, bytes(5))  # a message of no bytes
        + _frame(_HEADERS, _END_STREAM | _END_HEADERS, stream, _fields({"grpc-status": "0"}))
    )


def _refusal(stream: int, status: int, message: str) -> bytes:
    fields = {"content-type": "application/grpc", "grpc-status": str(status), "grpc-message": message}
    return _frame(_HEADERS, _END_STREAM | _END_HEADERS, stream, _STATUS_200 + _fields(fields))


def _fields(fields: dict[str, str]) -> bytes:
    return b"".join(
        bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in fields.items()
    )
