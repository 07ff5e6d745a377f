from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from components.services import deploy
from engine.log.events import HISTORY_EVENTS, ChildRequested, JoinNext, LogEntry
from engine.log.ids import ExecutionId
from engine.log.state import Status
from executions import shortcuts
from executions.backtraces import find_backtrace
from executions.journal.journal import SqlJournal
from executions.models import CallSites
from executions.operations.answering import AnswerRefused, answer
from executions.operations.forking import fork
from executions.operations.querying import QueryFailed, QueryUnknown, locals_at, query
from executions.operations.refusals import OperationRefused
from executions.operations.replaying import NoWorkflow
from executions.operations.submitting import submit
from executions.operations.tracing import persist_backtraces
from executions.testing import DeployedApp, deployed, import_file
from tests.components_app.builders import TEST_COMPONENTS, write_deployment
from tests.executions.scripts import SUM, write_scripts
from tests.harness import steps as s
from tests.harness.components import RUN
from tests.harness.eventually import eventually

pytestmark = pytest.mark.django_db(transaction=True)

TOUR = "acme:tour/workflows.tour"
MANIFEST = '[[python]]\nname = "tour"\nlocation = "tour.py"\n'
SOURCE = """
from __future__ import annotations
import random, secrets, uuid
from obelisk import *

PACKAGE = "acme:tour"
status = {"booked": 0, "city": ""}

class Moody:
    def __repr__(self) -> str:
        raise ValueError

@activity
def book(city: str) -> str:
    return f"ref-{city}"

@stub
def approve(city: str) -> bool: ...

@workflow
def tour(cities: list[str]) -> list[str]:
    moody = Moody()
    for city in cities:
        status["city"] = city
        reference = book(city)
        if approve(city):
            status["booked"] += 1
    return [reference, str(random.random()), secrets.token_hex(4), str(uuid.uuid4())]

@query
def booked(factor: int = 1) -> int:
    return status["booked"] * factor

@query
def breaks() -> int:
    return 1 // 0

@query
def writes() -> str:
    return book("Rome")
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[DeployedApp]:
    (tmp_path / "tour.py").write_text(SOURCE)
    with deployed(write_deployment(tmp_path, MANIFEST)) as deployed_app:
        yield deployed_app


def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


def history(target: ExecutionId) -> list[LogEntry]:
    # A run that waits in memory may extend its lock meanwhile.
    return [entry for entry in journal().load_log(target) if isinstance(entry.event, HISTORY_EVENTS)]


def question_of(target: ExecutionId, number: int) -> ExecutionId:
    """Wait until the workflow asks for the ``number``-th approval, and return that."""
    child = ExecutionId(f"{target}.o:{2 * number}-approve_1")

    def is_asked() -> bool:
        state = journal().state_of(target)
        return state.status is Status.BLOCKED_BY_JOIN_SET and state.join_set_id == f"o:{2 * number}-approve"

    eventually(is_asked)
    return child


def test_a_running_workflow_is_asked_at_its_present_point_and_a_finished_one_at_its_end(app: DeployedApp) -> None:
    target = app.submit(TOUR, ["Rome", "Oslo"])
    first = question_of(target, 1)
    before = history(target)
    assert query(target, "booked") == 0
    assert history(target) == before

    answer(first, {"ok": True})
    second = question_of(target, 2)
    assert query(target, "booked", [10]) == 10
    assert query(target, "acme:tour/queries.booked") == 1

    answer(second, {"ok": True})
    assert "ok" in app.result(target)
    assert query(target, "booked") == 2
    assert locals_at(target) == []


def test_locals_are_told_at_any_event(app: DeployedApp) -> None:
    target = app.submit(TOUR, ["Rome", "Oslo"])
    question_of(target, 1)

    (frame,) = locals_at(target)

    assert (frame["function"], frame["file"]) == ("tour", "tour.py")
    assert SOURCE.splitlines()[frame["line"] - 1].strip() == "if approve(city):"
    assert frame["locals"]["city"] == "'Rome'"
    assert frame["locals"]["reference"] == "'ref-Rome'"
    assert frame["locals"]["moody"] == "<Moody, whose repr fails with ValueError>"
    first = next(entry.version for entry in journal().load_log(target) if isinstance(entry.event, ChildRequested))
    (before,) = locals_at(target, first)
    assert "reference" not in before["locals"]
    with pytest.raises(OperationRefused, match="has the events 1 to"):
        locals_at(target, 0)


def test_locals_are_told_at_calls_that_do_not_wait(tmp_path: Path) -> None:
    source = """
