from __future__ import annotations

import re
from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from console.code.wit_html import interface_html, wit_html
from engine.wit.extensions import extension_functions
from engine.wit.grammar import parse_type
from engine.wit.names import FunctionName, InterfaceName
from engine.wit.obelisk_types import WORKFLOW_SUPPORT, WORKFLOW_SUPPORT_INTERFACE
from engine.wit.types import FunctionType, Param
from engine.wit.wit_text import format_component, format_interfaces
from tests.strategies import distinct_names, function_types

SHOP = InterfaceName.parse("test:shop/orders@1.2.0")
ORDER = parse_type("record { id: u64, items: list<variant { one, many(list<u8>) }>, %use: enum { a, b } }")


def page_of(interface: str) -> str:
    return f"/wit/{interface}/"


def plain(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html))


def links(html: str) -> list[tuple[str, str]]:
    """The links of HTML: where to, and what they say."""
    return [(unescape(href), plain(text)) for href, text in re.findall(r'<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', html)]


def ids(html: str) -> set[str]:
    return {unescape(each) for each in re.findall(r' id="([^"]*)"', html)}


@given(distinct_names(max_size=4), st.data())
def test_the_text_stays_as_it_is_and_every_link_within_it_leads_somewhere(
    names: list[str], data: st.DataObject
) -> None:
    functions = {name: data.draw(function_types()) for name in names}
    companions: dict[InterfaceName, dict[str, FunctionType]] = {}
    for name, function in functions.items():
        for each in extension_functions(FunctionName(SHOP, name), function, "activity"):
            companions.setdefault(each.name.interface, {})[each.name.function] = each.type
    text = format_component({WORKFLOW_SUPPORT_INTERFACE: WORKFLOW_SUPPORT}, {SHOP: functions, **companions})

    html = wit_html(text, page_of, is_whole=True)

    assert plain(html) == text
    within = {href[1:] for href, _ in links(html) if href.startswith("#")}
    assert within <= ids(html)
    assert {f"{SHOP}.{name}" for name in functions} <= ids(html)


def test_interfaces_types_and_functions_are_links() -> None:
    place = FunctionType((Param("order", ORDER),), parse_type("result<u64, string>"))
    html = wit_html(format_component({}, {SHOP: {"place": place}}), page_of, is_whole=True)

    found = links(html)

    assert ("/wit/test:shop/orders@1.2.0/", "test:shop/orders@1.2.0") in found
    assert (f"#{SHOP}.place", "place") in found
    assert found.count((f"#{SHOP}.order", "order")) == 2  # where it is declared, and where it is taken
    assert (f"#{SHOP}.items", "items") in found  # the variant has the name of its field
    assert {"id", "one", "many"}.isdisjoint(text for _, text in found)  # fields and cases are no types


def test_an_interface_alone_leads_to_the_pages_of_those_that_it_uses() -> None:
    target = FunctionName(SHOP, "place")
    companions = extension_functions(target, FunctionType((), parse_type("result")), "activity")
    submit = next(each for each in companions if each.kind == "submit")
    text = format_interfaces({submit.name.interface: {submit.name.function: submit.type}})
    block = re.search(r"^  interface orders .*?^  }\n", text, re.MULTILINE | re.DOTALL)
    assert block is not None

    found = links(interface_html(block[0], str(submit.name.interface), page_of))

    execution = "/wit/obelisk:types/execution@5.0.0/"
    assert (execution, "obelisk:types/execution@5.0.0") in found
    assert found.count((f"{execution}#obelisk:types/execution@5.0.0.execution-id", "execution-id")) == 2
    assert (f"#{submit.name.interface}.place-submit", "place-submit") in found
