"""Hostile bytes at the port of a whole site: daphne, Django, the webhook endpoints and an executor, in their processes."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import psutil
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
_GUESTS_FAULT: Final = re.compile(rb"webhook_(broken|error_code|timed_out)|out of permits|the webhook|component", re.IGNORECASE)


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
        memory = _memory_mib(shop)
        yield lambda content: _judge(shop, content, memory)
        connection.close()


def _judge(shop: Workshop, content: bytes, memory: int) -> Finding | None:
    received = _exchange(shop, content.replace(TOKEN, b"Bearer " + shop.client.token.encode()))
    if (found := _unhealthy(shop)) is not None:
        return found
    grown = _memory_mib(shop) - memory
    if grown > _MOST_GROWTH_MIB:
        return Finding("memory", f"the site's processes grew by {grown} MiB")
    for status in _STATUS.findall(received):
        if status >= b"500" and not _GUESTS_FAULT.search(received):
            return Finding(f"status {status.decode()}", repr(received[:500]))
    return None


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
