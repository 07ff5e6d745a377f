"""Housekeeping that django-q2's cluster does now and then; all of it may be done twice."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from django_q.models import Schedule

from executions.retention.runs import prune_and_note

PRUNE_EVERY_MINUTES = 10
_PRUNE_FOR = timedelta(minutes=4)
"""Less than the cluster gives a task; the next one goes on."""
PRUNING = "retention"
"""Name of its schedule."""
SESSIONS = "sessions"
"""Name of the schedule that has ended sessions deleted."""


def prune_finished() -> None:
    """Delete the executions that ``OBELISK_RETENTION`` keeps no longer."""
    prune_and_note(timezone.now(), time_limit=_PRUNE_FOR)


def clear_sessions() -> None:
    """Delete the sessions of people whose time is over: Django forgets them, and keeps their rows."""
    call_command("clearsessions")


def keep_schedules() -> None:
    """Have the cluster do what the settings ask for, and nothing that they do not ask for any more."""
    Schedule.objects.update_or_create(
        name=SESSIONS,
        defaults={
            "func": f"{__name__}.{clear_sessions.__name__}",
            "schedule_type": Schedule.DAILY,
            "repeats": -1,
        },
    )
    if not settings.OBELISK_RETENTION:
        Schedule.objects.filter(name=PRUNING).delete()
        return
    Schedule.objects.update_or_create(
        name=PRUNING,
        defaults={
            "func": f"{__name__}.{prune_finished.__name__}",
            "schedule_type": Schedule.MINUTES,
            "minutes": PRUNE_EVERY_MINUTES,
            "repeats": -1,
        },
    )
