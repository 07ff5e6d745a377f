"""What the WASI interfaces know of the run that calls them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

from engine.activity.http.outbound import OutboundHttp
from engine.activity.run_loop import RunLoop
from engine.host.wasi.resources import ResourceTable
from engine.host.wasi.stdio import GuestOutput


class WasiState:
    """One run's part of the WASI host.

    Args:
        loop: How the run waits; by default one without an end, for runs that never wait.
        http: Its way out; ``None`` for runs that have none.
        environment: Its environment variables.
        stdout: Where its standard output goes; ``None`` swallows it.
        stderr: Where its standard error goes.
    """

    __slots__ = ("environment", "http", "loop", "stderr", "stdout", "table")

    def __init__(
        self,
        *,
        loop: RunLoop | None = None,
        http: OutboundHttp | None = None,
        environment: Mapping[str, str] | None = None,
        stdout: GuestOutput | None = None,
        stderr: GuestOutput | None = None,
    ) -> None:
        self.table = ResourceTable()
        self.loop = loop or RunLoop(expires_at=math.inf)
        self.http = http
        self.environment = environment or {}
        self.stdout = stdout
        self.stderr = stderr

    def close(self) -> None:
        """End everything that is still going on, and write what was printed without a line's end."""
        for output in (self.stdout, self.stderr):
            if output is not None:
                output.close()
        if self.http is not None:
            self.http.close()
        self.loop.close()


class WasiContext(Protocol):
    """A run whose guest may use WASI."""

    @property
    def wasi(self) -> WasiState:
        """The run's part of the WASI host."""
        ...
