"""Entries that hold one function: its declaration, and its source as a file or in the entry itself."""

from __future__ import annotations

from components.manifest.declared import default_name, read_ffqn, read_params, read_result
from components.manifest.entries import DeclaredFunction, FileReference
from components.manifest.shared_keys import name_problem, read_digest, read_path
from components.manifest.table_reader import TableReader
from engine.wit.types import FunctionType, ResultType

_UNIT = ResultType(None, None)


def read_function(reader: TableReader) -> DeclaredFunction:
    """Read ``ffqn``, ``params`` and ``return_type``."""
    name = read_ffqn(reader)
    # Also the name of the component when none is given, so it has to be one.
    if (problem := name_problem(default_name(name))) and reader.string("name") is None:
        reader.refuse("ffqn", f'gives the component its name, which {problem}; set "name"')
    if reader.has("wit"):
        reader.refuse("wit", 'is not supported yet by this version; write "params" and "return_type"')
    params = read_params(reader) if reader.has("params") else ()
    result = read_result(reader) if reader.has("return_type") else _UNIT
    return DeclaredFunction(name=name, type=FunctionType(params, result))


def read_file_or_content(reader: TableReader) -> FileReference | str:
    """Return the file that ``location`` names, or the text of ``content``; an entry has one of them."""
    content, digest = reader.string("content"), read_digest(reader, "content_digest")
    if content is None:
        return FileReference(path=read_path(reader, "location"), content_digest=digest, key="location")
    if reader.has("location"):
        reader.refuse("location", 'stands beside "content"; an entry has one of them')
    return content
