"""From a deployment file to components that are read, compiled, described and verified; nothing is stored.

Compiling makes threads that a forked child does not have, so whoever prepares a deployment must not fork workers
afterwards (see ``engine.wasm.fork_guard``); the ``deploy`` command has a process of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from components.config_codec import ComponentConfig
from components.django_activities import django_activities
from components.entry_config import entry_config, make_id
from components.guest_runtimes import load_javascript_runtime, load_python_runtime
from components.interface_codec import Interfaces
from components.javascript_preparation import find_imports, read_javascript
from components.manifest import (
    ActivityEntry,
    BinaryEntry,
    DeclaredActivityEntry,
    DeclaredFunction,
    DeploymentFolder,
    Entry,
    FileReference,
    InlineSource,
    JavaScriptEntry,
    Manifest,
    ProcessEntry,
    PythonEntry,
    PythonWebhookEntry,
    WebhookEntry,
    WorkflowEntry,
    parse_manifest,
)
from components.manifest.files import UnusableFile, content_digest, read_file
from components.operator import operator_config, operator_limits, visible_environ
from components.operator_file import OperatorConfig
from components.problems import DeploymentRefused
from components.program_preparation import program_config, program_id
from components.python_preparation import import_problems, prepare_python
from components.python_webhook_preparation import read_python_webhook
from components.shapes import name_shape
from components.specs import make_spec
from components.wasm_cache import compile_cache, wasm_engine
from engine.deployment.declaration import declaration_parts
from engine.deployment.program_permission import program_problem
from engine.deployment.reach import denied_patterns
from engine.deployment.spec import (
    ComponentId,
    ComponentSpec,
    FunctionSpec,
    Runner,
)
from engine.deployment.verify import exports_of, verify
from engine.errors import InvalidComponent, LinkError
from engine.guests.javascript.source import SourceRefused as SourceFilesRefused
from engine.guests.python.describe import SourceImport, SourceRefused, SourceText
from engine.host.wasi.incoming_handler import handler_export
from engine.wasm.compile_cache import CompileCache
from engine.wasm.component import CompiledComponent, digest_of
from engine.wasm.engine import WasmEngine
from engine.wit.names import FunctionName


class Origin(StrEnum):
    """Where the machine code of a component came from."""

    COMPILED = "compiled"
    CACHED = "cached"
    DECLARED = "declared"
    """There is no binary: the deployment file declares the function."""
    READ = "read"
    """There is no binary of its own: an interpreter read its source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedComponent:
    """One component, ready to be stored.

    Args:
        spec: What the engine needs to know of it.
        config: What the deployment file says about it.
        exports: All it exports, also what is offered to nobody.
        origin: Where its machine code came from.
        seconds: How long it took to have it.
    """

    spec: ComponentSpec
    config: ComponentConfig
    exports: Interfaces
    origin: Origin
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedDeployment:
    """A deployment that passed verification.

    Args:
        manifest: The deployment file.
        digest: Digest of its text.
        components: In the order of the deployment file.
        files: Content of every file it refers to, by digest.
        runtimes: Binaries of the interpreters it needs that were built on this machine, by digest.
        warnings: What may not be as it was meant, a sentence each.
    """

    manifest: Manifest
    digest: str
    components: tuple[PreparedComponent, ...]
    files: Mapping[str, bytes]
    runtimes: Mapping[str, Path]
    warnings: tuple[str, ...]


def prepare(
    path: Path,
    *,
    on_component: Callable[[PreparedComponent], None] = lambda component: None,
    environ: Mapping[str, str] | None = None,
    on_progress: Callable[[str], None] = lambda sentence: None,
) -> PreparedDeployment:
    """Read, compile, describe and verify a deployment.

    Args:
        path: The deployment file.
        on_component: Called as each component is ready, before verification.
        environ: Environment that references to variables are resolved in; this process's own by default.
        on_progress: Called with a sentence before something that takes long and is done once.

    Raises:
        DeploymentRefused: If anything is wrong; carries every problem that was found.
        WasmError: If this process must not compile.
    """
    folder = DeploymentFolder(path.parent)
    manifest = parse_manifest(_read_text(path), file_name=path.name, wit=folder.read_wit)
    preparation = _Preparation(
        folder=folder,
        environ=visible_environ() if environ is None else environ,
        operator=operator_config(),
        cache=compile_cache(),
        engine=wasm_engine(),
        on_progress=on_progress,
    )
    components = []
    for entry in manifest.entries:
        for component in preparation.prepare(entry):
            components.append(component)
            on_component(component)
    # What could not be read cannot be imported either; saying so would only bury the cause.
    if preparation.problems:
        raise DeploymentRefused(preparation.problems)
    offered = [*(each.spec for each in components), *django_activities().components]
    found, missing = find_imports(offered, preparation.named_imports)
    components = [
        replace(each, spec=replace(each.spec, imports=found.get(each.spec.id.name, each.spec.imports)))
        for each in components
    ]
    problems = [*map(str, missing), *_verify([each.spec for each in components], preparation.source_imports)]
    if problems:
        raise DeploymentRefused(problems)
    return PreparedDeployment(
        manifest=manifest,
        digest=content_digest(manifest.text.encode()),
        components=tuple(components),
        files=preparation.files,
        runtimes=preparation.runtimes,
        warnings=(*manifest.warnings, *_reach_warnings(components, preparation.operator)),
    )


