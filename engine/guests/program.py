"""Source components at work: a runtime in the sandbox, given a component's artefact and a call.

To the executor a source component looks like a compiled one: it is instantiated, and its functions take and return
canonical values.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from types import TracebackType

from engine.deployment.spec import ComponentSpec, ComponentType
from engine.deployment.webhooks import HANDLER
from engine.errors import LinkError, Trap, TrapKind
from engine.guests.contexts import ActivityGuest, Reading, WorkflowGuest
from engine.guests.wasi import wasi_imports
from engine.guests.webhook_guest import WebhookGuest
from engine.host.context import ActivityContext, GuestNote, WorkflowContext
from engine.host.wasi.incoming_handler import Answer, ReceivedRequest
from engine.host.webhook_context import WebhookContext
from engine.wasm.component import CompiledComponent
from engine.wasm.host_functions import HostFunction, HostInterface
from engine.wasm.instance import Instance, InstanceLimits
from engine.wasm.linking import LinkedComponent, link
from engine.wit.json_values import dump_json, load_json, read_value
from engine.wit.options import JsonValue
from engine.wit.types import STRING, FunctionType, Param, ResultType

_HOST = "obelisk:guest/host@1.0.0"
RUNTIME = "obelisk:guest/runtime@1.0.0"
DEFAULT_LIMITS = InstanceLimits()
_MAX_ANSWER_BYTES = 64 << 20
_MAX_TRACE_CHARACTERS = 20_000
_MOST_IDLE = 8
_MOST_CALLS = 100
"""After that many an instance is replaced, whatever it has piled up with it."""
_CALL = FunctionType((Param("op", STRING), Param("body", STRING)), STRING)


class Runtime:
    """An interpreter, ready to run; the same for all components that it can run.

    Args:
        compiled: Its binary.
        call: What its one host function does, given the run's context, an operation and its body.

    Raises:
        LinkError: If it imports more than the host offers, or is no runtime.
    """

    def __init__(self, compiled: CompiledComponent, call: Callable[..., str]) -> None:
        imports = wasi_imports(compiled.shape)
        imports[_HOST] = HostInterface(functions={"call": HostFunction(type=_CALL, call=call)})
        if RUNTIME not in compiled.shape.exports:
            raise LinkError(f"the runtime of source components does not export {RUNTIME}")
        artefact = compiled.shape.exports[RUNTIME].functions["run"].params[1].type
        self.takes_text = artefact == STRING
        """Whether it is passed its artefact as text; older runtimes, which deployments may hold, take bytes."""
        self._linked: LinkedComponent = link(compiled.engine, compiled, imports)

    def instantiate(
        self, *, context: object, deadline: float | None, limits: InstanceLimits = DEFAULT_LIMITS
    ) -> Instance:
        """Make an instance; arguments are those of `LinkedComponent.instantiate`."""
        return self._linked.instantiate(context=context, deadline=deadline, limits=limits)

    def describe(self, request: dict[str, JsonValue], *, deadline: float) -> dict[str, object]:
        """Read a component's files in the sandbox; ``engine/guests/wit/world.wit`` has request and answer.

        Args:
            request: The files.
            deadline: Seconds it may take.

        Raises:
            Trap: If it takes longer, or the interpreter dies.
        """
        with self.instantiate(context=Reading(), deadline=deadline) as instance:
            return _load_object(instance.call(RUNTIME, "describe", [dump_json(request)]))


class GuestProgram:
    """A source component, ready to run.

    Args:
        runtime: The interpreter, with the host function of the component's kind.
        component: What runs in it.
        artefact: What the interpreter made of its files at deploy.
    """

    def __init__(self, runtime: Runtime, component: ComponentSpec, artefact: bytes) -> None:
        self._runtime = runtime
        self._component = component
        self._artefact = artefact.decode() if runtime.takes_text else artefact
        self._imports: JsonValue = {
            str(interface): list(functions) for interface, functions in component.imports.items()
        }
        self._idle: list[GuestInstance] = []
        self._mutex = threading.Lock()
        self._functions = {
            (str(function.name.interface), function.name.function): function for function in component.functions
        }

    def instantiate(
        self,
        *,
        context: ActivityContext | WorkflowContext | WebhookContext,
        deadline: float | None,
        limits: InstanceLimits,
    ) -> GuestInstance:
        """Return an instance for one call; arguments are those of `LinkedComponent.instantiate`.

        Where the component reuses instances, it may have served calls before.
        """
        if (idle := self._take_idle()) is not None:
            idle.begin(context, deadline, limits.fuel)  # type: ignore[arg-type]  # as below
            return idle
        guest: ActivityGuest | WorkflowGuest
        match self._component.id.component_type:
            case ComponentType.WORKFLOW:
                guest = WorkflowGuest(context)  # type: ignore[arg-type]  # a workflow's run has such a context
            case ComponentType.WEBHOOK_ENDPOINT:
                guest = WebhookGuest(context)  # type: ignore[arg-type]  # a request has such a context
            case _:
                guest = ActivityGuest(context)  # type: ignore[arg-type]  # an attempt has such a context
        instance = self._runtime.instantiate(context=guest, deadline=deadline, limits=limits)
        return GuestInstance(self, instance, guest)

    def _take_idle(self) -> GuestInstance | None:
        with self._mutex:
            return self._idle.pop() if self._idle else None

    def give_back(self, instance: GuestInstance) -> bool:
        """Take an instance that is fit for more calls; tell whether there is room for it."""
        if not self._component.reuses_instances:
            return False
        with self._mutex:
            if len(self._idle) >= _MOST_IDLE:
                return False
            self._idle.append(instance)
            return True

    def close(self) -> None:
        """Free idle instances."""
        while (idle := self._take_idle()) is not None:
            idle.close()

    def call(
        self,
        instance: Instance,
        guest: ActivityGuest | WorkflowGuest,
        export: str,
        function: str,
        args: Sequence[object],
    ) -> JsonValue:
        """Call a function in an instance of the runtime; see `GuestInstance.call`."""
        spec = self._functions.get((export, function))
        if spec is None:
            raise LinkError(f"the component has no function {export}.{function}")
        kind = self._component.id.component_type.value
        params = dump_json(list(args))  # type: ignore[arg-type]  # canonical values
        context = self._about(guest, str(spec.name), _shape(spec.type.result))
        text = instance.call(RUNTIME, "run", [kind, self._artefact, function, params, context])
        return _read_answer(guest, spec.type.result, text)

    def handle(self, instance: Instance, guest: WebhookGuest, request: ReceivedRequest, answer: Answer) -> None:
        """Have a webhook endpoint answer a request; see `GuestInstance.handle`."""
        params = dump_json([guest.begin(request, answer)])
        context = self._about(guest, HANDLER, {"ok": False, "err": "string"})
        found = _load_object(instance.call(RUNTIME, "run", ["webhook", self._artefact, "handle", params, context]))
        if isinstance(broken := found.get("broken"), str):
            raise LinkError(broken)
        if "err" in found:
            raise Trap(TrapKind.OTHER, f"the handler failed: {found.get('trace') or found['err']}")
        guest.finish()

    def _about(self, guest: ActivityGuest | WorkflowGuest, ffqn: str, result: JsonValue) -> str:
        context: dict[str, JsonValue] = {
            "execution_id": guest.facts.execution_id,
            "ffqn": ffqn,
            "seed": guest.seed.hex(),
            "attentive": isinstance(guest, WorkflowGuest) and guest.is_attentive,
            "env": dict(guest.environment),
            "imports": self._imports,
            "result": result,
        }
        if _is_traced(guest):
            context["traced"] = True
        return dump_json(context)


class GuestInstance:
    """A runtime at work on one call of one component; as `engine.wasm.instance.Instance` to whoever runs it."""

    def __init__(self, program: GuestProgram, instance: Instance, guest: ActivityGuest | WorkflowGuest) -> None:
        self._program = program
        self._instance = instance
        self._guest = guest
        self._calls = 0
        self._is_fit = False

    def begin(self, context: ActivityContext, deadline: float | None, fuel: int | None) -> None:
        """Serve another attempt, with fuel of its own."""
        assert isinstance(self._guest, ActivityGuest)
        self._guest.serve(context)
        self._instance.set_deadline(deadline)
        self._instance.refuel(fuel)

    def call(self, export: str, function: str, args: Sequence[object]) -> JsonValue:
        """Call a function of the component.

        Args:
            export: The interface that it stands in.
            function: Its name.
            args: Canonical values.

        Returns:
            The canonical result.

        Raises:
            LinkError: If the component has no such function, or the source cannot be loaded.
            ValueMismatch: If it returns what is not of its type.
            Trap: If the guest dies.
            BaseException: Whatever a host function raised.
        """
        self._is_fit = False
        self._calls += 1
        value = self._program.call(self._instance, self._guest, export, function, args)
        # What did not return cannot be entered again.
        note = self._guest.context.note if isinstance(self._guest, ActivityGuest) else None
        self._is_fit = self._calls < _MOST_CALLS and not (note and note.wants_retirement)
        return value

    def query(self, name: str, params: str) -> dict[str, object]:
        """Ask the guest after its function has returned; `engine.guests.host_call` has the answers.

        Args:
            name: Of a query function.
            params: JSON array of its parameters.

        Raises:
            Trap: If the guest dies.
        """
        return _load_object(self._instance.call(RUNTIME, "query", [name, params]))

    def handle(self, request: ReceivedRequest, answer: Answer) -> None:
        """Have a webhook endpoint answer a request.

        Raises:
            LinkError: If the source cannot be loaded, or has no handler.
            Trap: If the handler fails, gives no response, or the guest dies.
            BaseException: Whatever a host function raised.
        """
        assert isinstance(self._guest, WebhookGuest)
        self._program.handle(self._instance, self._guest, request, answer)

    def close(self) -> None:
        """Free the sandbox."""
        self._instance.close()

    def set_deadline(self, deadline: float | None) -> None:
        """Let the run end ``deadline`` seconds from now."""
        self._instance.set_deadline(deadline)

    def interrupt(self) -> None:
        """End the run soon; from any thread."""
        self._instance.interrupt()

    def __enter__(self) -> GuestInstance:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Free the sandbox, or keep it for the next call."""
        if not (self._is_fit and not self._instance.is_interrupted and self._program.give_back(self)):
            self.close()


