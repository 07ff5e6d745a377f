from __future__ import annotations

import socket
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from executions.liveness import beat
from executions.models import ExecutorHeartbeat

pytestmark = pytest.mark.django_db


def give_sign(executor_id: str, *, ago: timedelta = timedelta(), host: str | None = None) -> None:
    seen_at = timezone.now() - ago
    beat(executor_id, now=seen_at, started_at=seen_at, deployment_id=None, slots=1, running=0)
    ExecutorHeartbeat.objects.filter(pk=executor_id).update(host=host or socket.gethostname())


def test_an_executor_of_this_machine_that_was_seen_lately_is_alive(capsys: pytest.CaptureFixture[str]) -> None:
    give_sign("Exr_1")
    give_sign("Exr_2")

    call_command("executor_health")

    assert capsys.readouterr().out == f"2 executors of {socket.gethostname()} alive\n"


def test_neither_silent_ones_nor_those_of_other_machines_count() -> None:
    give_sign("Exr_1", ago=timedelta(minutes=1))
    give_sign("Exr_2", host="elsewhere")

    with pytest.raises(CommandError, match=f"no executor of {socket.gethostname()} is alive"):
        call_command("executor_health")
