"""``[[activity_stub]]`` and ``[[activity_external]]``: activities whose result is brought from outside.

Source:
    Obelisk reference, sections 1.1, 1.2 and 2.4.
"""

from __future__ import annotations

from components.manifest.entries import DeclaredActivityEntry, DeclaredFunction, FileReference
from components.manifest.shared_keys import name_problem, read_component_digest, read_file, read_name
from components.manifest.table_reader import TableReader
from engine.errors import NameSyntaxError, TypeSyntaxError
from engine.wit.grammar import parse_type
from engine.wit.names import FunctionName, InterfaceName, is_kebab_name, kebab_name
from engine.wit.types import STRING, FunctionType, ListType, Param, ResultType, WitType

_DEFAULT_PARAMS = (Param("params", ListType(STRING)),)
_DEFAULT_RESULT = ResultType(STRING, STRING)
# Stands in for a name that did not parse, so that the rest of the entry is still checked.
_UNKNOWN_FUNCTION = FunctionName(InterfaceName("unknown", "unknown", "unknown"), "unknown")


def read_declared_activity(reader: TableReader, *, table: str) -> DeclaredActivityEntry:
    """Read an entry that declares one function in place, or takes its schema from a component's exports."""
    from_file = reader.has("location") and not reader.has("ffqn")
    source: DeclaredFunction | FileReference
    if from_file:
        name = read_name(reader)
        source = read_file(reader)
        component_digest = read_component_digest(reader) if table == "activity_external" else None
    else:
        source = _read_function(reader)
        name = read_name(reader, default=default_name(source.name))
        component_digest = None
        _refuse_other_sources(reader)
    reader.refuse_unknown_keys()
    return DeclaredActivityEntry(
        place=reader.place, table=table, name=name, source=source, component_digest=component_digest
    )


def default_name(function: FunctionName) -> str:
    """Return what a component of one function is called when its entry does not say."""
    return f"{function.interface.interface}.{function.function}"


def _refuse_other_sources(reader: TableReader) -> None:
    if reader.has("location"):
        reader.refuse("location", 'stands beside "ffqn"; an entry has one of them')
    if reader.has("wit"):
        reader.refuse("wit", 'is not supported yet by this version; write "params" and "return_type"')


def _read_function(reader: TableReader) -> DeclaredFunction:
    name = read_ffqn(reader)
    # Also the name of the component when none is given, so it has to be one.
    if (problem := name_problem(default_name(name))) and reader.string("name") is None:
        reader.refuse("ffqn", f'gives the component its name, which {problem}; set "name"')
    return DeclaredFunction(name=name, type=FunctionType(read_params(reader), read_result(reader)))


def read_ffqn(reader: TableReader) -> FunctionName:
    """Read ``ffqn``; a wrong one is noted, and another name stands in for it."""
    if text := reader.required_string("ffqn"):
        try:
            return FunctionName.parse(text)
        except NameSyntaxError as error:
            reader.refuse("ffqn", f"is not a function name: {error}")
    return _UNKNOWN_FUNCTION


def read_params(reader: TableReader) -> tuple[Param, ...]:
    """Read ``params``; the default is one list of strings."""
    if not reader.has("params"):
        return _DEFAULT_PARAMS
    params = []
    for table in reader.tables("params"):
        name = table.required_string("name")
        kebab = kebab_name(name)
        if kebab != name:
            table.warn("name", f'is "{name}", read as "{kebab}"')
        if name and not is_kebab_name(kebab):
            table.refuse("name", f'is "{name}"; a parameter name is lower-case words joined by "-"')
        text = table.required_string("type")
        params.append(Param(kebab, _read_type(table, "type", text) if text else STRING))
        table.refuse_unknown_keys()
    names = [param.name for param in params]
    if twice := next((name for name in names if names.count(name) > 1), None):
        reader.refuse("params", f'has two parameters named "{twice}"')
    return tuple(params)


def read_result(reader: TableReader) -> WitType:
    """Read ``return_type``; the default is ``result<string, string>``."""
    text = reader.string("return_type")
    return _DEFAULT_RESULT if text is None else _read_type(reader, "return_type", text)


def _read_type(reader: TableReader, key: str, text: str) -> WitType:
    try:
        return parse_type(text)
    except TypeSyntaxError as error:
        reader.refuse(key, f"is not a type: {error}")
        return STRING
