"""The WIT of a whole deployment: its interfaces, and each with who exports and who imports it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.http import Http404, HttpRequest, HttpResponse

from components.component_wit import exports_with_companions
from components.deployed_rows import authored_names
from components.interface_codec import decode_interfaces
from components.models import Component, Function
from console.access import needs
from console.code.shown import Shown, shown
from console.code.unreadable import tells_what_is_unreadable
from console.code.wit_html import interface_html
from console.pages import page
from engine.errors import NameSyntaxError
from engine.wit.names import InterfaceName
from engine.wit.obelisk_types import NAMED_TYPES
from engine.wit.types import FunctionType, WitType
from engine.wit.wit_interface import Document
from executions.access.scopes import Scope


@dataclass(slots=True, kw_only=True)
class InterfaceInUse:
    """An interface of a deployment.

    Args:
        name: Which one.
        functions: All functions that somebody exports or imports.
        exporters: The components that export it, or what it is generated for.
        importers: The components that import it.
        type_names: Names that authors gave to its types.
    """

    name: InterfaceName
    functions: dict[str, FunctionType] = field(default_factory=dict)
    exporters: list[Component] = field(default_factory=list)
    importers: list[Component] = field(default_factory=list)
    type_names: dict[str, WitType] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionInUse:
    """A function of an interface's page.

    Args:
        ffqn: Its full name.
        exporter: The component that exports it; ``None`` if it is the host's, generated, or nobody's.
        row: What is known of it, if it can be called.
    """

    ffqn: str
    exporter: Component | None
    row: Function | None


@needs(Scope.READ)
@tells_what_is_unreadable
def interfaces(request: HttpRequest) -> HttpResponse:
    """Show all interfaces of a deployment."""
    found = shown(request)
    text = request.GET.get("q", "").strip().lower()
    with_companions = request.GET.get("companions") == "on"
    listed = [
        each
        for name, each in sorted(_in_use(found).items(), key=lambda item: (item[0].is_reserved, str(item[0])))
        if (with_companions or not name.is_extension)
        and (text in str(name).lower() or text in " ".join(each.functions))
    ]
    return page(
        request,
        "code/interfaces.html",
        title="WIT",
        shown=found,
        interfaces=listed,
        text=request.GET.get("q", ""),
        companions=with_companions,
    )


@needs(Scope.READ)
@tells_what_is_unreadable
def interface(request: HttpRequest, name: str) -> HttpResponse:
    """Show one interface."""
    found = shown(request)
    try:
        wanted = InterfaceName.parse(name)
    except NameSyntaxError as error:
        raise Http404(f"There is no such interface: {error}.") from error
    in_use = _in_use(found).get(wanted)
    if in_use is None:
        if wanted not in NAMED_TYPES:
            raise Http404(f"The deployment has no interface {wanted}.")
        in_use = InterfaceInUse(name=wanted)
    html = interface_html("\n".join(_lines(in_use)), str(wanted), found.wit_url)
    primary = wanted.without_extension_suffix()
    return page(
        request,
        "code/interface.html",
        title="WIT",
        tab_title=str(wanted),
        shown=found,
        interface=in_use,
        primary=primary if wanted.is_extension else None,
        wit=html,
        functions=list(_functions(found, in_use)),
    )


def _in_use(found: Shown) -> dict[InterfaceName, InterfaceInUse]:
    in_use: dict[InterfaceName, InterfaceInUse] = {}

    def known(name: InterfaceName) -> InterfaceInUse:
        return in_use.setdefault(name, InterfaceInUse(name=name))

    for row, _ in found.rows:
        for name, functions in decode_interfaces(row.imports).items():
            known(name).functions.update(functions)
            # Who imports what is generated for an interface calls its functions, too.
            for imported in dict.fromkeys((name, name.without_extension_suffix())):
                if row not in known(imported).importers:
                    known(imported).importers.append(row)
    # Where the two differ the exported function is shown, as in the text of one component.
    for row, rows in found.rows:
        for name, functions in exports_with_companions(row, rows).items():
            known(name).functions.update(functions)
            known(name).exporters.append(row)
            known(name).type_names.update(authored_names(row))
    return in_use


def _lines(in_use: InterfaceInUse) -> list[str]:
    document = Document({in_use.name: in_use.functions}, {in_use.name: in_use.type_names})
    described = document.interface(in_use.name)
    if not in_use.functions:
        for name in NAMED_TYPES.get(in_use.name, {}):
            described.declare_named(name)
    return described.lines()


def _functions(found: Shown, in_use: InterfaceInUse) -> Iterable[FunctionInUse]:
    rows = {function.ffqn: function for _, functions in found.rows for function in functions}
    for name in in_use.functions:
        ffqn = f"{in_use.name}.{name}"
        yield FunctionInUse(ffqn=ffqn, exporter=found.linking.exporter(ffqn), row=rows.get(ffqn))
