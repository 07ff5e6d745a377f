"""Where what a guest prints goes: cut into lines, with a limit."""

from __future__ import annotations

from collections.abc import Callable

MAX_LINE_BYTES = 16 << 10
"""A longer line is cut."""

MAX_OUTPUT_BYTES = 1 << 20
"""What one run may print on one stream; the rest is dropped, with a line that says so."""


class GuestOutput:
    """Collects bytes and passes lines on.

    Args:
        write_line: Takes a line, without its end.
        max_bytes: Most bytes that are passed on.
    """

    def __init__(self, write_line: Callable[[str], None], *, max_bytes: int = MAX_OUTPUT_BYTES) -> None:
        self._write_line = write_line
        self._left = max_bytes
        self._limit = max_bytes
        self._partial = bytearray()

    def write(self, data: bytes) -> None:
        """Take what the guest printed."""
        if self._left < 0:
            return
        self._left -= len(data)
        self._partial += data if self._left >= 0 else data[: self._left]
        *lines, rest = self._partial.split(b"\n")
        for line in lines:
            self._pass_on(line)
        self._partial = bytearray(rest)
        if len(rest) >= MAX_LINE_BYTES:
            self._pass_on(rest)
            self._partial.clear()
        if self._left < 0:
            self.close()
            self._write_line(f"[the limit limits.output_bytes = {self._limit} is reached; the rest is dropped]")

    def close(self) -> None:
        """Pass on a line that has no end."""
        if self._partial:
            self._pass_on(self._partial)
            self._partial = bytearray()

    def _pass_on(self, line: bytes | bytearray) -> None:
        for start in range(0, max(1, len(line)), MAX_LINE_BYTES):
            piece = line[start : start + MAX_LINE_BYTES]
            # What a database's text cannot hold, or would not be shown.
            self._write_line(piece.decode(errors="replace").rstrip("\r").replace("\0", "\N{REPLACEMENT CHARACTER}"))
