"""The dashboard and the alerts of the documentation name metrics that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from engine.clock import SimulatedClock
from executions.metrics.executor_collector import ExecutorCollector
from executions.metrics.site_collector import SiteCollector
from tests.executions.metrics.reading import declared
from tests.harness.simulation import Simulation

DOCS = Path(__file__).resolve().parents[3] / "docs"
FILES = ("observability/grafana.json", "observability/alerts.yml", "observability.md")

pytestmark = pytest.mark.django_db


@pytest.fixture
def known() -> set[str]:
    world = Simulation(clock=SimulatedClock())
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ExecutorCollector(world.start_executor().executor))
    registry.register(SiteCollector())
    return declared(generate_latest(registry).decode())


@pytest.mark.parametrize("file", FILES)
def test_every_metric_that_is_named_exists(file: str, known: set[str]) -> None:
    named = set(re.findall(r"\bobelisk_[a-z_]+\b", (DOCS / file).read_text())) - {"obelisk_token"}

    assert named
    assert named <= known, named - known


def test_every_metric_is_in_the_documentation(known: set[str]) -> None:
    text = (DOCS / "observability.md").read_text()

    assert {name for name in known if not name.endswith(("_bucket", "_count", "_sum")) and name not in text} == set()


def test_the_dashboard_has_panels_of_their_own_places() -> None:
    panels = json.loads((DOCS / FILES[0]).read_text())["panels"]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}

    assert len(places) == len(panels) == len({panel["id"] for panel in panels})
