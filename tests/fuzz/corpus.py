"""The kinds of hostile input, and the cases of each that are kept: seeds, and whatever was found once."""

from __future__ import annotations

from pathlib import Path
from typing import Final

WIRE: Final = "wire"
"""The kind that only a server's socket can be sent."""

IN_PROCESS: Final = ("uploads", "sources", "manifests", "calls", "inputs", "hooks")
LEGS: Final = (*IN_PROCESS, WIRE)

CORPUS: Final = Path(__file__).parent / "corpus"
"""One folder a kind; each file is a request as it goes over a connection (`tests.fuzz.messages`)."""


def kept_cases(leg: str) -> list[Path]:
    """Return the files of the corpus of one kind."""
    return sorted((CORPUS / leg).glob("*.http"))
