"""What is kept of refused requests, and how little a flood can have kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from webhooks import refusals
from webhooks.models import RefusedRequest
from webhooks.problems import signature_refused
from webhooks.refusals import Refusals

pytestmark = pytest.mark.django_db

WRONG = signature_refused("it is another's")


def refuse(kept: Refusals, path: str = "/hook", client: str = "192.0.2.1", **scope: Any) -> None:
    kept.add("doorman", "github", {"method": "POST", "client": (client, 4711), **scope}, path, WRONG)


def test_nothing_is_written_before_the_flush() -> None:
    kept = Refusals()
    refuse(kept)
    assert not RefusedRequest.objects.exists()

    kept.flush()

    row = RefusedRequest.objects.get()
    assert (row.endpoint, row.provider, row.method, row.path) == ("doorman", "github", "POST", "/hook")
    assert (row.client, row.status, row.code) == ("192.0.2.1", 401, "signature_refused")
    assert row.reason == "The signature is refused: it is another's"


def test_those_that_are_alike_share_a_row_from_flush_to_flush() -> None:
    kept = Refusals()
    for _ in range(3):
        refuse(kept)
    kept.flush()
    first = RefusedRequest.objects.get()
    refuse(kept)
    refuse(kept, client="192.0.2.2")
    kept.flush()

    again, other = RefusedRequest.objects.order_by("pk")
    assert (again.count, again.first_at) == (4, first.first_at)
    assert again.last_at > first.last_at
    assert (other.client, other.count) == ("192.0.2.2", 1)


def test_a_day_has_only_so_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST_A_DAY", 3)
    kept = Refusals()
    for number in range(5):
        refuse(kept, f"/{number}")
    kept.flush()
    refuse(kept, "/6")
    refuse(kept, "/0")
    kept.flush()

    assert list(RefusedRequest.objects.order_by("pk").values_list("path", "count")) == [("/0", 2), ("/1", 1), ("/2", 1)]


def test_the_table_has_only_so_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST_KEPT", 3)
    kept = Refusals()
    for number in range(5):
        refuse(kept, f"/{number}")
    kept.flush()

    assert list(RefusedRequest.objects.order_by("pk").values_list("path", flat=True)) == ["/2", "/3", "/4"]


def test_what_strangers_send_is_cut_and_can_be_stored() -> None:
    kept = Refusals()
    refuse(kept, "/\0" + "x" * 10_000, method="\0" * 100)
    refuse(kept, client="")
    kept.flush()

    cut, _ = RefusedRequest.objects.order_by("pk")
    assert (len(cut.path), cut.method) == (299, "")


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_loses_the_rows_and_nothing_else() -> None:
    kept = Refusals()
    refuse(kept)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE webhooks_refusedrequest RENAME TO elsewhere")
    try:
        kept.flush()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO webhooks_refusedrequest")
    refuse(kept)
    kept.flush()

    assert RefusedRequest.objects.get().count == 1
