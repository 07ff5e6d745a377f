from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import TypeSyntaxError
from engine.wasm.component import compile_component
from engine.wasm.engine import WasmEngine, WasmSettings
from engine.wit.grammar import format_type
from engine.wit.names import FunctionName
from engine.wit.wit_folder import AuthoredFunction, WitFolder

ROOT = Path(__file__).parents[3]
NAME = FunctionName.parse("acme:shop/orders.place")


def exported(text: str, name: FunctionName = NAME, **deps: str) -> AuthoredFunction:
    """Return a function of a folder whose ``world.wit`` is given."""
    others = {f"deps/{path.replace('__', '/')}.wit": dep for path, dep in deps.items()}
    return WitFolder({"world.wit": text, **others}, place="wit").exported(name)


def orders(items: str, world: str = "export orders;") -> str:
    """Return a package of one interface and one world."""
    return f"package acme:shop;\ninterface orders {{\n{items}\n}}\nworld shop {{ {world} }}\n"


def signature(function: AuthoredFunction) -> str:
    params = ", ".join(f"{param.name}: {format_type(param.type)}" for param in function.type.params)
    result = function.type.result
    return f"({params})" + ("" if result is None else f" -> {format_type(result)}")


def test_types_are_found_by_name_before_and_behind_their_use() -> None:
    found = exported(
        orders(
            """
            place: func(order: order, tags: list<tag>,) -> result<id, problem>;
            type id = u64;
            record order { items: list<tuple<id, u32>>, note: option<string>, }
            enum tag { gift, %list }
            variant problem { execution-failed, sold-out(id) }
            flags unused { a }
            """
        )
    )

    assert signature(found) == (
        "(order: record { items: list<tuple<u64, u32>>, note: option<string> }, tags: list<enum { gift, %list }>)"
        " -> result<u64, variant { execution-failed, sold-out(u64) }>"
    )
    assert list(found.type_names) == ["order", "tag", "problem"]


def test_types_come_from_other_interfaces_files_and_packages() -> None:
    files = {
        "world.wit": orders(
            "use types.{line as item};\nuse acme:money/types@1.2.0.{price};\nplace: func(a: item) -> result<price>;"
        ),
        "types.wit": "interface types { use acme:money/types@1.2.0.{price}; record line { price: price } }",
        "deps/money/package.wit": "package acme:money@1.2.0;",
        "deps/money/types.wit": "interface types { record price { cents: u64 } }",
    }

    found = WitFolder(files, place="wit").exported(NAME)

    assert signature(found) == "(a: record { price: record { cents: u64 } }) -> result<record { cents: u64 }>"
    assert {name: format_type(wit_type) for name, wit_type in found.type_names.items()} == {
        "item": "record { price: record { cents: u64 } }",
        "price": "record { cents: u64 }",
    }


def test_what_an_included_world_exports_is_exported() -> None:
    text = orders("place: func() -> result;", "include base;") + "world base { include acme:other/w; export orders; }"

    with pytest.raises(TypeSyntaxError, match="the package must have one world; it has shop, base"):
        exported(text)
    assert (
        signature(
            exported(
                orders("place: func() -> result;", "include acme:other/w with { a as b };"),
                FunctionName.parse("acme:other/calls.hail"),
                other="package acme:other; interface calls { hail: func() -> result; } world w { export calls; }",
            )
        )
        == "() -> result"
    )


def test_comments_annotations_and_what_is_no_concern_of_ours_are_passed_over() -> None:
    text = """
        /* a block /* in a block */ ; } */
        package acme:shop@0.1.0-rc.1; // of the shop
        use acme:log/log as logger;
        @since(version = 0.1.0)
        interface orders {
            /// Places an order; {see} the manual.
            @unstable(feature = orders)
            place: func(/* what */ what: string) -> result<_, string>;
            resource basket { constructor(); add: func(what: string); }
            resource other;
        }
        world shop {
            import logger;
            import inline: interface { f: func(); }
            import g: func() -> u32;
            export helper: interface { h: func(); }
            export k: func();
            type t = u8;
            export orders;
        }"""

    found = exported(
        text, FunctionName.parse("acme:shop/orders@0.1.0-rc.1.place"), log="package acme:log; interface log {}"
    )

    assert signature(found) == "(what: string) -> result<_, string>"