from __future__ import annotations
from datetime import timedelta
from obelisk import *

PACKAGE = "acme:tour"

@workflow
def tour(cities: list[str]) -> int:
    with join_set("naps") as naps:
        nap = naps.submit_delay(timedelta(0))
        for city in cities:
            naps.submit_delay(timedelta(0))
    return len(cities)
"""
    (tmp_path / "tour.py").write_text(source)
    with deployed(write_deployment(tmp_path, MANIFEST)) as app:
        target = app.submit(TOUR, ["Rome", "Oslo"])
        assert app.result(target) == {"ok": 2}

    versions = [entry.version for entry in history(target)][:4]
    (made,), (first,), (second,), (third,) = (locals_at(target, version) for version in versions)
    assert source.splitlines()[made["line"] - 1].strip() == 'with join_set("naps") as naps:'
    assert "nap" not in first["locals"]
    assert (second["locals"]["city"], third["locals"]["city"]) == ("'Rome'", "'Oslo'")
    assert third["locals"]["naps"] == "<JoinSet n:naps: 2 open, 0 arrived>"


def test_a_query_only_looks_and_says_what_is_wrong(app: DeployedApp) -> None:
    target = app.submit(TOUR, ["Rome"])
    question_of(target, 1)

    with pytest.raises(QueryUnknown, match="has no query boked; its file has: booked, breaks, writes"):
        query(target, "boked")
    with pytest.raises(QueryFailed, match="ZeroDivisionError") as caught:
        query(target, "breaks")
    assert "tour.py" in caught.value.trace
    with pytest.raises(QueryFailed, match=r"a query only looks: book\(\) would write to the event log"):
        query(target, "writes")
    with pytest.raises(QueryFailed, match="booked: ValueError"):
        query(target, "booked", ["x"])


def test_a_fork_of_a_python_workflow_draws_other_random_values(app: DeployedApp) -> None:
    target = app.submit(TOUR, ["Rome"])
    answer(question_of(target, 1), {"ok": True})
    values = app.result(target)["ok"]
    log = journal().load_log(target)
    last = [entry.version for entry in log if isinstance(entry.event, JoinNext)][-1]

    again = app.result(fork(target, last))["ok"]
    once_more = app.result(fork(target, last))["ok"]

    assert values[0] == again[0] == once_more[0]
    for index in (1, 2, 3):
        assert len({values[index], again[index], once_more[index]}) == 3


def test_backtraces_that_are_missing_are_found_by_replay(app: DeployedApp) -> None:
    target = app.submit(TOUR, ["Rome"])
    answer(question_of(target, 1), {"ok": True})
    app.result(target)
    eventually(lambda: CallSites.objects.filter(execution_id=target).exists())
    assert persist_backtraces(target) == 0
    requests = [entry.version for entry in journal().load_log(target) if isinstance(entry.event, ChildRequested)]
    before = [find_backtrace(target, version) for version in requests]
    CallSites.objects.all().delete()

    assert persist_backtraces(target) == 2

    after = [find_backtrace(target, version) for version in requests]
    assert [trace and trace.stack for trace in after] == [trace and trace.stack for trace in before]
    assert None not in after
    assert persist_backtraces(target) == 0


def test_the_sites_own_code_asks_with_the_functions_of_the_file(app: DeployedApp, tmp_path: Path) -> None:
    tour = import_file(tmp_path / "tour.py")
    target = app.submit(TOUR, ["Rome"])
    question_of(target, 1)

    assert shortcuts.signal(target, tour.approve, True)

    app.result(target)
    assert shortcuts.query(target, tour.booked) == 1
    assert shortcuts.query(target, tour.booked, 5) == 5
    assert shortcuts.query(target, "booked", 7) == 7
    with pytest.raises(AnswerRefused, match="expected bool"):
        shortcuts.signal(target, tour.approve, "yes")


def test_only_python_workflows_answer_queries(tmp_path: Path) -> None:
    deploy(write_scripts(tmp_path))
    script = submit(SUM, [[1]]).execution_id
    with pytest.raises(OperationRefused, match="cannot be asked; only workflows written in Python can"):
        query(script, "booked")
    deploy(TEST_COMPONENTS)
    compiled = submit(RUN, s.params_of([s.random_u64(0, 9)])).execution_id
    with pytest.raises(OperationRefused, match="cannot be asked what its variables hold; workflows written in"):
        locals_at(compiled)
    with pytest.raises(NoWorkflow):
        query(submit("test:probe/activity.add", [1, 2]).execution_id, "booked")
