"""``manage.py prune``: delete the finished executions that are kept no longer."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from components.reports import counted
from executions.retention.pruning import prune
from executions.retention.records import prune_records
from executions.retention.rules import parse_rules


class Command(BaseCommand):
    """Deletes what no rule keeps."""

    help = (
        "Delete the finished executions that the rules keep no longer, with everything below them and all that is "
        "stored about them, in small batches; and records as old, such as webhook deliveries. A running executor does "
        "the same every ten minutes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--dry-run", action="store_true", help="only tell what would be deleted")
        parser.add_argument("--rules", help="instead of those of OBELISK_RETENTION, such as '* ok 30d, * any 90d'")

    def handle(self, *_args: Any, dry_run: bool, rules: str | None, **_options: Any) -> None:
        """Delete, or tell."""
        try:
            parsed = settings.OBELISK_RETENTION if rules is None else parse_rules(rules)
        except ValueError as error:
            raise CommandError(f"--rules: {error}") from error
        if not parsed:
            self.stdout.write("Everything is kept: OBELISK_RETENTION has no rule.")
            return
        now = timezone.now()
        pruned = prune(parsed, now, dry_run=dry_run)
        records = prune_records(parsed, now, dry_run=dry_run)
        for ffqn, count in sorted(pruned.trees.items()):
            self.stdout.write(f"{count:>8}  {ffqn}")
        verb = "would be" if dry_run else "were"
        self.stdout.write(f"{counted(pruned.executions, 'execution')} {verb} deleted, those below others included.")
        for name, count in sorted(records.items()):
            self.stdout.write(f"{count:>8}  {name}")
