"""What the client prints: tables and colours on a terminal, plain lines elsewhere, JSON where it is asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.table import Table
from rich.text import Text

STYLES = {
    "ok": "green",
    "error": "red",
    "locked": "cyan",
    "pending_at": "yellow",
    "blocked_by_join_set": "blue",
    "paused": "magenta",
    "cancelling": "magenta",
    "warn": "yellow",
    "info": "green",
    "debug": "dim",
    "trace": "dim",
}

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_CONTROLS_IN_TEXT = {code: shown for code, shown in _CONTROLS.items() if chr(code) not in "\n\t"}
"""What a terminal would obey instead of showing it: logs and results hold what anybody may have sent."""
_CONTROLS_IN_JSON = {code: f"\\u{code:04x}" for code in range(127, 160)}
"""Those that JSON may hold as they are."""


class Output:
    """Where a command's result goes: results to standard output, the rest to standard error.

    Args:
        as_json: Whether results are printed as JSON documents only.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        # Asked of the stream: variables such as FORCE_COLOR say that colours are wanted, not that somebody looks.
        self._is_terminal = sys.stdout.isatty()
        self.console = Console(highlight=False, soft_wrap=True)
        self.errors = Console(stderr=True, highlight=False, soft_wrap=True)

    def answer(self, document: Any, text: str, style: str | None = None) -> None:
        """Print a result: as a JSON document if that is asked for, else as text."""
        if self.as_json:
            self.document(document)
        else:
            self.line(text, style)

    def message(self, reply: Any) -> None:
        """Print the server's `{"ok": "..."}`."""
        self.answer(reply, str(reply["ok"]))

    def document(self, value: Any) -> None:
        """Print a JSON document: for people on a terminal, elsewhere in one line."""
        if self._is_terminal:
            self.console.print(JSONHighlighter()(_json_text(value, indent=2)))
        else:
            self.document_line(value)

    def document_line(self, value: Any) -> None:
        """Print one JSON document of several, in a line of its own, at once."""
        sys.stdout.write(_json_text(value) + "\n")
        sys.stdout.flush()

    def line(self, text: str, style: str | None = None) -> None:
        """Print a line of the result."""
        self.console.print(Text(text.translate(_CONTROLS_IN_TEXT), style=STYLES.get(style or "", "")))

    def lines(self, texts: Sequence[str]) -> None:
        """Print a list, a line each."""
        if self.as_json:
            self.document(texts)
            return
        for text in texts:
            self.line(text)

    def content(self, content: bytes) -> None:
        """Print a file as it is; what a terminal would obey is shown there."""
        if self._is_terminal:
            self.line(content.decode(errors="replace"))
        else:
            sys.stdout.buffer.write(content)

    def note(self, text: str) -> None:
        """Tell something beside the result."""
        self.errors.print(Text(text.translate(_CONTROLS_IN_TEXT), style="dim"))

    def fail(self, text: str) -> None:
        """Tell what went wrong."""
        self.errors.print(Text("error: ", style="bold red"), Text(text.translate(_CONTROLS_IN_TEXT)), sep="")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]], *, styled: int | None = None) -> None:
        """Print rows under their headings; elsewhere than on a terminal as tab-separated lines without headings.

        Args:
            columns: The headings.
            rows: The cells of each row.
            styled: The column whose words tell the colour.
        """
        if not self._is_terminal:
            for row in rows:
                sys.stdout.write("\t".join(cell.translate(_CONTROLS) for cell in row) + "\n")
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for position, column in enumerate(columns):
            # What names a row stays in one piece, for whoever copies it.
            table.add_column(column, overflow="fold", no_wrap=position == 0)
        for row in rows:
            cells = [Text(cell.translate(_CONTROLS)) for cell in row]
            if styled is not None:
                cells[styled].stylize(STYLES.get(row[styled].split(" ")[0], ""))
            table.add_row(*cells)
        self.console.print(table)


def _json_text(value: Any, *, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent).translate(_CONTROLS_IN_JSON)
