"""Real HTTP servers on loopback, for tests of what goes out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_TIMEOUT_S = 20.0


@dataclass
class Received:
    """A request as it arrived."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    port: int

    def header(self, name: str) -> str | None:
        """Return the first value of a header."""
        return next((value for key, value in self.headers if key.lower() == name), None)


@dataclass
class Answer:
    """A response with its whole body."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Upstream:
    """A server that answers, and keeps what it received."""

    authority: str = ""
    received: list[Received] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://{self.authority}"


@contextmanager
def serve(answer: Callable[[Received], Answer], *, host: str = "127.0.0.1") -> Iterator[Upstream]:
    """Run a server that answers each request with a function, on an address of this host."""
    upstream = Upstream()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def handle_any(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = _read_chunks(self) if self.headers.get("transfer-encoding") else self.rfile.read(length)
            received = Received(self.command, self.path, list(self.headers.items()), body, self.client_address[1])
            upstream.received.append(received)
            answered = answer(received)
            self.send_response(answered.status)
            for name, value in answered.headers:
                self.send_header(name, value)
            self.send_header("content-length", str(len(answered.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answered.body)

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return self.handle_any
            raise AttributeError(name)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of clients that hang up."""

    server = Server((host, 0), Handler)
    upstream.authority = f"{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _read_chunks(handler: BaseHTTPRequestHandler) -> bytes:
    body = b""
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        body += handler.rfile.read(size)
        handler.rfile.readline()
    while (line := handler.rfile.readline().strip()) != b"":
        name, _, value = line.decode().partition(":")
        handler.headers[f"trailer-{name}"] = value.strip()
    return body


@contextmanager
def converse(script: Callable[[socket.socket], None], *, connections: int = 1) -> Iterator[str]:
    """Run a server that treats each connection as a script says, byte by byte; give its authority."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.02)
    stopping = threading.Event()
    failures: list[BaseException] = []

    def run() -> None:
        for _ in range(connections):
            peer = None
            while peer is None:
                try:
                    peer, _ = listener.accept()
                except TimeoutError:
                    if stopping.is_set():
                        return
            with peer:
                peer.settimeout(_TIMEOUT_S)
                try:
                    script(peer)
                except AssertionError as failure:
                    failures.append(failure)
                except OSError:
                    pass  # the client hung up, as some tests want it to

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stopping.set()
        thread.join(_TIMEOUT_S)
        listener.close()
    if failures:
        raise failures[0]


def read_head(peer: socket.socket) -> bytes:
    """Read a request up to the end of its headers, not further."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = peer.recv(1)
        if not byte:
            break
        head += byte
    return head
