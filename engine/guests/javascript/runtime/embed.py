"""Writes the prelude as a C header: ``embed.py FOLDER HEADER``. Each file becomes the module ``runtime:STEM``."""

from __future__ import annotations

import sys
from pathlib import Path


def main(folder: Path, header: Path) -> None:
    """Write the header."""
    files = sorted(folder.glob("*.js"))
    lines = []
    for number, file in enumerate(files):
        # Ends with a zero, which QuickJS reads beyond the length.
        content = ",".join(str(byte) for byte in (*file.read_bytes(), 0))
        lines.append(f"static const unsigned char source_{number}[] = {{{content}}};")
    lines.append("static const struct { const char *name, *source; size_t length; } prelude[] = {")
    lines += [
        f'    {{"runtime:{file.stem}", (const char *)source_{number}, sizeof source_{number} - 1}},'
        for number, file in enumerate(files)
    ]
    lines.append("};")
    header.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