def _is_traced(guest: ActivityGuest | WorkflowGuest) -> bool:
    if isinstance(guest, WorkflowGuest):
        return guest.context.call_sites.is_needed
    return isinstance(guest, WebhookGuest) and guest.context.calls.keeps_call_sites


def _shape(result: object) -> JsonValue:
    """Tell, for languages without types, what a function's result has room for."""
    assert isinstance(result, ResultType)
    err = "none" if result.err is None else "string" if result.err == STRING else "other"
    return {"ok": result.ok is not None, "err": err}


def _read_answer(guest: ActivityGuest | WorkflowGuest, result: object, text: JsonValue) -> JsonValue:
    answer = _load_object(text)
    if isinstance(broken := answer.get("broken"), str):
        raise LinkError(broken)
    if not ("ok" in answer) ^ ("err" in answer):
        raise Trap(TrapKind.OTHER, "the runtime of the component gave an answer that is none")
    assert isinstance(result, ResultType)
    key = "ok" if "ok" in answer else "err"
    guest.context.note = _note(answer)
    return read_value(result, {key: answer[key]}, path="result")


def _load_object(text: JsonValue) -> dict[str, object]:
    assert isinstance(text, str)
    answer = load_json(text, max_bytes=_MAX_ANSWER_BYTES)
    if not isinstance(answer, dict):
        raise Trap(TrapKind.OTHER, "the runtime of the component gave an answer that is none")
    return answer


def _note(answer: dict[str, object]) -> GuestNote:
    after, trace = answer.get("retry_after_us"), answer.get("trace")
    return GuestNote(
        is_permanent=answer.get("permanent") is True,
        retry_after=timedelta(microseconds=after) if isinstance(after, int) else None,
        trace=trace[:_MAX_TRACE_CHARACTERS] if isinstance(trace, str) else None,
        wants_retirement=answer.get("retire") is True,
    )
