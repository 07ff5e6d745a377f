"""``manage.py serve``: everything from one command, for a first look and for small sites."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from components.models import Deployment
from components.services import deploy
from engine.errors import EngineError, RuntimeUnavailable
from engine.log.retval_json import retval_to_api
from executions.access.first_token import ensure_token
from executions.first_admin import USERNAME, ensure_admin
from executions.following import Follower
from executions.journal.journal import SqlJournal
from executions.operations.submitting import submit
from executions.progress import ProgressLine
from executions.supervision import SiteProcesses, check_port_is_free

EXAMPLES = Path("examples") / "deployment.toml"
COMPILED_EXAMPLES = Path("examples") / "compiled.toml"
DESCRIPTION = "examples, deployed by manage.py serve"
HEADLINE_FUNCTION = "testing:fibo-workflow/workflow.fiboa"
HEADLINE_STEPS = 500
HEADLINE_PARAMS = [10, HEADLINE_STEPS]
# Without its own access log, which would go to this terminal.
_DAPHNE = ["-m", "daphne", "-b", "127.0.0.1", "--access-log", os.devnull]
_HEALTHY_WITHIN_S = 90.0
_RESULT_WITHIN_S = 120.0


class Command(BaseCommand):
    """Starts the whole site."""

    help = (
        "Set up the database, deploy the examples unless something else is deployed, start the web process and an "
        "executor, run the headline job once, and serve until Ctrl-C. PORT and OBELISK_DATA_DIR come from the "
        "environment."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--no-job", action="store_true", help="do not run the headline job")

    def handle(self, *_args: Any, no_job: bool, **_options: Any) -> None:
        """Serve until stopped."""
        signal.signal(signal.SIGTERM, _raise_interrupt)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            # The terminal is closed; the children, in sessions of their own, would not notice.
            signal.signal(signal.SIGHUP, _raise_interrupt)
        base = f"http://127.0.0.1:{settings.OBELISK_PORT}"
        try:
            check_port_is_free(settings.OBELISK_PORT)
            self._prepare()
            with SiteProcesses(settings.BASE_DIR, _quiet_environment()) as site:
                site.start("executor", ["manage.py", "run_executor"])
                site.start(
                    "web",
                    [*_DAPHNE, "-p", str(settings.OBELISK_PORT), "obelisk_site.asgi:application"],
                )
                site.wait_until_healthy(f"{base}/healthz", timeout_s=_HEALTHY_WITHIN_S)
                if not no_job and _has_examples():
                    self._run_headline_job()
                self._show_addresses(base)
                site.wait()
        except EngineError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("\nStopped.")

    def _prepare(self) -> None:
        self.stdout.write(f"Data: {settings.OBELISK_DATA_DIR}")
        call_command("migrate", verbosity=0, skip_checks=True)
        self._password = ensure_admin(settings.OBELISK_DATA_DIR / "admin_password")
        self._token = ensure_token(settings.OBELISK_DATA_DIR / "api_token")
        active = Deployment.objects.active().first()
        if active is not None and active.description != DESCRIPTION:
            self.stdout.write(f"Deployed: {active.deployment_id} {active.description}".rstrip())
            return
        file = EXAMPLES
        try:
            result = deploy(settings.BASE_DIR / file, description=DESCRIPTION, on_progress=self._show_progress)
        except RuntimeUnavailable as error:
            # A first look must not fail for want of a download; the next start tries again.
            self.stderr.write(f"Without the examples in Python and JavaScript: {error}")
            file = COMPILED_EXAMPLES
            result = deploy(settings.BASE_DIR / file, description=DESCRIPTION)
        self.stdout.write(f"Deployed: {file} ({result.deployment.deployment_id})")

    def _show_progress(self, sentence: str) -> None:
        self.stdout.write(f"{sentence[0].upper()}{sentence[1:]} ...")
        self.stdout.flush()

    def _run_headline_job(self) -> None:
        self.stdout.write(f"Running {HEADLINE_FUNCTION} {json.dumps(HEADLINE_PARAMS)} ...")
        journal = SqlJournal.dedicated()
        progress = ProgressLine(sys.stdout)
        started = time.monotonic()
        with Follower(journal) as follower:
            submitted = submit(HEADLINE_FUNCTION, HEADLINE_PARAMS)
            retval = follower.wait(submitted.execution_id, timeout_s=_RESULT_WITHIN_S, on_change=progress.update)
        seconds = time.monotonic() - started
        progress.done()
        journal.close()
        if retval is None:
            raise CommandError(f"{submitted.execution_id} did not finish within {_RESULT_WITHIN_S:.0f} s")
        self.stdout.write(f"  {submitted.execution_id}")
        self.stdout.write(f"  result: {json.dumps(retval_to_api(retval))}")
        self.stdout.write(
            f"  {HEADLINE_STEPS} durable steps in {seconds:.3f} s: {HEADLINE_STEPS / seconds:,.0f} steps/s"
        )

    def _show_addresses(self, base: str) -> None:
        self.stdout.write(f"\nAdmin:  {base}/admin/")
        if self._password is not None:
            self.stdout.write(f"Login:  {USERNAME} / {self._password}")
        self.stdout.write(f"API:    {base}/v1/ (described at {base}/v1/docs)")
        if self._token is not None:
            self.stdout.write(f"Token:  {self._token}")
        self.stdout.write(f"Health: {base}/healthz")
        self.stdout.write(f"Hooks:  {base}{settings.OBELISK_WEBHOOK_PREFIX}")
        if _has_examples():
            self.stdout.write(
                f"Try:    {_shown_python()} manage.py submit {HEADLINE_FUNCTION} "
                f"'{json.dumps(HEADLINE_PARAMS)}' --follow"
            )
        self.stdout.write("\nCtrl-C stops everything.")
        self.stdout.flush()


def _has_examples() -> bool:
    return Deployment.objects.active().filter(description=DESCRIPTION).exists()


def _quiet_environment() -> dict[str, str]:
    """Return the children's environment: their diaries go to files, only warnings to this terminal."""
    return {"OBELISK_CONSOLE_LOG_LEVEL": "WARNING", **os.environ}


def _shown_python() -> str:
    executable = Path(sys.executable)
    return str(executable.relative_to(Path.cwd())) if executable.is_relative_to(Path.cwd()) else sys.executable


def _raise_interrupt(_signal: int, _frame: Any) -> NoReturn:
    raise KeyboardInterrupt
