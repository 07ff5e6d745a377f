"""``obelisk:log/log``: a guest's log lines."""

from __future__ import annotations

from collections.abc import Callable

from engine.deployment.spec import LogLevel
from engine.host.context import LoggingContext
from engine.wasm.host_functions import HostFunction, HostInterface
from engine.wit.obelisk_types import LOG


def _logger(level: LogLevel) -> Callable[[LoggingContext, str], None]:
    def log(context: LoggingContext, message: str) -> None:
        context.log(level, message)

    return log


LOG_HOST = HostInterface(
    functions={level: HostFunction(type=LOG[level], call=_logger(LogLevel(level))) for level in LOG}
)
"""The interface, for guests of every kind."""
