"""Where the parts of the dashboard lead: the list of executions, filtered."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.http import urlencode

from executions.operations.listing import ListedStatus
from executions.statistics.tallies import Outcome


def list_url(**filters: str) -> str:
    """Return the address of the list of executions with filters, children included."""
    return f"{reverse('admin:console_executions')}?{urlencode({**filters, 'show_derived': 'on'})}"


def instant(at: datetime) -> str:
    """Return an instant as the list's filters have it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}"


def status_of(outcome: Outcome) -> ListedStatus:
    """Return the state of the list that executions with an outcome are in; what is tried again has not ended."""
    match outcome:
        case Outcome.OK:
            return ListedStatus.FINISHED_OK
        case Outcome.ERROR:
            return ListedStatus.FINISHED_ERROR
        case Outcome.FAILED:
            return ListedStatus.FINISHED_FAILED
        case Outcome.CANCELLED:
            return ListedStatus.FINISHED_CANCELLED
        case Outcome.RETRIED:
            return ListedStatus.UNFINISHED
