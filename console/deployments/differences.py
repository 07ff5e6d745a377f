"""What differs between two deployments, arranged for people: by component, with the texts side by side."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from components.comparing import Asked, DeploymentDiff, Difference, compare, newly_asked
from components.models import Blob, ComponentFile, Deployment, FileRole
from console.code.highlighting import MOST_HIGHLIGHTED
from console.seeing import shows
from engine.deployment.spec import ComponentType
from executions.access.scopes import Insight

_MOST_FILES: Final = 40
_CONTEXT: Final = 3
_FILE_KEYS: Final = ("source.files.", "backtrace_sources.")
_CLASSES: Final = {"+": "ob-added", "-": "ob-removed", "@": "ob-place"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDiff:
    """What differs between two versions of a text.

    Args:
        path: Its name.
        components: Names of the components that are made of it.
        added: Number of lines.
        removed: Number of lines.
        lines: Each with the class that says what it is; ``None`` if the text is too long to be compared, and empty
            if source is not shown.
    """

    path: str
    components: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    lines: tuple[tuple[str, str], ...] | None


@dataclass(slots=True, kw_only=True)
class ComponentDifference:
    """What differs about one component.

    Args:
        name: Its name.
        change: What became of it.
        digests: What it was and is, if it runs other code.
        config: What changed of its configuration; digests of its files are left out, as the files are told.
        asked: What it newly asks for.
        page: Digest by which its page is found; ``None`` if it has none.
    """

    name: str
    change: Literal["added", "removed", "changed"]
    digests: tuple[str, str] | None = None
    config: tuple[Difference, ...] = ()
    asked: list[Asked] = field(default_factory=list)
    page: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """What differs between two deployments.

    Args:
        diff: As the API tells it.
        components: Those that differ, in the order of the newer deployment file; those that are gone come last.
        asked: What is newly asked for, over all components.
        files: Source files, each once.
        toml: The deployment files.
    """

    diff: DeploymentDiff
    components: list[ComponentDifference]
    asked: tuple[Asked, ...]
    files: tuple[TextDiff, ...]
    toml: TextDiff


def differences(before: Deployment | None, after: Deployment) -> Differences:
    """Return what differs; against ``None`` everything is new.

    Raises:
        DeploymentError: If one was stored by a version that this one cannot read.
    """
    diff = compare(before, after)
    asked = newly_asked(before, after)
    found = {name: ComponentDifference(name=name, change="added") for name in diff.components_added}
    for change in diff.components_changed:
        config = tuple(each for each in change.config if not each.key.startswith(_FILE_KEYS))
        found[change.name] = ComponentDifference(
            name=change.name, change="changed", digests=change.digests, config=config
        )
    for name in diff.components_removed:
        found[name] = ComponentDifference(name=name, change="removed")
    for each in asked:
        found[each.component].asked.append(each)
    present = after.components.order_by("position").values_list("name", "digest", "component_type")
    for name, digest, component_type in present:
        if name in found and component_type != ComponentType.CRON.value:
            found[name].page = digest
    order = {name: place for place, (name, _, _) in enumerate(present)}
    changed = {change.name for change in diff.components_changed}
    return Differences(
        diff=diff,
        components=sorted(found.values(), key=lambda each: order.get(each.name, len(order))),
        asked=asked,
        files=() if before is None else tuple(_changed_files(before, after, changed)),
        toml=text_diff("deployment.toml", "" if before is None else before.toml, after.toml),
    )


def text_diff(path: str, before: str, after: str, *, components: tuple[str, ...] = ()) -> TextDiff:
    """Return what differs between two texts; the arguments are those of `TextDiff`."""
    if len(before) > MOST_HIGHLIGHTED or len(after) > MOST_HIGHLIGHTED:
        return TextDiff(path=path, components=components, lines=None)
    unified = difflib.unified_diff(before.splitlines(), after.splitlines(), n=_CONTEXT, lineterm="")
    lines = [(_CLASSES.get(line[0], ""), line) for line in list(unified)[2:]]  # behind the names of the two files
    kinds = [kind for kind, _ in lines]
    return TextDiff(
        path=path,
        components=components,
        added=kinds.count("ob-added"),
        removed=kinds.count("ob-removed"),
        # Deployment files may hold source, too.
        lines=tuple(lines) if shows(Insight.SOURCE) else (),
    )


def _changed_files(before: Deployment, after: Deployment, names: set[str]) -> Iterator[TextDiff]:
    old, new = _source_files(before, names), _source_files(after, names)
    # Several components may be made of one file.
    changed: dict[tuple[str, str, str], list[str]] = {}
    for name, path in dict.fromkeys([*new, *old]):
        was, is_now = old.get((name, path), ""), new.get((name, path), "")
        if was != is_now:
            changed.setdefault((path, was, is_now), []).append(name)
    shown = dict(list(changed.items())[:_MOST_FILES])
    texts = _texts(digest for _, *digests in shown for digest in digests if digest)
    for (path, was, is_now), components in shown.items():
        yield text_diff(path, texts.get(was, ""), texts.get(is_now, ""), components=tuple(components))


def _source_files(deployment: Deployment, names: set[str]) -> Mapping[tuple[str, str], str]:
    files = ComponentFile.objects.filter(component__deployment=deployment, component__name__in=names)
    sources = files.exclude(role=FileRole.BINARY).order_by("id")
    return {(name, path): digest for name, path, digest in sources.values_list("component__name", "path", "blob_id")}


def _texts(digests: Iterable[str]) -> dict[str, str]:
    small = Blob.objects.filter(digest__in=set(digests))
    rows: Iterable[tuple[str, Any]] = small.values_list("digest", "content")
    return {digest: bytes(content).decode(errors="replace") for digest, content in rows}
