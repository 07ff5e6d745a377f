"""What clients and people are told of the difference between two deployments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from components.comparing import DeploymentDiff


def describe_diff(diff: DeploymentDiff) -> dict[str, Any]:
    """Return a difference as JSON data."""
    return asdict(diff)


def diff_lines(diff: DeploymentDiff) -> Iterator[str]:
    """Return a difference as lines of text: ``+`` for what is new, ``-`` for what is gone, ``~`` for what changed."""
    if diff.is_empty:
        yield "Nothing differs."
    yield from (f"+ component {name}" for name in diff.components_added)
    yield from (f"- component {name}" for name in diff.components_removed)
    for change in diff.components_changed:
        what = "other code" if change.digests else "same code"
        yield f"~ component {change.name} ({what})"
        if change.digests:
            yield f"    digest: {change.digests[0]} -> {change.digests[1]}"
        yield from (f"    {each.key}: {_show(each.before)} -> {_show(each.after)}" for each in change.config)
    yield from (f"+ function {name}" for name in diff.functions_added)
    yield from (f"- function {name}" for name in diff.functions_removed)
    yield from (f"~ function {each.key}: {each.before} -> {each.after}" for each in diff.functions_changed)
    yield from (f"! {asked}" for asked in diff.newly_asked)


def _show(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
