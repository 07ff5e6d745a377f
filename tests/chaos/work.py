"""What is under way while things go wrong: workflows whose calls leave traces in the world, wait, and compute."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.acceptance.sites import REPOSITORY
from tests.harness.steps import Step, after_ms, create, join_next, sleep, submit, typed_call
from tests.harness.wasi_guest import COURIER, make_message

WORKFLOW = "test:stepper/workflow.run"
LOCK_EXPIRY = timedelta(seconds=2)
SETTINGS = {"OBELISK_COMMIT_WINDOW": "0.002", "OBELISK_HOT_WAIT": "1"}
"""Of executors, so that a job is flushed, has its lock renewed while it waits for one effect after the other, and is
unloaded and replayed."""

_AT_ONCE = 2
_IN_A_ROW = 8
_COMPUTATIONS = 40
"""Longer than a commit window."""
_SLEEP_MS = 1200
"""Longer than a waiting workflow stays in memory."""


@dataclass(frozen=True, slots=True)
class Job:
    """A workflow to submit.

    Args:
        name: Tells its effects from those of others.
    """

    name: str

    @property
    def effects(self) -> list[str]:
        """The keys of what it does to the world, each of its children one."""
        return [f"{self.name}/{number}" for number in range(_AT_ONCE + _IN_A_ROW)]

    def params(self, authority: str) -> list[Any]:
        """Return its parameters.

        Args:
            authority: Where its effects are had.
        """
        calls = [submit(0, "fetch", make_message(authority, f"/{key}"), interface=COURIER) for key in self.effects]
        steps: list[Step] = [create(), *calls[:_AT_ONCE]]
        for call in calls[_AT_ONCE:]:
            steps += [call, join_next(0)]
        steps += [typed_call(2, 3)] * _COMPUTATIONS
        steps += [sleep(after_ms(_SLEEP_MS)), *[join_next(0)] * _AT_ONCE]
        return [steps]


def result_problem(job: Job, result: Any) -> str | None:
    """Return what is wrong with a job's result, or ``None``: it must have heard of each effect once."""
    outcomes: Sequence[str] = result.get("ok", ())
    heard = [json.loads(text.removeprefix("ok "))["body"] for text in outcomes if text.startswith("ok {")]
    if sorted(heard) != job.effects or outcomes.count("ok 5") != _COMPUTATIONS:
        return f"{job.name} has a wrong result: {result}"
    return None


def write_deployment(folder: Path, authority: str) -> Path:
    """Write the components and the file that deploys them, and return the file.

    Args:
        folder: Where to.
        authority: Where effects are had.
    """
    for name in ("courier", "probe", "stepper"):
        shutil.copy(REPOSITORY / "tests" / "components" / name / f"{name}.wasm", folder)
    expiry = f"exec.lock_expiry = {{ milliseconds = {LOCK_EXPIRY // timedelta(milliseconds=1)} }}"
    path = folder / "chaos.toml"
    path.write_text(
        f"""
        [[activity_wasm]]
        name = "courier"
        location = "courier.wasm"
        max_retries = 1000
        retry_exp_backoff = {{ milliseconds = 50 }}
        {expiry}

        [[activity_wasm.allowed_host]]
        pattern = "http://{authority}"
        methods = "*"

        [[activity_wasm]]
        name = "probe"
        location = "probe.wasm"
        {expiry}

        [[workflow_wasm]]
        name = "stepper"
        location = "stepper.wasm"
        {expiry}
        """
    )
    return path
