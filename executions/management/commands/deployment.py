"""``manage.py deployment list|show|diff|switch|enqueue|verify|rehearse|gc``: the stored deployments."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from components.comparing import compare
from components.decisions import Decision
from components.deployment_reports import describe_deployment, describe_stored_files
from components.diff_report import describe_diff, diff_lines
from components.models import Deployment
from components.reports import counted
from components.switching import DeploymentNotFound, enqueue, find_deployment, previous_deployment, switch_now
from components.verification import verify_deployment
from engine.errors import EngineError
from executions.operations.recording import command_actor
from executions.progress import StatusLine
from executions.rehearsal.rehearsing import MOST_EXECUTIONS, rehearse
from executions.rehearsal.reports import describe_rehearsal, rehearsal_lines, summary
from executions.retention.rules import parse_age
from executions.unused_deployments import collect_unused, collected_line

_SHOWN = 20


class Command(BaseCommand):
    """Looks at stored deployments, and chooses which one runs."""

    help = "Look at the stored deployments, and choose which of them runs. `manage.py deploy` brings new ones."

    # Of the site's settings `check` and the services speak; here one sentence is to say what is wrong.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="the newest deployments with their status")
        listing.add_argument("--length", type=int, default=_SHOWN, help=f"how many to show ({_SHOWN} by default)")
        listing.add_argument("--json", action="store_true", help="print one JSON list instead of text")
        show = actions.add_parser("show", help="one deployment: its file, and the files that it names")
        show.add_argument("deployment", metavar="ID")
        show.add_argument("--json", action="store_true", help="print one JSON document instead of text")
        diff = actions.add_parser(
            "diff",
            help="what differs between two deployments",
            description="Show what differs between two deployments: components, their configuration, functions, and "
            "what the second asks for that the first did not.",
        )
        diff.add_argument("before", metavar="BEFORE")
        diff.add_argument("after", metavar="AFTER")
        diff.add_argument("--json", action="store_true", help="print one JSON document instead of text")
        switch = actions.add_parser(
            "switch",
            help="verify a deployment and run it from now on",
            description="Verify a stored deployment and make it the active one, now. What runs goes on.",
        )
        switch.add_argument("deployment", metavar="ID", nargs="?")
        switch.add_argument("--back", action="store_true", help="to the deployment that was active before, without ID")
        queue = actions.add_parser("enqueue", help="run a deployment from the next start of the server on")
        queue.add_argument("deployment", metavar="ID")
        queue.add_argument(
            "--allow-unavailable",
            action="store_true",
            help="although this machine lacks variables, secrets or leave for programs; the start looks again",
        )
        verify = actions.add_parser("verify", help="whether a deployment could be run here and now")
        verify.add_argument("deployment", metavar="ID")
        rehearsal = actions.add_parser(
            "rehearse",
            help="whether unfinished workflows could go on with a deployment",
            description="Replay every unfinished workflow on the components of a stored deployment, without effects, "
            "and tell which would diverge, and at which event. Ends with status 1 if any would.",
        )
        rehearsal.add_argument("deployment", metavar="ID")
        rehearsal.add_argument(
            "--most", type=int, default=MOST_EXECUTIONS, help=f"how many to look at ({MOST_EXECUTIONS} by default)"
        )
        rehearsal.add_argument("--json", action="store_true", help="print one JSON document instead of text")
        garbage = actions.add_parser(
            "gc",
            help="delete files that no deployment is made of, and unused deployments",
            description="Delete the stored files that no deployment is made of; with --older-than also deployments "
            "that are neither active nor enqueued nor the one before, and that no execution needs.",
        )
        garbage.add_argument(
            "--older-than",
            type=_age,
            metavar="AGE",
            help="delete unused deployments that were neither stored nor made active for so long, such as 30d",
        )
        garbage.add_argument("--dry-run", action="store_true", help="only tell what would be deleted")

    def handle(self, *_args: Any, action: str, **options: Any) -> None:
        """Do one of the actions."""
        try:
            match action:
                case "list":
                    self._list(options["length"], as_json=options["json"])
                case "show":
                    self._show(find_deployment(options["deployment"]), as_json=options["json"])
                case "diff":
                    self._diff(options["before"], options["after"], as_json=options["json"])
                case "switch":
                    self._switch(options["deployment"], back=options["back"])
                case "enqueue":
                    enqueue(
                        options["deployment"],
                        allow_unavailable=options["allow_unavailable"],
                        decision=Decision(actor=command_actor()),
                    )
                    self.stdout.write(f"{options['deployment']} will be active from the next start of the server on.")
                case "rehearse":
                    self._rehearse(find_deployment(options["deployment"]), options["most"], as_json=options["json"])
                case "gc":
                    self._collect(options["older_than"], dry_run=options["dry_run"])
                case _:
                    verify_deployment(find_deployment(options["deployment"])).refuse()
                    self.stdout.write("It can be run here and now.")
        except DeploymentNotFound as error:
            raise CommandError(f"{error}; `manage.py deployment list` shows all") from error
        except EngineError as error:
            raise CommandError(str(error)) from error

    def _list(self, length: int, *, as_json: bool) -> None:
        deployments = list(Deployment.objects.newest_first()[: max(length, 0)])
        if as_json:
            self.stdout.write(json.dumps([describe_deployment(each) for each in deployments], indent=2))
            return
        if not deployments:
            self.stdout.write("Nothing was ever deployed; `manage.py deploy FILE.toml` changes that.")
        for each in deployments:
            self.stdout.write(
                f"{each.deployment_id}  {each.status:<8}  {each.created_at:%Y-%m-%d %H:%M}  {each.description}".rstrip()
            )

    def _show(self, deployment: Deployment, *, as_json: bool) -> None:
        files = describe_stored_files(deployment)
        if as_json:
            document = {**describe_deployment(deployment), "deployment_toml": deployment.toml, "files": files}
            self.stdout.write(json.dumps(document, indent=2))
            return
        self.stdout.write(f"# {deployment.deployment_id}, {deployment.status}, {deployment.digest}")
        for file in files:
            self.stdout.write(f"# {file['path']}  {file['size']} bytes  {file['digest']}")
        self.stdout.write(deployment.toml.rstrip("\n"))

    def _diff(self, before: str, after: str, *, as_json: bool) -> None:
        diff = compare(find_deployment(before), find_deployment(after))
        if as_json:
            self.stdout.write(json.dumps(describe_diff(diff), indent=2))
            return
        for line in diff_lines(diff):
            self.stdout.write(line)

    def _rehearse(self, deployment: Deployment, most: int, *, as_json: bool) -> None:
        line = StatusLine()
        rehearsal = rehearse(
            deployment, most=most, on_progress=lambda rehearsal: line.update(lambda: summary(rehearsal))
        )
        line.done()
        if as_json:
            self.stdout.write(json.dumps(describe_rehearsal(rehearsal), indent=2))
        else:
            for text in rehearsal_lines(rehearsal):
                self.stdout.write(text)
        if rehearsal.divergences:
            raise CommandError(f"{counted(len(rehearsal.divergences), 'workflow')} would diverge", returncode=1)

    def _collect(self, older_than: timedelta | None, *, dry_run: bool) -> None:
        collected = collect_unused(timezone.now(), older_than=older_than, dry_run=dry_run)
        for deployment_id in collected.deployments:
            self.stdout.write(deployment_id)
        self.stdout.write(collected_line(collected, dry_run=dry_run))

    def _switch(self, deployment_id: str | None, *, back: bool) -> None:
        if back == (deployment_id is not None):
            raise CommandError("name a deployment, or say --back")
        wanted = previous_deployment().deployment_id if deployment_id is None else deployment_id
        changed = switch_now(wanted, decision=Decision(actor=command_actor()))
        self.stdout.write(f"{wanted} is active." if changed else f"{wanted} is active already; nothing was changed.")


def _age(text: str) -> timedelta:
    try:
        return parse_age(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error
