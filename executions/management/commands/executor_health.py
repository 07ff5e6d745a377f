"""``manage.py executor_health``: whether an executor of this machine is alive, for container runtimes."""

from __future__ import annotations

import socket
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from django.utils import timezone

from components.reports import counted
from executions.liveness import CONSIDERED_DEAD_AFTER
from executions.models import ExecutorHeartbeat


class Command(BaseCommand):
    """Looks for signs of life."""

    help = (
        "Exit with 0 if an executor of this machine gave a sign of life in the last "
        f"{CONSIDERED_DEAD_AFTER.total_seconds():.0f} seconds, with 1 otherwise. For the health checks of containers "
        "that run `manage.py run_executor`."
    )
    # Asked every few seconds.
    requires_system_checks = ()

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Look."""
        host = socket.gethostname()
        try:
            seen = ExecutorHeartbeat.objects.seen_since(timezone.now() - CONSIDERED_DEAD_AFTER)
            alive = seen.filter(host=host).count()
        except DatabaseError as error:
            raise CommandError(f"the database does not answer: {error}") from error
        if not alive:
            raise CommandError(f"no executor of {host} is alive")
        self.stdout.write(f"{counted(alive, 'executor')} of {host} alive")
