"""Logging through structlog: JSON lines in the data directory, and short lines on the terminal.

An event is a dotted constant and its data are keys (``log.info("execution.locked", lock_expires_at=...)``). Lines of
libraries that use the standard library's logging end up in the same places, in the same form.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from engine.executor.run_context import current_run_keys

if TYPE_CHECKING:
    from django.http import HttpRequest  # settings import this module, before Django is ready

#: What a level may be called in a setting.
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

#: In which form lines go to standard error: as a person reads them, or as the file has them.
FORMATS: Final = ("console", "json")

#: Where probes ask: whether the site can do its work, whether the process answers, whether it may get requests.
HEALTH_PATH: Final = "/healthz"
LIVENESS_PATH: Final = "/livez"
READINESS_PATH: Final = "/readyz"
_PROBED: Final = (HEALTH_PATH, LIVENESS_PATH, READINESS_PATH)

#: What a terminal would obey instead of showing it, as it is written in Python; lines and tabs may stay.
_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to what is standard error when an event happens: tests and daemons replace it after the set-up."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line; the caller holds this handler's lock."""
        self.stream = sys.stderr
        super().emit(record)


def configure_structlog(*, level: str) -> None:
    """Send structlog's events to the standard library's handlers; what is below ``level`` costs next to nothing."""
    structlog.configure(
        processors=[*_shared_processors(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def logging_config(
    *, directory: Path, name: str, level: str, console_level: str, console_format: str = "console"
) -> dict[str, Any]:
    """Return Django's ``LOGGING`` setting.

    Several processes may append to one file, each line in one write. So nobody rotates it; a file that is moved away
    (by logrotate, say) is opened anew.

    Args:
        directory: Where the log file goes; must exist.
        name: The file's name without ``.log``.
        level: The least level that is logged at all.
        console_level: The least level that is shown on standard error.
        console_format: One of `FORMATS`: how it is shown there.
    """
    formatter = structlog.stdlib.ProcessorFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": formatter,
                "foreign_pre_chain": _shared_processors(),
                "processors": [
                    formatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    structlog.processors.JSONRenderer(serializer=_to_json),
                ],
            },
            "console": {
                "()": formatter,
                "foreign_pre_chain": _shared_processors(),
                "processors": [
                    formatter.remove_processors_meta,
                    _shorten,
                    _escape,
                    structlog.dev.ConsoleRenderer(
                        colors=sys.stderr.isatty(),
                        # The default, with rich installed, prints the local variables of every frame: secrets too.
                        exception_formatter=structlog.dev.plain_traceback,
                        pad_event_to=0,
                    ),
                ],
            },
        },
        "handlers": {
            "file": {
                "class": "logging.handlers.WatchedFileHandler",
                "filename": str(directory / f"{name}.log"),
                "encoding": "utf-8",
                "delay": True,
                "formatter": "json",
            },
            "console": {
                "class": "obelisk_site.logging.StderrHandler",
                "level": console_level,
                "formatter": console_format,
            },
        },
        "root": {"handlers": ["console", "file"], "level": level},
        "filters": {"no_probes": {"()": "django.utils.log.CallbackFilter", "callback": _is_no_probe}},
        "loggers": {
            # Django's own set-up would print its lines a second time, and mail errors to nobody.
            "django": {"handlers": []},
            "django.server": {"handlers": [], "propagate": True},
            "django.request": {"filters": ["no_probes"]},
            "daphne": {"level": "WARNING"},  # says at INFO that it listens, in four lines
        },
    }


def _is_no_probe(record: logging.LogRecord) -> bool:
    """Drop Django's error line for each 503 of the health check: whoever probes has the answer, every few seconds."""
    request: HttpRequest | None = getattr(record, "request", None)
    return request is None or request.path not in _PROBED


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        _add_run,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_pid,
    ]


def _add_run(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Say for which execution this thread works, unless the line says so itself."""
    for key, value in current_run_keys().items():
        event.setdefault(key, value)
    return event


def _add_pid(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Tell apart the executor's workers, which share a file."""
    event["pid"] = os.getpid()
    return event


def _shorten(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Keep what a person at a terminal reads: the time of day, and neither logger nor process."""
    event["timestamp"] = event["timestamp"][len("2026-01-31T") : len("2026-01-31T12:59:59")]
    event.pop("logger", None)
    for key in ("pid", "executor_id", "trace_id"):
        event.pop(key, None)
    return event


def _escape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Show control characters, which paths of requests may hold, instead of sending them to the terminal."""
    return {key: value.translate(_CONTROLS) if isinstance(value, str) else value for key, value in event.items()}


def _to_json(event: EventDict, **_options: Any) -> str:
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
