"""A little HTTP server that a program starts and stops."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RUNNING = []


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode(errors="replace")
        path = self.path.partition("?")[0]
        if path == "/pages":
            page = int(self.path.rpartition("=")[2])
            data = {"items": [page * 10, page * 10 + 1], "next": page + 1 if page < 3 else None}
        else:
            data = {"path": self.path, "headers": dict(self.headers), "body": body}
        self.send_response(404 if path == "/missing" else 200)
        self.send_header("Content-Type", "application/json")
        if path == "/cookie":
            self.send_header("Set-Cookie", "flavor=oat")
        self.end_headers()
        self.wfile.write(json.dumps(data).encode())

    do_POST = do_GET

    def log_message(self, *args):
        pass


def start():
    """Serve; returns the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    RUNNING.append(server)
    return f"http://127.0.0.1:{server.server_address[1]}"


def stop():
    """Stop the last one."""
    RUNNING.pop().shutdown()
