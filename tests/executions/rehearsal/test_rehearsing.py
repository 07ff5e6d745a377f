"""Rehearsals of deployments for workflows that a real executor has brought to a wait."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from components.busy import Busy
from components.models import Deployment
from components.services import prepare, store_inactive
from engine.log.ids import ExecutionId
from engine.log.state import Status
from executions.journal.journal import SqlJournal
from executions.models import Event
from executions.rehearsal.rehearsing import Rehearsal, _rehearsing, rehearse
from executions.rehearsal.reports import rehearsal_lines
from executions.testing import deployed
from tests.executions.scripts import SLEEP_AND_SUM, SUM, SUM_UP, write_scripts
from tests.harness.eventually import eventually

pytestmark = pytest.mark.django_db(transaction=True)

SAME_BUT_OTHER_TEXT = SLEEP_AND_SUM + "\n// Another version.\n"


@pytest.fixture
def sleeping(tmp_path: Path) -> list[ExecutionId]:
    """Two workflows that sleep; nobody runs them any more."""
    with deployed(write_scripts(tmp_path, SLEEP_AND_SUM)) as app:
        targets = [app.submit(SUM, [1]) for _ in range(2)]
        journal = SqlJournal.for_current_connection()
        eventually(lambda: {journal.state_of(each).status for each in targets} == {Status.BLOCKED_BY_JOIN_SET})
    return targets


def stored(folder: Path, flow: str, *, extra: str = "") -> Deployment:
    return store_inactive(prepare(write_scripts(folder, flow, extra=extra)))[0]


def test_workflows_that_follow_their_history_on_the_new_code_are_compatible(
    sleeping: list[ExecutionId], tmp_path: Path
) -> None:
    seen: list[int] = []

    rehearsal = rehearse(stored(tmp_path, SAME_BUT_OTHER_TEXT), on_progress=lambda now: seen.append(now.looked_at))

    assert (rehearsal.total, rehearsal.compatible, rehearsal.unchanged) == (2, 2, 0)
    assert rehearsal.divergences == []
    assert seen == [1, 2]
    assert list(rehearsal_lines(rehearsal)) == ["2 of 2 unfinished workflows: 2 compatible, 0 unchanged, 0 diverging"]


@pytest.mark.parametrize(
    ("extra", "consequence"),
    [
        ("", "it would wait until a version that can go on with it is deployed"),
        ('exec.locking_strategy = "by_ffqns"', "it would fail when it is run next"),
    ],
)
def test_those_that_diverge_are_named_with_the_event_and_nothing_is_changed(
    sleeping: list[ExecutionId], tmp_path: Path, extra: str, consequence: str
) -> None:
    before = list(Event.objects.order_by("pk").values())

    rehearsal = rehearse(stored(tmp_path, SUM_UP, extra=extra))

    assert [each.execution_id for each in rehearsal.divergences] == sleeping
    [first, _] = rehearsal.divergences
    assert (first.ffqn, first.consequence) == (SUM, consequence)
    assert first.version is not None
    recorded = Event.objects.get(execution_id=sleeping[0], version=first.version)
    assert recorded.history_event_type == "join_set_create"
    assert f"version {first.version}" in first.error
    assert list(Event.objects.order_by("pk").values()) == before


def test_unchanged_code_need_not_be_replayed(sleeping: list[ExecutionId], tmp_path: Path) -> None:
    rehearsal = rehearse(stored(tmp_path, SLEEP_AND_SUM, extra="exec.lock_expiry.seconds = 7"))

    assert (rehearsal.compatible, rehearsal.unchanged) == (0, 2)


def test_functions_that_are_gone_are_counted(sleeping: list[ExecutionId], tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "d.toml").write_text('[[activity_external]]\nffqn = "test:other/api.f"\n')

    rehearsal = rehearse(store_inactive(prepare(other / "d.toml"))[0])

    assert rehearsal.functions_gone == {SUM: 2}
    assert rehearsal.looked_at == 0
    assert next(rehearsal_lines(rehearsal)) == f"2 executions of {SUM} would wait: no component exports it"


def test_a_rehearsal_is_bounded_by_number_and_time(sleeping: list[ExecutionId], tmp_path: Path) -> None:
    deployment = stored(tmp_path, SAME_BUT_OTHER_TEXT)

    first = rehearse(deployment, most=1)
    none = rehearse(deployment, time_limit=timedelta(seconds=-1))

    assert (first.looked_at, first.is_complete) == (1, False)
    assert (none.looked_at, none.is_complete) == (0, False)


def test_one_deployment_is_rehearsed_at_a_time(tmp_path: Path) -> None:
    deployment = stored(tmp_path, SUM_UP)

    def inside(_rehearsal: Rehearsal) -> None:
        raise AssertionError("nothing is under way")

    with _rehearsing(), pytest.raises(Busy, match="another deployment is being rehearsed"):
        rehearse(deployment, on_progress=inside)


def run(*arguments: object) -> str:
    out = StringIO()
    call_command(*map(str, arguments), stdout=out, no_color=True)
    return out.getvalue()


def test_the_command_tells_and_fails_if_one_diverges(sleeping: list[ExecutionId], tmp_path: Path) -> None:
    good, bad = stored(tmp_path, SAME_BUT_OTHER_TEXT), stored(tmp_path, SUM_UP)

    assert run("deployment", "rehearse", good.pk).endswith("2 compatible, 0 unchanged, 0 diverging\n")
    assert json.loads(run("deployment", "rehearse", good.pk, "--json"))["compatible"] == 2
    with pytest.raises(CommandError, match=r"^2 workflows would diverge$"):
        run("deployment", "rehearse", bad.pk)


def test_deploying_with_a_rehearsal_refuses_what_diverges(sleeping: list[ExecutionId], tmp_path: Path) -> None:
    active = Deployment.objects.active().get()
    file = write_scripts(tmp_path, SUM_UP)

    with pytest.raises(CommandError, match=r"(?s)diverges at event 2: .* is stored and was not activated"):
        run("deploy", file, "--rehearse")

    assert Deployment.objects.active().get() == active
    text = run("deploy", write_scripts(tmp_path, SAME_BUT_OTHER_TEXT), "--rehearse")
    assert "2 of 2 unfinished workflows: 2 compatible" in text
    assert Deployment.objects.active().get() != active
