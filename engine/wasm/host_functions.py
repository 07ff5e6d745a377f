"""What Python defines for a component's imports, and the callbacks that wasmtime calls for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import Any

from engine.wasm import native
from engine.wasm.native import Address, Callback
from engine.wasm.run import Runs, fail
from engine.wasm.scalar_lowering import Lowerer, mismatch
from engine.wasm.signals import as_callback, as_contained, run_waiting, waiting
from engine.wasm.value_lifting import SequenceLifter, make_sequence_lifter
from engine.wasm.value_lowering import make_lowerer
from engine.wit.types import FunctionType


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFunction:
    """One imported function.

    Args:
        call: Called as ``call(context, *args)`` on the thread that runs the guest, with the context given to the run
            and canonical values; returns one, or ``None`` from a function without result. Handles of resources are
            the integers that stand for them. It may call other components. Whatever it raises unwinds the guest, and
            the call of the component raises that very exception.
        type: The type that ``call`` is written for, checked when a component is linked; ``None`` takes whatever the
            component imports.
        octets: Pass every ``list<u8>`` as ``bytes``. A result may always be ``bytes`` where a ``list<u8>`` is due.
    """

    call: Callable[..., Any]
    type: FunctionType | None = None
    octets: bool = False


_type_ids = count(1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HostResource:
    """A resource type that Python defines. One object is one type, however many interfaces refer to it.

    Its values are integers of 32 bits, chosen by the host functions that make them.

    Args:
        name: What messages call it.
        drop: Called as ``drop(context, rep)`` on the thread that runs the guest when that drops an owned handle. It may
            take its time, and what it raises unwinds the guest as for functions. It is not called for handles that the
            guest still holds when its instance is closed.
    """

    name: str
    drop: Callable[[Any, int], None] | None = None
    type_id: int = field(default_factory=lambda: next(_type_ids), init=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostInterface:
    """Definitions for one imported interface; there may be more of them than a component imports.

    Args:
        functions: By their name in WIT; a method is ``[method]pollable.block``.
        resources: By their name in WIT. One that the interface uses from another need not be repeated.
    """

    functions: Mapping[str, HostFunction] = field(default_factory=dict)
    resources: Mapping[str, HostResource] = field(default_factory=dict)


def make_function_callback(
    runs: Runs, function: HostFunction, function_type: FunctionType, resources: Mapping[str, int]
) -> Callback:
    """Build the C callback for an imported function.

    Args:
        runs: Where to find the run that a store's context belongs to.
        function: The definition.
        function_type: The type that the component imports.
        resources: Type ids of host resources by the names in that type.

    Returns:
        The callback, to be kept alive as long as the linker that it is defined in.
    """
    lift = make_sequence_lifter([param.type for param in function_type.params], octets=function.octets)
    lower = _lower_nothing if function_type.result is None else make_lowerer(function_type.result, resources=resources)
    return native.HOST_CALLBACK(_trampoline(runs, function.call, lift, lower))


def _trampoline(
    runs: Runs, call: Callable[..., Any], lift: SequenceLifter, lower: Lowerer
) -> Callable[[Any, Address, Any, Address, int, Address, int], Address]:
    @as_contained
    def answer(context: Address, args: Address, results: Address) -> None:
        if waiting:
            run_waiting()
        run = runs[context]
        run.computed_s += monotonic() - run.computing_since
        run.stretches += 1
        lower(context, call(run.context, *lift(context, args)), results)
        run.computing_since = monotonic()

    @as_callback
    def trampoline(
        _data: Any, context: Address, _type: Any, args: Address, _nargs: int, results: Address, _nresults: int
    ) -> Address:
        try:
            answer(context, args, results)
        except BaseException as failure:  # noqa: BLE001  # nothing may be raised through wasmtime's frames
            return fail(runs.get(context), failure)
        return 0

    return trampoline


def _lower_nothing(_context: Address, value: Any, _address: Address) -> None:
    if value is not None:
        raise mismatch("no result", value)


def make_drop_callback(runs: Runs, resource: HostResource) -> Callback:
    """Build the C callback that is told of a dropped handle; to be kept alive as its linker is."""
    drop = resource.drop

    @as_contained
    def answer(context: Address, rep: int) -> None:
        if waiting:
            run_waiting()
        if drop is not None:
            drop(runs[context].context, rep)

    @as_callback
    def trampoline(_data: Any, context: Address, rep: int) -> Address:
        try:
            answer(context, rep)
        except BaseException as failure:  # noqa: BLE001  # nothing may be raised through wasmtime's frames
            return fail(runs.get(context), failure)
        return 0

    return native.DROP_CALLBACK(trampoline)
