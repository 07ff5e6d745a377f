"""Interpreters that are made ready beside what goes on: whoever needs one waits for a moment, or comes again.

Building one takes a minute and compiling it some seconds, which is longer than a request should take.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from datetime import timedelta
from typing import Final, Literal

import structlog
from django.db import DatabaseError, connection

from components.busy import Busy
from components.guest_runtimes import load_javascript_runtime, load_python_runtime
from components.manifest import Entry, JavaScriptEntry, PythonEntry, PythonWebhookEntry
from components.models import Component
from engine.deployment.spec import Runner

log = structlog.get_logger(__name__)

Language = Literal["python", "javascript"]
Loader = Callable[[Callable[[str], None]], object]
"""Makes an interpreter ready; calls its argument with a sentence before each thing that takes long."""

PATIENCE: Final = timedelta(seconds=20)
"""How long a request waits: as long as compiling takes, as a rule, and less than clients and proxies do."""


class RuntimeLoading(Busy):
    """The interpreter of a submission is not ready yet; nothing was done."""

    retry_after_s = 10


class _TakesLong(Exception):
    """Leaves a loader before it does what takes long."""


class RuntimeLoads:
    """The interpreters of one process, each made ready once at a time.

    Args:
        loaders: What makes them ready; at once, without a sentence, if they are.
        patience: How long `require` waits.
    """

    def __init__(self, loaders: Mapping[Language, Loader], *, patience: timedelta = PATIENCE) -> None:
        self._loaders = loaders
        self._patience = patience
        # Under way, or failed and not told.
        self._begun: dict[Language, Future[None]] = {}
        self._lock = threading.Lock()

    def require(self, languages: Iterable[Language]) -> None:
        """Return when interpreters are ready.

        Raises:
            RuntimeLoading: If that takes longer than one should wait; it goes on.
            RuntimeUnavailable: If one cannot be had; the next call tries again.
        """
        for language in languages:
            try:
                self._loaders[language](_leave)
            except _TakesLong as taking:
                future = self.begin(language)
                if not wait_for([future], self._patience.total_seconds()).done:
                    raise RuntimeLoading(f"the server is {taking}; submit it again in a moment") from taking
                self._forget(language, future)
                future.result()

    def begin(self, language: Language) -> Future[None]:
        """Make an interpreter ready on a thread of its own, unless that is under way.

        Returns:
            Its end; that of the last attempt, if that failed and nobody was told.
        """
        with self._lock:
            future = self._begun.get(language)
            if future is None:
                future = self._begun[language] = Future()
                name = f"{language} runtime"
                threading.Thread(target=self._load, args=(language, future), name=name, daemon=True).start()
        return future

    def _forget(self, language: Language, future: Future[None]) -> None:
        with self._lock:
            if self._begun.get(language) is future:
                del self._begun[language]

    def _load(self, language: Language, future: Future[None]) -> None:
        started = time.monotonic()
        try:
            self._loaders[language](lambda sentence: log.info("runtime.loading", language=language, step=sentence))
            connection.close()
        except BaseException as error:  # noqa: BLE001  # raised again where somebody waits for it
            log.error("runtime.failed", language=language, error=str(error))
            connection.close()
            future.set_exception(error)
        else:
            log.info("runtime.ready", language=language, seconds=round(time.monotonic() - started, 3))
            self._forget(language, future)
            future.set_result(None)


def _leave(sentence: str) -> None:
    raise _TakesLong(sentence)


site_runtimes = RuntimeLoads({"python": load_python_runtime, "javascript": load_javascript_runtime})
"""Those of this process."""


def languages_of(entries: Iterable[Entry]) -> Collection[Language]:
    """Return the languages that entries of a deployment file are written in."""
    found: dict[Language, None] = {}
    for entry in entries:
        if isinstance(entry, PythonEntry | PythonWebhookEntry):
            found["python"] = None
        elif isinstance(entry, JavaScriptEntry):
            found["javascript"] = None
    return found


def load_ahead(runtimes: RuntimeLoads = site_runtimes) -> None:
    """Begin to make ready the interpreters of the languages that deployments of this site are written in.

    A site that never had one is spared the download; its first submission begins it. For a thread of its own, whose
    connection to the database is closed.
    """
    languages: tuple[Language, ...] = ("python", "javascript")
    sources = Component.objects.filter(runner=Runner.SOURCE.value)
    try:
        deployed = [language for language in languages if sources.filter(config__source__language=language).exists()]
    except DatabaseError as error:
        log.warning("runtime.not_loaded_ahead", error=str(error))
        return
    finally:
        connection.close()
    for language in deployed:
        runtimes.begin(language)
