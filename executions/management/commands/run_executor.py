"""``manage.py run_executor``: lock and run executions until stopped."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django_q.cluster import Cluster


class Command(BaseCommand):
    """Starts a django-q2 cluster whose workers host executors."""

    help = (
        "Run an executor on this host until SIGTERM or Ctrl-C; any number of hosts may share the database. It starts "
        "a django-q2 cluster of OBELISK_WORKERS processes, each running OBELISK_SLOTS executions at a time. When it is "
        "stopped, it finishes or hands back what it holds; what a killed one held is taken over when its locks expire."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run until stopped."""
        Cluster().start()
