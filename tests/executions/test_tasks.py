"""What the cluster does now and then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone
from django_q.models import Schedule

from executions.tasks import SESSIONS, clear_sessions, keep_schedules

pytestmark = pytest.mark.django_db


def test_sessions_that_are_over_are_deleted_once_a_day() -> None:
    for _ in range(2):
        SessionStore().create()
    kept, over = Session.objects.all()
    Session.objects.filter(pk=over.pk).update(expire_date=timezone.now() - timedelta(seconds=1))

    keep_schedules()
    keep_schedules()
    clear_sessions()

    assert list(Session.objects.all()) == [kept]
    schedule = Schedule.objects.get(name=SESSIONS)
    assert (schedule.func, schedule.schedule_type) == ("executions.tasks.clear_sessions", Schedule.DAILY)
