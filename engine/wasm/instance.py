"""One store a run: instantiating a component, calling it, and taking it down."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, Sequence
from ctypes import addressof, c_char
from types import TracebackType
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.errors import CallReached, Trap, TrapKind, ValueMismatch, WasmError
from engine.wasm import native
from engine.wasm.gil_choice import GilChoice
from engine.wasm.native import Address
from engine.wasm.run import Run
from engine.wasm.scalar_lowering import within
from engine.wasm.signals import Handler, as_callback, hold_back_handlers, restore_handlers
from engine.wasm.traps import trap_from
from engine.wasm.value_lifting import Lifter, make_lifter
from engine.wasm.value_lowering import make_lowerer, owns_memory
from engine.wasm.value_memory import VALUE_SIZE
from engine.wit.options import JsonValue
from engine.wit.types import FunctionType

if TYPE_CHECKING:
    from engine.wasm.linking import LinkedComponent

_FUNCTION_SIZE = 32
_InstanceMemory = c_char * 16
_ALL_FUEL = (1 << 64) - 1


class InstanceLimits(Struct, frozen=True, kw_only=True, gc=False):
    """What one run may use up.

    Args:
        memory_bytes: Size of each linear memory. A guest that asks for more is told that there is none, and most then
            give up; one that needs more to begin with cannot start.
        table_elements: Size of each table.
        memories: How many linear memories the component may have.
        fuel: Instructions, where the engine counts them; ``None`` for no limit.
    """

    memory_bytes: int = 512 << 20
    table_elements: int = 100_000
    memories: int = 16
    fuel: int | None = None


class Target:
    """An exported function, prepared to be called.

    Args:
        component: Address of the compiled component.
        export: Name of the interface, or empty.
        function: Name of the function in it.
        function_type: Its type.
        resources: Type ids of host resources by the names in that type.
    """

    def __init__(
        self,
        component: Address,
        export: str,
        function: str,
        *,
        function_type: FunctionType,
        resources: Mapping[str, int],
    ) -> None:
        self.function_type = function_type
        parent = _export_index(component, None, export) if export else None
        self.index = _export_index(component, parent, function)
        if parent is not None:
            native.export_index_delete(parent)
        weakref.finalize(self, native.export_index_delete, self.index).atexit = False
        types = [param.type for param in function_type.params]
        # A call's memory: the function, the result, the arguments.
        self.memory_type = c_char * (_FUNCTION_SIZE + VALUE_SIZE * (1 + len(types)))
        self.lowerers = tuple(make_lowerer(param, resources=resources) for param in types)
        self.owning = tuple(VALUE_SIZE * n for n, param in enumerate(types) if owns_memory(param))
        result = function_type.result
        self.results_len = 0 if result is None else 1
        self.owns_result = result is not None and owns_memory(result)
        self.choice = GilChoice()
        self.lift: Lifter = _lift_nothing if result is None else make_lifter(result)


def _export_index(component: Address, parent: Address | None, name: str) -> Address:
    encoded = name.encode()
    index: Address | None = native.component_export_index(component, parent, encoded, len(encoded))
    if not index:
        raise WasmError(f"export {name} is described by the component but cannot be found in it")
    return index


def _lift_nothing(_context: Address, _address: Address) -> None:
    return None


class _Nesting(threading.local):
    """The calls into components that are under way on this thread."""

    def __init__(self) -> None:
        self.depth = 0
        self.is_main_thread = threading.current_thread() is threading.main_thread()
        self.held_back: list[Handler] = []


_nesting = _Nesting()


def nesting_depth() -> int:
    """Return how many calls into components are under way on this thread; ``WasmSettings.max_nesting`` bounds it."""
    return _nesting.depth


class Instance:
    """A component at work, with its own memory. To be closed, best by ``with``; used by one thread at a time.

    ``LinkedComponent.instantiate`` makes it, and says what the arguments are.
    """

    __slots__ = ("_context", "_instance", "_is_running", "_linked", "_run", "_store")

    def __init__(
        self, linked: LinkedComponent, *, context: object, deadline: float | None, limits: InstanceLimits
    ) -> None:
        engine = linked.engine
        self._linked = linked
        self._run = run = Run(context, deadline)
        self._is_running = False
        self._store: Address | None = None
        store = native.store_new(engine.address, None, None)
        self._context: Address = native.store_context(store)
        self._store = store
        engine.runs[self._context] = run
        try:
            native.store_limiter(store, limits.memory_bytes, limits.table_elements, -1, -1, limits.memories)
            if limits.fuel is not None or engine.settings.consume_fuel:
                self.refuel(limits.fuel)
            native.store_epoch_deadline_callback(store, engine.epoch_callback_address, None, None)
            self._instance = _InstanceMemory()
            self._check_idle()
            try:
                self._enter(linked.start)
                instantiate = native.linker_instantiate_keeping_gil if run.keeps_gil else native.linker_instantiate
                error = instantiate(
                    linked.linker.address, self._context, linked.component.address, addressof(self._instance)
                )
            finally:
                self._leave()
            run.end()
            if error:
                raise self._failure(error)
        except BaseException:
            self.close()
            raise

    def call(self, export: str, function: str, args: Sequence[object]) -> JsonValue:
        """Call an exported function; ``LinkedComponent.call`` says how.

        After a failure the instance is of no more use, as the component model forbids to enter it again.
        """
        return self.call_target(self._linked.target(export, function), args)

    def call_target(self, target: Target, args: Sequence[object]) -> JsonValue:
        """Call an exported function that was looked up before."""
        if self._store is None:
            raise WasmError("this instance is closed")
        lowerers = target.lowerers
        if len(args) != len(lowerers):
            raise ValueMismatch(
                "", f"parameter cardinality mismatch, expected: {len(lowerers)}, specified: {len(args)}"
            )
        context = self._context
        memory = target.memory_type()
        function_at = addressof(memory)
        result_at = function_at + _FUNCTION_SIZE
        args_at = result_at + VALUE_SIZE
        at = args_at
        try:
            try:
                for lower, value in zip(lowerers, args, strict=True):
                    lower(context, value, at)
                    at += VALUE_SIZE
            except ValueMismatch as mismatch:
                raise within(f"params[{(at - args_at) // VALUE_SIZE}]", mismatch) from None
            if not native.instance_function(addressof(self._instance), context, target.index, function_at):
                raise WasmError("the instance has no such function")
            self._check_idle()
            run = self._run
            try:
                self._enter(target.choice)
                call = native.function_call_keeping_gil if run.keeps_gil else native.function_call
                error = call(function_at, context, args_at, len(lowerers), result_at, target.results_len)
            finally:
                self._leave()
            run.end()
            if error:
                raise self._failure(error)
            return target.lift(context, result_at)  # type: ignore[no-any-return]  # by construction a canonical value
        finally:
            for offset in target.owning:
                native.value_delete(args_at + offset)
            if target.owns_result:
                native.value_delete(result_at)

    def set_deadline(self, deadline: float | None) -> None:
        """Let the run end ``deadline`` seconds from now, or never; may be called from any thread while it runs.

        A deadline moved closer takes effect within some 50 ms.
        """
        self._run.set_deadline(deadline)

    def refuel(self, fuel: int | None) -> None:
        """Let it execute so many instructions from now on; between two calls.

        Args:
            fuel: How many; ``None`` for no limit.

        Raises:
            WasmError: If they are to be limited but the engine does not count them.
        """
        if self._linked.engine.settings.consume_fuel:
            native.set_fuel(self._context, _ALL_FUEL if fuel is None else fuel)
        elif fuel is not None:
            raise WasmError("fuel is limited but this engine does not count it")

    def interrupt(self) -> None:
        """End the run within some 50 ms of computing, by a trap of kind ``interrupted``; from any thread.

        A host function under way is not disturbed: the guest dies when that has returned.
        """
        self._run.is_interrupted = True

    @property
    def is_interrupted(self) -> bool:
        """Whether somebody wanted it to end; it is of no more use then."""
        return self._run.is_interrupted

    def close(self) -> None:
        """Free the instance and its memory; does nothing the second time.

        Raises:
            WasmError: If it is called while the guest runs, from a host function or another thread.
        """
        if self._is_running:
            raise WasmError("this instance runs and cannot be closed")
        store, self._store = self._store, None
        if store is not None:
            self._linked.engine.runs.pop(self._context, None)
            # What takes long to make, a language's runtime, takes long to free.
            if self._run.keeps_gil:
                native.store_delete_keeping_gil(store)
            else:
                native.store_delete(store)

    def __enter__(self) -> Instance:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the instance."""
        self.close()

    def __del__(self) -> None:
        """Close an instance that was forgotten, unless the handler of a signal raised before there was one."""
        if getattr(self, "_store", None) is not None:
            self.close()

    def _check_idle(self) -> None:
        if self._is_running:
            # wasmtime has no lock on a store; two calls at once would corrupt it.
            raise WasmError("this instance runs already")
        if _nesting.depth >= self._linked.engine.settings.max_nesting:
            raise Trap(
                TrapKind.STACK_OVERFLOW,
                f"more than {self._linked.engine.settings.max_nesting} calls of components are nested on one thread",
            )

    # Handlers wait while these two are at work: one that raised half way would leave the instance running for ever.
    @as_callback
    def _enter(self, choice: GilChoice) -> None:
        if _nesting.is_main_thread and not _nesting.depth:
            _nesting.held_back = hold_back_handlers()
        _nesting.depth += 1
        self._is_running = True
        engine, run = self._linked.engine, self._run
        clock = engine.clock
        left_s = run.begin(choice, may_keep_gil=clock.is_native)
        native.set_epoch_deadline(self._context, engine.ticks_until(run, left_s))
        if not clock.is_ticking:
            clock.ensure_ticking()

    @as_callback
    def _leave(self) -> None:
        if not self._is_running:
            # A handler raised before the instance was entered.
            return
        self._is_running = False
        _nesting.depth -= 1
        if _nesting.held_back and not _nesting.depth:
            held_back, _nesting.held_back = _nesting.held_back, []
            restore_handlers(held_back)

    def _failure(self, error: Address) -> BaseException:
        text = native.take_error(error)
        failure = self._run.failure
        if failure is None:
            return trap_from(text)
        self._run.failure = None
        if isinstance(failure, CallReached):
            failure.backtrace = text
        return failure
