"""Decorated functions in plain Python: they are functions, with a signature that the engine reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from engine.wit.grammar import format_type, parse_type
from obelisk import (
    PermanentError,
    Refused,
    activity,
    backends,
    execution_id,
    gather,
    imported,
    join_set,
    query,
    saga,
    schedule,
    sleep,
    stub,
    timeout,
    u8,
    u64,
    workflow,
)
from obelisk.backends import ImportBackend, active
from obelisk.functions import Function

PACKAGE = "acme:app@1.2.0"


@dataclass
class SoldOut(Exception):
    city: str


@dataclass(frozen=True)
class Frozen(Exception):
    city: str


@dataclass
class Nothing(Exception):
    pass


class NoSuchCity(PermanentError):
    pass


@activity(errors=(SoldOut, NoSuchCity, Nothing))
def greet(name: str, loud: bool = False) -> str:
    if name == "nobody":
        raise SoldOut("Rome")
    return name.upper() if loud else name


@workflow(cancellable=True)
def greet_all(names: list[str]) -> list[str]:
    return [greet(name) for name in names]


@stub
def approve(name: str) -> bool: ...


@imported("testing:fibo/fibo.fibo")
def fibo(n: u8) -> u64: ...


@query
def greeted() -> int:
    return 3


def test_a_workflow_of_calls_is_a_plain_function_in_a_unit_test() -> None:
    assert greet_all(["a", "b"]) == ["a", "b"]
    assert greeted() == 3


def test_errors_are_raised_as_themselves() -> None:
    with pytest.raises(SoldOut):
        greet("nobody")


@pytest.mark.parametrize("function", [approve, fibo])
def test_what_is_answered_from_outside_has_no_body(function: Function[..., Any]) -> None:
    with pytest.raises(NotImplementedError, match=r"is answered from outside; .* obelisk\.testing"):
        function(1)


@pytest.mark.parametrize(
    "verb",
    [
        join_set,
        lambda: sleep(timedelta(seconds=1)),
        lambda: timeout(timedelta(seconds=1)),
        lambda: schedule(greet, "a"),
        lambda: gather(greet.bind("a")),
    ],
)
def test_a_verb_needs_an_engine(verb: Callable[[], Any]) -> None:
    with pytest.raises(RuntimeError, match=r"needs an engine; run the workflow with the sandbox fixture"):
        verb()


def test_a_saga_undoes_in_plain_python_too() -> None:
    undone: list[str] = []

    @activity
    def undo(name: str) -> None:
        undone.append(name)

    with pytest.raises(ValueError, match="no luck"), saga() as steps:  # noqa: PT012
        steps.undo(undo, "a")
        steps.undo(undo, "b")
        raise ValueError("no luck")

    assert undone == ["b", "a"]


def test_an_execution_has_some_id_in_plain_python() -> None:
    assert execution_id().startswith("E_")


def test_nothing_is_called_while_a_file_is_imported() -> None:
    with (
        active(ImportBackend()),
        pytest.raises(RuntimeError, match=r"greet\(\) is called while the file is imported; call it inside a workflow"),
    ):
        greet("a")
    assert isinstance(backends.current(), backends.PlainBackend)


def test_full_names_follow_package_kind_and_name() -> None:
    assert greet.ffqn == "acme:app/activities@1.2.0.greet"
    assert greet_all.ffqn == "acme:app/workflows@1.2.0.greet-all-cancellable"
    assert approve.ffqn == "acme:app/stubs@1.2.0.approve"
    assert fibo.ffqn == "testing:fibo/fibo.fibo"


def test_declared_errors_become_cases() -> None:
    assert format_type(parse_type(greet.signature.result_wit)) == (
        "result<string, variant { execution-failed, sold-out(record { city: string }), "
        "permanent-no-such-city(string), nothing, other(string) }>"
    )


@pytest.mark.parametrize(
    ("error", "value"),
    [
        (SoldOut("Rome"), {"sold_out": {"city": "Rome"}}),
        (NoSuchCity("x"), {"permanent_no_such_city": "x"}),
        (Nothing(), "nothing"),
    ],
)
def test_declared_errors_come_back_as_themselves(error: Exception, value: Any) -> None:
    signature = greet.signature

    encoded = signature.encode_error(error)
    decoded = signature.decode_error(encoded)

    assert encoded == value
    assert type(decoded) is type(error)
    assert str(decoded) == str(error)


def test_other_errors_are_their_type_and_message() -> None:
    assert greet.signature.encode_error(KeyError("reference")) == {"other": "KeyError: 'reference'"}
    assert greet_all.signature.encode_error(ValueError("bad name")) == "ValueError: bad name"


def test_arguments_are_bound_as_python_binds_them() -> None:
    signature = greet.signature

    assert signature.encode_params(("a",), {"loud": True}) == ["a", True]
    assert signature.encode_params(("a",), {}) == ["a", False]
    with pytest.raises(TypeError, match=r"greet\(\) misses the argument 'name'"):
        signature.encode_params((), {})
    with pytest.raises(TypeError, match=r"greet\(\) takes 2 arguments but 3 were given"):
        signature.encode_params((1, 2, 3), {})
    with pytest.raises(TypeError, match=r"greet\(\) got an unexpected argument 'loudly'"):
        signature.encode_params(("a",), {"loudly": True})
    with pytest.raises(TypeError, match=r"greet\(name\): expected str, got 5"):
        signature.encode_params((5,), {})


class Shop:
    @activity
    def charge(self) -> None: ...


@activity
def counting() -> Iterator[int]:
    yield 1


@activity
async def waiting() -> None: ...


@activity
def starred(*names: str) -> None: ...


@activity
def unhinted(name) -> None: ...  # type: ignore[no-untyped-def]


@activity
def unreturned(name: str): ...  # type: ignore[no-untyped-def]


@activity
def unknown(x: Foo) -> None: ...  # type: ignore[name-defined]  # noqa: F821


@activity
def größe(x: int) -> None: ...  # noqa: PLC2401


@activity(errors=(Frozen,))
def cold() -> None: ...


@activity
def twice(a_b: int, aB: int) -> None: ...  # noqa: N803


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (Shop.charge, "Shop.charge: only functions at the top level of the file can be durable"),
        (counting, "counting is a generator; a durable function returns one result"),
        (
            waiting,
            "waiting: async def is not supported; write def, and use join_set() or gather() to wait for several things",
        ),
        (starred, "starred: *names has no fixed type; list the parameters, or take one list or dict"),
        (unhinted, "unhinted: parameter 'name' has no type hint"),
        (unreturned, "unreturned: the return type is missing; write -> None if it returns nothing"),
        (unknown, "unknown: the type hint 'Foo' is not defined in this file"),
        (cold, "Frozen: an exception cannot be a frozen dataclass; drop frozen=True"),
        (twice, "twice: two names become 'a-b' in WIT; rename one of them"),
    ],
)
def test_a_function_that_cannot_be_durable_is_refused(function: Any, sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        _ = function.signature

    assert str(caught.value) == sentence


def test_a_name_that_is_no_wit_name_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        _ = größe.wit

    assert str(caught.value) == (
        "größe: 'größe' cannot be a WIT name; use ASCII letters, digits and single underscores, a letter first"
    )


def test_options_of_a_call_leave_the_function_as_it_is_and_its_hints_read_once() -> None:
    before = greet.signature
    later = greet.using(after=timedelta(seconds=5))

    assert later.options.after == timedelta(seconds=5)
    assert greet.options.after is None
    assert later.signature is before
