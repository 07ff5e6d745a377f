"""Endpoints of what is started by the clock; they are ours."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.http import HttpResponse
from msgspec import UNSET, Struct, UnsetType
from rest_framework.request import Request

from engine.wit.json_values import load_json
from executions.access.scopes import Scope
from executions.api.answers import json_answer, message, text_answer, wants_text
from executions.api.bodies import read_query
from executions.api.execution_queries import NoQuery
from executions.api.problems import ProblemCode
from executions.api.recording import OperationQuery, recording
from executions.api.schema import MessageDocument, endpoint
from executions.api.views import ApiView
from executions.cron.operating import Cron, list_crons, pause_cron, seed_of, skip_tick, trigger, unpause_cron
from executions.operations.recording import Operation, RecordingJournal

_REFUSED_BY_STATE: Final = (
    ProblemCode.CRON_NOT_FOUND,
    ProblemCode.EXECUTION_NOT_FOUND,
    ProblemCode.ILLEGAL_STATE,
    ProblemCode.DEPLOYMENT_UNUSABLE,
)


class CronDocument(Struct, frozen=True, kw_only=True):
    """A schedule and where it stands."""

    name: str
    component_digest: str
    ffqn: str
    params: Any
    schedule: str
    timezone: str
    missed: str
    overlap: str
    execution_id: str
    status: str
    next_at: datetime | UnsetType = UNSET


class CronListView(ApiView):
    """All schedules."""

    scopes = {"GET": Scope.READ}

    @endpoint(
        "list_crons",
        tag="schedules",
        answers={200: list[CronDocument]},
        text=True,
        problems=[ProblemCode.DEPLOYMENT_UNUSABLE],
    )
    def get(self, request: Request) -> HttpResponse:
        """Return what the active deployment starts by the clock."""
        read_query(request, NoQuery)
        documents = [_document(cron) for cron in list_crons()]
        if wants_text(request):
            return text_answer(
                "".join(f"{each.name} {each.schedule} {each.ffqn} {each.status}\n" for each in documents)
            )
        return json_answer(documents)


class CronTriggerView(ApiView):
    """Starting something out of turn."""

    scopes = {"POST": Scope.SUBMIT}

    @endpoint(
        "trigger_cron",
        tag="schedules",
        query=OperationQuery,
        answers={201: MessageDocument},
        text=True,
        problems=[
            ProblemCode.CRON_NOT_FOUND,
            ProblemCode.INVALID_CALL,
            ProblemCode.FUNCTION_NOT_FOUND,
            ProblemCode.DEPLOYMENT_UNUSABLE,
        ],
    )
    def post(self, request: Request, name: str) -> HttpResponse:
        """Start what the schedule starts, now; the new execution has the label `cron`."""
        journal = _recording(request, name, Operation.TRIGGER)
        return message(request, trigger(name, journal=journal).execution_id, status=201)


class CronPauseView(ApiView):
    """Pausing a schedule."""

    scopes = {"PUT": Scope.OPERATE}

    @endpoint(
        "pause_cron",
        tag="schedules",
        query=OperationQuery,
        answers={200: MessageDocument},
        text=True,
        problems=_REFUSED_BY_STATE,
    )
    def put(self, request: Request, name: str) -> HttpResponse:
        """Keep the schedule from starting anything."""
        pause_cron(name, journal=_recording(request, name, Operation.PAUSE))
        return message(request, "paused")


class CronUnpauseView(ApiView):
    """Letting a paused schedule go on."""

    scopes = {"PUT": Scope.OPERATE}

    @endpoint(
        "unpause_cron",
        tag="schedules",
        query=OperationQuery,
        answers={200: MessageDocument},
        text=True,
        problems=_REFUSED_BY_STATE,
    )
    def put(self, request: Request, name: str) -> HttpResponse:
        """Let the schedule go on."""
        unpause_cron(name, journal=_recording(request, name, Operation.UNPAUSE))
        return message(request, "unpaused")


class CronSkipView(ApiView):
    """Leaving a tick out."""

    scopes = {"PUT": Scope.OPERATE}

    @endpoint(
        "skip_cron_tick",
        tag="schedules",
        query=OperationQuery,
        answers={200: MessageDocument},
        text=True,
        problems=_REFUSED_BY_STATE,
    )
    def put(self, request: Request, name: str) -> HttpResponse:
        """Leave the schedule's next tick out."""
        skip_tick(name, journal=_recording(request, name, Operation.SKIP_TICK))
        return message(request, "skipped")


def _recording(request: Request, name: str, operation: Operation) -> RecordingJournal:
    # A wrong request is wrong whatever there is.
    read_query(request, OperationQuery)
    return recording(request, seed_of(name), operation)


def _document(cron: Cron) -> CronDocument:
    spec = cron.spec
    return CronDocument(
        name=spec.id.name,
        component_digest=spec.id.digest,
        ffqn=str(spec.target),
        params=load_json(spec.params),
        schedule=spec.schedule.text,
        timezone=spec.schedule.timezone,
        missed=spec.missed.value,
        overlap=spec.overlap.value,
        execution_id=cron.seed,
        status=_status(cron),
        next_at=UNSET if cron.next_at is None else cron.next_at,
    )


def _status(cron: Cron) -> str:
    if cron.state is None:
        return "waiting_for_executor"
    if cron.state.is_finished:
        return "finished"
    return "paused" if cron.is_paused else "active"
