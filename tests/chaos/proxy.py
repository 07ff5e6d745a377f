"""A way to PostgreSQL that breaks off in the middle of a COMMIT, so that nobody knows what became of it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from enum import Enum, auto
from types import TracebackType

_LENGTH = struct.Struct("!I")
_READY = b"Z\x00\x00\x00\x05"
"""Begins the server's last word on what it was asked."""
_BUFFER = 1 << 16
_POLL_S = 0.05


class Cut(Enum):
    """When a connection breaks off."""

    BEFORE = auto()
    """The server never hears of the COMMIT."""
    AFTER = auto()
    """It has committed, and its answer does not arrive."""


class CuttingProxy:
    """Passes connections on; a context manager.

    Args:
        port: The server's, on loopback.
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_POLL_S)
        self._is_stopping = threading.Event()
        self._mutex = threading.Lock()
        self._cuts: list[Cut] = []
        self._thread = threading.Thread(target=self._accept, name="proxy", daemon=True)

    def __enter__(self) -> CuttingProxy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_stopping.set()
        self._thread.join()
        self._listener.close()

    @property
    def port(self) -> int:
        """Where it listens, on loopback."""
        return int(self._listener.getsockname()[1])

    @property
    def cuts_left(self) -> int:
        """How many of the cuts that were asked for are yet to come."""
        with self._mutex:
            return len(self._cuts)

    def cut(self, *cuts: Cut) -> None:
        """Have the connections of the next commits break off, one each."""
        with self._mutex:
            self._cuts += cuts

    def next_cut(self) -> Cut | None:
        """Take the cut of a commit that is to begin now."""
        with self._mutex:
            return self._cuts.pop(0) if self._cuts else None

    def _accept(self) -> None:
        while not self._is_stopping.is_set():
            with contextlib.suppress(TimeoutError):
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(self._target) as server:
            _Conversation(self, client, server).take_place()


class _Conversation:
    def __init__(self, proxy: CuttingProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._pending = b""
        self._is_first = True
        self._commits: set[bytes] = set()
        self._is_to_be_silenced = threading.Event()

    def take_place(self) -> None:
        """Pass messages on until somebody hangs up, or a commit is cut."""
        answers = threading.Thread(target=self._answer, daemon=True)
        answers.start()
        with contextlib.suppress(OSError):
            while (data := self._client.recv(_BUFFER)) and self._ask(data):
                pass
        self._hang_up()
        answers.join()

    def _ask(self, data: bytes) -> bool:
        """Pass on what the client says; tell whether the conversation goes on."""
        self._pending += data
        while (message := self._take_message()) is not None:
            cut = self._proxy.next_cut() if self._is_commit(message) else None
            if cut is Cut.BEFORE:
                return False
            if cut is Cut.AFTER:
                self._is_to_be_silenced.set()
            self._server.sendall(message)
        return True

    def _answer(self) -> None:
        heard = b""
        with contextlib.suppress(OSError):
            while data := self._server.recv(_BUFFER):
                if self._is_to_be_silenced.is_set():
                    heard += data
                    if _READY in heard:
                        break
                else:
                    self._client.sendall(data)
        self._hang_up()

    def _hang_up(self) -> None:
        for end in (self._client, self._server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _take_message(self) -> bytes | None:
        kind = 0 if self._is_first else 1
        if len(self._pending) < kind + _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._pending, kind)
        if len(self._pending) < kind + length:
            return None
        message, self._pending = self._pending[: kind + length], self._pending[kind + length :]
        self._is_first = False
        return message

    def _is_commit(self, message: bytes) -> bool:
        """Whether a message begins to carry out a COMMIT: as text, or as a statement that was prepared before."""
        body = message[1 + _LENGTH.size :]
        match message[:1]:
            case b"Q":
                return body == b"COMMIT\0"
            case b"P":
                name, text, *_ = body.split(b"\0")
                (self._commits.add if text == b"COMMIT" else self._commits.discard)(name)
            case b"B":
                return body.split(b"\0")[1] in self._commits
            case _:
                pass
        return False
