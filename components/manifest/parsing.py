"""From the text of ``deployment.toml`` to typed entries, with every mistake named.

Source:
    Obelisk reference, sections 1.1, 1.2 and 11.2; ``commit_window`` is ours.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable

from components.manifest.backtrace_sources import read_backtrace_sources
from components.manifest.cron import read_cron
from components.manifest.declared import read_declared_activity
from components.manifest.entries import ActivityEntry, Entry, Manifest, WorkflowEntry
from components.manifest.javascript_source import read_activity_js, read_webhook_endpoint_js, read_workflow_js
from components.manifest.native_program import read_activity_exec
from components.manifest.python_source import read_python, read_python_function
from components.manifest.python_webhook import read_webhook_endpoint_py
from components.manifest.run_keys import read_activity_run, read_outside, read_workflow_run
from components.manifest.shared_keys import read_file, read_name
from components.manifest.table_reader import Findings, TableReader, WitSource, did_you_mean, no_wit
from components.manifest.webhook_component import read_webhook_endpoint
from components.problems import DeploymentRefused


def parse_manifest(text: str, *, file_name: str, wit: WitSource = no_wit) -> Manifest:
    """Read a deployment file.

    Args:
        text: Its content.
        file_name: What messages call it.
        wit: Gives the folders of WIT that entries name.

    Raises:
        DeploymentRefused: If anything is wrong with it; carries every problem that was found.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DeploymentRefused([f"{file_name}: this is not TOML: {error}"]) from error
    except RecursionError:
        raise DeploymentRefused([f"{file_name}: its values are nested too deeply"]) from None
    findings = Findings()
    entries = [
        entry
        for table in document
        for entry in _read_table(table, document[table], file_name=file_name, findings=findings, wit=wit)
    ]
    _refuse_repeated_names(entries, findings)
    if not entries and not findings.problems:
        findings.refuse(file_name, f"there is no component in it; known tables are {_all_tables()}")
    if findings.problems:
        raise DeploymentRefused(findings.problems)
    return Manifest(text=text, entries=tuple(entries), warnings=tuple(findings.warnings))


def _read_table(table: str, value: object, *, file_name: str, findings: Findings, wit: WitSource) -> list[Entry]:
    reader = _READERS.get(table)
    if reader is None:
        hint = did_you_mean(table, list(_READERS))
        findings.refuse(file_name, f'table "{table}" is unknown{hint}')
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        findings.refuse(file_name, f'"{table}" must be a list of tables, each headed [[{table}]]')
        return []
    entries = []
    for number, item in enumerate(value, start=1):
        place = _place(file_name, table, number, item)
        entries.append(reader(TableReader(item, place=place, findings=findings, wit=wit)))
    return entries


def _place(file_name: str, table: str, number: int, item: dict[str, object]) -> str:
    name = item.get("name", item.get("ffqn"))
    shown = f' "{name[:80]}"' if isinstance(name, str) else ""
    return f"{file_name}: [[{table}]] #{number}{shown}"


def _refuse_repeated_names(entries: list[Entry], findings: Findings) -> None:
    places: dict[str, str] = {}
    for entry in entries:
        if entry.name and entry.name in places:
            first = places[entry.name].partition(": ")[2]
            findings.refuse(entry.place, f'the name "{entry.name}" is taken by {first}')
        places.setdefault(entry.name, entry.place)


def _read_activity(reader: TableReader) -> ActivityEntry:
    entry = ActivityEntry(
        place=reader.place,
        name=read_name(reader),
        file=read_file(reader),
        **read_activity_run(reader),
        **read_outside(reader),
    )
    reader.refuse_unknown_keys()
    return entry


def _read_workflow(reader: TableReader) -> WorkflowEntry:
    entry = WorkflowEntry(
        place=reader.place,
        name=read_name(reader),
        file=read_file(reader),
        **read_workflow_run(reader),
        stub_wasi=reader.boolean("stub_wasi", default=False),
        backtrace_sources=read_backtrace_sources(reader),
    )
    reader.refuse_unknown_keys()
    return entry


def _all_tables() -> str:
    return ", ".join(f"[[{table}]]" for table in _READERS)


_READERS: dict[str, Callable[[TableReader], Entry]] = {
    "activity_wasm": _read_activity,
    "workflow_wasm": _read_workflow,
    "activity_exec": read_activity_exec,
    "activity_stub": lambda reader: read_declared_activity(reader, table="activity_stub"),
    "activity_external": lambda reader: read_declared_activity(reader, table="activity_external"),
    "activity_js": read_activity_js,
    "workflow_js": read_workflow_js,
    "webhook_endpoint_wasm": read_webhook_endpoint,
    "webhook_endpoint_js": read_webhook_endpoint_js,
    "webhook_endpoint_py": read_webhook_endpoint_py,
    "python": read_python,
    "activity_py": lambda reader: read_python_function(reader, table="activity_py"),
    "workflow_py": lambda reader: read_python_function(reader, table="workflow_py"),
    "cron": read_cron,
}
