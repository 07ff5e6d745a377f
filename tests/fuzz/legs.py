"""Drawing the cases of each kind of hostile input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tests.fuzz.corpus import WIRE
from tests.fuzz.deployments import hostile_manifest, hostile_source, hostile_upload
from tests.fuzz.mutation import Mutator
from tests.fuzz.requests import hostile_call, hostile_frames, hostile_hook, hostile_input

_MAKERS: Final[Mapping[str, Callable[[Mutator], bytes]]] = {
    "uploads": lambda mutator: hostile_upload(mutator).encode(),
    "sources": lambda mutator: hostile_source(mutator).encode(),
    "manifests": lambda mutator: hostile_manifest(mutator).encode(),
    "calls": lambda mutator: hostile_call(mutator).encode(),
    "inputs": lambda mutator: hostile_input(mutator).encode(),
    "hooks": lambda mutator: hostile_hook(mutator).encode(),
    WIRE: hostile_frames,
}


def make_case(leg: str, seed: int, number: int) -> bytes:
    """Return one case; the same arguments give the same bytes."""
    return _MAKERS[leg](Mutator(f"{seed}/{leg}/{number}"))
