"""Hostile bytes at the port of a whole site: daphne with Django and the webhook endpoints, and an executor."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from django.db.utils import ConnectionHandler

from obelisk_site.database import sqlite_database
from tests.acceptance.workshops import Workshop, workshop
from tests.fuzz.changes import ChangeCounter
from tests.fuzz.judging import Finding
from tests.fuzz.messages import TOKEN
from tests.fuzz.requests import SECRET
from tests.fuzz.sites import SECRET_VARIABLE, write_site

_ANSWER_WITHIN_S: Final = 1.0
"""How long a client stays; most of what is cut off is waited for until then."""
_HEALTHY_WITHIN_S: Final = 30.0
_MOST_GROWTH_MIB: Final = 1500
_STATUS: Final = re.compile(rb"^HTTP/1\.1 (\d{3}) ", re.MULTILINE)
_GUESTS_FAULT: Final = re.compile(
    rb"webhook_(broken|error_code|timed_out)|out of permits|the webhook|component", re.IGNORECASE
)


@contextmanager
def server(folder: Path) -> Iterator[Callable[[bytes], Finding | None]]:
    """Serve the site that fuzzing runs against, and give what judges cases."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = write_site(folder / "site")
    settings = {"OBELISK_SERVER_CONFIG": str(folder / "site" / "server.toml"), SECRET_VARIABLE: SECRET}
    with workshop(folder, manifest, settings) as shop:
        database = sqlite_database(shop.site.data_dir / "db.sqlite3", conn_max_age=None)
        connection = ConnectionHandler({"default": database}).create_connection("default")
        changes = ChangeCounter(connection)
        changes.start()
        yield _Judge(shop, changes)
        connection.close()


class _Judge:
    def __init__(self, shop: Workshop, changes: ChangeCounter) -> None:
        self._shop, self._changes = shop, changes
        self._memory = _memory_mib(shop)

    def __call__(self, content: bytes) -> Finding | None:
        before = self._changes.counts()
        statuses, finding = self._send(content)
        if finding is None and _are_refusals(statuses) and self._changes.counts() != before:
            # What an earlier request started may have gone on meanwhile: only what changes again, at rest, was it.
            self._changes.settle()
            before = self._changes.counts()
            statuses, finding = self._send(content)
            if finding is None and _are_refusals(statuses) and self._changes.counts() != before:
                return Finding("refused and changed", f"answers {statuses}")
        return finding

    def _send(self, content: bytes) -> tuple[list[bytes], Finding | None]:
        received = _exchange(self._shop, content.replace(TOKEN, b"Bearer " + self._shop.client.token.encode()))
        statuses = _STATUS.findall(received)
        finding = _unhealthy(self._shop)
        if finding is None and (grown := _memory_mib(self._shop) - self._memory) > _MOST_GROWTH_MIB:
            finding = Finding("memory", f"the site's processes grew by {grown} MiB")
        if finding is None and max(statuses, default=b"") >= b"500" and not _GUESTS_FAULT.search(received):
            finding = Finding(f"status {max(statuses).decode()}", repr(received[:500]))
        return statuses, finding


def _are_refusals(statuses: list[bytes]) -> bool:
    return bool(statuses) and min(statuses) >= b"400"


def _exchange(shop: Workshop, content: bytes) -> bytes:
    received = b""
    until = time.monotonic() + _ANSWER_WITHIN_S
    with closing(socket.create_connection(("127.0.0.1", shop.site.port), timeout=_HEALTHY_WITHIN_S)) as connection:
        try:
            connection.sendall(content)
            while (left := until - time.monotonic()) > 0:
                connection.settimeout(left)
                if not (data := connection.recv(65536)):
                    break
                received += data
                if _is_whole(received):
                    break
        except OSError:
            pass  # it closed before it had read everything, or says nothing more
    return received


def _is_whole(received: bytes) -> bool:
    """Tell whether a response is there whose length is known; saves the wait for one behind it."""
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)^content-length: (\d+)\r?$", head, re.MULTILINE)
    return bool(end) and length is not None and len(body) >= int(length[1])


def _unhealthy(shop: Workshop) -> Finding | None:
    try:
        status, _ = shop.client.send("GET", "execution-id", Accept="application/json")
    except (OSError, ValueError) as error:
        return Finding("unhealthy", f"a good request behind it: {type(error).__name__}: {error}")
    return None if status == 200 else Finding("unhealthy", f"a good request behind it is answered {status}")


def _memory_mib(shop: Workshop) -> int:
    return sum(process.memory_info().rss for process in shop.site.processes()) >> 20
