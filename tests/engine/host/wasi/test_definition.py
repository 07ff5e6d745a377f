from __future__ import annotations

import pytest

from engine.errors import Trap, TypeSyntaxError
from engine.host.wasi.definition import Definition
from engine.wit.grammar import parse_type
from engine.wit.types import FunctionType, Param


def test_a_signature_says_what_a_function_takes_and_gives() -> None:
    definition = Definition(
        """
        f(a: u8, b: list<$name>) -> result<_, $name>
        stream.read(len: u64) -> list<u8>
        static body.finish(this: own<body>)
        constructor fields() -> own<fields>
        """,
        types={"name": "variant { a, b($other) }", "other": "string"},
    )
    for name in ("f", "stream.read", "body.finish", "fields.new"):
        definition.call(name)(lambda *_args: None)

    functions = definition.finish().functions

    assert functions["f"].type == FunctionType(
        (Param("a", parse_type("u8")), Param("b", parse_type("list<variant { a, b(string) }>"))),
        parse_type("result<_, variant { a, b(string) }>"),
    )
    assert functions["[method]stream.read"].type == FunctionType(
        (Param("self", parse_type("borrow<stream>")), Param("len", parse_type("u64"))), parse_type("list<u8>")
    )
    assert functions["[static]body.finish"].type == FunctionType((Param("this", parse_type("own<body>")),), None)
    assert functions["[constructor]fields"].type == FunctionType((), parse_type("own<fields>"))


def test_an_interface_with_a_function_that_nobody_answers_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Definition("f()").finish()


def test_a_line_that_is_no_signature_is_a_mistake() -> None:
    with pytest.raises(TypeSyntaxError, match="no signature"):
        Definition("f(")


def test_the_rest_may_be_refused() -> None:
    definition = Definition("f()\ng()")
    definition.call("f")(lambda _context: 7)
    definition.refuse_rest("there is none")

    functions = definition.finish().functions

    assert functions["f"].call(None) == 7
    with pytest.raises(Trap, match="g: there is none"):
        functions["g"].call(None)
