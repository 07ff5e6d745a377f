"""Workflows of each language, for tests of the debugger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.log.ids import ExecutionId
from executions.testing import DeployedApp, deployed
from tests.components_app.builders import REPOSITORY, activity_table, workflow_table, write_deployment

TRIP = "acme:trips/workflows.trip"
TOUR = "acme:trips/workflows.tour"
CLIMB = "test:climber/workflow.climb"
HOSTILE = "<script>alert(1)</script>\u202e"

PYTHON = """
from __future__ import annotations
from obelisk import *

PACKAGE = "acme:trips"

@activity
def book(city: str) -> str:
    return f"ref {city}"

@stub
def approve(city: str) -> bool: ...

def ask(place: str) -> bool:
    return approve(place)

@workflow
def trip(cities: list[str]) -> list[str]:
    references: list[str] = []
    for city in cities:
        references.append(book(city))
    for city in cities:
        ask(city)
    return references

@workflow
def tour(cities: list[str]) -> list[str]:
    return trip(cities)
"""


def write_trips(folder: Path, source: str = PYTHON) -> Path:
    """Write a deployment of the Python workflows; return the file's path."""
    (folder / "trips.py").write_text(source)
    return write_deployment(folder, '[[python]]\nname = "trips"\nlocation = "trips.py"\n')


def line_of(text: str, source: str = PYTHON) -> int:
    """Return the number of the first line that holds a text."""
    return next(number for number, line in enumerate(source.splitlines(), 1) if text in line)


@contextmanager
def climbing(folder: Path) -> Iterator[DeployedApp]:
    """Deploy a compiled workflow of two files, which knows its lines and has its source with it."""
    components = REPOSITORY / "tests" / "components"
    binaries = {name: (components / name / f"{name}.wasm").read_bytes() for name in ("probe", "climber")}
    for name in ("lib", "steps"):
        (folder / f"{name}.rs").write_bytes((components / "climber" / "src" / f"{name}.rs").read_bytes())
    sources = [f'backtrace.sources.".../src/{name}.rs" = "{name}.rs"' for name in ("lib", "steps")]
    toml = activity_table("probe") + workflow_table("climber", "\n".join(sources))
    with deployed(write_deployment(folder, toml, **binaries)) as app:
        yield app


def ended(app: DeployedApp, function: str, *params: object) -> ExecutionId:
    """Run a workflow to its end; return its id."""
    target = app.submit(function, *params)
    app.result(target)
    return target
