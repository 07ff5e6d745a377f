"""Having a delivery answered once more: a form that says by what, and asks why."""

from __future__ import annotations

from typing import Any, Final

import structlog
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from console.access import needs, person
from console.operating.forms import ReasonForm
from console.pages import page
from console.webhooks.delivery import found
from console.webhooks.shown import shown_delivery, state_of
from engine.deployment.registry import Registry
from engine.deployment.spec import ComponentSpec
from engine.errors import DeploymentError, EngineError
from executions.access.scopes import Scope
from executions.deployed import NOTHING, deployed_registry
from executions.models import Execution
from webhooks.deliveries import Asked
from webhooks.models import Delivery, DeliveryState
from webhooks.replaying import Against, component_as_delivered, obstacle_of, replay

log = structlog.get_logger(__name__)

_SHOWN_DIGEST: Final = 15


class ReplayForm(ReasonForm):
    """By which component; there is a choice only where the present one is not the one that answered it.

    ``seen`` is what was deployed when the page was loaded.
    """

    against = forms.ChoiceField(label="Answered by", widget=forms.RadioSelect)

    def __init__(self, delivery: Delivery, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._registry = _deployed()
        present, then = _mounted(self._registry, delivery), _then(delivery)
        choices = []
        if present is not None:
            told = ", which answered it then: as delivered" if then == present else ""
            choices.append((Against.PRESENT.value, f"what is mounted there now, {_short(present)}{told}"))
        if then is not None and then != present:
            settings = " with its settings of then" if present and present.id == then.id else ""
            told = f"what answered it then, {_short(then)}{settings}: as delivered"
            choices.append((Against.AS_DELIVERED.value, told))
        self.fields["against"].choices = choices  # type: ignore[attr-defined]  # it is a ChoiceField
        self.fields["against"].initial = choices[0][0] if choices else None

    @property
    def standing(self) -> str:
        """What people decide by."""
        return f"{self._registry.deployment.id or 'nothing'} is deployed"


@needs(Scope.OPERATE)
@require_http_methods(["GET", "POST"])
def replay_delivery(request: HttpRequest, delivery_id: int) -> HttpResponse:
    """Show the form, or have the delivery answered once more."""
    row = found(delivery_id)
    if request.method != "POST":
        form = ReplayForm(row)
        form.initial["seen"] = form.standing
        return _form_page(request, row, form)
    form = ReplayForm(row, request.POST)
    if not form.is_valid():
        return _form_page(request, row, form, status=422)
    if form.cleaned_data["seen"] != form.standing:
        form.ask_again(form.standing)
        return _form_page(request, row, form, status=409)
    asked = Asked(actor=person(request).actor, reason=form.cleaned_data["reason"])
    try:
        again = replay(row.pk, asked, against=Against(form.cleaned_data["against"]))
    except EngineError as error:
        log.info("console.refused", operation="replay_delivery", delivery=row.pk, error=str(error))
        form.add_error(None, f"{str(error)[0].upper()}{str(error)[1:]}.")
        return _form_page(request, row, form, status=422)
    told = f"Delivery {row.pk} was answered once more, as this one: {state_of(again.state).word.lower()}."
    (messages.success if again.state == DeliveryState.ANSWERED else messages.warning)(request, told)
    return redirect("admin:console_delivery", again.pk)


def _form_page(request: HttpRequest, row: Delivery, form: ReplayForm, *, status: int = 200) -> HttpResponse:
    obstacle = obstacle_of(row)
    if obstacle is None and not form.fields["against"].choices:  # type: ignore[attr-defined]  # it is a ChoiceField
        obstacle = "nothing that could answer it is deployed now or kept"
    return page(
        request,
        "webhooks/replay.html",
        title=f"Replay delivery {row.pk}",
        status=status,
        delivery=shown_delivery(row, Execution.objects.filter(pk=row.execution_id).first()),
        form=form,
        obstacle=None if obstacle is None else f"It is not possible: {obstacle}.",
        action={"title": "Replay", "icon": "replay", "is_grave": False},
        now=timezone.now(),
    )


def _deployed() -> Registry:
    try:
        return deployed_registry()
    except DeploymentError:
        return NOTHING


def _mounted(registry: Registry, delivery: Delivery) -> ComponentSpec | None:
    components = registry.deployment.components
    return next((each for each in components if each.webhook and each.id.name == delivery.endpoint), None)


def _then(delivery: Delivery) -> ComponentSpec | None:
    try:
        return component_as_delivered(delivery)
    except DeploymentError:
        return None


def _short(component: ComponentSpec) -> str:
    return f"{component.id.digest[:_SHOWN_DIGEST]}…"
