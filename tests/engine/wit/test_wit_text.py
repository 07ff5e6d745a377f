"""The texts expected here have been accepted by ``wasm-tools component wit``, and say there what they say here."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.wit.extensions import extension_functions
from engine.wit.grammar import parse_type
from engine.wit.names import FunctionName, InterfaceName
from engine.wit.obelisk_types import (
    EXECUTION_INTERFACE,
    JOIN_SET,
    JOIN_SET_INTERFACE,
    LOG,
    LOG_INTERFACE,
    SIGNAL_SUPPORT,
    SIGNAL_SUPPORT_INTERFACE,
    WEBHOOK_SUPPORT,
    WEBHOOK_SUPPORT_BACKTRACE,
    WEBHOOK_SUPPORT_BACKTRACE_INTERFACE,
    WEBHOOK_SUPPORT_INTERFACE,
    WORKFLOW_SUPPORT,
    WORKFLOW_SUPPORT_BACKTRACE,
    WORKFLOW_SUPPORT_BACKTRACE_INTERFACE,
    WORKFLOW_SUPPORT_INTERFACE,
)
from engine.wit.types import STRING, U8, U64, BorrowType, FunctionType, ListType, OwnType, Param, ResultType
from engine.wit.wit_text import format_component, format_interfaces
from tests.strategies import distinct_names, function_types

REPOSITORY = Path(__file__).parents[3]
THING = InterfaceName.parse("testing:thing/ifc")


def function(result: str | None = None, **params: str) -> FunctionType:
    return FunctionType(
        tuple(Param(name.replace("_", "-"), parse_type(text)) for name, text in params.items()),
        None if result is None else parse_type(result),
    )


def interface_text(functions: dict[str, FunctionType], *, name: InterfaceName = THING) -> str:
    """The block of one interface in the text of it alone, without its outer indentation."""
    text = format_interfaces({name: functions})
    block = re.search(rf"^  interface %?{name.interface} {{\n.*?^  }}\n", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    return dedent(block[0])


def test_a_component_is_a_world_and_the_interfaces_it_names() -> None:
    fibo = FunctionType((Param("n", U8),), ResultType(U64))
    target = FunctionName.parse("testing:fibo/fibo.fibo")
    extension = target.interface.with_package_suffix("-obelisk-ext")
    companions = {each.name.function: each.type for each in extension_functions(target, fibo, "activity")}
    imports = {
        target.interface: {"fibo": fibo},
        EXECUTION_INTERFACE: {},
        extension: {name: companions[name] for name in ("fibo-submit", "fibo-await-next")},
    }
    exports = {InterfaceName.parse("testing:fibo-workflow/workflow"): {"fiboa": fibo}}

    assert format_component(imports, exports) == dedent(
        """\
        package root:component;

        world root {
          import testing:fibo/fibo;
          import obelisk:types/execution@5.0.0;
          import testing:fibo-obelisk-ext/fibo;

          export testing:fibo-workflow/workflow;
        }

        package testing:fibo {
          interface fibo {
            fibo: func(n: u8) -> result<u64>;
          }
        }

        package obelisk:types@5.0.0 {
          interface execution {
            record execution-id {
              id: string,
            }
            record function {
              interface-name: string,
              function-name: string,
            }
            record delay-id {
              id: string,
            }
            variant response-id {
              execution-id(execution-id),
              delay-id(delay-id),
            }
            record function-mismatch {
              specified-function: function,
              actual-function: option<function>,
              actual-id: response-id,
            }
            variant await-next-extension-error {
              all-processed,
              function-mismatch(function-mismatch),
            }
          }

          interface join-set {
            resource join-set;
          }
        }

        package testing:fibo-obelisk-ext {
          interface fibo {
            use obelisk:types/join-set@5.0.0.{join-set};
            use obelisk:types/execution@5.0.0.{execution-id, await-next-extension-error};

            fibo-submit: func(join-set: borrow<join-set>, n: u8) -> execution-id;
            fibo-await-next: func(join-set: borrow<join-set>) -> result<result<u64>, await-next-extension-error>;
          }
        }

        package testing:fibo-workflow {
          interface workflow {
            fiboa: func(n: u8) -> result<u64>;
          }
        }
        """
    )


def test_the_interface_for_signals_is_what_authors_find_in_its_file() -> None:
    file = REPOSITORY / "examples" / "wit" / "deps" / "obelisk-signal" / "signal.wit"
    (authored,) = re.findall(r"^interface .*", re.sub("///.*", "", file.read_text()), re.MULTILINE | re.DOTALL)

    text = interface_text(dict(SIGNAL_SUPPORT), name=SIGNAL_SUPPORT_INTERFACE)

    assert "".join(text.split()) == "".join(authored.split())


def test_a_component_without_imports_and_exports_is_an_empty_world() -> None:
    assert format_component({}, {}) == "package root:component;\n\nworld root {\n}\n"


def test_anonymous_types_are_declared_under_names_taken_from_where_they_stand() -> None:
    functions = {
        "place": function(
            "result<record { id: string }, variant { execution-failed, rejected(record { why: string }) }>",
            order="record { items: list<tuple<string, enum { small, large }>>, options: flags { gift, fast } }",
        ),
        "cancel": function("result<_, variant { execution-failed, rejected(record { why: string }) }>"),
    }

    assert interface_text(functions) == dedent(
        """\
        interface ifc {
          enum items {
            small,
            large,
          }
          flags options {
            gift,
            fast,
          }
          record order {
            items: list<tuple<string, items>>,
            options: options,
          }
          record place-result {
            id: string,
          }
          record rejected {
            why: string,
          }
          variant place-error {
            execution-failed,
            rejected(rejected),
          }

          place: func(order: order) -> result<place-result, place-error>;
          cancel: func() -> result<_, place-error>;
        }
        """
    )


def test_functions_types_and_resources_share_one_space_of_names() -> None:
    functions = {
        "item": function("result<own<item3>>", item="record { item: enum { a } }"),
        "item2": function(None, ITEM="flags { a }"),
    }

    assert interface_text(functions) == dedent(
        """\
        interface ifc {
          enum item4 {
            a,
          }
          record item3 {
            item: item4,
          }
          flags ITEM5 {
            a,
          }

          resource item32;

          item: func(item: item3) -> result<item32>;
          item2: func(ITEM: ITEM5);
        }
        """
    )


def test_keywords_are_escaped_wherever_they_are_names() -> None:
    name = InterfaceName.parse("testing:type/list")
    functions = {"func": function(None, record="record { use: variant { %option(u8) } }")}

    text = format_component({name: functions}, {})

    assert "import testing:%type/%list;" in text
    assert "package testing:%type {" in text
    assert interface_text(functions, name=name) == dedent(
        """\
        interface %list {
          variant %use {
            %option(u8),
          }
          record %record {
            %use: %use,
          }

          %func: func(%record: %record);
        }
        """
    )


def test_a_resource_is_declared_with_its_functions() -> None:
    functions = {
        "[constructor]fields": FunctionType((), OwnType("fields")),
        "[method]fields.get": FunctionType((Param("self", BorrowType("fields")), Param("name", STRING)), ListType(U8)),
        "[static]fields.parse": FunctionType((Param("text", STRING),), ResultType(OwnType("fields"))),
        "[resource-drop]fields": FunctionType((Param("self", OwnType("fields")),)),
        "merge": FunctionType((Param("other", BorrowType("fields")),), OwnType("fields")),
    }

    assert interface_text(functions) == dedent(
        """\
        interface ifc {
          resource fields {
            constructor();
            get: func(name: string) -> list<u8>;
            parse: static func(text: string) -> result<fields>;
          }

          merge: func(other: borrow<fields>) -> fields;
        }
        """
    )


def test_a_resource_is_used_from_the_interface_that_declares_it() -> None:
    streams = InterfaceName.parse("wasi:io/streams@0.2.0")
    types = InterfaceName.parse("wasi:http/types@0.2.0")
    poll = InterfaceName.parse("wasi:io/poll@0.2.0")
    text = format_interfaces(
        {
            types: {"body": FunctionType((), OwnType("input-stream"))},
            streams: {"[method]input-stream.subscribe": FunctionType((), OwnType("pollable"))},
            poll: {"[resource-drop]pollable": FunctionType((Param("self", OwnType("pollable")),))},
        }
    )

    assert "    use wasi:io/streams@0.2.0.{input-stream};\n\n    body: func() -> input-stream;" in text
    assert "    use poll.{pollable};\n\n    resource input-stream {\n      subscribe: func() -> pollable;" in text
    assert "  interface poll {\n    resource pollable;\n  }" in text


def test_two_interfaces_never_use_one_another() -> None:
    one, other = InterfaceName.parse("a:one/ifc"), InterfaceName.parse("a:other/ifc")
    text = format_interfaces(
        {
            one: {
                "[resource-drop]x": FunctionType((Param("self", OwnType("x")),)),
                "f": FunctionType((Param("y", BorrowType("y")),)),
            },
            other: {
                "[resource-drop]y": FunctionType((Param("self", OwnType("y")),)),
                "f": FunctionType((Param("x", BorrowType("x")),)),
            },
        }
    )

    assert text.count("use ") == 1
    assert "use a:other/ifc.{y};" in text
    assert "resource x;\n    resource y;" not in text.split("package a:other")[0]


def test_companions_call_a_type_as_the_exporting_interface_does() -> None:
    target = FunctionName(THING, "place")
    place = function("result<_, variant { execution-failed, other }>", schedule_at="record { year: u16 }")
    submit = {each.name.function: each.type for each in extension_functions(target, place, "workflow")}

    primary = interface_text({"place": place})
    extension = interface_text(
        {name: submit[name] for name in ("place-submit", "place-await-next", "place-get")},
        name=THING.with_package_suffix("-obelisk-ext"),
    )
    schedule = interface_text(
        {"place-schedule": submit["place-schedule"]}, name=THING.with_package_suffix("-obelisk-schedule")
    )

    assert "place: func(schedule-at: schedule-at) -> result<_, place-error>;" in primary
    assert "result<result<_, place-error>, await-next-extension-error>;" in extension
    assert "place-schedule: func(schedule-at-a: schedule-at, schedule-at: schedule-at2) -> execution-id;" in schedule
    assert "record schedule-at2 {\n    year: u16,\n  }" in schedule


def test_obelisks_interfaces_are_printed_with_obelisks_names() -> None:
    text = format_interfaces(
        {
            WORKFLOW_SUPPORT_INTERFACE: WORKFLOW_SUPPORT,
            WORKFLOW_SUPPORT_BACKTRACE_INTERFACE: WORKFLOW_SUPPORT_BACKTRACE,
            WEBHOOK_SUPPORT_INTERFACE: WEBHOOK_SUPPORT,
            WEBHOOK_SUPPORT_BACKTRACE_INTERFACE: WEBHOOK_SUPPORT_BACKTRACE,
            LOG_INTERFACE: LOG,
            JOIN_SET_INTERFACE: JOIN_SET,
        }
    )

    for line in (
        "submit-delay: func(join-set: borrow<join-set>, timeout: schedule-at) -> delay-id;",
        "submit-json: func(join-set: borrow<join-set>, function: function, params: string) "
        "-> result<execution-id, submit-json-error>;",
        "call-json: func(function: function, params: string) "
        "-> result<result<option<string>, option<string>>, schedule-json-error>;",
        "use workflow-support.{join-set-create-error, submit-json-error, join-next-error, join-next-try-error, "
        "stub-json-error};",
        "get-status: func(execution-id: execution-id) -> result<execution-status, get-status-error>;",
        "last-id: func() -> option<response-id>;",
        "error: func(message: string);",
    ):
        assert f"    {line}\n" in text
    assert text.count("record execution-id {") == 1


def test_an_interface_both_imported_and_exported_is_printed_once_with_all_functions() -> None:
    text = format_component(
        {THING: {"a": function("result"), "b": function("result")}}, {THING: {"b": function("result<u8>")}}
    )

    assert text.count("interface ifc {") == 1
    assert "    a: func() -> result;\n    b: func() -> result<u8>;\n" in text


@settings(max_examples=50)
@given(st.data())
def test_no_interface_declares_a_name_twice(data: st.DataObject) -> None:
    functions = {name: data.draw(function_types()) for name in data.draw(distinct_names(max_size=3))}

    declared = re.findall(
        r"^  (?:(?:record|variant|enum|flags) )?(%?[\w-]+)(?:: func| \{)", interface_text(functions), re.MULTILINE
    )

    assert len({name.lower() for name in declared}) == len(declared)
    assert functions.keys() <= {name.removeprefix("%") for name in declared}
