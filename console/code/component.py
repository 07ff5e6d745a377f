"""One component: what it is, its WIT, its source, and what it may do and use up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from components.component_wit import component_wit
from components.config_codec import ComponentConfig, decode_config
from components.deployed_rows import callable_components
from components.models import Blob, Component, Deployment, FileRole, Function
from components.reports import function_signature
from components.services import wasm_bytes
from console.access import needs, needs_insight
from console.code.allowances import allowances_of
from console.code.highlighting import highlighted_lines
from console.code.kinds import kind_of, runner_words
from console.code.shown import Shown, shown
from console.code.unreadable import tells_what_is_unreadable
from console.code.wit_html import wit_html
from console.pages import page
from console.seeing import shows
from engine.deployment.spec import ComponentType, Runner
from engine.wit.names import FunctionName
from executions.access.scopes import Insight, Scope

MOST_SOURCE_BYTES: Final = 1 << 20
_OTHER_DEPLOYMENTS: Final = 10
_TABS: Final = (
    ("console_component", "Overview"),
    ("console_component_wit", "WIT"),
    ("console_component_source", "Source"),
    ("console_component_access", "Access and limits"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionLine:
    """A function that a component exports.

    Args:
        row: The function.
        signature: Its type, on one line.
        wit_url: Where it stands among the types of its interface.
    """

    row: Function
    signature: str
    wit_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLine:
    """A file that a component is made of.

    Args:
        path: Relative to the deployment file.
        role: A `FileRole`.
        digest: Of its content.
        size: In bytes.
    """

    path: str
    role: str
    digest: str
    size: int


@needs(Scope.READ)
@tells_what_is_unreadable
def overview(request: HttpRequest, digest: str) -> HttpResponse:
    """Show what it is, what it exports and imports, and who uses it."""
    found, row, functions = _find(request, digest)
    lines = [_function_line(found, function) for function in functions]
    return _page(
        request,
        found,
        row,
        "console_component",
        "overview.html",
        functions=lines,
        imports=found.linking.imports(row),
        users=found.linking.users(row),
        config=_config(row),
        files=_files(row),
        runner=runner_words(Runner(row.runner)),
        others=_other_deployments(found, row),
    )


@needs(Scope.READ)
@tells_what_is_unreadable
def wit(request: HttpRequest, digest: str) -> HttpResponse:
    """Show what it imports and exports as WIT."""
    found, row, functions = _find(request, digest)
    companions = request.GET.get("companions") == "on"
    text = component_wit(row, functions, companions=companions)
    html = wit_html(text, found.wit_url, is_whole=True) if text else ""
    return _page(request, found, row, "console_component_wit", "wit.html", wit=html, companions=companions)


@needs(Scope.READ)
@needs_insight(Insight.SOURCE)
@tells_what_is_unreadable
def source(request: HttpRequest, digest: str) -> HttpResponse:
    """Show one of the files that it is made of."""
    found, row, _ = _find(request, digest)
    files = _files(row)
    wanted = request.GET.get("path")
    texts = [file for file in files if file.role != FileRole.BINARY]
    chosen = next((file for file in files if file.path == wanted), None) if wanted else next(iter(texts), None)
    if wanted and chosen is None:
        raise Http404("There is no such file in this component.")
    return _page(
        request,
        found,
        row,
        "console_component_source",
        "source.html",
        files=files,
        chosen=chosen,
        lines=None if chosen is None else _lines(chosen),
        most=MOST_SOURCE_BYTES,
    )


@needs(Scope.READ)
@tells_what_is_unreadable
def access(request: HttpRequest, digest: str) -> HttpResponse:
    """Show what it may do, and what its runs may use up."""
    found, row, _ = _find(request, digest)
    config = _config(row)
    allowances = None if config is None else allowances_of(config)
    return _page(request, found, row, "console_component_access", "access.html", config=config, allowances=allowances)


def _find(request: HttpRequest, digest: str) -> tuple[Shown, Component, list[Function]]:
    """Return a component with its deployment: the one that the address names, else the active, else the newest.

    Raises:
        Http404: If it is not there.
    """
    found = shown(request)
    chosen = _chosen(found, request, digest)
    if chosen is None and "deployment" not in request.GET:
        newest = Deployment.objects.filter(components__digest=digest).newest_first().first()
        if newest is not None:
            found = Shown(deployment=newest, rows=callable_components(newest))
            chosen = _chosen(found, request, digest)
    if chosen is None:
        where = "" if "deployment" not in request.GET else f" in {request.GET['deployment'][:100]}"
        raise Http404(f"There is no component with the digest {digest[:100]}{where}.")
    return found, *chosen


def _chosen(found: Shown, request: HttpRequest, digest: str) -> tuple[Component, list[Function]] | None:
    name = request.GET.get("name")
    fitting = [(row, functions) for row, functions in found.rows if row.digest == digest and found.has_page(row)]
    return next((each for each in fitting if each[0].name == name), next(iter(fitting), None))


def _page(request: HttpRequest, found: Shown, row: Component, tab: str, template: str, **context: Any) -> HttpResponse:
    query = {} if found.deployment is None or not found.query else {"deployment": found.deployment.deployment_id}
    if "name" in request.GET:
        query["name"] = row.name
    end = f"?{urlencode(query)}" if query else ""
    return page(
        request,
        f"code/{template}",
        title="Component",
        tab_title=row.name,
        shown=found,
        row=row,
        kind=kind_of(ComponentType(row.component_type)),
        tabs=[
            {"title": title, "url": reverse(f"admin:{name}", args=[row.digest]) + end, "is_active": name == tab}
            for name, title in _TABS
            if name != "console_component_source" or shows(Insight.SOURCE)
        ],
        kept=query,
        **context,
    )


def _config(row: Component) -> ComponentConfig | None:
    """Return what the deployment file says of a component; nothing does of those of installed apps."""
    return decode_config(row.config) if row.config else None


def _function_line(found: Shown, function: Function) -> FunctionLine:
    interface = FunctionName.parse(function.ffqn).interface
    return FunctionLine(
        row=function, signature=function_signature(function), wit_url=f"{found.wit_url(interface)}#{function.ffqn}"
    )


def _files(row: Component) -> list[FileLine]:
    """Return the files of a component; also source that stands in the deployment file itself, which names none."""
    if not row.pk:
        return []  # those of installed apps are stored nowhere
    named = row.files.select_related("blob").defer("blob__content").order_by("id")
    files = [FileLine(path=each.path, role=each.role, digest=each.blob_id, size=each.blob.size) for each in named]
    config = _config(row)
    source = {} if config is None or config.source is None else config.source.files
    inline = {digest: path for path, digest in source.items() if digest not in {file.digest for file in files}}
    sizes = Blob.objects.filter(digest__in=inline).values_list("digest", "size")
    files += [
        FileLine(path=inline[digest], role=FileRole.SOURCE.value, digest=digest, size=size) for digest, size in sizes
    ]
    return files


def _lines(file: FileLine) -> list[SafeString] | None:
    """Return the lines of a file, or ``None`` if it is no text, or too long to be looked at."""
    if file.role == FileRole.BINARY or file.size > MOST_SOURCE_BYTES:
        return None
    try:
        return highlighted_lines(wasm_bytes(file.digest).decode(), file.path)
    except UnicodeDecodeError:
        return None


def _other_deployments(found: Shown, row: Component) -> list[Deployment]:
    """Return the newest other deployments with the very same component."""
    here = "" if found.deployment is None else found.deployment.deployment_id
    having = Deployment.objects.filter(components__digest=row.digest, components__name=row.name).exclude(pk=here)
    return list(having.newest_first().defer("toml")[:_OTHER_DEPLOYMENTS])
