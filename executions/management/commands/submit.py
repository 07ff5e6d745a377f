"""``manage.py submit FUNCTION PARAMS``: start an execution, and follow it."""

from __future__ import annotations

import json as json_module
import time
from argparse import ArgumentParser
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from engine.errors import EngineError
from engine.log.return_values import Returned
from engine.log.retval_json import retval_to_api
from executions.following import Follower
from executions.journal.journal import SqlJournal
from executions.operations.submitting import FunctionNotDeployed, Submitted, submit
from executions.progress import ProgressLine

_SHOW = "`manage.py execution show`"
_INTERRUPTED = 130
"""What shells expect of a program that Ctrl-C ended."""


class Command(BaseCommand):
    """Submits one call."""

    help = (
        "Start a function with parameters given as a JSON array, such as "
        "`submit testing:fibo-workflow/workflow.fiboa '[10, 500]' --follow`. A name may be shortened to "
        ".../workflow.fiboa where only one function fits. With --follow the result is the last line on standard "
        "output, progress goes to standard error, and the exit status tells success (0), an error that the function "
        "returned or a failure of the execution (1)."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "function", help="full name, namespace:package/interface.function, or .../interface.function"
        )
        parser.add_argument("params", nargs="?", default="[]", help="JSON array of the parameters (default: [])")
        parser.add_argument("--follow", "-f", action="store_true", help="wait for the result and print it")
        parser.add_argument(
            "--execution-id", "-e", help="use this id; submitting the same call under it again changes nothing"
        )
        parser.add_argument(
            "--timeout", type=float, metavar="SECONDS", help="with --follow: give up waiting after this"
        )
        parser.add_argument(
            "--json", action="store_true", help="print one JSON document: execution_id, result (with --follow), seconds"
        )

    def handle(
        self,
        *_args: Any,
        function: str,
        params: str,
        follow: bool,
        execution_id: str | None,
        timeout: float | None,
        json: bool,
        **_options: Any,
    ) -> None:
        """Submit, and follow if asked to."""
        started = time.monotonic()
        try:
            submitted = submit(function, _parse(params), execution_id=execution_id)
            if not follow:
                self._show_submitted(submitted, as_json=json)
                return
            if not json:
                self.stderr.write(f"{submitted.execution_id}{'' if submitted.is_new else ' (submitted before)'}")
            result, is_ok = _follow(submitted, timeout)
        except FunctionNotDeployed as error:
            raise CommandError(f"{error} (`manage.py function list` shows all)") from error
        except EngineError as error:
            raise CommandError(str(error)) from error
        if json:
            seconds = round(time.monotonic() - started, 6)
            document = {"execution_id": submitted.execution_id, "result": result, "seconds": seconds}
            self.stdout.write(json_module.dumps(document))
        else:
            self.stdout.write(json_module.dumps(result))
        if not is_ok:
            raise SystemExit(1)

    def _show_submitted(self, submitted: Submitted, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json_module.dumps({"execution_id": submitted.execution_id, "is_new": submitted.is_new}))
        else:
            self.stdout.write(submitted.execution_id)


def _parse(params: str) -> object:
    try:
        return orjson.loads(params)
    except orjson.JSONDecodeError as error:
        raise CommandError(f"the parameters are not JSON: {error}") from error


def _follow(submitted: Submitted, timeout: float | None) -> tuple[Any, bool]:
    progress = ProgressLine()
    journal = SqlJournal.dedicated()
    try:
        with Follower(journal) as follower:
            retval = follower.wait(submitted.execution_id, timeout_s=timeout, on_change=progress.update)
    except KeyboardInterrupt as interrupt:
        raise CommandError(f"{submitted.execution_id} goes on; see {_SHOW}", returncode=_INTERRUPTED) from interrupt
    finally:
        progress.done()
        journal.close()
    if retval is None:
        raise CommandError(f"{submitted.execution_id} did not finish within {timeout:g} s; it goes on, see {_SHOW}")
    return retval_to_api(retval), isinstance(retval, Returned) and retval.ok
