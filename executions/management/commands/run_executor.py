"""``manage.py run_executor``: lock and run executions until stopped."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django_q.cluster import Cluster

from components.reports import counted
from components.switching import activate_enqueued
from engine.errors import DeploymentError
from executions.tasks import keep_schedules


class Command(BaseCommand):
    """Starts a django-q2 cluster whose workers host executors."""

    help = (
        "Run an executor on this host until SIGTERM or Ctrl-C; any number of hosts may share the database. It starts "
        "a django-q2 cluster of OBELISK_WORKERS processes, each running OBELISK_SLOTS executions at a time. When it is "
        "stopped, it finishes or hands back what it holds; what a killed one held is taken over when its locks expire."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run until stopped."""
        _check_database()
        _activate_enqueued()
        keep_schedules()
        # The cluster forks, and a connection must not be used on both sides of a fork.
        connections.close_all()
        cluster = Cluster()
        # Its processes inherit this. Terminals, timeouts and service managers signal whole groups of processes, and a
        # guard that died while it waits would be waited for without end: it is told to stop by this process alone.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        try:
            cluster.start()
        except RuntimeError as error:
            raise CommandError(f"the cluster did not start, its log says why: {error}") from error
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        guard = cluster.sentinel
        guard.join()
        if guard.exitcode != 0:
            raise CommandError(f"the cluster's guard ended by itself with status {guard.exitcode}")


def _check_database() -> None:
    """Refuse a database that is not as this version needs it: the guard would replace failing workers without end."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise CommandError(f"the database does not answer: {error}") from error
    if missing:
        raise CommandError(f"the database lacks {counted(len(missing), 'migration')}; run `manage.py migrate` first")


def _activate_enqueued() -> None:
    try:
        activate_enqueued()
    except DeploymentError as error:
        raise CommandError(f"the enqueued deployment cannot be activated: {error}") from error
