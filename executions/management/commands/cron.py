"""``manage.py cron list|trigger|pause|unpause|skip``: what is started by the clock."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from engine.errors import EngineError
from executions.cron.operating import Cron, list_crons, pause_cron, seed_of, skip_tick, trigger, unpause_cron
from executions.operations.recording import Operation, RecordingJournal, command_actor


class Command(BaseCommand):
    """Looks at schedules, starts what they start, pauses them, leaves a tick out."""

    help = "Look at what the active deployment starts by the clock, start it out of turn, or pause it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the sub-commands."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        actions.add_parser("list", help="every schedule, and when it is due next")
        for action, meaning in (
            ("trigger", "start it now, besides its ticks; prints the new execution's id"),
            ("pause", "keep it from starting anything"),
            ("unpause", "let it go on"),
            ("skip", "leave its next tick out"),
        ):
            actions.add_parser(action, help=meaning).add_argument("name", metavar="NAME")

    def handle(self, *_args: Any, action: str, **options: Any) -> None:
        """Do one of the actions."""
        try:
            match action:
                case "list":
                    self._list(list_crons())
                case "trigger":
                    journal = _recording(options["name"], Operation.TRIGGER)
                    self.stdout.write(trigger(options["name"], journal=journal).execution_id)
                case "pause":
                    pause_cron(options["name"], journal=_recording(options["name"], Operation.PAUSE))
                case "skip":
                    skip_tick(options["name"], journal=_recording(options["name"], Operation.SKIP_TICK))
                case _:
                    unpause_cron(options["name"], journal=_recording(options["name"], Operation.UNPAUSE))
        except EngineError as error:
            raise CommandError(str(error)) from error

    def _list(self, crons: list[Cron]) -> None:
        if not crons:
            self.stdout.write("Nothing is started by the clock.")
        for cron in crons:
            spec = cron.spec
            when = f"{spec.schedule.text} {spec.schedule.timezone}"
            self.stdout.write(f"{spec.id.name}  {when}  {spec.target}  {_standing(cron)}")


def _recording(name: str, operation: Operation) -> RecordingJournal:
    return RecordingJournal(seed_of(name), operation, actor=command_actor())


def _standing(cron: Cron) -> str:
    if cron.state is None:
        return "no executor has taken it up yet"
    if cron.state.is_finished:
        return "over"
    if cron.is_paused:
        return "paused"
    return "at work" if cron.next_at is None else f"next at {cron.next_at:%Y-%m-%d %H:%M:%S} UTC"
