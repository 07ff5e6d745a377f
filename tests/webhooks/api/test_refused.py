"""Refused requests through the API."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from webhooks.models import RefusedRequest

pytestmark = pytest.mark.django_db


def store(endpoint: str) -> int:
    now = timezone.now()
    row = RefusedRequest.objects.create(
        first_at=now,
        last_at=now,
        count=3,
        endpoint=endpoint,
        provider="github",
        method="POST",
        path="/do",
        client="192.0.2.1",
        status=401,
        code="signature_refused",
        reason="The signature does not fit.",
    )
    return int(row.pk)


def test_they_are_listed_newest_first_and_a_page_at_a_time(client: Client) -> None:
    client.force_login(User.objects.create_superuser("ann"))
    first, other, last = store("doorman"), store("other"), store("doorman")

    everything = client.get("/v1/webhooks/refused").json()
    page = client.get(f"/v1/webhooks/refused?endpoint=doorman&cursor={last}&length=1").json()

    assert [each["id"] for each in everything] == [last, other, first]
    assert [each["id"] for each in page] == [first]
    assert {name: page[0][name] for name in ("client", "count", "status", "code")} == {
        "client": "192.0.2.1",
        "count": 3,
        "status": 401,
        "code": "signature_refused",
    }


def test_whoever_may_not_read_sees_none(client: Client) -> None:
    assert client.get("/v1/webhooks/refused").status_code == 401
    client.force_login(User.objects.create_user("bob"))
    assert client.get("/v1/webhooks/refused").status_code == 403
