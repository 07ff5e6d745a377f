"""Entries that hold one function: its declaration, and its source as a file or in the entry itself."""

from __future__ import annotations

from components.manifest.entries import DeclaredFunction, FileReference
from components.manifest.files import UnusableFile
from components.manifest.shared_keys import name_problem, read_digest, read_path
from components.manifest.table_reader import TableReader
from engine.errors import NameSyntaxError, TypeSyntaxError
from engine.wit.grammar import parse_type
from engine.wit.names import FunctionName, InterfaceName, is_kebab_name, kebab_name
from engine.wit.types import STRING, FunctionType, Param, ResultType, WitType

_UNIT = ResultType(None, None)
# Stands in for a name that did not parse, so that the rest of the entry is still checked.
_UNKNOWN_FUNCTION = FunctionName(InterfaceName("unknown", "unknown", "unknown"), "unknown")


def default_name(function: FunctionName) -> str:
    """Return what a component of one function is called when its entry does not say."""
    return f"{function.interface.interface}.{function.function}"


def read_function(reader: TableReader, *, params: tuple[Param, ...] = (), result: WitType = _UNIT) -> DeclaredFunction:
    """Read ``ffqn``, and its type: ``params`` and ``return_type``, or from the folder that ``wit`` names.

    Args:
        reader: The table.
        params: What the parameters are if the table does not say.
        result: What the result is.
    """
    name = read_ffqn(reader)
    # Also the name of the component when none is given, so it has to be one.
    if (problem := name_problem(default_name(name))) and reader.string("name") is None:
        reader.refuse("ffqn", f'gives the component its name, which {problem}; set "name"')
    if reader.has("wit"):
        return _read_authored(reader, name)
    return DeclaredFunction(
        name=name,
        type=FunctionType(read_params(reader) if reader.has("params") else params, read_result(reader, result)),
    )


def _read_authored(reader: TableReader, name: FunctionName) -> DeclaredFunction:
    for key in ("params", "return_type"):
        if reader.has(key):
            reader.refuse(key, 'stands beside "wit", which has the types')
    if folder := read_path(reader, "wit"):
        try:
            wit = reader.wit(folder)
            authored = wit.exported(name)
            return DeclaredFunction(
                name=name,
                type=authored.type,
                type_names=authored.type_names,
                wit_files={f"{folder}/{path}": text for path, text in wit.files.items()},
            )
        except UnusableFile as error:
            reader.refuse("wit", f'names "{folder}", which {error}')
        except TypeSyntaxError as error:
            reader.refuse("wit", f"cannot be used: {error}")
    return DeclaredFunction(name=name, type=FunctionType((), _UNIT))


def read_file_or_content(reader: TableReader) -> FileReference | str:
    """Return the file that ``location`` names, or the text of ``content``; an entry has one of them."""
    content, digest = reader.string("content"), read_digest(reader, "content_digest")
    if content is None:
        return FileReference(path=read_path(reader, "location"), content_digest=digest, key="location")
    if reader.has("location"):
        reader.refuse("location", 'stands beside "content"; an entry has one of them')
    return content


def read_ffqn(reader: TableReader) -> FunctionName:
    """Read ``ffqn``; a wrong one is noted, and another name stands in for it."""
    if text := reader.required_string("ffqn"):
        try:
            return FunctionName.parse(text)
        except NameSyntaxError as error:
            reader.refuse("ffqn", f"is not a function name: {error}")
    return _UNKNOWN_FUNCTION


def read_params(reader: TableReader) -> tuple[Param, ...]:
    """Read ``params``."""
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


def read_result(reader: TableReader, default: WitType) -> WitType:
    """Read ``return_type``, which may be left out."""
    text = reader.string("return_type")
    return default if text is None else _read_type(reader, "return_type", text)


def _read_type(reader: TableReader, key: str, text: str) -> WitType:
    try:
        return parse_type(text)
    except TypeSyntaxError as error:
        reader.refuse(key, f"is not a type: {error}")
        return STRING
