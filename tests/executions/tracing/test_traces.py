"""Traces of a real executor's work, as a collector gets them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from engine.log.ids import ExecutionId, RunId
from engine.log.tracing import execution_span, run_span, trace_id_of
from executions.models import Event, Execution, TraceCursor
from executions.operations.submitting import submit
from executions.testing import DeployedApp, deployed
from executions.tracing import keeping
from tests.acceptance.sites import REPOSITORY
from tests.executions.tracing.collectors import Collector, collecting
from tests.harness import steps as s
from tests.harness.components import RUN
from tests.harness.eventually import eventually
from tests.harness.http_servers import Answer, Upstream, serve
from tests.harness.wasi_guest import make_message

pytestmark = pytest.mark.django_db(transaction=True)

COMPONENTS = REPOSITORY / "tests" / "components"
TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"
SERVER, CLIENT = 2, 3


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Whom guests ask."""
    with serve(lambda received: Answer(status=404 if received.path == "/gone" else 200)) as server:
        yield server


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Collector]:
    """A collector that executors send to."""
    settings.OBELISK_TRACING = True
    monkeypatch.setattr(keeping, "LOOK_EVERY", timedelta(milliseconds=50))
    monkeypatch.setattr(keeping, "BEHIND", timedelta(seconds=2))
    with collecting() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.upstream.origin)
        yield found


@pytest.fixture
def file(tmp_path: Path, upstream: Upstream) -> Path:
    """A deployment of a workflow and an activity that reaches out."""
    for name in ("stepper", "courier", "probe"):
        (tmp_path / f"{name}.wasm").write_bytes((COMPONENTS / name / f"{name}.wasm").read_bytes())
    path = tmp_path / "deployment.toml"
    path.write_text(f"""
[[workflow_wasm]]
name = "stepper"
location = "stepper.wasm"

[[activity_wasm]]
name = "probe"
location = "probe.wasm"

[[activity_wasm]]
name = "courier"
location = "courier.wasm"

[[activity_wasm.allowed_host]]
pattern = "{upstream.origin}"
methods = "*"
""")
    return path


@pytest.fixture
def app(file: Path, upstream: Upstream, collector: Collector) -> Iterator[DeployedApp]:
    with deployed(file, outbound_hosts=[upstream.origin]) as app:
        # What is there when a collector is first named is not told.
        eventually(TraceCursor.objects.exists)
        yield app


def run_workflow(app: DeployedApp, *steps: s.Step, traceparent: str | None) -> ExecutionId:
    execution_id = submit(RUN, s.params_of(steps), traceparent=traceparent).execution_id
    assert "ok" in app.result(execution_id)
    return execution_id


def fetch(upstream: Upstream, path: str = "/", **message: object) -> s.Step:
    return s.call("fetch", make_message(upstream.authority, path, **message), interface="test:courier/activity")


def test_a_trace_goes_from_the_caller_through_workflow_and_activity_to_whom_that_asks(
    app: DeployedApp, upstream: Upstream, collector: Collector
) -> None:
    root = run_workflow(app, fetch(upstream, "/gone"), traceparent=TRACEPARENT)
    (child,) = (ExecutionId(row.pk) for row in Execution.objects.children_of(root))
    eventually(lambda: execution_span(root) in collector.once)

    spans = collector.once
    assert {span.trace_id for span in spans.values()} == {TRACE_ID}
    whole = spans[execution_span(root)]
    assert (whole.name, whole.parent_id, whole.is_error) == (RUN, SPAN_ID, False)
    assert whole.attributes["obelisk.execution_id"] == root
    activity = spans[execution_span(child)]
    assert activity.parent_id == whole.span_id
    (run,) = (span for span in spans.values() if span.parent_id == activity.span_id)
    (request,) = (span for span in spans.values() if span.parent_id == run.span_id)
    assert (request.name, request.kind, request.is_error) == ("GET", CLIENT, True)
    assert request.attributes["http.response.status_code"] == 404
    assert request.attributes["url.full"] == f"{upstream.origin}/gone"
    assert upstream.received[0].header("traceparent") == f"00-{TRACE_ID}-{request.span_id}-01"
    assert whole.start_ns <= activity.start_ns <= run.start_ns <= request.start_ns
    assert request.start_ns < request.end_ns <= run.end_ns <= whole.end_ns
    assert collector.services == {"obelisk"}


def test_what_nobody_asked_for_in_a_trace_has_one_of_its_own(
    app: DeployedApp, upstream: Upstream, collector: Collector
) -> None:
    root = run_workflow(app, s.typed_call(1, 2), fetch(upstream), traceparent="rubbish")
    eventually(lambda: execution_span(root) in collector.once)

    spans = collector.once
    assert {span.trace_id for span in spans.values()} == {trace_id_of(root, ())}
    assert spans[execution_span(root)].parent_id == ""
    assert (upstream.received[0].header("traceparent") or "").startswith(f"00-{trace_id_of(root, ())}-")


def test_a_guest_that_names_a_trace_itself_is_let(app: DeployedApp, upstream: Upstream, collector: Collector) -> None:
    own = f"00-{'a' * 32}-{'b' * 16}-00"

    run_workflow(app, fetch(upstream, headers=[["traceparent", own]]), traceparent=TRACEPARENT)

    assert [value for name, value in upstream.received[0].headers if name.lower() == "traceparent"] == [own]


def test_whoever_does_not_want_a_trace_recorded_has_none(
    app: DeployedApp, upstream: Upstream, collector: Collector
) -> None:
    unwanted = run_workflow(app, fetch(upstream), traceparent=f"{TRACEPARENT[:-2]}00")
    wanted = run_workflow(app, s.typed_call(1, 2), traceparent=None)
    eventually(lambda: execution_span(wanted) in collector.once)

    assert execution_span(unwanted) not in collector.once
    assert (upstream.received[0].header("traceparent") or "").endswith("-00")


def test_a_collector_that_is_away_gets_everything_when_it_is_back_and_nothing_twice_under_another_name(
    app: DeployedApp, collector: Collector
) -> None:
    collector.is_away = True
    first = run_workflow(app, s.typed_call(1, 2), traceparent=None)
    eventually(lambda: len(collector.upstream.received) >= 2)
    assert collector.spans == []

    collector.is_away = False
    eventually(lambda: execution_span(first) in collector.once)
    before = collector.once
    # As if the process had died before it could write down that they were sent.
    TraceCursor.objects.update(event_id=0)
    eventually(lambda: len(collector.spans) >= 2 * len(before))

    assert collector.once == before


def test_runs_of_a_workflow_that_was_unloaded_are_told_apart(app: DeployedApp, collector: Collector) -> None:
    root = run_workflow(app, s.sleep(s.after_ms(800)), s.typed_call(1, 2), traceparent=TRACEPARENT)
    eventually(lambda: execution_span(root) in collector.once)

    names = {span.name for span in collector.once.values() if span.parent_id == execution_span(root)}
    assert {f"run 1 of {RUN}", f"run 2 of {RUN}"} <= names
    runs = {RunId(row.entry().event.run_id) for row in Event.objects.filter(execution_id=root, variant="locked")}  # type: ignore[union-attr]  # of locks
    assert {run_span(root, run) for run in runs} <= collector.once.keys()
