"""Statements to PostgreSQL in libpq's pipeline mode, many with one packet, prepared on the server.

The driver's own pipeline sends a packet for each statement, which wakes the server for each, and takes 100 µs of Python
a statement with the interpreter lock held; this takes 10. It knows what the journal sends, and no more: texts, numbers
and truth values in, rows out.
"""

from __future__ import annotations

import select
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

Row = Sequence[Any]

_KEPT: Final = 200
"""Prepared statements of a connection. The texts depend on a deployment's components, so over time there are many."""
_NAME: Final = "obelisk_{}"
_READABLE: Final = select.POLLIN | select.POLLERR | select.POLLHUP
_FAILED: Final = (ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE)


class Found:
    """The rows of a statement."""

    __slots__ = ("_rows",)

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    def fetchone(self) -> Row | None:
        """Return the first row, or ``None``."""
        return self._rows[0] if self._rows else None

    def fetchall(self) -> list[Row]:
        """Return all rows."""
        return self._rows


class PipelinedConnection:
    """A connection of psycopg's that is used through this class alone, by one thread at a time.

    Args:
        connection: It, in autocommit mode.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        # The driver closes what nobody refers to.
        self._connection = connection
        self._pgconn: PGconn = connection.pgconn
        self._rows = Transformer(connection)
        self._names: OrderedDict[str, bytes] = OrderedDict()
        self._named = 0
        self._preparing: list[str | None] = []
        self._poll = select.poll()
        self._poll.register(self._pgconn.socket, _READABLE)

    def execute(self, statement: str, params: Sequence[Any] = ()) -> Found:
        """Run a statement, written with ``%s`` placeholders, and return what it found."""
        self.send([(statement, params)])
        return self.receive()

    def send(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> None:
        """Send statements; `receive` tells what became of them, and has to be called next."""
        pgconn = self._pgconn
        # First of all, so that what cannot be sent leaves nothing half sent.
        encoded = [(statement, [_encode(value) for value in params] or None) for statement, params in statements]
        pgconn.enter_pipeline_mode()
        for statement, values in encoded:
            name = self._names.get(statement)
            if name is None:
                name = self._prepare(statement)
            else:
                self._names.move_to_end(statement)
            self._preparing.append(None)
            pgconn.send_query_prepared(name, values)
        pgconn.pipeline_sync()
        while pgconn.flush():
            # More than the socket takes at once; what the server answers meanwhile must not keep it from reading on.
            self._wait(_READABLE | select.POLLOUT)
            pgconn.consume_input()

    def receive(self) -> Found:
        """Wait until all that was sent is done, and return what the last statement found; nothing if none was sent.

        Raises:
            psycopg.Error: Of the first statement that failed; those behind it were not run.
        """
        pgconn = self._pgconn
        preparing, self._preparing = self._preparing, []
        last: PGresult | None = None
        failed: PGresult | None = None
        done = 0
        is_between = False
        while True:
            while pgconn.is_busy():
                self._wait(_READABLE)
                pgconn.consume_input()
            result = pgconn.get_result()
            if result is None:
                if is_between:
                    raise psycopg.OperationalError("the connection is lost")
                is_between = True
                continue
            is_between = False
            status = result.status
            if status == ExecStatus.PIPELINE_SYNC:
                break
            if status in _FAILED:
                failed = failed or result
            if failed is not None and (statement := preparing[done]) is not None:
                self._names.pop(statement, None)
            done += 1
            last = result
        pgconn.exit_pipeline_mode()
        if failed is not None:
            raise error_from_result(failed, self._connection.info.encoding)
        if last is None or not last.ntuples:
            return Found([])
        self._rows.set_pgresult(last)
        return Found(self._rows.load_rows(0, last.ntuples, tuple))

    def _prepare(self, statement: str) -> bytes:
        pgconn = self._pgconn
        # A transaction that failed takes nothing but its end.
        while len(self._names) >= _KEPT and pgconn.transaction_status != TransactionStatus.INERROR:
            _, oldest = self._names.popitem(last=False)
            self._preparing.append(None)
            pgconn.send_query_params(b"DEALLOCATE " + oldest, None)
        self._named += 1
        name = self._names[statement] = _NAME.format(self._named).encode()
        self._preparing.append(statement)
        pgconn.send_prepare(name, _numbered(statement).encode())
        return name

    def _wait(self, events: int) -> None:
        if events != _READABLE:
            self._poll.modify(self._pgconn.socket, events)
        self._poll.poll()
        if events != _READABLE:
            self._poll.modify(self._pgconn.socket, _READABLE)


def _encode(value: Any) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, str):
        text = value.encode()
        if b"\0" in text:
            # libpq would take what stands before it.
            raise psycopg.DataError("PostgreSQL's text holds no NUL")
        return text
    if isinstance(value, bool):
        return b"t" if value else b"f"
    assert isinstance(value, int)
    return str(value).encode()


@lru_cache(maxsize=512)
def _numbered(statement: str) -> str:
    """Return a statement with the server's placeholders."""
    head, *tail = statement.split("%s")
    return head + "".join(f"${number}{part}" for number, part in enumerate(tail, 1))
