"""``[[activity_stub]]`` and ``[[activity_external]]``: activities whose result is brought from outside.

Source:
    Obelisk reference, sections 1.1, 1.2 and 2.4.
"""

from __future__ import annotations

from components.manifest.entries import DeclaredActivityEntry, DeclaredFunction, FileReference
from components.manifest.shared_keys import read_component_digest, read_file, read_name
from components.manifest.single_function import default_name, read_function
from components.manifest.table_reader import TableReader
from engine.wit.types import STRING, ListType, Param, ResultType

DEFAULT_PARAMS = (Param("params", ListType(STRING)),)
DEFAULT_RESULT = ResultType(STRING, STRING)


def read_declared_activity(reader: TableReader, *, table: str) -> DeclaredActivityEntry:
    """Read an entry that declares one function in place, or takes its schema from a component's exports."""
    from_file = reader.has("location") and not reader.has("ffqn")
    source: DeclaredFunction | FileReference
    if from_file:
        name = read_name(reader)
        source = read_file(reader)
        component_digest = read_component_digest(reader) if table == "activity_external" else None
    else:
        source = read_function(reader, params=DEFAULT_PARAMS, result=DEFAULT_RESULT)
        name = read_name(reader, default=default_name(source.name))
        component_digest = None
        if reader.has("location"):
            reader.refuse("location", 'stands beside "ffqn"; an entry has one of them')
    reader.refuse_unknown_keys()
    return DeclaredActivityEntry(
        place=reader.place, table=table, name=name, source=source, component_digest=component_digest
    )
