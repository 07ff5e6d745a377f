"""Advancing paused workflows through the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from engine.log.ids import ExecutionId
from engine.log.state import Lifecycle
from executions.journal.journal import SqlJournal
from executions.models import Delay, Event, Execution, OperationRecord
from executions.operations.advancing import advance
from executions.operations.captured_writes import encode_captured_write
from executions.operations.replaying import replay
from executions.operations.submitting import submit
from executions.testing import deployed
from tests.executions.scripts import SUM, write_scripts

pytestmark = pytest.mark.django_db(transaction=True)

NAP_AND_ADD = """import { addSubmit } from 'test:js-obelisk-ext/math';
export default function sum(numbers) {
  const both = obelisk.createJoinSet({ name: "both" });
  addSubmit(both, numbers[0], 2);
  both.submitDelay({ days: 1 });
  return both.joinNext();
}
"""


@pytest.fixture
def target(tmp_path: Path) -> ExecutionId:
    """A paused workflow that has not begun; nobody would run it."""
    with deployed(write_scripts(tmp_path, NAP_AND_ADD)):
        return submit(SUM, [[1]], paused=True).execution_id


def cuts(html: str) -> list[str]:
    return re.findall(r'name="cut" value="(.*?)"', html)


def pausable(html: str) -> list[str]:
    return re.findall(r'name="paused" value="(.*?)"', html)


def opened(browser: Client, target: ExecutionId) -> str:
    response = browser.get(f"/admin/executions/{target}/do/advance/")
    assert response.status_code == 200
    return str(response.text)


def confirm(browser: Client, target: ExecutionId, **data: object) -> tuple[int, str]:
    response = browser.post(f"/admin/executions/{target}/do/advance/", {"seen": "Paused", **data}, follow=True)
    return response.status_code, response.text


def kinds(target: ExecutionId) -> list[str]:
    events = Event.objects.filter(execution_id=target, variant="history_event").order_by("version")
    return [str(kind) for kind in events.values_list("history_event_type", flat=True)]


def test_what_it_would_do_is_a_list_of_steps(operator: Client, target: ExecutionId) -> None:
    html = opened(operator, target)

    words = re.findall(
        r'aria-hidden="true">[a-z_]+</span>(join set created|child submitted|delay requested|awaits)', html
    )
    assert words == ["join set created", "child submitted", "delay requested", "awaits"]
    assert [cut.partition("-")[0] for cut in cuts(html)] == ["1", "2", "3", "4"]
    assert pausable(html) == [f"{target}.n:both_1", f"Delay_{target[2:]}.n:both_1"]
    assert kinds(target) == [], "looking does nothing"


def test_it_is_carried_out_up_to_the_cut_and_stays_paused(operator: Client, target: ExecutionId) -> None:
    html = opened(operator, target)

    status, page = confirm(operator, target, cut=cuts(html)[1], reason="look at <Ann>")

    assert status == 200
    assert "2 steps carried out, and it is still paused." in page
    assert kinds(target) == ["join_set_create", "join_set_request"]
    assert SqlJournal.for_current_connection().state_of(target).lifecycle is Lifecycle.PAUSED
    record = OperationRecord.objects.get()
    told = (record.operation, record.detail, record.actor, record.reason)
    assert told == ("advance", "2 steps", "user:operator", "look at <Ann>")
    assert [cut.partition("-")[0] for cut in cuts(opened(operator, target))] == ["1", "2"], "what is left"


def test_children_and_delays_are_created_paused_where_that_is_ticked(operator: Client, target: ExecutionId) -> None:
    html = opened(operator, target)
    child, delay = pausable(html)

    confirm(operator, target, cut=cuts(html)[2], paused=[child, delay])

    assert Execution.objects.get(pk=child).lifecycle == Lifecycle.PAUSED.value
    assert Delay.objects.get(pk=delay).is_paused


def test_what_is_ticked_behind_the_cut_does_not_matter(operator: Client, target: ExecutionId) -> None:
    html = opened(operator, target)

    status, _ = confirm(operator, target, cut=cuts(html)[0], paused=pausable(html))

    assert (status, kinds(target)) == (200, ["join_set_create"])


def test_a_list_out_of_date_is_shown_again_and_nothing_is_done(operator: Client, target: ExecutionId) -> None:
    old = cuts(opened(operator, target))
    captured = replay(target)
    advance(target, [encode_captured_write(captured.writes[0])])  # type: ignore[union-attr]  # it is advanceable

    status, page = confirm(operator, target, cut=old[1])

    assert status == 422
    assert "What the workflow would do next has changed; this is how it is now." in page
    assert kinds(target) == ["join_set_create"]
    assert not set(old) & set(cuts(page))


@pytest.mark.parametrize("data", [{}, {"cut": "nonsense"}, {"cut": "1-0000000000000000"}])
def test_without_a_step_that_there_is_nothing_is_done(
    operator: Client, target: ExecutionId, data: dict[str, str]
) -> None:
    status, page = confirm(operator, target, **data)

    assert status == 422
    assert 'role="alert"' in page
    assert kinds(target) == []


def test_one_that_is_not_paused_says_so(operator: Client, tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path)):
        target = submit(SUM, [[1]]).execution_id
        html = opened(operator, target)

    assert "It is not paused." in html
    assert cuts(html) == []


def test_one_that_waits_has_nothing_to_do(operator: Client, target: ExecutionId) -> None:
    html = opened(operator, target)
    confirm(operator, target, cut=cuts(html)[3], paused=pausable(html))

    assert "It waits for a response; there is nothing that it could do" in opened(operator, target)


@pytest.mark.parametrize(("role", "status"), [("anonymous", 302), ("stranger", 403), ("viewer", 403)])
def test_who_may_not(client_of: Callable[[str], Client], target: ExecutionId, role: str, status: int) -> None:
    browser = client_of(role)

    assert browser.get(f"/admin/executions/{target}/do/advance/").status_code == status
    assert browser.post(f"/admin/executions/{target}/do/advance/", {"cut": "1-x"}).status_code == status
    assert "do/advance/" not in browser.get(f"/admin/executions/{target}/").text
