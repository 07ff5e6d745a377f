"""Running the courier, a component that uses WASI, without an executor around it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from engine.activity.http.name_lookup import Resolver, resolve
from engine.activity.http.outbound import OutboundHttp, RequestTrace
from engine.activity.http.policy import make_policy
from engine.activity.http.transport import HttpTransport
from engine.activity.run_loop import RunLoop
from engine.activity.run_secrets import RunSecrets
from engine.activity.secret_values import SecretValue
from engine.clock import SystemClock
from engine.deployment.spec import AllowedHost, ComponentType, LogLevel
from engine.host.imports import imports_for
from engine.host.wasi.state import WasiState
from engine.host.wasi.stdio import GuestOutput
from engine.wasm.linking import LinkedComponent, link
from tests.harness.components import compiled

COURIER = "test:courier/activity"
STUBBED = "test:stubbed/workflow"

LOOPBACK = AllowedHost(pattern="http://127.0.0.1:*", methods=None)


@lru_cache
def linked(name: str, component_type: ComponentType) -> LinkedComponent:
    """Return a component with everything it imports."""
    component = compiled(name)
    return link(component.engine, component, imports_for(component_type, component.shape, stub_wasi=True))


@dataclass
class Guest:
    """The courier in a sandbox of its own; a context as host functions want it.

    Args:
        rules: The component's allowed hosts.
        operator: The operator's.
        secrets: The operator's.
        resolver: Finds addresses.
        deadline: Seconds that a call may take.
    """

    rules: tuple[AllowedHost, ...] = (LOOPBACK,)
    operator: tuple[AllowedHost, ...] = (LOOPBACK,)
    secrets: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    resolver: Resolver = resolve
    deadline: float | None = 20.0
    transport: HttpTransport | None = None
    traces: list[RequestTrace] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    stdout: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        values = {name: SecretValue(value) for name, value in self.secrets.items()}
        names = [name for rule in self.rules for name in rule.secrets]
        self.known = RunSecrets(names, values, lambda count: bytes(range(count)))
        self.transport = self.transport or HttpTransport(resolver=self.resolver)
        self.wasi = self._make_wasi()

    def log(self, level: LogLevel, message: str) -> None:
        self.lines.append(f"{level}: {message}")

    def call(self, function: str, *args: object) -> Any:
        """Call a function of the courier and return its result."""
        program = linked("courier", ComponentType.ACTIVITY)
        self.wasi = self._make_wasi()
        try:
            return program.call(COURIER, function, args, context=self, deadline=self.deadline)
        finally:
            self.wasi.close()

    def fetch(self, authority: str, path: str = "/", **message: object) -> Any:
        return self.call("fetch", make_message(authority, path, **message))

    def http(self) -> OutboundHttp:
        """Return the way out, for those who go it without a guest."""
        assert self.wasi.http is not None
        return self.wasi.http

    def close(self) -> None:
        self.wasi.close()
        assert self.transport is not None
        self.transport.close()

    def _make_wasi(self) -> WasiState:
        assert self.transport is not None
        expires_at = math.inf if self.deadline is None else time.monotonic() + self.deadline
        loop = RunLoop(expires_at=expires_at)
        http = OutboundHttp(
            transport=self.transport,
            policy=make_policy(self.rules, self.operator),
            secrets=self.known,
            loop=loop,
            clock=SystemClock(),
            warn=self.lines.append,
            record=self.traces.append,
        )
        return WasiState(
            loop=loop,
            http=http,
            environment={**self.environment, **self.known.environment},
            stdout=GuestOutput(self.stdout.append),
            stderr=GuestOutput(self.stderr.append),
        )


def make_message(authority: str, path: str = "/", **message: object) -> dict[str, object]:
    """Return the courier's ``message``."""
    return {
        "method": "GET",
        "scheme": "http",
        "authority": authority,
        "path": path,
        "headers": [],
        "chunks": None,
        "trailers": [],
        "early": False,
        "finish": True,
        "connect_timeout_ms": None,
        "first_byte_timeout_ms": None,
        "between_bytes_timeout_ms": None,
        **message,
    }
