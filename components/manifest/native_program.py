"""``[[activity_exec]]``: a native program, one process for each call.

Source:
    Obelisk reference, sections 1.2 and 1.4. ``forward_stdout`` is not among the keys: stdout is the result.
"""

from __future__ import annotations

from components.manifest.entries import FileReference, InlineSource, ProcessEntry
from components.manifest.run_keys import read_activity_run, read_stderr
from components.manifest.shared_keys import read_env_vars, read_name
from components.manifest.single_function import default_name, read_file_or_content, read_function
from components.manifest.table_reader import TableReader
from engine.deployment.spec import ProcessPolicy

_DEFAULT = ProcessPolicy()
_MAX_TEXT = 1 << 20
_MAX_OUTPUT_BYTES = 64 << 20


def read_activity_exec(reader: TableReader) -> ProcessEntry:
    """Read an ``[[activity_exec]]`` table."""
    function = read_function(reader)
    name = read_name(reader, default=default_name(function.name))
    entry = ProcessEntry(
        place=reader.place,
        name=name,
        source=_read_source(reader, name),
        function=function,
        **read_activity_run(reader),
        process=ProcessPolicy(
            params_via_stdin=reader.boolean("params_via_stdin", default=_DEFAULT.params_via_stdin),
            max_output_bytes=reader.integer(
                "max_output_bytes", default=_DEFAULT.max_output_bytes, maximum=_MAX_OUTPUT_BYTES
            ),
            secrets=reader.strings("secrets"),
        ),
        env_vars=read_env_vars(reader),
        stderr=read_stderr(reader),
    )
    reader.refuse_unknown_keys()
    return entry


def _read_source(reader: TableReader, name: str) -> FileReference | InlineSource:
    content = read_file_or_content(reader)
    if isinstance(content, FileReference):
        return content
    if len(content) > _MAX_TEXT:
        reader.refuse("content", f"is longer than {_MAX_TEXT} characters")
    if not content.startswith("#!"):
        reader.refuse("content", 'must begin with "#!" and the interpreter, such as "#!/usr/bin/env python3"')
    return InlineSource(path=name, text=content)
