"""From a table about JavaScript to its component: read in the sandbox, its imports found among the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from components.config_codec import ComponentConfig, SourceOrigin
from components.interface_codec import Interfaces
from components.manifest import DeploymentFolder, FileReference, InlineSource, JavaScriptEntry
from components.manifest.files import UnusableFile, content_digest
from engine.deployment.problems import Problem
from engine.deployment.spec import ComponentId, ComponentSpec, ComponentType, FunctionSpec
from engine.guests.javascript.digest import component_digest
from engine.guests.javascript.imports import offered_functions, resolve_imports
from engine.guests.javascript.source import JavaScriptReader, JavaScriptSource, SourceRefused

_PREFIXES = {
    ComponentType.ACTIVITY: "activity_js",
    ComponentType.WORKFLOW: "workflow_js",
    ComponentType.WEBHOOK_ENDPOINT: "webhook_js",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JavaScriptComponent:
    """What a table about JavaScript stands for.

    Args:
        id: Its identity.
        config: What the table says about it.
        functions: What it exports: one function, or none.
        source: Its files, and what they import.
    """

    id: ComponentId
    config: ComponentConfig
    functions: tuple[FunctionSpec, ...]
    source: JavaScriptSource

    @property
    def exports(self) -> Interfaces:
        """What it exports, by interface."""
        return {function.name.interface: {function.name.function: function.type} for function in self.functions}

    @property
    def files(self) -> Mapping[str, bytes]:
        """All that has to be stored, by digest."""
        contents = [*(text.encode() for text in self.source.files.values()), self.source.artefact]
        return {content_digest(content): content for content in contents}


def read_javascript(
    entry: JavaScriptEntry, reader: JavaScriptReader, folder: DeploymentFolder, *, runtime: str
) -> JavaScriptComponent:
    """Read the files of a table.

    Args:
        entry: The table.
        reader: Reads JavaScript in the sandbox.
        folder: Where the files are.
        runtime: Digest of the interpreter that will run it.

    Raises:
        SourceRefused: If anything in the files is wrong.
    """
    path, text = _main(entry, folder)
    source = reader.read(path, text, _other_files(entry, folder))
    function = entry.function
    digest = component_digest(
        _PREFIXES[entry.component_type],
        source.files,
        None if function is None else (function.name, function.type),
        None if function is None else function.type_names,
    )
    return JavaScriptComponent(
        id=ComponentId(component_type=entry.component_type, name=entry.name, digest=entry.component_digest or digest),
        config=_config(entry, source, runtime),
        functions=() if function is None else (FunctionSpec(name=function.name, type=function.type),),
        source=source,
    )


def find_imports(
    components: Sequence[ComponentSpec], wanted: Mapping[str, Mapping[str, Sequence[str]]]
) -> tuple[Mapping[str, Interfaces], list[Problem]]:
    """Return what the imports of JavaScript components refer to, by the component's name, and what is wrong with them.

    Args:
        components: All components of the deployment.
        wanted: What is imported by name, by the component's name.
    """
    offered = offered_functions(components)
    found: dict[str, Interfaces] = {}
    problems: list[Problem] = []
    for component in components:
        if component.id.name in wanted:
            resolved, wrong = resolve_imports(component, wanted[component.id.name], offered)
            found[component.id.name] = resolved
            problems += wrong
    return found, problems


def _main(entry: JavaScriptEntry, folder: DeploymentFolder) -> tuple[str, str]:
    source = entry.source
    if isinstance(source, InlineSource):
        return source.path, source.text
    try:
        return source.path, _text(folder, source, entry.file_digests)
    except UnusableFile as error:
        raise SourceRefused(f'{entry.place}: key "{source.key}" {error}') from error


def _other_files(entry: JavaScriptEntry, folder: DeploymentFolder) -> Callable[[str], str | None]:
    def read(path: str) -> str | None:
        if isinstance(entry.source, InlineSource):
            raise SourceRefused(
                f'{entry.place}: key "content" imports {path}; source that stands in the deployment file has no files '
                "beside it, so put it into a file and name that with location"
            )
        try:
            return _text(folder, FileReference(path=path, content_digest=None, key="import"), entry.file_digests)
        except UnusableFile as error:
            raise SourceRefused(f"{entry.place}: an import {error}") from error

    return read


def _text(folder: DeploymentFolder, file: FileReference, digests: Mapping[str, str]) -> str:
    pinned = FileReference(path=file.path, content_digest=file.content_digest or digests.get(file.path), key=file.key)
    try:
        return folder.read(pinned).decode()
    except UnicodeDecodeError as error:
        raise UnusableFile(f'names "{file.path}", where byte {error.start} is not UTF-8 text') from error


def _config(entry: JavaScriptEntry, source: JavaScriptSource, runtime: str) -> ComponentConfig:
    return ComponentConfig(
        retry=entry.retry,
        exec=entry.exec,
        workflow=entry.policy,
        env_vars=entry.env_vars,
        allowed_hosts=entry.allowed_hosts,
        stdout=entry.stdout,
        stderr=entry.stderr,
        stub_wasi=False,
        backtrace_sources={},
        log_level=entry.log_level,
        limits=entry.limits,
        source=SourceOrigin(
            language="javascript",
            runtime=runtime,
            files={path: content_digest(text.encode()) for path, text in source.files.items()},
        ),
        webhook=entry.webhook,
        type_names={} if entry.function is None else entry.function.type_names,
    )
