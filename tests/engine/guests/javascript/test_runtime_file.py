from __future__ import annotations

import hashlib

from engine.guests.javascript.runtime_file import JAVASCRIPT_RUNTIME

SOURCES = JAVASCRIPT_RUNTIME.parent / "runtime"


def test_the_committed_runtime_was_built_from_the_sources_beside_it() -> None:
    lines = JAVASCRIPT_RUNTIME.with_suffix(".sources").read_text().splitlines()
    listed = {path: digest for digest, path in (line.split("  ") for line in lines)}

    changed = [path for path, digest in listed.items() if _digest(path) != digest]

    assert changed == [], "run engine/guests/javascript/runtime/build.sh"
    assert {f"prelude/{file.name}" for file in SOURCES.glob("prelude/*.js")} <= set(listed)


def _digest(path: str) -> str:
    return hashlib.sha256((SOURCES / path).read_bytes()).hexdigest()


def test_the_committed_runtime_is_small_enough_to_be_committed() -> None:
    assert JAVASCRIPT_RUNTIME.stat().st_size <= 2 << 20
