"""Keys that several tables of a deployment file have in common.

Source:
    Obelisk reference, section 1.2.
"""

from __future__ import annotations

import re
from datetime import timedelta

from components.manifest.entries import EnvVar, FileReference
from components.manifest.files import UnusableFile, relative_path
from components.manifest.table_reader import TableReader
from engine.deployment.spec import ExecPolicy, LockingStrategy, LogLevel

DEFAULT_MAX_RETRIES = 5
DEFAULT_BACKOFF = timedelta(milliseconds=100)
MAX_NAME_LENGTH = 255

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ENV_NAME = re.compile(r"[^=\0]+")
_DEFAULT_EXEC = ExecPolicy()


def name_problem(name: str) -> str | None:
    """Return what is wrong with the name of a component, or ``None``."""
    if len(name) > MAX_NAME_LENGTH:
        return f"is longer than {MAX_NAME_LENGTH} characters"
    if not _NAME.fullmatch(name):
        return f'is "{name}"; a name is made of ASCII letters, digits, "_", "." and "-"'
    return None


def read_name(reader: TableReader, *, default: str | None = None) -> str:
    """Read ``name``, which may be left out where the function name supplies a default."""
    name = reader.required_string("name") if default is None else reader.string("name") or default
    if name and (problem := name_problem(name)):
        reader.refuse("name", problem)
    return name


def read_digest(reader: TableReader, key: str) -> str | None:
    """Read an optional ``sha256:`` digest."""
    digest = reader.string(key)
    if digest is not None and not _DIGEST.fullmatch(digest):
        reader.refuse(key, f'is "{digest[:80]}"; expected sha256: and 64 lower-case hex digits')
        return None
    return digest


def read_component_digest(reader: TableReader) -> str | None:
    """Read the override of the computed component digest."""
    digest = read_digest(reader, "component_digest")
    if digest is not None:
        reader.warn("component_digest", "is deprecated; the digest is computed when it is left out")
    return digest


def read_file(reader: TableReader, *, key: str = "location") -> FileReference:
    """Read a file's location and its pinned digest."""
    return FileReference(path=read_path(reader, key), content_digest=read_digest(reader, "content_digest"), key=key)


def read_path(reader: TableReader, key: str) -> str:
    """Read a path below the deployment file's folder; a wrong one is noted and read as empty."""
    location = reader.required_string(key)
    try:
        return relative_path(location) if location else ""
    except UnusableFile as error:
        reader.refuse(key, str(error))
        return ""


def read_exec(reader: TableReader, *, is_workflow: bool) -> ExecPolicy:
    """Read the ``exec`` table.

    ``tick_sleep`` is accepted for compatibility and has no effect: executors here are woken, they do not poll.
    """
    default = LockingStrategy.AUTO if is_workflow else LockingStrategy.BY_FFQNS
    table = reader.table("exec")
    if table is None:
        return ExecPolicy(locking_strategy=default)
    table.optional_duration("tick_sleep")
    lock_expiry = table.duration("lock_expiry", default=_DEFAULT_EXEC.lock_expiry)
    if not lock_expiry:
        table.refuse("lock_expiry", "must be longer than zero")
    strategy = table.choice("locking_strategy", LockingStrategy, default=default)
    if strategy is LockingStrategy.AUTO and not is_workflow:
        table.refuse("locking_strategy", 'is "auto", which only workflows can have')
    policy = ExecPolicy(
        batch_size=table.integer("batch_size", default=_DEFAULT_EXEC.batch_size, minimum=1),
        lock_expiry=lock_expiry,
        locking_strategy=strategy,
        instance_limit=_read_instance_limit(table),
    )
    table.refuse_unknown_keys()
    return policy


def _read_instance_limit(table: TableReader) -> int | None:
    if table.value("instance_limiter") in (None, "unlimited"):
        return None
    return table.integer("instance_limiter", default=1, minimum=1)


def read_log_level(reader: TableReader) -> LogLevel | None:
    """Read the lowest level that is stored; ``None`` stores nothing."""
    if reader.value("logs_store_min_level") == "off":
        return None
    return reader.choice("logs_store_min_level", LogLevel, default=LogLevel.DEBUG)


def read_env_vars(reader: TableReader) -> tuple[EnvVar, ...]:
    """Read ``env_vars``: names to forward, and tables of ``key`` and ``value``."""
    value = reader.value("env_vars")
    if value is None:
        return ()
    if not isinstance(value, list):
        reader.refuse("env_vars", "must be a list")
        return ()
    variables = [_read_env_var(reader, f"env_vars[{number}]", item) for number, item in enumerate(value, start=1)]
    seen: set[str] = set()
    for variable in variables:
        if variable.key in seen:
            reader.refuse("env_vars", f'sets "{variable.key}" twice')
        seen.add(variable.key)
    return tuple(variables)


def _read_env_var(reader: TableReader, place: str, item: object) -> EnvVar:
    match item:
        case str(key):
            variable = EnvVar(key=key, value=None)
        case {"key": str(key), "value": str(value), **rest} if not rest:
            variable = EnvVar(key=key, value=value)
        case _:
            reader.refuse(place, 'must be a name, or a table such as { key = "NAME", value = "text" }')
            return EnvVar(key=place, value="")
    if not _ENV_NAME.fullmatch(variable.key):
        reader.refuse(place, f'names the variable "{variable.key}"; a name is not empty and has no "="')
    if "\0" in (variable.value or ""):
        reader.refuse(place, "holds a NUL character")
    return variable
