"""``manage.py execution list|show|..|stub|pause|unpause|cancel``: read the log, answer a stub, operate."""

from __future__ import annotations

import json as json_module
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from engine.errors import EngineError, ValueMismatch
from engine.log.ids import ExecutionId, parse_execution_id
from engine.log.return_values import Returned
from engine.log.retval_json import retval_to_api
from engine.log.state import Status
from engine.log.time_json import encode_instant
from engine.wit.json_values import load_json
from executions.explanations import why_not_moving
from executions.journal.journal import SqlJournal
from executions.models import Event, Execution, HttpExchange, LogLine, OperationRecord
from executions.operations.answering import answer
from executions.operations.cancelling import cancel
from executions.operations.pausing import pause, unpause
from executions.operations.recording import MOST_REASON_CHARACTERS, Operation, RecordingJournal, command_actor
from executions.results import end_of

_SUMMARY_LENGTH = 100
_SHOWN_OPERATIONS = 200


class Command(BaseCommand):
    """Reads executions and their logs, and answers those that wait for a person."""

    help = (
        "Read executions: list them, show one, its event log, its result, what its guest logged, or the "
        "HTTP requests it sent; answer a stub or an external activity; pause one, let it go on, or cancel it."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the sub-commands."""
        actions = parser.add_subparsers(
            dest="action", required=True, metavar="list|show|events|result|logs|http|stub|pause|unpause|cancel"
        )
        listing = actions.add_parser("list", help="the newest executions")
        listing.add_argument("--function", help="only calls of this function (full name)")
        listing.add_argument("--status", choices=[status.value for status in Status], help="only those in this state")
        listing.add_argument("--children", action="store_true", help="also those that workflows submitted")
        listing.add_argument("--limit", type=_count, default=20, help="most lines (default: 20)")
        for name, text in (
            ("show", "one execution: state, parameters, what it waits for"),
            ("events", "its event log, a line an event"),
            ("result", "its result; exits with 1 if it failed, or has not finished"),
            ("logs", "what its guest logged, a line each"),
            ("http", "the HTTP requests that its guest sent, or was not allowed to send"),
        ):
            one = actions.add_parser(name, help=text)
            one.add_argument("execution_id")
            one.add_argument("--json", action="store_true", help="print one JSON document")
            if name in ("logs", "http"):
                one.add_argument("--limit", type=_count, default=1000, help="most lines, the newest (default: 1000)")
            if name == "events":
                one.add_argument("--from", type=_count, default=0, dest="start", help="first version (default: 0)")
                one.add_argument("--limit", type=_count, default=1000, help="most events (default: 1000)")
        listing.add_argument("--json", action="store_true", help="print one JSON document")
        stub = actions.add_parser("stub", help="give a stub or an external activity its result")
        stub.add_argument("execution_id")
        stub.add_argument("result", metavar="JSON", help="""such as '{"ok": true}' or '{"err": "no"}'""")
        stub.add_argument("--json", action="store_true", help="print one JSON document")
        _add_reason(stub)
        for name, text in (
            ("pause", "keep it from being run"),
            ("unpause", "let a paused one go on"),
            ("cancel", "end an activity, or a workflow whose name ends in -cancellable"),
        ):
            operation = actions.add_parser(name, help=text)
            operation.add_argument("execution_id")
            operation.add_argument("--json", action="store_true", help="print one JSON document")
            _add_reason(operation)

    def handle(self, *_args: Any, action: str, json: bool, **options: Any) -> None:
        """Carry out a sub-command."""
        try:
            if action == "list":
                self._list(as_json=json, **options)
                return
            execution_id = parse_execution_id(options["execution_id"])
            row = Execution.objects.filter(pk=execution_id).first()
            if row is None:
                raise CommandError(f"execution {execution_id} not found")
            match action:
                case "show":
                    self._show(row, as_json=json)
                case "events":
                    self._events(row, as_json=json, start=options["start"], limit=options["limit"])
                case "logs":
                    self._logs(row, as_json=json, limit=options["limit"])
                case "pause":
                    pause(execution_id, journal=_recording(execution_id, Operation.PAUSE, options["reason"]))
                    self._done(execution_id, "paused", as_json=json)
                case "unpause":
                    unpause(execution_id, journal=_recording(execution_id, Operation.UNPAUSE, options["reason"]))
                    self._done(execution_id, "unpaused", as_json=json)
                case "cancel":
                    outcome = cancel(
                        execution_id, journal=_recording(execution_id, Operation.CANCEL, options["reason"])
                    )
                    if not outcome.will_be_cancelled:
                        raise CommandError(f"{execution_id}: {outcome}")
                    self._done(execution_id, outcome, as_json=json)
                case "http":
                    self._http(row, as_json=json, limit=options["limit"])
                case "stub":
                    self._answer(execution_id, options["result"], reason=options["reason"], as_json=json)
                case _:
                    self._result(execution_id, as_json=json)
        except EngineError as error:
            raise CommandError(str(error)) from error

    def _done(self, execution_id: ExecutionId, outcome: str, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json_module.dumps({"execution_id": execution_id, "outcome": outcome}))
        else:
            self.stdout.write(f"{execution_id}: {outcome}")

    def _answer(self, execution_id: ExecutionId, text: str, *, reason: str, as_json: bool) -> None:
        try:
            result = load_json(text)
        except ValueMismatch as error:
            raise CommandError(f"the result must be JSON, such as '{{\"ok\": true}}': {error.problem}") from error
        is_new = answer(execution_id, result, journal=_recording(execution_id, Operation.STUB, reason))
        if as_json:
            self.stdout.write(json_module.dumps({"execution_id": execution_id, "is_new": is_new}))
        else:
            self.stdout.write(f"{execution_id} {'is answered' if is_new else 'had this result already'}")

    def _list(
        self,
        *,
        as_json: bool,
        function: str | None,
        status: str | None,
        children: bool,
        limit: int,
        **_options: Any,
    ) -> None:
        rows = Execution.objects.newest_first()
        if not children:
            rows = rows.top_level()
        if function is not None:
            rows = rows.of_function(function)
        if status is not None:
            rows = rows.filter(status=status)
        found = list(rows[:limit])
        if as_json:
            self.stdout.write(json_module.dumps([_summary(row) for row in found]))
            return
        if not found:
            self.stdout.write("no executions")
        for row in found:
            self.stdout.write(
                f"{row.execution_id}  {row.created_at:%Y-%m-%d %H:%M:%S}  {_state_text(row):<28}  {row.ffqn}"
            )

    def _show(self, row: Execution, *, as_json: bool) -> None:
        created = orjson.loads(row.events.get(version=0).payload)["created"]
        details = {**_summary(row), "params": created["params"], "explanation": why_not_moving(row)}
        records = OperationRecord.objects.newest_of(row.pk, limit=_SHOWN_OPERATIONS)
        if as_json:
            self.stdout.write(json_module.dumps({**details, "operations": [_operation(record) for record in records]}))
            return
        for key, value in details.items():
            if value is not None:
                self.stdout.write(f"{key:<18} {value if isinstance(value, str) else json_module.dumps(value)}")
        for record in records:
            words = (record.operation, record.detail, "by", record.actor, f"({record.reason})" if record.reason else "")
            self.stdout.write(f"{encode_instant(record.at)}  {' '.join(filter(None, words))}")

    def _events(self, row: Execution, *, as_json: bool, start: int, limit: int) -> None:
        events: Iterable[Event] = row.events.filter(version__gte=start).order_by("version")[:limit]
        if as_json:
            document = [
                {
                    "version": event.version,
                    "created_at": encode_instant(event.created_at),
                    "event": orjson.loads(event.public_payload),
                }
                for event in events
            ]
            self.stdout.write(json_module.dumps(document))
            return
        for event in events:
            kind = event.history_event_type or event.variant
            self.stdout.write(
                f"{event.version:>6}  {event.created_at:%H:%M:%S.%f}  {kind:<22} {_shortened(event.public_payload)}"
            )
            for line in _detail(event).splitlines():
                self.stdout.write(f"{'':>8}{line}")

    def _logs(self, row: Execution, *, as_json: bool, limit: int) -> None:
        newest = LogLine.objects.filter(execution_id=row.pk).order_by("-pk")[:limit]
        lines = [
            {
                "created_at": encode_instant(line.created_at),
                "level": line.level,
                "stream": line.stream,
                "run_id": line.run_id,
                "message": line.message,
            }
            for line in reversed(newest)
        ]
        if as_json:
            self.stdout.write(json_module.dumps(lines))
            return
        for line in lines:
            self.stdout.write(f"{line['created_at']}  {line['level'] or line['stream']:<6} {line['message']}")

    def _http(self, row: Execution, *, as_json: bool, limit: int) -> None:
        exchanges = HttpExchange.objects.newest_of(row.pk, limit=limit)
        if as_json:
            self.stdout.write(json_module.dumps([_exchange(exchange) for exchange in exchanges]))
            return
        for exchange in exchanges:
            self.stdout.write(
                f"{encode_instant(exchange.started_at)}  {exchange.duration_us / 1000:>8.1f} ms  "
                f"{exchange.status or '---'}  {exchange.method} {exchange.url}  "
                f"({exchange.request_bytes} bytes out, {exchange.response_bytes} in)"
            )
            if exchange.error is not None:
                self.stdout.write(f"{'':>8}{exchange.error}")

    def _result(self, execution_id: ExecutionId, *, as_json: bool) -> None:
        journal = SqlJournal.for_current_connection()
        end = end_of(journal, execution_id)
        if end is None:
            raise CommandError(f"{execution_id} has not finished: {journal.state_of(execution_id).status}")
        retval = end.retval
        result = retval_to_api(retval)
        document = {"execution_id": execution_id, "result": result} if as_json else result
        if as_json and end.detail is not None:
            document["detail"] = end.detail
        self.stdout.write(json_module.dumps(document))
        if not as_json and end.detail is not None:
            # Beside the result, which a program may read.
            self.stderr.write(end.detail)
        if not (isinstance(retval, Returned) and retval.ok):
            raise SystemExit(1)


def _add_reason(operation: ArgumentParser) -> None:
    operation.add_argument("--reason", type=_reason, default="", help="why, for who looks at it later")


def _reason(text: str) -> str:
    if len(text) > MOST_REASON_CHARACTERS or not text.isprintable():
        raise ArgumentTypeError(f"a reason is one line of at most {MOST_REASON_CHARACTERS} characters")
    return text


def _recording(execution_id: ExecutionId, operation: Operation, reason: str) -> RecordingJournal:
    return RecordingJournal(execution_id, operation, actor=command_actor(), reason=reason)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text} is not a number from 0 on")
    return int(text)


def _summary(row: Execution) -> dict[str, Any]:
    return {
        "execution_id": row.execution_id,
        "ffqn": row.ffqn,
        "status": row.status,
        "lifecycle": row.lifecycle,
        "result_kind": row.result_kind,
        "created_at": encode_instant(row.created_at),
        "finished_at": encode_instant(row.due_at) if row.status == Status.FINISHED.value else None,
        "component": row.component_name,
        "deployment_id": row.deployment_id,
        "events": row.next_version,
        "responses": row.response_count,
        "children": row.children.count(),
    }


def _operation(record: OperationRecord) -> dict[str, Any]:
    return {
        "at": encode_instant(record.at),
        "operation": record.operation,
        "detail": record.detail,
        "actor": record.actor,
        "reason": record.reason,
    }


def _exchange(row: HttpExchange) -> dict[str, Any]:
    return {
        "started_at": encode_instant(row.started_at),
        "duration_us": row.duration_us,
        "run_id": row.run_id,
        "method": row.method,
        "url": row.url,
        "status": row.status,
        "error": row.error,
        "request_bytes": row.request_bytes,
        "response_bytes": row.response_bytes,
    }


def _state_text(row: Execution) -> str:
    if row.status == Status.FINISHED.value:
        return f"finished: {row.result_kind}"
    text = row.status if row.join_set_id is None else f"{row.status} {row.join_set_id}"
    return text if row.lifecycle == "active" else f"{row.lifecycle} ({text})"


def _detail(event: Event) -> str:
    """Return where in the source a failure came from, if the event says and does not fit its line."""
    if event.variant not in ("finished", "temporarily_failed") or len(event.payload) <= _SUMMARY_LENGTH:
        return ""
    detail: str | None = orjson.loads(event.payload)[event.variant].get("detail")
    return detail or ""


def _shortened(payload: str) -> str:
    return payload if len(payload) <= _SUMMARY_LENGTH else payload[: _SUMMARY_LENGTH - 1] + "…"