@pytest.mark.parametrize(
    ("items", "problem"),
    [
        ("place: func(a: u8) -> result", "wit/world.wit:4:1: expected `;` at the end of the item, found `}`"),
        ("place: func(a: ordr);", "wit/world.wit:3:16: unknown type `ordr`"),
        ("place: func(a: u8, a: u8);", "wit/world.wit:3:20: there are two parameters named `a`"),
        ("place: func(a u8);", "wit/world.wit:3:15: expected `:` and a type after the parameter `a`, found `u8`"),
        ("place: async func();", "wit/world.wit:3:8: async functions are not supported"),
        ("place: func(a: list<u8, 4>);", "wit/world.wit:3:23: lists of fixed length are not supported"),
        ("place: func(a: future<u8>);", "wit/world.wit:3:16: the type `future` is not supported"),
        ("place: func();\nplace: func();", "wit/world.wit:4:1: the function `place` is declared twice"),
        ("type a = u8;\nrecord a { b: u8 }", "wit/world.wit:4:10: the type `a` is declared twice in `orders`"),
        ("record a { b: option<c> }\ntype c = list<a>;", "wit/world.wit:4:15: the type `a` consists of itself"),
        ("record someThing { b: u8 }", "wit/world.wit:3:8: the name `someThing` is not kebab-case"),
        ("record r { a: u8, a: u8 }", "wit/world.wit:3:19: the name `a` occurs twice in this record"),
        ("record r {}", "wit/world.wit:3:11: expected at least a name: WIT has no empty `record`"),
        ("record r { a: list<{>", "wit/world.wit:3:10: this `{` is never closed"),
        ("/* never", "wit/world.wit:3:1: this comment is never closed"),
        ("use types.{a};", "wit/world.wit:3:5: the package acme:shop has no interface `types`"),
        ("use orders.{a};", "wit/world.wit:3:5: the type `a` consists of itself"),
        (
            "use wasi:io/streams@0.2.0.{a};\ntype b = a;",
            "wit/world.wit:3:5: the package wasi:io@0.2.0 is not in the folder deps",
        ),
        ("use wasi:io/streams@2.{a};", "wit/world.wit:3:20: expected a version such as @1.0.0"),
    ],
)
def test_a_mistake_is_named_with_its_place(items: str, problem: str) -> None:
    with pytest.raises(TypeSyntaxError) as caught:
        exported(orders(items))

    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "wit: no file names one package; write package namespace:name; in one of them"),
        ("package a:b;", "wit: the package must have one world; it has none"),
        ("package a:b; package a:c;", "wit/world.wit:1:14: the file names its package twice"),
        ("package a:b { }", "wit/world.wit:1:13: packages within a file are not supported"),
        ("package a:b; world w {}", "wit/world.wit: the world w exports nothing, not acme:shop/orders"),
        ("package a:b; world w { hello }", "wit/world.wit:1:24: `hello` is no item of a world"),
        ("package a:b; world w { export x; }", "wit/world.wit:1:31: the package a:b has no interface `x`"),
        ("package a:b; world w {} interface w {}", "wit/world.wit:1:35: the name `w` is taken in this file"),
        ("package a:b; import x;", "wit/world.wit:1:14: expected `package`, `use`, `interface` or `world`"),
        (
            "package a:b; use x as y; use y as x; world w { export x; }",
            "wit/world.wit:1:30: the package a:b has no interf",
        ),
        (orders("pay: func() -> result;"), "wit/world.wit: acme:shop/orders has no function place; it has pay"),
    ],
)
def test_a_package_that_does_not_export_the_function_is_refused(text: str, problem: str) -> None:
    with pytest.raises(TypeSyntaxError) as caught:
        exported(text)

    assert str(caught.value).startswith(problem)


def test_worlds_that_include_each_other_end() -> None:
    others = "package a:a; world v { include u; } world u { include v; }"

    with pytest.raises(TypeSyntaxError, match="exports nothing"):
        exported("package acme:shop; world w { include a:a/v; }", a=others)


def test_small_texts_of_large_types_are_refused() -> None:
    doubling = "\n".join(f"type t{n} = tuple<t{n + 1}, t{n + 1}>;" for n in range(40)) + "\ntype t40 = u8;"
    nesting = "\n".join(f"type t{n} = list<t{n + 1}>;" for n in range(200)) + "\ntype t200 = u8;"
    backwards = "\n".join(reversed(nesting.splitlines()))

    for items in (doubling, nesting, backwards):
        with pytest.raises(
            TypeSyntaxError,
            match=r"consists of more than 10000 types|nest deeper than 100 levels|more than 100 times over",
        ):
            exported(orders(items))


@pytest.mark.parametrize("name", ["fibo/fibo", "fibo-workflow/fibo-workflow", "js/text"])
def test_a_world_says_what_the_component_built_from_it_exports(name: str) -> None:
    binary = ROOT / "examples" / f"{name}.wasm"
    folders = (binary.parent / "wit", ROOT / "examples" / "wit")
    files = {str(file.relative_to(folder)): file.read_text() for folder in folders for file in folder.rglob("*.wit")}
    folder = WitFolder(files, place="wit")
    shape = compile_component(WasmEngine.for_process(WasmSettings()), binary.read_bytes()).shape

    named = {interface: described for interface, described in shape.exports.items() if interface}
    assert named
    for interface, described in named.items():
        for function, expected in described.functions.items():
            found = folder.exported(FunctionName.parse(f"{interface}.{function}"))
            assert found.type == expected


@pytest.mark.parametrize("package", ["clocks", "http", "filesystem", "cli", "io", "random"])
def test_the_packages_of_wasi_are_read(package: str) -> None:
    wit = ROOT / "tests" / "components" / "wit" / "deps"
    main = wit / f"wasi-{package}" / f"{package}.wit"
    deps = {
        f"deps/{file.parent.name}/{file.name}": file.read_text() for file in wit.glob("wasi-*/*.wit") if file != main
    }

    WitFolder({"main.wit": main.read_text(), **deps}, place="wit")
