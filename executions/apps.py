"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate, post_save, pre_delete


class ExecutionsConfig(AppConfig):
    """Executions and their event logs."""

    name = "executions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have groups made with the database, tokens end with their makers, and executors hear of switches.

        And executors hosted by django-q2's workers, where those are started.
        """
        # They import models.
        from executions.access.groups import make_groups
        from executions.access.tokens import revoke_tokens_of
        from executions.taking_up import announce_switch

        post_save.connect(announce_switch, sender="components.DeploymentSwitch", dispatch_uid="executions.switches")
        pre_delete.connect(revoke_tokens_of, sender=settings.AUTH_USER_MODEL, dispatch_uid="executions.tokens")
        post_migrate.connect(make_groups, sender=self, dispatch_uid="executions.groups")
        if settings.PROCESS.is_executor:
            # Imported here: other processes have no use for the engine's runtime.
            from django_q.signals import post_spawn

            from executions.cluster import use_surviving_queues
            from executions.hosting import start_in_worker

            use_surviving_queues()
            post_spawn.connect(start_in_worker, dispatch_uid="executions.hosting")
