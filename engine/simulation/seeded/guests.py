"""Guests without wasm: they carry out scripts, through the very host functions that components call."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Protocol

from engine.deployment.spec import ComponentSpec, ComponentType
from engine.errors import Trap, TrapKind
from engine.host import workflow_support as host
from engine.host.join_set_resource import close_handle
from engine.host.responses import write_function
from engine.log.ids import ExecutionId
from engine.simulation.seeded.scripts import Script
from engine.wasm.instance import InstanceLimits
from engine.wit.options import JsonValue


class Surroundings(Protocol):
    """What a guest can notice of the world."""

    @property
    def now_s(self) -> float:
        """The simulated time."""
        ...

    def compute(self, guest: Guest) -> None:
        """Let a guest's computing take its time; return early when it is interrupted or its deadline is over."""
        ...

    def attempt_begins(self, execution_id: ExecutionId) -> None:
        """Hear that an activity begins to have its effect."""
        ...

    def attempt_ends(self, execution_id: ExecutionId) -> None:
        """Hear that an activity had all of it."""
        ...


class Stillness:
    """`Surroundings` in which nothing takes time and nobody listens, for replays."""

    @property
    def now_s(self) -> float:
        """Always the same instant."""
        return 0.0

    def compute(self, guest: Guest) -> None:
        """Return at once."""

    def attempt_begins(self, execution_id: ExecutionId) -> None:
        """Do nothing."""

    def attempt_ends(self, execution_id: ExecutionId) -> None:
        """Do nothing."""


class ScriptPrograms:
    """`engine.executor.programs.Programs`, whose components all carry out the script in their parameter.

    Args:
        surroundings: What they can notice of the world.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings

    def get(self, component: ComponentSpec) -> ScriptProgram:
        """Return a component ready to run."""
        return ScriptProgram(self._surroundings, component)

    def close(self) -> None:
        """Do nothing."""


class ScriptProgram:
    """`engine.executor.programs.Program`."""

    def __init__(self, surroundings: Surroundings, component: ComponentSpec) -> None:
        self._surroundings = surroundings
        self._component = component

    def instantiate(self, *, context: Any, deadline: float | None, limits: InstanceLimits) -> Guest:
        """Make an instance."""
        is_workflow = self._component.id.component_type is ComponentType.WORKFLOW
        guest = (WorkflowGuest if is_workflow else ActivityGuest)(self._surroundings, context)
        guest.set_deadline(deadline)
        return guest


class Guest(ABC):
    """`engine.executor.programs.RunningInstance`.

    Args:
        surroundings: What it can notice of the world.
        context: Its run.
    """

    def __init__(self, surroundings: Surroundings, context: Any) -> None:
        self.until_s = math.inf
        self.on_interrupt: Callable[[], None] = _nothing
        self._is_interrupted = False
        self._surroundings = surroundings
        self._context = context

    def call(self, export: str, function: str, args: Sequence[object]) -> JsonValue:
        """Carry out the script in the only parameter."""
        (text,) = args
        assert isinstance(text, str)
        return self._carry_out(json.loads(text))

    def set_deadline(self, deadline: float | None) -> None:
        """Let the run end ``deadline`` seconds from now."""
        self.until_s = math.inf if deadline is None else self._surroundings.now_s + deadline

    @property
    def is_over(self) -> bool:
        """Whether it may not go on."""
        return self._is_interrupted or self._surroundings.now_s >= self.until_s

    def interrupt(self) -> None:
        """End the run soon."""
        self._is_interrupted = True
        self.on_interrupt()

    def __enter__(self) -> Guest:
        """Return itself."""
        return self

    def __exit__(  # noqa: B027  # there is nothing to free
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Free nothing."""

    @abstractmethod
    def _carry_out(self, script: Any) -> JsonValue:
        """Do what the script says, and return what it comes to."""

    def _compute(self) -> None:
        self._surroundings.compute(self)
        self._check()

    def _check(self) -> None:
        if self.is_over:
            raise Trap(TrapKind.INTERRUPTED, "wasm trap: interrupt")


class ActivityGuest(Guest):
    """Fails as often as its script says, then returns its tag."""

    def _carry_out(self, script: dict[str, Any]) -> JsonValue:
        facts = self._context.facts
        self._surroundings.attempt_begins(facts.execution_id)
        self._compute()
        if facts.attempt <= script["trap"]:
            raise Trap(TrapKind.UNREACHABLE, "wasm trap: wasm `unreachable` instruction executed")
        if facts.attempt <= script["fail"]:
            return {"err": f"{script['tag']} failed"}
        self._surroundings.attempt_ends(facts.execution_id)
        return {"ok": script["tag"]}


class WorkflowGuest(Guest):
    """Takes one step after another and returns, as JSON, what each led to."""

    def _carry_out(self, script: Script) -> JsonValue:
        outcomes: list[JsonValue] = []
        self._handles: dict[int, int] = {}
        for name, *params in script:
            if name == "fail":
                return {"err": params[0]}
            if name == "trap":
                raise Trap(TrapKind.UNREACHABLE, "wasm trap: wasm `unreachable` instruction executed")
            outcomes.append(self._step(name, params, outcomes))
            self._check()
        return {"ok": json.dumps(outcomes, separators=(",", ":"))}

    def _step(self, name: str, params: list[Any], outcomes: list[JsonValue]) -> JsonValue:
        context = self._context
        match name, params:
            case "set", [join_set]:
                created = host.join_set_create_named(context, f"s{join_set}")
                assert isinstance(created, dict)
                handle = created["ok"]
                assert isinstance(handle, int)
                self._handles[join_set] = handle
                return None
            case "submit", [join_set, ffqn, script]:
                return host.submit_json(context, self._handles[join_set], write_function(ffqn), params_of(script))
            case "delay", [join_set, milliseconds]:
                return host.submit_delay(context, self._handles[join_set], _in(milliseconds))
            case "next", [join_set]:
                return host.join_next(context, self._handles[join_set])
            case "try", [join_set]:
                return host.join_next_try(context, self._handles[join_set])
            case "close", [join_set]:
                close_handle(context, self._handles.pop(join_set))
                return None
            case "call", [ffqn, script]:
                result = host.call_json(context, write_function(ffqn), params_of(script))
                return {"child": host.last_direct_call_id(context), "result": result}
            case "sleep", [milliseconds]:
                return "slept" if "ok" in _record(host.sleep(context, _in(milliseconds), None)) else "woken"
            case "random", [most]:
                return host.random_u64(context, 0, most)
            case "compute", []:
                self._compute()
                return None
            case "answer", [step, text]:
                submitted = _record(outcomes[step])["ok"]
                return host.stub_json(context, submitted, json.dumps({"ok": text}))
            case "schedule", [ffqn, script, milliseconds]:
                new_id = host.execution_id_generate(context)
                scheduled = host.schedule_json(
                    context, new_id, _in(milliseconds), write_function(ffqn), params_of(script)
                )
                return [new_id, scheduled]
            case _:
                raise AssertionError(f"no such step: {name} {params}")


def params_of(script: Any) -> str:
    """Return the parameters of an execution that carries out a script."""
    return json.dumps([json.dumps(script, separators=(",", ":"))], separators=(",", ":"))


def script_of(params: str) -> Any:
    """Return the script in an execution's parameters."""
    return json.loads(json.loads(params)[0])


def _nothing() -> None:
    """Nobody waits for the guest."""


def _in(milliseconds: int) -> JsonValue:
    return {"in": {"milliseconds": milliseconds}} if milliseconds else "now"


def _record(value: JsonValue) -> dict[str, JsonValue]:
    assert isinstance(value, dict)
    return value