def _reach_warnings(components: Sequence[PreparedComponent], operator: OperatorConfig) -> Iterator[str]:
    for component in components:
        out_of_reach = denied_patterns(component.spec.sandbox.allowed_hosts, operator.allowed_hosts)
        if out_of_reach:
            yield (
                f"component {component.spec.id.name}: the operator allows no request to {' or '.join(out_of_reach)}; "
                "name it in OBELISK_OUTBOUND_HOSTS, or below [[outbound_http.allowed_host]] in the file of "
                "OBELISK_SERVER_CONFIG"
            )


def _verify(specs: Sequence[ComponentSpec], source_imports: Sequence[SourceImport]) -> list[str]:
    # The site's own activities are part of every deployment.
    specs = [*specs, *django_activities().components]
    exports = exports_of(specs)
    return [*map(str, verify(specs)), *import_problems(source_imports, exports)]


def _read_text(path: Path) -> str:
    try:
        return read_file(path).decode()
    except UnusableFile as error:
        raise DeploymentRefused([f"{path} {error}"]) from error
    except UnicodeDecodeError as error:
        raise DeploymentRefused([f"{path}: byte {error.start} is not UTF-8 text"]) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Preparation:
    """Collects the files and the problems of one deployment, entry by entry."""

    folder: DeploymentFolder
    environ: Mapping[str, str]
    operator: OperatorConfig
    cache: CompileCache
    engine: WasmEngine
    on_progress: Callable[[str], None]
    problems: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    runtimes: dict[str, Path] = field(default_factory=dict)
    source_imports: list[SourceImport] = field(default_factory=list)
    named_imports: dict[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)

    def prepare(self, entry: Entry) -> Sequence[PreparedComponent]:
        """Prepare one entry; nothing comes of it if there are problems."""
        match entry:
            case PythonEntry():
                return self._prepare_python(entry)
            case PythonWebhookEntry():
                component = self._prepare_python_webhook(entry)
            case JavaScriptEntry():
                component = self._prepare_javascript(entry)
            case DeclaredActivityEntry():
                component = (
                    self._prepare_declared(entry, entry.source)
                    if isinstance(entry.source, DeclaredFunction)
                    else self._prepare_binary(entry, entry.source)
                )
            case ProcessEntry():
                component = self._prepare_program(entry)
            case ActivityEntry() | WorkflowEntry() | WebhookEntry():
                component = self._prepare_binary(entry, entry.file)
            case _:
                assert_never(entry)
        return () if component is None else (component,)

    def _prepare_python(self, entry: PythonEntry) -> Sequence[PreparedComponent]:
        sources = self._sources(entry)
        if sources is None:
            return ()
        runtime = load_python_runtime(self.on_progress)
        started = time.perf_counter()
        try:
            app = prepare_python(entry, sources, runtime, environ=self.environ)
        except (SourceRefused, DeploymentRefused) as error:
            self.problems.extend(map(str, error.problems))
            return ()
        seconds = time.perf_counter() - started
        self.files[content_digest(app.artefact)] = app.artefact
        self.source_imports.extend(app.imports)
        if runtime.path is not None:
            self.runtimes[runtime.digest] = runtime.path
        return [
            PreparedComponent(
                spec=component.spec,
                config=component.config,
                exports=component.exports,
                origin=Origin.READ,
                seconds=seconds,
            )
            for component in app.components
        ]

    def _prepare_python_webhook(self, entry: PythonWebhookEntry) -> PreparedComponent | None:
        sources = self._sources(entry)
        if sources is None:
            return None
        runtime = load_python_runtime(self.on_progress)
        started = time.perf_counter()
        try:
            endpoint = read_python_webhook(entry, sources, runtime)
        except SourceRefused as error:
            self.problems.extend(error.problems)
            return None
        seconds = time.perf_counter() - started
        artefact = content_digest(endpoint.artefact)
        self.files[artefact] = endpoint.artefact
        self.source_imports.extend(endpoint.imports)
        if runtime.path is not None:
            self.runtimes[runtime.digest] = runtime.path
        spec = self._spec(
            endpoint.id,
            endpoint.config,
            runner=Runner.SOURCE,
            functions=(),
            imports={},
            wasm_digest=runtime.digest,
            artefact_digest=artefact,
        )
        if spec is None:
            return None
        return PreparedComponent(spec=spec, config=endpoint.config, exports={}, origin=Origin.READ, seconds=seconds)

    def _prepare_javascript(self, entry: JavaScriptEntry) -> PreparedComponent | None:
        runtime = load_javascript_runtime(self.on_progress)
        started = time.perf_counter()
        try:
            component = read_javascript(entry, runtime.reader, self.folder, runtime=runtime.digest)
        except SourceFilesRefused as error:
            self.problems.extend(error.problems)
            return None
        seconds = time.perf_counter() - started
        self.files.update(component.files)
        self.runtimes[runtime.digest] = runtime.path
        self.named_imports[entry.name] = component.source.imports
        spec = self._spec(
            component.id,
            component.config,
            runner=Runner.SOURCE,
            functions=component.functions,
            imports={},
            wasm_digest=runtime.digest,
            artefact_digest=content_digest(component.source.artefact),
        )
        if spec is None:
            return None
        return PreparedComponent(
            spec=spec, config=component.config, exports=component.exports, origin=Origin.READ, seconds=seconds
        )

    def _prepare_program(self, entry: ProcessEntry) -> PreparedComponent | None:
        if isinstance(entry.source, InlineSource):
            content = entry.source.text.encode()
            self.files[content_digest(content)] = content
        else:
            read = self._read(entry, entry.source)
            if read is None:
                return None
            content = read
        config = program_config(entry)
        digest, function = content_digest(content), entry.function
        if problem := program_problem(entry.name, digest, self.operator.programs):
            self.problems.append(f"{entry.place}: {problem}")
            return None
        spec = self._spec(
            program_id(entry, content),
            config,
            runner=Runner.PROCESS,
            functions=(FunctionSpec(name=function.name, type=function.type),),
            imports={},
            wasm_digest=None,
            artefact_digest=digest,
        )
        if spec is None:
            return None
        exports = {function.name.interface: {function.name.function: function.type}}
        return PreparedComponent(spec=spec, config=config, exports=exports, origin=Origin.DECLARED, seconds=0.0)

    def _sources(self, entry: PythonEntry | PythonWebhookEntry) -> list[SourceText] | None:
        files = [self._source(entry, source) for source in entry.sources]
        sources = [file for file in files if file is not None]
        return sources if len(sources) == len(files) else None

    def _source(self, entry: Entry, source: FileReference | InlineSource) -> SourceText | None:
        if isinstance(source, InlineSource):
            self.files[content_digest(source.text.encode())] = source.text.encode()
            return SourceText(path=source.path, text=source.text)
        content = self._read(entry, source)
        if content is None:
            return None
        try:
            return SourceText(path=source.path, text=content.decode())
        except UnicodeDecodeError as error:
            self.problems.append(f"{source.path}: byte {error.start} is not UTF-8 text")
            return None

    def _prepare_declared(self, entry: DeclaredActivityEntry, function: DeclaredFunction) -> PreparedComponent | None:
        config = entry_config(entry, backtrace_sources={})
        spec = self._spec(
            make_id(entry, digest=_declared_digest(entry, function)),
            config,
            runner=Runner.NONE,
            functions=(FunctionSpec(name=function.name, type=function.type),),
            imports={},
            wasm_digest=None,
        )
        exports = {function.name.interface: {function.name.function: function.type}}
        return (
            None
            if spec is None
            else PreparedComponent(spec=spec, config=config, exports=exports, origin=Origin.DECLARED, seconds=0.0)
        )

    def _prepare_binary(self, entry: BinaryEntry, file: FileReference) -> PreparedComponent | None:
        config = entry_config(entry, backtrace_sources=self._backtrace_sources(entry))
        wasm = self._read(entry, file)
        if wasm is None:
            return None
        started = time.perf_counter()
        try:
            compiled, origin = self._compile(wasm)
        except InvalidComponent as error:
            self.problems.append(f'{entry.place}: key "{file.key}" names "{file.path}": {error}')
            return None
        seconds = time.perf_counter() - started
        shape = name_shape(compiled.shape)
        is_declared = isinstance(entry, DeclaredActivityEntry)
        if shape.unnamed_imports and not is_declared:
            names = ", ".join(shape.unnamed_imports)
            self.problems.append(
                f"{entry.place}: it imports {names} outside of a named interface; nobody can provide it"
            )
            return None
        if isinstance(entry, WebhookEntry) and (problem := _handler_problem(shape.exports)):
            self.problems.append(f"{entry.place}: {problem}")
            return None
        digest = None if isinstance(entry, WebhookEntry) else entry.component_digest
        spec = self._spec(
            make_id(entry, digest=digest or compiled.digest),
            config,
            runner=Runner.NONE if is_declared else Runner.WASM,
            functions=() if isinstance(entry, WebhookEntry) else _offered_functions(shape.exports),
            imports={} if is_declared else shape.imports,
            wasm_digest=compiled.digest,
        )
        return (
            None
            if spec is None
            else PreparedComponent(spec=spec, config=config, exports=shape.exports, origin=origin, seconds=seconds)
        )

    def _compile(self, wasm: bytes) -> tuple[CompiledComponent, Origin]:
        cached = self.cache.load(self.engine, digest_of(wasm))
        if cached is not None:
            return cached, Origin.CACHED
        return self.cache.compile(self.engine, wasm), Origin.COMPILED

    def _backtrace_sources(self, entry: BinaryEntry) -> dict[str, str]:
        if not isinstance(entry, WorkflowEntry | WebhookEntry):
            return {}
        contents = {frame: self._read(entry, file) for frame, file in entry.backtrace_sources}
        return {frame: content_digest(content) for frame, content in contents.items() if content is not None}

    def _read(self, entry: Entry, file: FileReference) -> bytes | None:
        try:
            content = self.folder.read(file)
        except UnusableFile as error:
            self.problems.append(f'{entry.place}: key "{file.key}" {error}')
            return None
        self.files[content_digest(content)] = content
        return content

    def _spec(
        self,
        component: ComponentId,
        config: ComponentConfig,
        *,
        runner: Runner,
        functions: tuple[FunctionSpec, ...],
        imports: Interfaces,
        wasm_digest: str | None,
        artefact_digest: str | None = None,
    ) -> ComponentSpec | None:
        asked_too_much = operator_limits().problems(config.limits)
        if asked_too_much:
            self.problems.extend(f"component {component.name}: {problem}" for problem in asked_too_much)
            return None
        declared = self.operator.secret_variables
        unknown = {name for rule in config.allowed_hosts for name in rule.secrets} - set(declared)
        if config.process is not None:
            unknown |= set(config.process.secrets) - set(declared)
        if config.webhook is not None and config.webhook.verify is not None:
            unknown |= set(config.webhook.verify.secrets) - set(declared)
        if unknown:
            key = (
                "secrets" if config.process is not None else "verify" if config.webhook is not None else "allowed_host"
            )
            self.problems.extend(
                f"component {component.name}, {key}: the operator's file declares no secret {name}; add "
                f'[secrets] {name} = {{ env = "VARIABLE" }} to the file that OBELISK_SERVER_CONFIG names'
                for name in sorted(unknown)
            )
            return None
        try:
            return make_spec(
                component,
                config,
                runner=runner,
                functions=functions,
                imports=imports,
                wasm_digest=wasm_digest,
                artefact_digest=artefact_digest,
                environ=self.environ,
            )
        except DeploymentRefused as error:
            self.problems.extend(error.problems)
            return None


