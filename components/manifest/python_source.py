"""``[[python]]``, ``[[activity_py]]`` and ``[[workflow_py]]``: components written as Python source.

The keys that these have in common with Obelisk's kinds mean the same; ``package``, ``files``, ``functions`` and the
longer default of ``exec.lock_expiry`` are ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import PurePosixPath

from components.manifest.declared import DEFAULT_PARAMS, DEFAULT_RESULT
from components.manifest.entries import (
    FileReference,
    FunctionPolicy,
    InlineSource,
    Instances,
    NamedFunction,
    PythonEntry,
)
from components.manifest.files import UnusableFile, relative_path
from components.manifest.hosts import read_host_rules
from components.manifest.limits import read_limits
from components.manifest.run_keys import read_retry
from components.manifest.shared_keys import (
    DEFAULT_BACKOFF,
    read_digest,
    read_env_vars,
    read_exec,
    read_log_level,
    read_name,
    read_path,
)
from components.manifest.single_function import default_name, read_function
from components.manifest.table_reader import TableReader
from components.manifest.workflow_policy import read_policy
from engine.deployment.spec import ExecPolicy, LockingStrategy, RetryPolicy, WorkflowPolicy
from engine.errors import NameSyntaxError
from engine.wit.names import CANCELLABLE_SUFFIX, InterfaceName

ATTEMPT_TIMEOUT = timedelta(seconds=30)
"""Longest time of one attempt at an activity, unless it is told: such code mostly waits for other machines."""

_MAX_TEXT = 1 << 20
_UNKNOWN = "app"
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_python(reader: TableReader) -> PythonEntry:
    """Read a ``[[python]]`` table."""
    sources = read_sources(reader)
    name = read_name(reader, default=PurePosixPath(sources[0].path).stem or _UNKNOWN)
    activity_exec, workflow_exec = _read_execs(reader)
    entry = PythonEntry(
        place=reader.place,
        table="python",
        name=name,
        sources=sources,
        package=read_package(reader),
        single=None,
        activity_exec=activity_exec,
        workflow_exec=workflow_exec,
        activity_retry=read_retry(reader),
        workflow_backoff=_read_workflow_backoff(reader),
        policy=read_policy(reader),
        functions=_read_functions(reader),
        env_vars=read_env_vars(reader),
        allowed_hosts=read_host_rules(reader),
        log_level=read_log_level(reader),
        limits=read_limits(reader),
        instances=reader.choice("instances", Instances, default=Instances.WARM),
    )
    reader.refuse_unknown_keys()
    return entry


def read_python_function(reader: TableReader, *, table: str) -> PythonEntry:
    """Read an ``[[activity_py]]`` or ``[[workflow_py]]`` table."""
    is_workflow = table == "workflow_py"
    function = _read_single(reader, is_workflow=is_workflow)
    name = read_name(reader, default=default_name(function.name))
    sources = read_sources(reader, inline=function.name.function.removesuffix(CANCELLABLE_SUFFIX).replace("-", "_"))
    activity_exec, workflow_exec = _read_execs(reader)
    entry = PythonEntry(
        place=reader.place,
        table=table,
        name=name,
        sources=sources,
        package=None,
        single=function,
        activity_exec=activity_exec,
        workflow_exec=workflow_exec,
        activity_retry=RetryPolicy(max_retries=0, backoff=DEFAULT_BACKOFF) if is_workflow else read_retry(reader),
        workflow_backoff=_read_workflow_backoff(reader) if is_workflow else DEFAULT_BACKOFF,
        policy=read_policy(reader) if is_workflow else WorkflowPolicy(),
        functions={},
        env_vars=() if is_workflow else read_env_vars(reader),
        allowed_hosts=() if is_workflow else read_host_rules(reader),
        log_level=read_log_level(reader),
        limits=read_limits(reader),
        instances=Instances.FRESH if is_workflow else reader.choice("instances", Instances, default=Instances.WARM),
    )
    reader.refuse_unknown_keys()
    return entry


def _read_single(reader: TableReader, *, is_workflow: bool) -> NamedFunction:
    function = read_function(reader, params=DEFAULT_PARAMS, result=DEFAULT_RESULT)
    has_types = any(reader.has(key) for key in ("params", "return_type", "wit"))
    return NamedFunction(
        kind="workflow" if is_workflow else "activity",
        name=function.name,
        type=function.type if has_types else None,
        wit_files=function.wit_files,
    )


def read_sources(reader: TableReader, *, inline: str = "") -> tuple[FileReference | InlineSource, ...]:
    """Read ``location`` or ``content``, and ``files``: the main file first."""
    main: FileReference | InlineSource
    content = reader.string("content")
    if content is None:
        digest = read_digest(reader, "content_digest")
        main = FileReference(path=read_path(reader, "location"), content_digest=digest, key="location")
    else:
        if reader.has("location"):
            reader.refuse("location", 'stands beside "content"; an entry has one of them')
        if len(content) > _MAX_TEXT:
            reader.refuse("content", f"is longer than {_MAX_TEXT} characters")
        main = InlineSource(path=f"{inline or reader.string('name') or _UNKNOWN}.py", text=content)
    return (main, *_read_files(reader))


def _read_files(reader: TableReader) -> list[FileReference]:
    files = []
    for number, path in enumerate(reader.strings("files"), start=1):
        try:
            files.append(FileReference(path=relative_path(path), content_digest=None, key=f"files[{number}]"))
        except UnusableFile as error:
            reader.refuse(f"files[{number}]", str(error))
    return files


def read_package(reader: TableReader) -> str | None:
    """Read ``package``."""
    package = reader.string("package")
    if package is None:
        return None
    name, at, version = package.partition("@")
    try:
        InterfaceName.parse(f"{name}/functions{at}{version}")
    except NameSyntaxError:
        reader.refuse("package", f'is "{package}"; a package is namespace:name, such as acme:trips')
    return package


def _read_workflow_backoff(reader: TableReader) -> timedelta:
    backoff = reader.duration("retry_exp_backoff", default=DEFAULT_BACKOFF)
    # A table of activities and workflows may well want its activities tried again at once.
    return backoff or DEFAULT_BACKOFF


def _read_execs(reader: TableReader) -> tuple[ExecPolicy, ExecPolicy]:
    """Read the ``exec`` table, which holds for activities and workflows alike but has other defaults for each."""
    given = read_exec(reader, is_workflow=True)
    table = reader.value("exec")
    has_expiry = isinstance(table, dict) and "lock_expiry" in table
    strategy = given.locking_strategy
    activity = replace(
        given,
        lock_expiry=given.lock_expiry if has_expiry else ATTEMPT_TIMEOUT,
        locking_strategy=LockingStrategy.BY_FFQNS if strategy is LockingStrategy.AUTO else strategy,
    )
    return activity, given


def _read_functions(reader: TableReader) -> Mapping[str, FunctionPolicy]:
    table = reader.table("functions")
    found: dict[str, FunctionPolicy] = {}
    for name in table.keys() if table is not None else ():  # a reader is no mapping
        assert table is not None
        function = table.table(name)
        if not _IDENTIFIER.fullmatch(name):
            table.refuse(name, "is not the name of a Python function")
        if function is not None:
            has_retries = function.has("max_retries")
            found[name] = FunctionPolicy(
                max_retries=function.integer("max_retries", default=0) if has_retries else None,
                backoff=function.optional_duration("retry_exp_backoff"),
                lock_expiry=function.optional_duration("attempt_timeout"),
            )
            function.refuse_unknown_keys()
    return found
