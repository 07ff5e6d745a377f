"""From one entry of a deployment file to its components: read, compiled and described, each on its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from components.config_codec import ComponentConfig
from components.entry_config import declared_digest, entry_config, make_id
from components.guest_runtimes import load_javascript_runtime, load_python_runtime
from components.interface_codec import Interfaces
from components.javascript_preparation import read_javascript
from components.manifest import (
    ActivityEntry,
    BinaryEntry,
    ComponentEntry,
    DeclaredActivityEntry,
    DeclaredFunction,
    FileReference,
    InlineSource,
    JavaScriptEntry,
    NamedFunction,
    ProcessEntry,
    PythonEntry,
    PythonWebhookEntry,
    WebhookEntry,
    WorkflowEntry,
)
from components.manifest.files import FileSource, UnusableFile, content_digest
from components.models import FileRole
from components.named_files import named_file, source_files, wit_files
from components.operator_file import OperatorConfig
from components.operator_leave import limit_problems, secret_problems
from components.prepared import NamedFile, Origin, PreparedComponent
from components.problems import DeploymentRefused
from components.program_preparation import program_config, program_id
from components.python_preparation import prepare_python
from components.python_webhook_preparation import read_python_webhook
from components.shapes import handler_problem, name_shape, offered_functions
from components.specs import make_spec
from engine.deployment.program_permission import program_problem
from engine.deployment.spec import ComponentId, ComponentSpec, FunctionSpec, Runner
from engine.errors import InvalidComponent
from engine.guests.javascript.source import SourceRefused as SourceFilesRefused
from engine.guests.python.describe import SourceImport, SourceRefused, SourceText
from engine.wasm.compile_cache import CompileCache
from engine.wasm.component import CompiledComponent, digest_of
from engine.wasm.engine import WasmEngine


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPreparation:
    """Collects the files and the problems of one deployment, entry by entry.

    Args:
        folder: Where files come from.
        environ: Environment that references to variables are resolved in.
        operator: What the operator allows.
        asks_operator: Whether what the operator does not give is a problem.
        cache: Where compiled components are kept.
        engine: Compiles.
        on_progress: Called with a sentence before something that takes long and is done once.
    """

    folder: FileSource
    environ: Mapping[str, str]
    operator: OperatorConfig
    asks_operator: bool
    cache: CompileCache
    engine: WasmEngine
    on_progress: Callable[[str], None]
    problems: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    runtimes: dict[str, Path] = field(default_factory=dict)
    source_imports: list[SourceImport] = field(default_factory=list)
    named_imports: dict[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)

    def prepare(self, entry: ComponentEntry) -> Sequence[PreparedComponent]:
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
        files = (*source_files(entry, sources), *self._wit_files(entry.single))
        return [
            PreparedComponent(
                spec=component.spec,
                config=component.config,
                exports=component.exports,
                origin=Origin.READ,
                seconds=seconds,
                files=files,
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
        return PreparedComponent(
            spec=spec,
            config=endpoint.config,
            exports={},
            origin=Origin.READ,
            seconds=seconds,
            files=source_files(entry, sources),
        )

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
        texts = {} if isinstance(entry.source, InlineSource) else component.source.files
        return PreparedComponent(
            spec=spec,
            config=component.config,
            exports=component.exports,
            origin=Origin.READ,
            seconds=seconds,
            files=(
                *(named_file(path, text.encode(), FileRole.SOURCE) for path, text in texts.items()),
                *self._wit_files(entry.function),
            ),
        )

    def _prepare_program(self, entry: ProcessEntry) -> PreparedComponent | None:
        files: tuple[NamedFile, ...] = ()
        if isinstance(entry.source, InlineSource):
            content = entry.source.text.encode()
            self.files[content_digest(content)] = content
        else:
            read = self._read(entry, entry.source)
            if read is None:
                return None
            content = read
            files = (named_file(entry.source.path, content, FileRole.SOURCE),)
        config = program_config(entry)
        digest, function = content_digest(content), entry.function
        if self.asks_operator and (problem := program_problem(entry.name, digest, self.operator.programs)):
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
        return PreparedComponent(
            spec=spec,
            config=config,
            exports=exports,
            origin=Origin.DECLARED,
            seconds=0.0,
            files=(*files, *self._wit_files(function)),
        )

    def _wit_files(self, function: DeclaredFunction | NamedFunction | None) -> Iterable[NamedFile]:
        """Have the WIT of a function stored."""
        files = wit_files(function)
        self.files.update({file.digest: content for file, content in files.items()})
        return files

    def _sources(self, entry: PythonEntry | PythonWebhookEntry) -> list[SourceText] | None:
        files = [self._source(entry, source) for source in entry.sources]
        sources = [file for file in files if file is not None]
        return sources if len(sources) == len(files) else None

    def _source(
        self, entry: PythonEntry | PythonWebhookEntry, source: FileReference | InlineSource
    ) -> SourceText | None:
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
            make_id(entry, digest=declared_digest(entry, function)),
            config,
            runner=Runner.NONE,
            functions=(FunctionSpec(name=function.name, type=function.type),),
            imports={},
            wasm_digest=None,
        )
        exports = {function.name.interface: {function.name.function: function.type}}
        if spec is None:
            return None
        return PreparedComponent(
            spec=spec,
            config=config,
            exports=exports,
            origin=Origin.DECLARED,
            seconds=0.0,
            files=tuple(self._wit_files(function)),
        )

    def _prepare_binary(self, entry: BinaryEntry, file: FileReference) -> PreparedComponent | None:
        sources = self._backtrace_sources(entry)
        config = entry_config(entry, backtrace_sources={frame: named.digest for frame, named in sources.items()})
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
        is_webhook = isinstance(entry, WebhookEntry)
        if is_webhook and (problem := handler_problem(shape.exports)):
            self.problems.append(f"{entry.place}: {problem}")
            return None
        digest = None if isinstance(entry, WebhookEntry) else entry.component_digest
        spec = self._spec(
            make_id(entry, digest=digest or compiled.digest),
            config,
            runner=Runner.NONE if is_declared else Runner.WASM,
            functions=() if is_webhook else offered_functions(shape.exports),
            imports={} if is_declared else shape.imports,
            wasm_digest=compiled.digest,
        )
        return (
            None
            if spec is None
            else PreparedComponent(
                spec=spec,
                config=config,
                exports=shape.exports,
                origin=origin,
                seconds=seconds,
                files=(named_file(file.path, wasm, FileRole.BINARY), *sources.values()),
            )
        )

    def _compile(self, wasm: bytes) -> tuple[CompiledComponent, Origin]:
        cached = self.cache.load(self.engine, digest_of(wasm))
        if cached is not None:
            return cached, Origin.CACHED
        return self.cache.compile(self.engine, wasm), Origin.COMPILED

    def _backtrace_sources(self, entry: BinaryEntry) -> dict[str, NamedFile]:
        if not isinstance(entry, WorkflowEntry | WebhookEntry):
            return {}
        sources = {}
        for frame, file in entry.backtrace_sources:
            content = self._read(entry, file)
            if content is not None:
                sources[frame] = named_file(file.path, content, FileRole.BACKTRACE_SOURCE)
        return sources

    def _read(self, entry: ComponentEntry, file: FileReference) -> bytes | None:
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
        refused = limit_problems(component.name, config)
        if self.asks_operator:
            refused += secret_problems(component.name, config, self.operator)
        if refused:
            self.problems.extend(refused)
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
