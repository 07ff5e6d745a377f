"""What source components cost beside compiled ones: one run of the measures of Python or of JavaScript."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.site import ROOT

if TYPE_CHECKING:
    from bench.site import Bench

COMPILED_ONE_STEP = "testing:fibo-workflow/workflow.fibow"
STEPS = 500
PAIRS = 60
ASKS = 5_000
DEPLOYMENTS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A workflow that calls the compiled fibo activity, as source files.

    Args:
        steps: Function that takes a number of calls in series.
        asks: Function that takes a number of questions to the host, each JSON there and back, none recorded.
        files: Content by path; ``EDIT`` in the text stands for a number.
        tables: The deployment file's tables.
        edited: The file that is changed and deployed again.
    """

    steps: str
    asks: str
    files: Mapping[str, str]
    tables: str
    edited: str


PYTHON = Source(
    steps="bench:py/workflows.steps",
    asks="bench:py/workflows.asks",
    edited="steps.py",
    files={
        "steps.py": """
from __future__ import annotations
from obelisk import backends, imported, u8, u64, workflow
PACKAGE = "bench:py"
@imported("testing:fibo/fibo.fibo")
def fibo(n: u8) -> u64: ...
@workflow
def steps(count: int) -> int:
    last = EDIT
    for _ in range(count):
        last = fibo(10)
    return last
@workflow
def asks(count: int) -> int:
    for _ in range(count):
        backends.current().now_us()
    return count
"""
    },
    tables='[[python]]\nlocation = "steps.py"\n',
)
JAVASCRIPT = Source(
    steps="bench:js/workflows.steps",
    asks="bench:js/workflows.asks",
    edited="steps.js",
    files={
        "steps.js": """
import { fibo } from "testing:fibo/fibo";
export default function steps(count) {
  let last = EDIT;
  for (let i = 0; i < count; i += 1) last = fibo(10);
  return last;
}
""",
        "asks.js": """
export default function asks(count) {
  const set = obelisk.createJoinSet();
  for (let i = 0; i < count; i += 1) set.lastId;
  return count;
}
""",
    },
    tables="".join(
        f'[[workflow_js]]\nffqn = "bench:js/workflows.{name}"\nlocation = "{name}.js"\n'
        'params = [{ name = "count", type = "u32" }]\nreturn_type = "result<u64, string>"\n'
        for name in ("steps", "asks")
    ),
)


def write_deployment(source: Source, folder: Path, *, edit: int = 0) -> Path:
    """Write a source's files, and the compiled components beside it, and return the deployment file."""
    (folder / "fibo").mkdir(parents=True, exist_ok=True)
    (folder / "fibo-workflow").mkdir(exist_ok=True)
    for wasm in ("fibo/fibo.wasm", "fibo-workflow/fibo-workflow.wasm"):
        shutil.copyfile(ROOT / "examples" / wasm, folder / wasm)
    for path, text in source.files.items():
        (folder / path).write_text(text.replace("EDIT", str(edit)))
    deployment = folder / "deployment.toml"
    deployment.write_text(f"{_COMPILED}{source.tables}")
    return deployment


def measure(source: Source, bench: Bench, folder: Path) -> Mapping[str, float]:
    """Measure calls, then deployments."""
    return {
        "first_call_ms": _first_call_ms(source, bench),
        "host_call_us": _host_call_us(source, bench),
        "steps_per_s": STEPS / min(bench.run(source.steps, [STEPS]) for _ in range(3)),
        "redeploy_ms": _redeploy_ms(source, folder),
    }


def _first_call_ms(source: Source, bench: Bench) -> float:
    """Return by how much a one-step workflow takes longer from submit to result; both take turns, medians."""
    compiled, ours = [], []
    for _ in range(PAIRS):
        compiled.append(bench.run(COMPILED_ONE_STEP, [10]))
        ours.append(bench.run(source.steps, [1]))
    return (statistics.median(ours) - statistics.median(compiled)) * 1000


def _host_call_us(source: Source, bench: Bench) -> float:
    """Return what one more question to the host costs a workflow."""
    none = min(bench.run(source.asks, [0]) for _ in range(5))
    many = min(bench.run(source.asks, [ASKS]) for _ in range(5))
    return (many - none) / ASKS * 1e6


def _redeploy_ms(source: Source, folder: Path) -> float:
    """Return how long a changed file takes to be active, the interpreter loaded from the disk each time."""
    from components import guest_runtimes
    from components.services import deploy

    taken = []
    for edit in range(1, DEPLOYMENTS + 1):
        deployment = write_deployment(source, folder, edit=edit)
        guest_runtimes._loaded.clear()
        guest_runtimes._loaded_javascript.clear()
        started = time.perf_counter()
        result = deploy(deployment)
        taken.append(time.perf_counter() - started)
        assert result.is_new
    return statistics.median(taken) * 1000


_COMPILED = """\
[[activity_wasm]]
name = "fibo"
location = "fibo/fibo.wasm"

[[workflow_wasm]]
name = "fibo_workflow"
location = "fibo-workflow/fibo-workflow.wasm"

"""
SOURCES: Mapping[str, Source] = {"py": PYTHON, "js": JAVASCRIPT}
