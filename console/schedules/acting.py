"""Stepping in: starting something out of turn, pausing, leaving a tick out; each with a form and a reason."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from console.access import may, needs, person
from console.code.unreadable import tells_what_is_unreadable
from console.operating.forms import ReasonForm
from console.pages import page
from console.schedules.shown import state_of
from console.schedules.ticks import shown_tick
from engine.errors import EngineError
from engine.journal.protocol import Journal
from engine.log.ids import make_execution_id
from executions.access.scopes import Scope
from executions.cron.operating import Cron, CronNotFound, find_cron, pause_cron, skip_tick, trigger, unpause_cron
from executions.operations.recording import Operation, RecordingJournal

log = structlog.get_logger(__name__)

_NO_SEED: Final = "No executor has taken it up yet."


class ActionForm(ReasonForm):
    """The reason; and the id of what is started, so that a second click starts nothing."""

    execution_id = forms.CharField(widget=forms.HiddenInput, required=False, max_length=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleAction:
    """Something that people do with a schedule.

    Args:
        key: In addresses.
        title: On its button.
        icon: Ligature of the icon font.
        scope: Who may.
        record: As what it is recorded.
        says: What will happen, in one or two sentences.
        obstacle: Returns why it is not possible as things stand, or ``None``.
        standing: Returns what people decide by; if that has changed they are asked again.
        carry_out: Does it and returns an execution to show, if there is one. Raises `EngineError` if it is refused.
        done: What to say then.
    """

    key: str
    title: str
    icon: str
    scope: Scope
    record: Operation
    says: Callable[[Cron], str]
    obstacle: Callable[[Cron, datetime], str | None]
    standing: Callable[[Cron, datetime], str]
    carry_out: Callable[[Cron, Mapping[str, Any], Journal], str | None]
    done: str


def _word(cron: Cron, now: datetime) -> str:
    return state_of(cron, now).word


def _next(cron: Cron, _now: datetime) -> str:
    return "no next tick" if cron.next_at is None else shown_tick(cron.spec.schedule, cron.next_at).local


def _never(_cron: Cron, _now: datetime) -> str | None:
    return None


def _can_pause(cron: Cron, _now: datetime) -> str | None:
    if cron.state is None:
        return _NO_SEED
    if cron.state.is_finished:
        return "It is over."
    return "It is paused already." if cron.is_paused else None


def _can_unpause(cron: Cron, _now: datetime) -> str | None:
    return None if cron.is_paused else "It is not paused."


def _can_skip(cron: Cron, now: datetime) -> str | None:
    if (obstacle := _can_pause(cron, now)) is not None:
        return "It is paused: nothing is started." if cron.is_paused else obstacle
    if cron.next_at is None or cron.next_at <= now:
        return "Its tick is due by now."
    return None if cron.spec.schedule.next_after(cron.next_at) else "There is no tick behind the next one."


def _trigger(cron: Cron, data: Mapping[str, Any], journal: Journal) -> str | None:
    return trigger(cron.spec.id.name, execution_id=data["execution_id"] or None, journal=journal).execution_id


def _pause(cron: Cron, _data: Mapping[str, Any], journal: Journal) -> None:
    pause_cron(cron.spec.id.name, journal=journal)


def _unpause(cron: Cron, _data: Mapping[str, Any], journal: Journal) -> None:
    unpause_cron(cron.spec.id.name, journal=journal)


def _skip(cron: Cron, _data: Mapping[str, Any], journal: Journal) -> None:
    skip_tick(cron.spec.id.name, tick=cron.next_at, journal=journal)


def _says_skip(cron: Cron) -> str:
    if cron.next_at is None:
        return "The next tick is left out."
    tick = shown_tick(cron.spec.schedule, cron.next_at)
    following = cron.spec.schedule.next_after(cron.next_at)
    then = "" if following is None else f" The one behind it is at {shown_tick(cron.spec.schedule, following).local}."
    return f"Nothing is started at {tick.local}, and that does not count as missed.{then}"


_MISSED: Final = {
    "skip": "ticks that fall into the pause are left out",
    "run_once": "it is started once for all ticks that fall into the pause",
    "run_all": "it is started once for each tick that falls into the pause",
}

ACTIONS: Final[Mapping[str, ScheduleAction]] = {
    each.key: each
    for each in (
        ScheduleAction(
            key="trigger",
            title="Trigger now",
            icon="play_arrow",
            scope=Scope.SUBMIT,
            record=Operation.TRIGGER,
            says=lambda cron: f"{cron.spec.target} is started now, besides its ticks, which stay where they are.",
            obstacle=_never,
            standing=lambda _cron, _now: "",
            carry_out=_trigger,
            done="It was started out of turn; this is the execution.",
        ),
        ScheduleAction(
            key="skip",
            title="Skip next",
            icon="skip_next",
            scope=Scope.OPERATE,
            record=Operation.SKIP_TICK,
            says=_says_skip,
            obstacle=_can_skip,
            standing=_next,
            carry_out=_skip,
            done="The tick is left out.",
        ),
        ScheduleAction(
            key="pause",
            title="Pause",
            icon="pause",
            scope=Scope.OPERATE,
            record=Operation.PAUSE,
            says=lambda cron: f"Nothing is started until it goes on; then {_MISSED[cron.spec.missed.value]}.",
            obstacle=_can_pause,
            standing=_word,
            carry_out=_pause,
            done="It is paused.",
        ),
        ScheduleAction(
            key="unpause",
            title="Unpause",
            icon="resume",
            scope=Scope.OPERATE,
            record=Operation.UNPAUSE,
            says=lambda cron: f"It goes on; {_MISSED[cron.spec.missed.value]}.",
            obstacle=_can_unpause,
            standing=_word,
            carry_out=_unpause,
            done="It goes on.",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that one may do, and why it is not possible as things stand."""

    action: ScheduleAction
    obstacle: str | None


