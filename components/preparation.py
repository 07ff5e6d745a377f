"""From a deployment file to components that are read, compiled, described and verified; nothing is stored.

Compiling makes threads that a forked child does not have, so whoever prepares a deployment must not fork workers
afterwards (see ``engine.wasm.fork_guard``); the ``deploy`` command has a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from components.assumed_environ import AssumedEnviron
from components.cron_codec import cron_spec
from components.django_activities import django_activities
from components.entry_preparation import EntryPreparation
from components.javascript_preparation import find_imports
from components.manifest import CronEntry, DeploymentFolder, Manifest, parse_manifest
from components.manifest.files import FileSource, UnusableFile, content_digest, read_file
from components.operator import operator_config, visible_environ
from components.operator_file import OperatorConfig
from components.prepared import PreparedComponent, PreparedDeployment
from components.problems import DeploymentRefused
from components.python_preparation import import_problems
from components.wasm_cache import compile_cache, wasm_engine
from engine.deployment.crons import cron_problems
from engine.deployment.reach import denied_patterns
from engine.deployment.verify import exports_of, verify


def prepare(
    path: Path,
    *,
    allow_unavailable: bool = False,
    on_component: Callable[[PreparedComponent], None] = lambda component: None,
    environ: Mapping[str, str] | None = None,
    on_progress: Callable[[str], None] = lambda sentence: None,
) -> PreparedDeployment:
    """Read, compile, describe and verify a deployment.

    Args:
        path: The deployment file.
        allow_unavailable: Pass over what this machine lacks to run it: variables, secrets, leave for programs.
        on_component: Called as each component is ready, before verification.
        environ: Environment that references to variables are resolved in; this process's own by default.
        on_progress: Called with a sentence before something that takes long and is done once.

    Raises:
        DeploymentRefused: If anything is wrong; carries every problem that was found.
        WasmError: If this process must not compile.
    """
    folder = DeploymentFolder(path.parent)
    return prepare_manifest(
        parse_manifest(_read_text(path), file_name=path.name, wit=folder.read_wit),
        folder,
        allow_unavailable=allow_unavailable,
        on_component=on_component,
        environ=environ,
        on_progress=on_progress,
    )


def prepare_manifest(
    manifest: Manifest,
    files: FileSource,
    *,
    allow_unavailable: bool = False,
    on_component: Callable[[PreparedComponent], None] = lambda component: None,
    environ: Mapping[str, str] | None = None,
    on_progress: Callable[[str], None] = lambda sentence: None,
) -> PreparedDeployment:
    """Read, compile, describe and verify a deployment whose file was read already.

    Args:
        manifest: The deployment file.
        files: Where the files that it names come from.
        allow_unavailable: Pass over what this machine lacks to run it: variables, secrets, leave for programs.
        on_component: Called as each component is ready, before verification.
        environ: Environment that references to variables are resolved in; this process's own by default.
        on_progress: Called with a sentence before something that takes long and is done once.

    Raises:
        DeploymentRefused: If anything is wrong; carries every problem that was found.
        WasmError: If this process must not compile.
    """
    environ = visible_environ() if environ is None else environ
    preparation = EntryPreparation(
        folder=files,
        environ=AssumedEnviron(environ) if allow_unavailable else environ,
        operator=operator_config(),
        asks_operator=not allow_unavailable,
        cache=compile_cache(),
        engine=wasm_engine(),
        on_progress=on_progress,
    )
    components = []
    crons = tuple(cron_spec(entry) for entry in manifest.entries if isinstance(entry, CronEntry))
    for entry in manifest.entries:
        if isinstance(entry, CronEntry):
            continue
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
    specs = [*(each.spec for each in components), *django_activities().components]
    problems = [
        *map(str, missing),
        *map(str, verify(specs)),
        *import_problems(preparation.source_imports, exports_of(specs)),
        *map(str, cron_problems(crons, specs)),
    ]
    if problems:
        raise DeploymentRefused(problems)
    return PreparedDeployment(
        manifest=manifest,
        digest=content_digest(manifest.text.encode()),
        components=tuple(components),
        crons=crons,
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


def _read_text(path: Path) -> str:
    try:
        return read_file(path).decode()
    except UnusableFile as error:
        raise DeploymentRefused([f"{path} {error}"]) from error
    except UnicodeDecodeError as error:
        raise DeploymentRefused([f"{path}: byte {error.start} is not UTF-8 text"]) from error
