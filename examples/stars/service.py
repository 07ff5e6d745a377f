"""A stand-in for the outside world: profiles, and a guest book. ``python3 examples/stars/service.py``.

Standard library only; what it is told is gone when it ends. It prints every request. The first request for a profile
finds it down, so that a retry can be watched.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

DEFAULT_PORT = 8201
PROFILES = {
    "mona": {"name": "Mona Lisa", "city": "Florence"},
    "hubot": {"name": None, "city": None},
}


class StarsService(ThreadingHTTPServer):
    """The service, on a port of this machine.

    Args:
        port: Which one; 0 for any that is free.
        shows_requests: Whether to print them.
    """

    daemon_threads = True

    def __init__(self, port: int = DEFAULT_PORT, *, shows_requests: bool = True) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.shows_requests = shows_requests
        self.mutex = Lock()
        self.was_down = False
        self.book: dict[str, dict[str, str]] = {}
        """Entries by repository and login, such as ``acme/rockets/mona``."""

    @property
    def address(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: StarsService

    def do_GET(self) -> None:
        kind, _, name = self.path.removeprefix("/").partition("/")
        if kind == "books":
            self._answer(200, {key: entry for key, entry in self.server.book.items() if key.startswith(name)})
            return
        with self.server.mutex:
            is_down, self.server.was_down = not self.server.was_down, True
        if is_down:
            self._answer(503, {"error": "try again"})
        elif name in PROFILES:
            self._answer(200, PROFILES[name])
        else:
            self._answer(404, {"error": f"nobody is called {name}"})

    def do_PUT(self) -> None:
        entry = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.book[self.path.removeprefix("/books/")] = entry
        self._answer(200, entry)

    def do_DELETE(self) -> None:
        self.server.book.pop(self.path.removeprefix("/books/"), None)
        self._answer(200, {})

    def _answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, template: str, *args: object) -> None:
        if self.server.shows_requests:
            print(template % args, flush=True)


if __name__ == "__main__":
    with StarsService(int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_PORT) as service:
        print(f"Serving on {service.address}", flush=True)
        service.serve_forever()