def offered(request: HttpRequest, cron: Cron, now: datetime) -> list[Offer]:
    """Return what whoever asks has the right to do with a schedule."""
    return [Offer(each, each.obstacle(cron, now)) for each in ACTIONS.values() if may(request.user, each.scope)]


def act(request: HttpRequest, cron: str, key: str) -> HttpResponse:
    """Show the form of an action, or carry it out."""
    action = ACTIONS.get(key)
    if action is None:
        raise Http404(f"There is no action {key}.")
    return needs(action.scope)(tells_what_is_unreadable(_act))(request, cron, action)  # type: ignore[return-value]


def _act(request: HttpRequest, name: str, action: ScheduleAction) -> HttpResponse:
    now = timezone.now()
    try:
        cron = find_cron(name)
    except CronNotFound as error:
        raise Http404(f"{str(error)[0].upper()}{str(error)[1:]}.") from error
    seen = action.standing(cron, now)
    if request.method != "POST":
        initial = {"seen": seen, "execution_id": make_execution_id(now, os.urandom(10))}
        return _form_page(request, cron, action, ActionForm(initial=initial))
    form = ActionForm(request.POST)
    if not form.is_valid():
        return _form_page(request, cron, action, form, status=422)
    if form.cleaned_data["seen"] != seen:
        form.ask_again(seen)
        return _form_page(request, cron, action, form, status=409)
    reason = form.cleaned_data["reason"]
    journal = RecordingJournal(cron.seed, action.record, actor=person(request).actor, reason=reason)
    try:
        started = action.carry_out(cron, form.cleaned_data, journal)
    except EngineError as error:
        log.info("console.refused", operation=action.record.value, schedule=name, error=str(error))
        form.add_error(None, str(error))
        return _form_page(request, cron, action, form, status=422)
    messages.success(request, action.done)
    return redirect("admin:console_schedule", name) if started is None else redirect("admin:console_execution", started)


def _form_page(
    request: HttpRequest, cron: Cron, action: ScheduleAction, form: ReasonForm, *, status: int = 200
) -> HttpResponse:
    now = timezone.now()
    return page(
        request,
        "schedules/act.html",
        title=action.title,
        status=status,
        cron=cron,
        state=state_of(cron, now),
        action=action,
        says=action.says(cron),
        form=form,
        obstacle=action.obstacle(cron, now),
        now=now,
    )
