"""What pages tell of batches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from console.bulk import reports
from console.live.batch_topic import BatchTopic
from console.live.messages import Sub
from executions.models import Batch, BatchEntry, BatchStatus
from executions.models.batch import LOST_AFTER
from executions.operations.bulk import COUNTED
from tests.builders import make_execution_id

pytestmark = pytest.mark.django_db


def made(**values: object) -> Batch:
    now = timezone.now()
    given: dict[str, object] = {
        "key": str(Batch.objects.count()),
        "operation": "cancel",
        "wanted": {},
        "actor": "user:ann",
        "reason": "<script>",
        "runner": "r",
        "total": 5,
        "started_at": now,
        "seen_at": now,
        "cursor_at": now,
    }
    return Batch.objects.create(**{**given, **values})


def entries(batch: Batch, count: int) -> None:
    for number in range(1, count + 1):
        is_done = number % 2 == 0
        BatchEntry.objects.create(
            batch=batch,
            execution_id=make_execution_id(number),
            is_done=is_done,
            detail="" if is_done else f"was retried as {make_execution_id(99)}",
        )


def test_it_tells_how_far_it_is_and_why(client_of: Callable[[str], Client]) -> None:
    batch = made(done=2, refused=1)

    page = client_of("viewer").get(f"/admin/executions/batches/{batch.pk}/").text

    assert "2 cancelled" in page
    assert "1 left as they were" in page
    assert "3 of 5 looked at" in page
    assert "&lt;script&gt;" in page
    assert ">Stop<" not in page, "a viewer may not stop it"


def test_what_was_left_can_be_read_alone_page_by_page(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "PAGE", 2)
    batch = made(status=BatchStatus.DONE)
    entries(batch, 5)

    first = operator.get(f"/admin/executions/batches/{batch.pk}/?left=on").text
    second = operator.get(f"/admin/executions/batches/{batch.pk}/?left=on&cursor={make_execution_id(3)}").text

    assert [str(make_execution_id(number)) in first for number in (5, 3, 1)] == [True, True, False]
    assert f"?left=on&amp;cursor={make_execution_id(3)}" in first
    assert str(make_execution_id(1)) in second
    assert "Older" not in second
    assert f'href="/admin/executions/{make_execution_id(99)}/"' in first, "ids within the reason are links"


def test_those_that_did_not_match_any_more_are_told(operator: Client) -> None:
    batch = made(status=BatchStatus.DONE, done=3, refused=1)

    assert "1 did not match any more" in operator.get(f"/admin/executions/batches/{batch.pk}/").text


def test_what_was_not_counted_is_not_said_to_be(operator: Client) -> None:
    batch = made(total=COUNTED + 1)

    page = operator.get(f"/admin/executions/batches/{batch.pk}/").text

    assert "Cancel 10,000+" in page
    assert "max=" not in page


def test_one_that_nobody_is_at_says_so(operator: Client) -> None:
    batch = made(seen_at=timezone.now() - LOST_AFTER - timedelta(seconds=1))

    assert "No process is at it" in operator.get(f"/admin/executions/batches/{batch.pk}/").text


def test_stopping_is_asked_for_once(operator: Client) -> None:
    batch = made()

    operator.post(f"/admin/executions/batches/{batch.pk}/stop/")
    batch.refresh_from_db()
    assert batch.stop_wanted

    Batch.objects.update(status=BatchStatus.STOPPED)
    page = operator.post(f"/admin/executions/batches/{batch.pk}/stop/", follow=True).text
    assert "It had ended already." in page


def test_nothing_is_stopped_by_looking_or_by_whoever_may_only_look(client_of: Callable[[str], Client]) -> None:
    batch = made()
    viewer, operator = client_of("viewer"), client_of("operator")

    assert viewer.post(f"/admin/executions/batches/{batch.pk}/stop/").status_code == 403
    assert operator.get(f"/admin/executions/batches/{batch.pk}/stop/").status_code == 405
    batch.refresh_from_db()
    assert not batch.stop_wanted


def test_past_ones_are_listed_the_newest_first(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Nobody has done anything to many" in operator.get("/admin/executions/batches/").text
    monkeypatch.setattr(reports, "PAGE", 2)
    ids = [made().pk for _ in range(3)]

    first = operator.get("/admin/executions/batches/").text
    second = operator.get(f"/admin/executions/batches/?before={ids[1]}").text

    assert [f"/batches/{pk}/" in first for pk in ids] == [False, True, True]
    assert f"?before={ids[1]}" in first
    assert [f"/batches/{pk}/" in second for pk in ids] == [True, False, False]
    assert operator.get(f"/admin/executions/batches/{10**17}/").status_code == 404


def test_a_live_page_hears_of_progress_and_of_the_end() -> None:
    batch = made()
    topic = BatchTopic(Sub(topic="batch", subject=str(batch.pk), view="all"))
    cursor = reports.fingerprint(batch, timezone.now())

    assert topic.read(cursor, hidden=False) is None
    Batch.objects.update(done=1)
    entries(batch, 1)
    moved = topic.read(cursor, hidden=False)
    Batch.objects.update(status=BatchStatus.DONE)
    assert moved is not None
    ended = topic.read(moved.cursor, hidden=False)

    assert "1 cancelled" in moved.regions["progress"]
    assert str(make_execution_id(1)) in moved.regions["report"]
    assert not moved.final
    assert ended is not None
    assert ended.final
    assert ended.cursor["state"] != moved.cursor["state"], "the page asks for its own part anew"


@pytest.mark.parametrize("subject", ["", "x", "1" * 20])
def test_what_is_no_batch_has_no_topic(subject: str) -> None:
    with pytest.raises(ValueError, match="no batch"):
        BatchTopic(Sub(topic="batch", subject=subject))
