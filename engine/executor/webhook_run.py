"""One request to a webhook endpoint: from the request to the end of its response, on one thread.

Source:
    Obelisk reference, section 8; time limits and the words for people are ours.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from engine.activity.outcome import Broken, outcome_of_trap
from engine.deployment.spec import ComponentSpec
from engine.errors import (
    ConstraintViolation,
    DeploymentError,
    InvalidComponent,
    JournalError,
    LinkError,
    Trap,
    TrapKind,
    ValueMismatch,
)
from engine.executor.attempts import Attempt
from engine.executor.programs import Program
from engine.executor.run_context import working_for
from engine.executor.services import ExecutorServices
from engine.executor.webhook_context import WebhookContext
from engine.executor.webhook_execution import WebhookExecution
from engine.executor.webhook_handlers import handle
from engine.executor.webhook_response import ResponseSink, ResponseStream
from engine.host.wasi.http_resources import OutgoingResponse
from engine.host.wasi.incoming_handler import ReceivedRequest
from engine.log.events import Metadata
from engine.log.ids import ExecutionId
from engine.log.return_values import Failed, FailureKind, Returned, ReturnValue
from engine.log.tracing import TRACEPARENT_KEY, trace_metadata
from engine.wasm.instance import InstanceLimits
from engine.wit.json_values import dump_json
from engine.wit.options import JsonValue

log = structlog.get_logger(__name__)


class Failure(StrEnum):
    """Why a request has no response, or not all of it."""

    UNUSABLE = "unusable"
    """The component cannot be instantiated."""
    BROKEN = "broken"
    """The guest died, or gave no response."""
    ERROR_CODE = "error_code"
    """The guest gave an error instead of a response."""
    TIMED_OUT = "timed_out"
    """It took too long."""
    GIVEN_UP = "given_up"
    """The client went away, or the process that serves it ends."""


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """How a request went wrong.

    Args:
        failure: In what way.
        message: A few words for the client, who is not told what goes on inside.
        reason: One sentence for whoever runs the site; the same by default.
        detail: More, such as where the guest died.
    """

    failure: Failure
    message: str
    reason: str | None = None
    detail: str | None = None


class WebhookRun:
    """A request to a webhook endpoint; of one thread, but for `renew` and `give_up`.

    Args:
        services: The parts of the process that serves it.
        component: The endpoint.
        request: What came in.
        sink: Where the response goes.
        params: What its route captured.
        timeout: How long it may take, its response included.
        randomness: Gives as many random bytes as asked for.
        execution_id: The id of its execution, which is recorded in any case then; by default only if there is reason.
    """

    def __init__(
        self,
        services: ExecutorServices,
        component: ComponentSpec,
        request: ReceivedRequest,
        sink: ResponseSink,
        *,
        params: Mapping[str, str],
        timeout: timedelta,
        randomness: Callable[[int], bytes],
        execution_id: ExecutionId | None = None,
    ) -> None:
        self._services = services
        self._component = component
        self._request = request
        self._sink = sink
        self._timeout = timeout
        self._is_recorded = execution_id is not None
        self._execution = WebhookExecution(
            services, component, randomness, execution_id=execution_id, trace=_trace_of(request)
        )
        self._limits = services.settings.limits.lowered(component.limits)
        self._context = WebhookContext(
            services, component, self._execution, params=params, time_left=timeout, limits=self._limits
        )
        self._mutex = threading.Lock()
        self._attempt: Attempt | None = None
        self._is_given_up = False
        self._error_code: JsonValue = None
        self._stream: ResponseStream | None = None

    @property
    def execution_id(self) -> ExecutionId | None:
        """Its execution, if there is one."""
        return self._execution.execution_id if self._execution.exists else None

    def give_up(self) -> None:
        """Stop soon: nobody waits for the response any more; from any thread."""
        with self._mutex:
            self._is_given_up = True
            self._context.interrupt()
            if self._attempt is not None:
                self._attempt.interrupt()

    def renew(self, now: datetime) -> None:
        """Keep the execution's lock; a lost one stops the request. From any thread."""
        try:
            self._execution.renew(now)
        except JournalError as error:
            log.warning("webhook.lock_lost", execution_id=self._execution.execution_id, error=str(error))
            self.give_up()

    def execute(self) -> RequestFailed | None:
        """Answer the request.

        Returns:
            Why it was not answered, or not to the end; ``None`` if all went well.
        """
        execution = self._execution
        try:
            with working_for((execution.facts, execution.holder.run_id, self._services.executor_id)):
                return self._execute()
        except JournalError as error:
            log.warning("webhook.journal_failed", component=self._component.id.name, error=str(error))
            return RequestFailed(Failure.UNUSABLE, "the request cannot be recorded now")
        finally:
            if self._stream is not None:
                self._stream.abort()
            self._context.close()

    def _execute(self) -> RequestFailed | None:
        if self._is_recorded:
            self._execution.create()
        failed = self._run()
        self._finish(failed)
        if failed is None and self._stream is not None:
            failed = self._drain(self._stream)
        return failed

    def _run(self) -> RequestFailed | None:
        try:
            program = self._services.programs.get(self._component)
            loop = self._context.wasi.loop
            self._stream = ResponseStream(loop, self._sink)
            self._request.body.attach(loop)
        except (InvalidComponent, LinkError, DeploymentError) as error:
            return RequestFailed(Failure.UNUSABLE, f"Cannot instantiate: {error}")
        try:
            self._handle(program)
        except Trap as trap:
            return self._trapped(trap)
        except (ConstraintViolation, LinkError, ValueMismatch, DeploymentError) as error:
            return RequestFailed(Failure.BROKEN, "Component Error", f"webhook host function error: {error}")
        if self._error_code is not None:
            return RequestFailed(Failure.ERROR_CODE, f"Error code: {dump_json(self._error_code)}")
        if not self._stream.has_begun:
            return RequestFailed(Failure.BROKEN, "Component Error", "the handler returned without a response")
        return None

    def _handle(self, program: Program) -> None:
        limits = InstanceLimits(memory_bytes=self._limits.memory_bytes, fuel=self._limits.fuel)
        with program.instantiate(
            context=self._context, deadline=self._timeout.total_seconds(), limits=limits
        ) as instance:
            with self._mutex:
                self._attempt = Attempt(instance, self._context)
                if self._is_given_up:
                    self._attempt.interrupt()
            try:
                handle(program, instance, self._context, self._request, self._answer)
            finally:
                with self._mutex:
                    self._attempt = None

    def _answer(self, response: OutgoingResponse | None, error: JsonValue) -> None:
        if response is None:
            self._error_code = error
            return
        assert self._stream is not None
        self._stream.begin(response.status, tuple(response.headers.entries), response.body)

    def _trapped(self, trap: Trap) -> RequestFailed:
        if self._is_given_up:
            return RequestFailed(Failure.GIVEN_UP, "the client went away, or the server stops")
        if trap.kind is TrapKind.INTERRUPTED:
            seconds = self._timeout.total_seconds()
            return RequestFailed(Failure.TIMED_OUT, f"the request took longer than {seconds:g} s")
        broken = outcome_of_trap(trap, what="webhook")
        assert isinstance(broken, Broken)
        log.info("webhook.trapped", component=self._component.id.name, reason=broken.reason)
        return RequestFailed(Failure.BROKEN, "Component Error", broken.reason, broken.detail)

    def _drain(self, stream: ResponseStream) -> RequestFailed | None:
        try:
            stream.drain()
        except Trap as trap:
            return self._trapped(trap)
        return None

    def _finish(self, failed: RequestFailed | None) -> None:
        self._execution.finish(_return_value(failed))


def _trace_of(request: ReceivedRequest) -> Metadata:
    """Return the trace that a request names, as metadata; nothing if it names none, or several."""
    named = [value.decode("latin-1") for name, value in request.headers if name.lower() == TRACEPARENT_KEY]
    return trace_metadata(named[0]) if len(named) == 1 else ()


def _return_value(failed: RequestFailed | None) -> ReturnValue:
    if failed is None or failed.failure is Failure.ERROR_CODE:
        # The handler returned; what it answered is not the engine's business.
        return Returned(ok=True, payload=None)
    kind = FailureKind.TIMED_OUT if failed.failure is Failure.TIMED_OUT else FailureKind.UNCATEGORIZED
    return Failed(kind=kind, reason=failed.reason or failed.message, detail=failed.detail)
