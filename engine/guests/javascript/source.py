"""What a JavaScript component is, as read at deploy: its files, and what they import."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import Trap
from engine.guests.program import RUNTIME, Runtime
from engine.wasm.component import CompiledComponent

MAX_FILES = 500
MAX_SOURCE_BYTES = 4 << 20
_DEADLINE_S = 10.0

FileReader = Callable[[str], str | None]
"""Returns the text of a file by its path relative to the deployment file, ``None`` if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JavaScriptSource:
    """A component's files, read.

    Args:
        files: Texts by path, the main file first; what it does not import is not among them.
        imports: Names that the files import from interfaces, in JavaScript's spelling; ``*`` for all of an interface.
    """

    files: Mapping[str, str]
    imports: Mapping[str, tuple[str, ...]]

    @property
    def main(self) -> str:
        """Path of the main file."""
        return next(iter(self.files))

    @property
    def artefact(self) -> bytes:
        """What the runtime takes to run it."""
        files = [{"path": path, "text": text} for path, text in self.files.items()]
        return json.dumps({"files": files}, ensure_ascii=False, separators=(",", ":")).encode()


class SourceRefused(Exception):
    """The files cannot be deployed.

    Args:
        problems: One sentence each, with the place in front.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class JavaScriptReader:
    """Reads sources in the sandbox; nothing of them is run.

    Args:
        compiled: The JavaScript runtime.
    """

    def __init__(self, compiled: CompiledComponent) -> None:
        self._runtime = Runtime(compiled, _Reading.call)

    def read(self, path: str, text: str, read: FileReader) -> JavaScriptSource:
        """Return a component with all files that it imports.

        Args:
            path: Path of the main file; of a source without one, a name that messages can call it.
            text: Its text.
            read: Gives the files that it imports.

        Raises:
            SourceRefused: If a file is missing, too large or no JavaScript, or there is no default export.
            Exception: Whatever ``read`` raises.
        """
        reading = _Reading(read, len(text.encode()))
        request = json.dumps({"files": [{"path": path, "text": text}]})
        try:
            with self._runtime.instantiate(context=reading, deadline=_DEADLINE_S) as instance:
                answer = instance.call(RUNTIME, "describe", [request])
        except Trap as trap:
            raise SourceRefused(f"{path}: it cannot be read: {trap.message}") from trap
        assert isinstance(answer, str)
        described: dict[str, Any] = json.loads(answer)
        if problems := described.get("problems"):
            raise SourceRefused(*problems)
        return JavaScriptSource(
            files={file["path"]: file["text"] for file in described["files"]},
            imports={interface: tuple(names) for interface, names in described["imports"].items()},
        )


class _Reading:
    """One look at one component: answers what the runtime asks for meanwhile."""

    def __init__(self, read: FileReader, size: int) -> None:
        self._read = read
        self._count = 1
        self._size = size

    def call(self, op: str, body: str) -> str:
        """Return a file; nothing else can be asked for, as nothing runs."""
        assert op == "file"
        path = json.loads(body)["path"]
        text = self._read(path)
        self._count += 1
        self._size += 0 if text is None else len(text.encode())
        if self._count > MAX_FILES:
            raise SourceRefused(f"{path}: a component may have {MAX_FILES} files at most")
        if self._size > MAX_SOURCE_BYTES:
            raise SourceRefused(f"{path}: the files of a component may have {MAX_SOURCE_BYTES >> 20} MiB at most")
        return json.dumps({"text": text})
