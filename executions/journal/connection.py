"""The journal's connections: Django opens them, the statements go straight to the driver.

Django's cursor costs 10 to 20 µs a statement, in Python, with the interpreter lock held. The journal needs nothing it
does but translating errors, and that is asked for once a transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NoReturn, Protocol

import structlog
from django.db import DEFAULT_DB_ALIAS, IntegrityError, connections, transaction
from django.db import Error as DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from engine.errors import JournalUnavailable
from executions.journal.dialect import Dialect, Row, Statement, dialect_of
from executions.journal.outdated import OUTDATED, StateOutdated
from executions.journal.state_cache import Snapshot

log = structlog.get_logger(__name__)

_FEW = 2
"""Rows that are not worth `Dialect.fetch_many`."""

ConnectionFactory = Callable[[], BaseDatabaseWrapper]


def own_connection(alias: str = DEFAULT_DB_ALIAS) -> BaseDatabaseWrapper:
    """Return a new connection to one of Django's databases that belongs to nobody else, and to no pool."""
    connection = connections.create_connection(alias)
    options = connection.settings_dict["OPTIONS"]
    if "pool" in options:
        own = {name: value for name, value in options.items() if name != "pool"}
        connection.settings_dict = connection.settings_dict | {"OPTIONS": own}
    return connection


class Statements:
    """Runs statements, written with ``%s`` placeholders, on an open connection.

    Args:
        wrapper: The connection.
        session: Tells apart the connections that follow one another.
        is_own: Whether transactions are begun and ended here alone. What nobody needs an answer to may then wait for
            the next statement to which somebody does, or for the end of the transaction.
    """

    __slots__ = (
        "_alias",
        "_connection",
        "_is_under_way",
        "_session",
        "_waiting",
        "dialect",
        "is_own",
        "translated_errors",
    )

    def __init__(self, wrapper: BaseDatabaseWrapper, *, session: int = 0, is_own: bool = False) -> None:
        self._connection: Any = wrapper.connection
        self._session = session
        self.is_own = is_own
        self._alias = wrapper.alias
        self.dialect: Dialect = dialect_of(wrapper)
        self._waiting: list[Statement] | None = [] if is_own and self.dialect.is_pipelined else None
        self._is_under_way = False
        self.translated_errors: AbstractContextManager[Any] = wrapper.wrap_database_errors
        """A context in which the driver's errors become Django's; only who catches some needs it."""
        if is_own:
            with self.translated_errors:
                self._connection = self.dialect.prepare(self._connection)

    def begin(self) -> None:
        """Begin a transaction that is about to write."""
        self.write(self.dialect.begin)

    def begin_commit(self) -> None:
        """End the transaction as far as that needs no waiting; nothing but `commit` may follow."""
        if self._waiting is not None:
            self._waiting.append(("COMMIT", ()))
            self._send()
            self._is_under_way = True

    def commit(self) -> None:
        """End the transaction; it is durable then."""
        if self._is_under_way:
            self._is_under_way = False
            self._connection.receive()
        else:
            self.write("COMMIT")
            self.flush()

    def roll_back(self) -> None:
        """End the transaction as if it had never been."""
        if self._waiting is not None:
            self._waiting.clear()
        if self._is_under_way:
            # Whatever became of it.
            self.commit()
        self.execute("ROLLBACK")

    def execute(self, statement: str, params: Sequence[Any] = ()) -> Any:
        """Run a statement and return the driver's cursor."""
        if self._waiting:
            self._waiting.append((statement, params))
            self._send()
            return self._connection.receive()
        return self._connection.execute(self.dialect.render(statement), params)

    def write(self, statement: str, params: Sequence[Any] = (), *, rows: int | None = None) -> None:
        """Run a statement, or have it run at the next opportunity; whichever it is shows what is wrong with it.

        Args:
            statement: The statement.
            params: Its parameters.
            rows: How many rows it must find, where that is to be checked here.

        Raises:
            JournalUnavailable: If it finds another number of rows.
        """
        if self._waiting is not None:
            self._waiting.append((statement, params))
            return
        cursor = self._connection.execute(self.dialect.render(statement), params)
        if rows is not None and cursor.rowcount != rows:
            raise StateOutdated(OUTDATED)

    def flush(self) -> None:
        """Have all run that waits."""
        if self._waiting:
            self._send()
            self._connection.receive()

    def _send(self) -> None:
        assert self._waiting is not None
        statements, self._waiting = self._waiting, []
        self._connection.send(statements)

    def announce(self, origin: Connection | None) -> None:
        """Have other processes hear of a commit that is durable, where they do not find out by themselves.

        Args:
            origin: Who is not to hear of it in this one.
        """
        self.dialect.announce(self._alias, origin)

    def parse(self, sql: str) -> None:
        """Prepare for a statement that is to be run later."""
        self.dialect.parse(self._connection, sql)

    def make_room(self) -> None:
        """Have the database's files be as long as much work makes them."""
        self.dialect.make_room(self._connection)

    def snapshot(self) -> Snapshot | None:
        """Return what tells whether others have committed since it was last asked for; ``None`` if nothing does."""
        others = self.dialect.commits_of_others(self._connection)
        return None if others is None else (self._session, others)

    def fetch(self, statement: str, params: Sequence[Any], *, width: int, at_most: int | None = None) -> list[Row]:
        """Run a SELECT and return its rows, in no particular order.

        Args:
            statement: The statement.
            params: Its parameters.
            width: How many columns it has.
            at_most: How many rows it finds at most, where that is known.
        """
        if self._waiting is not None or (at_most is not None and at_most <= _FEW):
            few: list[Row] = self.execute(statement, params).fetchall()
            return few
        return self.dialect.fetch_many(self._connection, statement, params, width=width)


