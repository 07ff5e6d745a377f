from __future__ import annotations

import pytest

from engine.errors import InvalidComponent
from engine.wasm.engine import WasmEngine
from engine.wasm.introspection import MOST_FUNCTIONS, ResourceOrigin
from engine.wit.grammar import parse_type
from engine.wit.types import FunctionType, Param
from tests.engine.wasm.guests import API, CALLER, GUEST, compiled, leaf


def import_of(params: str, types: str = "") -> str:
    return f'(component (import "{API}" (instance {types} (export "f" (func {params})))))'


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        *((kind, kind) for kind in ("bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "char", "string")),
        ("float32", "f32"),
        ("float64", "f64"),
        ("(list (option u8))", "list<option<u8>>"),
        ("(tuple string (list f64))", "tuple<string, list<f64>>"),
        ("(result)", "result"),
        ("(result u8)", "result<u8>"),
        ("(result (error u8))", "result<_, u8>"),
        ("(result u8 (error string))", "result<u8, string>"),
    ],
)
def test_anonymous_types_are_read(engine: WasmEngine, text: str, expression: str) -> None:
    shape = compiled(engine, import_of(f'(param "x" {text}) (result {text})')).shape

    expected = parse_type(expression)
    assert shape.imports[API].functions["f"] == FunctionType((Param("x", expected),), expected)


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ('(record (field "a-b" u8) (field "c" string))', "record { a-b: u8, c: string }"),
        ('(variant (case "none") (case "one" u8))', "variant { none, one(u8) }"),
        ('(enum "red" "dark-green")', "enum { red, dark-green }"),
        ('(flags "read" "run-as-root")', "flags { read, run-as-root }"),
    ],
)
def test_named_types_are_read(engine: WasmEngine, text: str, expression: str) -> None:
    types = f"""(type $t' {text}) (export "t" (type $t (eq $t')))"""

    shape = compiled(engine, import_of('(param "x" $t)', types)).shape

    assert shape.imports[API].functions["f"] == FunctionType((Param("x", parse_type(expression)),))


def test_imports_and_exports_are_told_apart(engine: WasmEngine) -> None:
    shape = compiled(engine, CALLER).shape

    assert list(shape.imports) == [API]
    assert list(shape.exports) == [GUEST]
    assert shape.exports[GUEST].functions == {"sum": FunctionType((Param("n", parse_type("u32")),), parse_type("u64"))}


def test_functions_of_no_interface_stand_in_the_empty_one(engine: WasmEngine) -> None:
    text = leaf("(result i32) (i32.const 1)").replace(f'"{GUEST}" (instance $guest)', '"f" (func $run)')

    shape = compiled(engine, text).shape

    assert list(shape.exports) == [""]
    assert list(shape.exports[""].functions) == ["f"]


def test_a_resource_is_known_by_where_it_is_declared(engine: WasmEngine) -> None:
    text = """(component
      (import "a:b/poll@0.2.0" (instance $poll (export "pollable" (type (sub resource)))))
      (alias export $poll "pollable" (type $pollable))
      (import "a:b/streams@0.2.0" (instance
        (alias outer 1 $pollable (type $outer))
        (export "waitable" (type $waitable (eq $outer)))
        (export "stream" (type $stream (sub resource)))
        (export "[method]stream.f" (func (param "self" (borrow $stream)) (result (own $waitable)))))))"""

    streams = compiled(engine, text).shape.imports["a:b/streams@0.2.0"]

    assert streams.resources == {
        "waitable": ResourceOrigin(interface="a:b/poll@0.2.0", name="pollable", is_imported=True),
        "stream": ResourceOrigin(interface="a:b/streams@0.2.0", name="stream", is_imported=True),
    }
    assert streams.functions["[method]stream.f"] == FunctionType(
        (Param("self", parse_type("borrow<stream>")),), parse_type("own<waitable>")
    )


def test_an_exported_resource_of_the_guest_is_its_own(engine: WasmEngine) -> None:
    text = f"""(component
      (type $r (resource (rep i32)))
      (core func $new (canon resource.new $r))
      (core module $m (import "r" "new" (func $new (param i32) (result i32)))
        (func (export "make") (result i32) (call $new (i32.const 1))))
      (core instance $i (instantiate $m (with "r" (instance (export "new" (func $new))))))
      (func $make (result (own $r)) (canon lift (core func $i "make")))
      (component $shim
        (import "r" (type $r (sub resource)))
        (import "make" (func $make (result (own $r))))
        (export $thing "thing" (type $r))
        (export "make" (func $make) (func (result (own $thing)))))
      (instance $guest (instantiate $shim (with "r" (type $r)) (with "make" (func $make))))
      (export "{GUEST}" (instance $guest)))"""

    guest = compiled(engine, text).shape.exports[GUEST]

    assert guest.resources == {"thing": ResourceOrigin(interface=GUEST, name="thing", is_imported=False)}
    assert guest.functions["make"].result == parse_type("own<thing>")


def test_importing_a_module_is_refused(engine: WasmEngine) -> None:
    with pytest.raises(InvalidComponent, match="imports a whole module or component, m"):
        compiled(engine, '(component (import "m" (core module)))')


def test_an_interface_of_too_many_functions_is_refused(engine: WasmEngine) -> None:
    functions = " ".join(f'(export "f{number}" (func))' for number in range(MOST_FUNCTIONS + 1))

    with pytest.raises(InvalidComponent, match=f"has {MOST_FUNCTIONS + 1} functions and types"):
        compiled(engine, f'(component (import "{API}" (instance {functions})))')