def _handler_problem(exports: Interfaces) -> str | None:
    try:
        handler_export(map(str, exports))
    except LinkError as error:
        return str(error)
    return None


def _named_secrets(config: ComponentConfig) -> set[tuple[str, str]]:
    """Return the secrets that a component names, each with the key that does."""
    named = {("allowed_host", name) for rule in config.allowed_hosts for name in rule.secrets}
    if config.process is not None:
        named |= {("secrets", name) for name in config.process.secrets}
    if config.webhook is not None and config.webhook.verify is not None:
        named |= {("verify", name) for name in config.webhook.verify.secrets}
    return named


def _offered_functions(exports: Interfaces) -> tuple[FunctionSpec, ...]:
    return tuple(
        FunctionSpec(name=FunctionName(interface, name), type=function)
        for interface, functions in exports.items()
        if interface.namespace != "wasi"  # entry points such as wasi:cli/run are for the host, not for others to call
        for name, function in functions.items()
    )


def _declared_digest(entry: DeclaredActivityEntry, function: DeclaredFunction) -> str:
    """Return the digest of a component that consists of one declared function.

    Source:
        Obelisk reference, section 1.3; the line breaks are ours, so that no two declarations run together.
    """
    parts = (f"{entry.table}_inline:", *declaration_parts(function.name, function.type, function.type_names))
    return content_digest("\n".join(parts).encode())
