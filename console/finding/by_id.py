"""What ids and their beginnings name. Ids are pasted, but also typed, so their case does not matter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from django.db.models import Q
from django.urls import reverse
from django.utils.http import urlencode

from components.models import Component, Deployment
from console.finding.things import Found
from engine.deployment.spec import ComponentType
from engine.errors import IdSyntaxError
from engine.log.ids import DELAY_PREFIX, DEPLOYMENT_PREFIX, EXECUTION_PREFIX, DelayId, delay_position
from executions.models import Execution, ExecutorHeartbeat
from executions.operations.listing import ExecutionFilter, page_of
from webhooks.models import Delivery

_ULID_LENGTH: Final = 26
_EXECUTOR_PREFIX: Final = "Exr_"
_DIGEST_PREFIX: Final = "sha256:"
_FEWEST_DIGITS: Final = 6
"""Of a digest without its prefix: fewer might be any word."""


def executions(text: str, limit: int) -> Iterator[Found]:
    """Find executions by their ids; what people and programs started before what that has started."""
    wanted = _cased(text, EXECUTION_PREFIX)
    if wanted is None:
        return
    exact = Execution.objects.filter(pk=wanted).first()
    if exact is not None:
        yield _execution(exact, is_exact=True)
    yield from _join_set(wanted)
    beginning = ExecutionFilter(execution_id_prefix=wanted, show_derived=True)
    own = page_of(replace(beginning, show_derived=False), length=limit)
    known = {wanted, *(row.pk for row in own)}
    below = page_of(beginning, length=limit)
    for row in [*own, *(row for row in below if row.pk not in known)]:
        if row.pk != wanted:
            yield _execution(row)


def calls(text: str, limit: int) -> Iterator[Found]:
    """Find the newest executions of functions whose names begin so."""
    for row in page_of(ExecutionFilter(ffqn_prefix=text, show_derived=True), length=limit):
        yield _execution(row)


def delays(text: str, _limit: int) -> Iterator[Found]:
    """Find the execution that made a delay; that shows what became of it."""
    wanted = _cased(text, DELAY_PREFIX)
    if wanted is None:
        return
    try:
        position = delay_position(DelayId(wanted))
    except IdSyntaxError:
        return
    row = Execution.objects.filter(pk=position.parent).first()
    if row is not None:
        url = reverse("admin:console_execution", args=[row.pk])
        yield Found(kind="delay", name=wanted, url=url, about=f"of {row.ffqn}", row=row, is_exact=True)


def deployments(text: str, limit: int) -> Iterator[Found]:
    """Find deployments by their ids."""
    wanted = _cased(text, DEPLOYMENT_PREFIX)
    if wanted is None:
        return
    for row in Deployment.objects.filter(_begins("pk", wanted)).order_by("-pk")[:limit]:
        yield Found(
            kind="deployment",
            name=row.pk,
            url=reverse("admin:console_deployment", args=[row.pk]),
            about=row.status,
            is_exact=row.pk == wanted,
        )


def digests(text: str, limit: int) -> Iterator[Found]:
    """Find components by their digests, whichever deployment they are of."""
    digits = text.lower().removeprefix(_DIGEST_PREFIX)
    if len(digits) < _FEWEST_DIGITS or any(digit not in "0123456789abcdef" for digit in digits):
        return
    wanted = _DIGEST_PREFIX + digits
    names = dict(Component.objects.filter(_begins("digest", wanted)).values_list("digest", "name")[: limit * 4])
    for digest, name in list(names.items())[:limit]:
        url = reverse("admin:console_component", args=[digest])
        yield Found(kind="component", name=digest, url=url, about=name, is_exact=digest == wanted)


def executors(text: str, limit: int) -> Iterator[Found]:
    """Find executors by their ids and their hosts."""
    wanted = _cased(text, _EXECUTOR_PREFIX)
    condition = Q(host__istartswith=text) if wanted is None else _begins("pk", wanted)
    for row in ExecutorHeartbeat.objects.filter(condition).order_by("-seen_at")[:limit]:
        url = f"{reverse('admin:console_executors')}#executor-{row.pk}"
        yield Found(kind="executor", name=row.pk, url=url, about=row.host, is_exact=text in (row.pk, row.host))


def deliveries(text: str, limit: int) -> Iterator[Found]:
    """Find deliveries of webhooks by their providers' ids."""
    # The index of deliveries' ids begins with the endpoint.
    endpoints = Component.objects.filter(component_type=ComponentType.WEBHOOK_ENDPOINT.value).values("name").distinct()
    for row in Delivery.objects.filter(endpoint__in=endpoints, delivery_id=text).order_by("-pk")[:limit]:
        url = reverse("admin:console_delivery", args=[row.pk])
        yield Found(kind="delivery", name=text, url=url, about=f"{row.provider}, {row.endpoint}", is_exact=True)


def _execution(row: Execution, *, is_exact: bool = False) -> Found:
    url = reverse("admin:console_execution", args=[row.pk])
    return Found(kind="execution", name=row.pk, url=url, about=row.ffqn, row=row, is_exact=is_exact)


def _join_set(text: str) -> Iterator[Found]:
    """Find what was submitted to a join set: its id is that of its members without their number."""
    parent, dot, join_set = text.rpartition(".")
    if not dot or "_" in join_set or not Execution.objects.filter(pk=parent).exists():
        return
    query = urlencode({"execution_id_prefix": f"{text}_", "parent": parent})
    url = f"{reverse('admin:console_executions')}?{query}"
    yield Found(kind="join set", name=text, url=url, about="what was submitted to it", is_exact=True)


def _cased(text: str, prefix: str) -> str | None:
    """Return an id, or the beginning of one, as ids are written; ``None`` if it is of another kind."""
    if not text.lower().startswith(prefix.lower()):
        return None
    end = len(prefix) + _ULID_LENGTH
    return prefix + text[len(prefix) : end].upper() + text[end:]


def _begins(column: str, prefix: str) -> Q:
    # As a range, which an index can follow.
    return Q(**{f"{column}__gte": prefix, f"{column}__lt": f"{prefix}\U0010ffff"})
