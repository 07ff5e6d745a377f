"""The executions app's first tables: state, event log, responses, delays, log lines and executors."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import executions.instants
import executions.row_ids


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="ExecutorHeartbeat",
            fields=[
                ("executor_id", models.TextField(primary_key=True, serialize=False)),
                ("host", models.TextField()),
                ("pid", models.PositiveIntegerField()),
                ("started_at", executions.instants.InstantField()),
                ("seen_at", executions.instants.InstantField()),
                ("deployment_id", models.TextField(blank=True, null=True)),
                ("slots", models.PositiveIntegerField()),
                ("running", models.PositiveIntegerField()),
                ("note", models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name="Execution",
            fields=[
                ("execution_id", models.TextField(primary_key=True, serialize=False)),
                ("scheduled_by", models.TextField(blank=True, null=True)),
                ("ffqn", models.TextField()),
                (
                    "component_type",
                    models.TextField(
                        choices=[
                            ("activity", "activity"),
                            ("activity_stub", "activity_stub"),
                            ("workflow", "workflow"),
                            ("webhook_endpoint", "webhook_endpoint"),
                            ("cron", "cron"),
                        ]
                    ),
                ),
                ("component_name", models.TextField()),
                ("component_digest", models.TextField()),
                ("deployment_id", models.TextField()),
                ("created_at", executions.instants.InstantField()),
                ("first_scheduled_at", executions.instants.InstantField()),
                ("next_version", models.PositiveIntegerField()),
                ("response_count", models.PositiveIntegerField()),
                (
                    "status",
                    models.TextField(
                        choices=[
                            ("pending_at", "pending_at"),
                            ("locked", "locked"),
                            ("blocked_by_join_set", "blocked_by_join_set"),
                            ("finished", "finished"),
                        ]
                    ),
                ),
                (
                    "lifecycle",
                    models.TextField(
                        choices=[("active", "active"), ("paused", "paused"), ("cancelling", "cancelling")]
                    ),
                ),
                ("due_at", executions.instants.InstantField()),
                ("executor_id", models.TextField(blank=True, null=True)),
                ("run_id", models.TextField(blank=True, null=True)),
                ("last_lock_version", models.PositiveIntegerField(blank=True, null=True)),
                ("max_retries", models.PositiveIntegerField(blank=True, null=True)),
                ("retry_backoff_us", models.BigIntegerField()),
                ("temporary_failures", models.PositiveIntegerField()),
                ("join_set_id", models.TextField(blank=True, null=True)),
                ("closing", models.BooleanField()),
                ("result_kind", models.TextField(blank=True, null=True)),
                ("incompatible_digest", models.TextField(blank=True, null=True)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="executions.execution",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", executions.row_ids.RowIdField(primary_key=True, serialize=False)),
                ("version", models.PositiveIntegerField()),
                ("created_at", executions.instants.InstantField()),
                ("variant", models.TextField()),
                ("join_set_id", models.TextField(blank=True, null=True)),
                ("history_event_type", models.TextField(blank=True, null=True)),
                ("payload", models.TextField()),
                (
                    "execution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="executions.execution",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Delay",
            fields=[
                ("delay_id", models.TextField(primary_key=True, serialize=False)),
                ("join_set_id", models.TextField()),
                ("expires_at", executions.instants.InstantField()),
                ("is_paused", models.BooleanField()),
                (
                    "execution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="delays",
                        to="executions.execution",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="JoinSetResponse",
            fields=[
                ("id", executions.row_ids.RowIdField(primary_key=True, serialize=False)),
                ("cursor", models.PositiveIntegerField()),
                ("join_set_id", models.TextField()),
                ("created_at", executions.instants.InstantField()),
                ("at_version", models.PositiveIntegerField()),
                ("child_execution_id", models.TextField(blank=True, null=True)),
                ("finished_version", models.PositiveIntegerField(blank=True, null=True)),
                ("delay_id", models.TextField(blank=True, null=True)),
                ("delay_cancelled", models.BooleanField(blank=True, null=True)),
                (
                    "execution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="responses",
                        to="executions.execution",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LogLine",
            fields=[
                ("id", executions.row_ids.RowIdField(primary_key=True, serialize=False)),
                ("execution_id", models.TextField()),
                ("run_id", models.TextField()),
                ("created_at", executions.instants.InstantField()),
                (
                    "level",
                    models.TextField(
                        blank=True,
                        choices=[
                            ("trace", "trace"),
                            ("debug", "debug"),
                            ("info", "info"),
                            ("warn", "warn"),
                            ("error", "error"),
                        ],
                        null=True,
                    ),
                ),
                (
                    "stream",
                    models.TextField(blank=True, choices=[("stdout", "stdout"), ("stderr", "stderr")], null=True),
                ),
                ("message", models.TextField()),
            ],
            options={
                "indexes": [models.Index(fields=["execution_id", "id"], name="log_line_of_execution")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("level__in", ["trace", "debug", "info", "warn", "error"]),
                                ("level__isnull", False),
                                ("stream__isnull", True),
                            ),
                            models.Q(
                                ("level__isnull", True), ("stream__in", ["stdout", "stderr"]), ("stream__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="log_line_message_or_stream",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("lifecycle", "active"), ("status", "pending_at")),
                fields=["due_at", "execution_id", "ffqn", "incompatible_digest"],
                name="execution_pending",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("lifecycle", "active"), ("status", "pending_at"), ("parent__isnull", False)),
                fields=["parent", "due_at", "execution_id"],
                name="execution_pending_child",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("lifecycle", "active"), ("status", "locked")),
                fields=["due_at", "execution_id"],
                name="execution_locked",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("lifecycle", "cancelling")),
                fields=["created_at", "execution_id"],
                name="execution_cancelling",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("status", "finished"), _negated=True),
                fields=["created_at", "execution_id"],
                name="execution_unfinished",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("parent__isnull", True)),
                fields=["created_at", "execution_id"],
                name="execution_top_level",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(fields=["created_at"], name="execution_created"),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(fields=["ffqn", "created_at"], name="execution_function"),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("parent__isnull", False)), fields=["parent"], name="execution_child"
            ),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["pending_at", "locked", "blocked_by_join_set", "finished"])),
                name="execution_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(("lifecycle__in", ["active", "paused", "cancelling"])),
                name="execution_lifecycle_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(("next_version__gte", 1)), name="execution_begins_with_created"
            ),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("executor_id__isnull", True), ("run_id__isnull", True)),
                    models.Q(("executor_id__isnull", False), ("run_id__isnull", False)),
                    _connector="OR",
                ),
                name="execution_holder_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "locked"), _negated=True), ("executor_id__isnull", False), _connector="OR"
                ),
                name="execution_locked_has_holder",
            ),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("result_kind__isnull", False), ("status", "finished")),
                    models.Q(models.Q(("status", "finished"), _negated=True), ("result_kind__isnull", True)),
                    _connector="OR",
                ),
                name="execution_finished_has_result",
            ),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("join_set_id__isnull", False), ("status", "blocked_by_join_set")),
                    models.Q(
                        models.Q(("status", "blocked_by_join_set"), _negated=True),
                        ("closing", False),
                        ("join_set_id__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="execution_blocked_has_join_set",
            ),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(("lifecycle", "paused"), ("status", "locked"), _negated=True),
                name="execution_paused_not_locked",
            ),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "finished"), _negated=True), ("lifecycle", "active"), _connector="OR"
                ),
                name="execution_finished_is_active",
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.UniqueConstraint(fields=("execution", "version"), name="event_version_unique"),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("variant", "created"), ("version", 0)),
                    models.Q(models.Q(("variant", "created"), _negated=True), ("version__gt", 0)),
                    _connector="OR",
                ),
                name="event_created_is_first",
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("history_event_type__isnull", False), ("variant", "history_event")),
                    models.Q(
                        models.Q(("variant", "history_event"), _negated=True), ("history_event_type__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="event_history_has_type",
            ),
        ),
        migrations.AddIndex(
            model_name="delay",
            index=models.Index(
                condition=models.Q(("is_paused", False)), fields=["expires_at", "delay_id"], name="delay_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="joinsetresponse",
            constraint=models.UniqueConstraint(fields=("execution", "cursor"), name="response_cursor_unique"),
        ),
        migrations.AddConstraint(
            model_name="joinsetresponse",
            constraint=models.UniqueConstraint(
                condition=models.Q(("child_execution_id__isnull", False)),
                fields=("child_execution_id",),
                name="response_child_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="joinsetresponse",
            constraint=models.UniqueConstraint(
                condition=models.Q(("delay_id__isnull", False)), fields=("delay_id",), name="response_delay_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="joinsetresponse",
            constraint=models.CheckConstraint(condition=models.Q(("cursor__gte", 1)), name="response_cursor_from_one"),
        ),
        migrations.AddConstraint(
            model_name="joinsetresponse",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(("child_execution_id__isnull", True), ("finished_version__isnull", True)),
                        models.Q(("child_execution_id__isnull", False), ("finished_version__isnull", False)),
                        _connector="OR",
                    ),
                    models.Q(
                        models.Q(("delay_id__isnull", True), ("delay_cancelled__isnull", True)),
                        models.Q(("delay_id__isnull", False), ("delay_cancelled__isnull", False)),
                        _connector="OR",
                    ),
                    models.Q(
                        models.Q(("child_execution_id__isnull", False), ("delay_id__isnull", True)),
                        models.Q(("child_execution_id__isnull", True), ("delay_id__isnull", False)),
                        _connector="OR",
                    ),
                ),
                name="response_child_or_delay",
            ),
        ),
    ]
