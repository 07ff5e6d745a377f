"""``manage.py deploy FILE.toml``: verify a deployment file and make it the active deployment."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from components.decisions import Decision
from components.prepared import Origin, PreparedComponent, PreparedDeployment
from components.reports import counted
from components.services import activate, prepare, store_inactive
from components.switching import switch_now
from engine.errors import EngineError
from executions.operations.recording import command_actor
from executions.rehearsal.rehearsing import rehearse as rehearse_deployment
from executions.rehearsal.reports import rehearsal_lines


class Command(BaseCommand):
    """Deploys; compiles in this process, which forks nothing."""

    help = (
        "Verify a deployment file and make it the active deployment. Every component is read, compiled and checked "
        "first; if anything is wrong, all of it is reported and nothing is changed. Deploying what is active already "
        "changes nothing either. Running executors take the new deployment up by themselves."
    )

    # Of the site's settings `check` and the services speak; here one sentence is to say what is wrong.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", type=Path, metavar="FILE.toml", help="the deployment file")
        parser.add_argument("--description", default="", help="a note that is kept with the deployment")
        parser.add_argument("--verify-only", action="store_true", help="report problems and change nothing")
        parser.add_argument(
            "--allow-unavailable",
            action="store_true",
            help="with --verify-only: although this machine lacks variables, secrets or leave for programs",
        )
        parser.add_argument(
            "--rehearse",
            action="store_true",
            help="first replay every unfinished workflow on it, and do not activate it if one would diverge",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")

    def handle(
        self,
        *_args: Any,
        file: Path,
        description: str,
        verify_only: bool,
        allow_unavailable: bool,
        rehearse: bool,
        json: bool,
        **_options: Any,
    ) -> None:
        """Deploy, or only verify."""
        if allow_unavailable and not verify_only:
            raise CommandError("--allow-unavailable goes with --verify-only: what runs now needs all of it now")
        try:
            prepared = prepare(
                file,
                allow_unavailable=allow_unavailable,
                on_component=(lambda component: None) if json else self._show_component,
                on_progress=lambda sentence: self.stderr.write(f"{sentence} ..."),
            )
            if not json:
                self._show_crons(prepared)
                self._show_warnings(prepared)
            if verify_only:
                self._show_verified(prepared, as_json=json)
                return
            if rehearse:
                self._rehearse_and_switch(prepared, description=description, as_json=json)
                return
            result = activate(prepared, description=description, decision=Decision(actor=command_actor()))
        except EngineError as error:
            raise CommandError(str(error)) from error
        if json:
            self._print_json(prepared, deployment_id=result.deployment.deployment_id, is_new=result.is_new)
            return
        if not result.is_new:
            self.stdout.write("This deployment is active already; nothing was changed.")
        self.stdout.write(f"{result.deployment.deployment_id} is active: {_summary(prepared)}")

    def _rehearse_and_switch(self, prepared: PreparedDeployment, *, description: str, as_json: bool) -> None:
        deployment, is_new = store_inactive(prepared, description=description)
        rehearsal = rehearse_deployment(deployment)
        if rehearsal.divergences or not rehearsal.is_complete:
            why = "\n".join(rehearsal_lines(rehearsal))
            raise CommandError(
                f"{why}\n{deployment.deployment_id} is stored and was not activated; "
                f"`manage.py deployment switch {deployment.deployment_id}` does it all the same"
            )
        switch_now(deployment.deployment_id, decision=Decision(actor=command_actor()))
        if as_json:
            self._print_json(prepared, deployment_id=deployment.deployment_id, is_new=is_new)
            return
        for line in rehearsal_lines(rehearsal):
            self.stdout.write(line)
        self.stdout.write(f"{deployment.deployment_id} is active: {_summary(prepared)}")

    def _show_component(self, component: PreparedComponent) -> None:
        how = component.origin.value
        if component.origin is not Origin.DECLARED:
            how = f"{how}, {component.seconds * 1000:.0f} ms"
        self.stdout.write(f"  {component.spec.id.component_type} {component.spec.id.name} ({how})")

    def _show_crons(self, prepared: PreparedDeployment) -> None:
        for cron in prepared.crons:
            self.stdout.write(f"  cron {cron.id.name} ({cron.schedule.text}, {cron.schedule.timezone})")

    def _show_warnings(self, prepared: PreparedDeployment) -> None:
        for warning in prepared.warnings:
            self.stderr.write(self.style.WARNING(f"warning: {warning}"))

    def _show_verified(self, prepared: PreparedDeployment, *, as_json: bool) -> None:
        if as_json:
            self._print_json(prepared, deployment_id=None, is_new=False)
        else:
            self.stdout.write(f"Verified, nothing was changed: {_summary(prepared)}")

    def _print_json(self, prepared: PreparedDeployment, *, deployment_id: str | None, is_new: bool) -> None:
        document = {
            "deployment_id": deployment_id,
            "is_new": is_new,
            "digest": prepared.digest,
            "warnings": list(prepared.warnings),
            "components": [
                {
                    "component_type": component.spec.id.component_type.value,
                    "name": component.spec.id.name,
                    "component_digest": component.spec.id.digest,
                    "functions": [str(function.name) for function in component.spec.functions],
                    "origin": component.origin.value,
                    "milliseconds": round(component.seconds * 1000, 1),
                }
                for component in prepared.components
            ],
            "crons": [
                {
                    "name": cron.id.name,
                    "component_digest": cron.id.digest,
                    "function": str(cron.target),
                    "schedule": cron.schedule.text,
                    "timezone": cron.schedule.timezone,
                }
                for cron in prepared.crons
            ],
        }
        self.stdout.write(json.dumps(document))


def _summary(prepared: PreparedDeployment) -> str:
    functions = sum(len(component.spec.functions) for component in prepared.components)
    return f"{counted(len(prepared.components), 'component')}, {counted(functions, 'function')}"