class Connection(Protocol):
    """Gives access to the database.

    Everything but `IntegrityError` that the database raises inside its contexts comes out as `JournalUnavailable`.
    """

    def transaction(self) -> AbstractContextManager[Statements]:
        """Return a context that is one transaction: committed at its end, rolled back by an exception."""
        ...

    def reading(self) -> AbstractContextManager[Statements]:
        """Return a context for single statements; each sees what was committed before it."""
        ...

    def close(self) -> None:
        """Give back what is held; the next use opens it again."""
        ...


class DedicatedConnection:
    """A connection of its own, used by one thread at a time and opened by the first.

    Args:
        factory: Makes a Django connection that nobody else uses.
    """

    def __init__(self, factory: ConnectionFactory) -> None:
        self._factory = factory
        self._wrapper: BaseDatabaseWrapper | None = None
        self._statements: Statements | None = None
        self._sessions = 0
        self._mutex = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[Statements]:
        """See `Connection`."""
        with self._mutex:
            statements = self._open()
            try:
                statements.begin()
                yield statements
                statements.commit()
                statements.announce(self)
            except BaseException as error:  # noqa: BLE001  # raised again, as what it means to the journal
                self._roll_back(statements)
                self._raise_translated(statements, error)

    @contextmanager
    def reading(self) -> Iterator[Statements]:
        """See `Connection`."""
        with self._mutex:
            statements = self._open()
            try:
                yield statements
            except BaseException as error:  # noqa: BLE001  # raised again, as what it means to the journal
                self._raise_translated(statements, error)

    def close(self) -> None:
        """See `Connection`."""
        with self._mutex:
            self._drop()

    def _open(self) -> Statements:
        if self._statements is None:
            try:
                wrapper = self._wrapper = self._factory()
                wrapper.inc_thread_sharing()
                wrapper.ensure_connection()
                statements = Statements(wrapper, session=self._sessions + 1, is_own=True)
            except DatabaseError as error:
                self._drop()
                raise JournalUnavailable(f"the database failed: {error}") from error
            self._sessions += 1
            self._statements = statements
        return self._statements

    def _drop(self) -> None:
        wrapper, self._wrapper, self._statements = self._wrapper, None, None
        if wrapper is None:
            return
        try:
            wrapper.close()
        except DatabaseError as error:
            log.warning("journal.connection_not_closed", error=str(error))

    def _roll_back(self, statements: Statements) -> None:
        try:
            with statements.translated_errors:
                statements.roll_back()
        except DatabaseError as error:
            # A failed COMMIT may have ended the transaction, or the connection may be gone. Either way nothing of it
            # may stay behind for the next user.
            log.info("journal.rollback_failed", error=str(error))
            self._drop()

    def _raise_translated(self, statements: Statements, error: BaseException) -> NoReturn:
        try:
            with statements.translated_errors:
                raise error
        except DatabaseError as failure:
            if OUTDATED in str(failure):
                raise StateOutdated(OUTDATED) from failure
            if isinstance(failure, IntegrityError):
                raise
            # Whatever state the connection is in, the next use begins with a new one.
            self._drop()
            raise JournalUnavailable(f"the database failed: {failure}") from failure


class CurrentConnection:
    """The calling thread's own Django connection; a transaction joins the one that is open there.

    Args:
        alias: Which of Django's databases.
    """

    def __init__(self, alias: str = DEFAULT_DB_ALIAS) -> None:
        self._alias = alias

    @contextmanager
    def transaction(self) -> Iterator[Statements]:
        """See `Connection`; inside an open transaction it is a savepoint, and durable when that one is."""
        with self._translated(), transaction.atomic(using=self._alias), self._statements() as statements:
            yield statements
            transaction.on_commit(lambda: statements.announce(None), using=self._alias)

    @contextmanager
    def reading(self) -> Iterator[Statements]:
        """See `Connection`."""
        with self._translated(), self._statements() as statements:
            yield statements

    def close(self) -> None:
        """Do nothing: the connection is its thread's."""

    @contextmanager
    def _statements(self) -> Iterator[Statements]:
        wrapper = connections[self._alias]
        wrapper.ensure_connection()
        statements = Statements(wrapper)
        with statements.translated_errors:
            yield statements

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except DatabaseError as error:
            raise JournalUnavailable(f"the database failed: {error}") from error
