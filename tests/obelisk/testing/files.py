"""Files that a test writes and imports, as people do with theirs."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from executions.testing import import_file


def import_files(folder: Path, **texts: str) -> Any:
    """Write Python files by their names, and import the first one."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.py").write_text("from __future__ import annotations\n" + textwrap.dedent(text))
    return import_file(folder / f"{next(iter(texts))}.py")
