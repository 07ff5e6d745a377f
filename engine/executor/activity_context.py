"""What the host functions of an activity know of their run."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TextIO

from engine.activity.http.outbound import OutboundHttp, RequestTrace
from engine.activity.http.policy import make_policy
from engine.activity.run_loop import RunLoop
from engine.activity.run_secrets import RunSecrets
from engine.deployment.limits import RunLimits
from engine.deployment.program_permission import program_problem
from engine.deployment.spec import ComponentSpec, LogLevel, StreamTarget
from engine.errors import DeploymentError
from engine.executor.log_quota import LogQuota, log_quota
from engine.executor.services import ExecutorServices
from engine.host.context import GuestNote, RunFacts
from engine.host.wasi.state import WasiState
from engine.host.wasi.stdio import GuestOutput
from engine.journal.records import HttpExchange, LogLine
from engine.log.ids import ExecutionId, RunId
from engine.log.tracing import remote_context, request_context

_MAX_MESSAGE = 65_536

LEVELS = {level: rank for rank, level in enumerate(LogLevel)}


class ActivityContext:
    """One attempt at an activity, as its host functions see it.

    What WASI needs is made when it is first asked for: a guest that computes pays nothing for it.

    Args:
        services: The executor's parts.
        component: Whose guest it is.
        facts: For which execution.
        run_id: In which run.
        time_left: How long the attempt may take.
        limits: What it may use up.
        is_first_run: Whether the execution never ran before.
    """

    __slots__ = (
        "_add_exchange",
        "_component",
        "_expires_at",
        "_is_first_run",
        "_is_stopped",
        "_limits",
        "_lines",
        "_run_id",
        "_secrets",
        "_services",
        "_wasi",
        "facts",
        "note",
    )

    def __init__(
        self,
        services: ExecutorServices,
        component: ComponentSpec,
        facts: RunFacts,
        run_id: RunId,
        *,
        time_left: timedelta,
        limits: RunLimits,
        is_first_run: bool,
    ) -> None:
        self._services = services
        self._component = component
        self._run_id = run_id
        self._expires_at = time.monotonic() + time_left.total_seconds()
        self._is_stopped = False
        self._limits = limits
        self._is_first_run = is_first_run
        # Most attempts log nothing.
        self._lines: LogQuota | None = None
        self._add_exchange: Callable[[HttpExchange], None] = services.http_log.add
        self._secrets: RunSecrets | None = None
        self._wasi: WasiState | None = None
        self.facts = facts
        self.note: GuestNote | None = None

    def now(self) -> datetime:
        """Return the present instant."""
        return self._services.clock.now()

    def log(self, level: LogLevel, message: str) -> None:
        """Store a guest's log line, if the component's level asks for it."""
        store_line(
            self._quota(),
            self._component,
            self.facts.execution_id,
            self._run_id,
            level,
            self._redact(message),
            now=self._services.clock.now(),
        )

    def _quota(self) -> LogQuota:
        if self._lines is None:
            self._lines = log_quota(
                self._services, self.facts.execution_id, self._limits.log_lines, is_first_run=self._is_first_run
            )
        return self._lines

    @property
    def wasi(self) -> WasiState:
        """The run's part of the WASI host.

        Raises:
            DeploymentError: If the component names a secret that the operator does not have.
        """
        if self._wasi is None:
            self._wasi = self._make_wasi()
            if self._is_stopped:
                self._wasi.loop.interrupt()
        return self._wasi

    @property
    def environment(self) -> Mapping[str, str]:
        """The guest's environment variables, with placeholders where secrets are; raises as ``wasi`` does."""
        return {**self._component.sandbox.env_vars, **self._known_secrets().environment}

    @property
    def http(self) -> OutboundHttp:
        """The run's way out, for guest runtimes that offer HTTP to source code; raises as ``wasi`` does."""
        http = self.wasi.http
        assert http is not None
        return http

    def check_program(self) -> None:
        """Return if the operator allows the component's native program.

        Raises:
            DeploymentError: If not.
        """
        component = self._component
        problem = program_problem(
            component.id.name, component.artefact_digest, self._services.settings.operator.programs
        )
        if problem is not None:
            raise DeploymentError(f"component {component.id.name}: {problem}")

    def output(self, stream: str) -> GuestOutput | None:
        """Return where a native program's stream goes; ``None`` if nowhere."""
        sandbox = self._component.sandbox
        return self._output(sandbox.stdout if stream == "stdout" else sandbox.stderr, stream)

    def reveal_secrets(self) -> Mapping[str, str]:
        """Return the secrets that the component's native program reads, which may not be seen by anything else.

        Raises:
            DeploymentError: If it names one that the operator does not have.
        """
        self._known_secrets()
        policy = self._component.process
        values = self._services.settings.operator.secrets
        return {name: values[name].reveal() for name in (policy.secrets if policy is not None else ())}

    def redact(self, text: str) -> str:
        """Return a text for people, without the secrets that the run may know."""
        return self._redact(text)

    def interrupt(self) -> None:
        """End what the guest waits for, now or later; from any thread."""
        self._is_stopped = True
        wasi = self._wasi
        if wasi is not None:
            wasi.loop.interrupt()

    def close(self) -> None:
        """End what the guest left open."""
        if self._wasi is not None:
            self._wasi.close()

    def _make_wasi(self) -> WasiState:
        sandbox = self._component.sandbox
        secrets = self._known_secrets()
        loop = RunLoop(expires_at=self._expires_at)
        http = OutboundHttp(
            transport=self._services.transport,
            policy=make_policy(sandbox.allowed_hosts, self._services.settings.operator.allowed_hosts),
            secrets=secrets,
            loop=loop,
            clock=self._services.clock,
            warn=partial(self.log, LogLevel.WARN),
            record=self._record,
            traceparent=self._traceparent,
        )
        return WasiState(
            loop=loop,
            http=http,
            environment=self.environment,
            stdout=self._output(sandbox.stdout, "stdout"),
            stderr=self._output(sandbox.stderr, "stderr"),
        )

    def _traceparent(self, started_at: datetime) -> str | None:
        """Return what tells the receiver of a request which trace it belongs to; ``None`` if nobody asked for one."""
        facts = self.facts
        if not self._services.settings.is_traced and remote_context(facts.metadata) is None:
            return None
        return request_context(facts.execution_id, self._run_id, facts.metadata, started_at=started_at).header()

    def _known_secrets(self) -> RunSecrets:
        if self._secrets is None:
            names = [name for rule in self._component.sandbox.allowed_hosts for name in rule.secrets]
            if self._component.process is not None:
                names += self._component.process.secrets
            self._secrets = RunSecrets(names, self._services.settings.operator.secrets, os.urandom)
        return self._secrets

    def _redact(self, text: str) -> str:
        # A secret reaches the guest only if a server sends it back, but then it must not be stored.
        return text if self._secrets is None else self._secrets.redact(text)

    def _output(self, target: StreamTarget, stream: str) -> GuestOutput | None:
        write: Callable[[str], None]
        match target:
            case StreamTarget.NONE:
                return None
            case StreamTarget.DB:
                write = partial(self._store_output, stream)
            case StreamTarget.STDOUT:
                write = partial(self._print, sys.stdout)
            case StreamTarget.STDERR:
                write = partial(self._print, sys.stderr)
        return GuestOutput(write, max_bytes=self._limits.output_bytes)

    def _store_output(self, stream: str, line: str) -> None:
        self._quota().add(
            LogLine(
                execution_id=self.facts.execution_id,
                run_id=self._run_id,
                created_at=self._services.clock.now(),
                level=None,
                message=self._redact(line),
                stream=stream,
            )
        )

    def _print(self, file: TextIO, line: str) -> None:
        file.write(f"{self._redact(line)}\n")

    def _record(self, trace: RequestTrace) -> None:
        self._add_exchange(
            HttpExchange(
                execution_id=self.facts.execution_id,
                run_id=self._run_id,
                started_at=trace.started_at,
                duration=trace.duration,
                method=trace.method,
                url=trace.url,
                status=trace.status,
                error=trace.error,
                request_bytes=trace.request_bytes,
                response_bytes=trace.response_bytes,
            )
        )


def store_line(
    lines: LogQuota,
    component: ComponentSpec,
    execution_id: ExecutionId,
    run_id: RunId,
    level: LogLevel,
    message: str,
    *,
    now: datetime,
) -> None:
    """Store a guest's log line, if its component's level asks for it; a very long one is cut."""
    if component.log_level is not None and LEVELS[level] >= LEVELS[component.log_level]:
        if len(message) > _MAX_MESSAGE:
            message = f"{message[:_MAX_MESSAGE]} [cut: it has {len(message)} characters]"
        lines.add(LogLine(execution_id=execution_id, run_id=run_id, created_at=now, level=level, message=message))
