"""The list of tokens, and the end of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from console.access import may_administer, needs_tokens
from console.pages import page
from executions.access.tokens import revoke_token
from executions.models import ApiToken
from executions.models.api_token import ApiTokenQuerySet
from executions.operations.recording import MOST_REASON_CHARACTERS

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class ListedToken:
    """A row of the list; ``state`` is ``active``, ``expired``, ``revoked`` or ``asleep``: its maker was deactivated."""

    token: ApiToken
    state: str


@needs_tokens
def tokens(request: HttpRequest) -> HttpResponse:
    """Show a page of somebody's tokens; to administrators, of all."""
    rows = seen_by(request).select_related("created_by").order_by("-created_at", "-pk")
    behind = rows.filter(prefix=request.GET.get("after", "").replace("\0", "")).first()
    if behind is not None:
        earlier = Q(created_at__lt=behind.created_at) | Q(created_at=behind.created_at, pk__lt=behind.pk)
        rows = rows.filter(earlier)
    found = list(rows[: PAGE + 1])
    return page(
        request,
        "tokens/list.html",
        title="API tokens",
        tokens=[ListedToken(token, _state(token)) for token in found[:PAGE]],
        of_all=may_administer(request.user),
        older=found[PAGE - 1].prefix if len(found) > PAGE else None,
        is_newest=behind is None,
    )


@needs_tokens
def revoke(request: HttpRequest, prefix: str) -> HttpResponse:
    """Ask whether a token is to end, or end it."""
    token = seen_by(request).select_related("created_by").filter(prefix=prefix).first()
    if token is None:
        raise Http404(f"You have no token {prefix[:100]}.")
    if token.revoked_at is not None:
        messages.info(request, f"{token} was revoked already.")
        return redirect("admin:console_tokens")
    problem = ""
    reason = request.POST.get("reason", "").replace("\0", "").strip()
    if len(reason) > MOST_REASON_CHARACTERS:
        problem = f"The reason has {len(reason)} characters; the most is {MOST_REASON_CHARACTERS}."
    elif request.method == "POST":
        revoke_token(prefix)
        note(request, token, CHANGE, f"revoked{f': {reason}' if reason else ''}")
        messages.success(request, f"{token} is revoked: no request with it is let in any more.")
        return redirect("admin:console_tokens")
    return page(
        request,
        "tokens/revoke.html",
        title="Revoke a token",
        status=422 if problem else 200,
        token=token,
        reason=reason,
        problem=problem,
        most_reason=MOST_REASON_CHARACTERS,
    )


def seen_by(request: HttpRequest) -> ApiTokenQuerySet:
    """Return the tokens that whoever asks has to do with."""
    return (
        ApiToken.objects.all() if may_administer(request.user) else ApiToken.objects.filter(created_by=request.user.pk)
    )


def note(request: HttpRequest, token: ApiToken, action: int, what: str) -> None:
    """Keep who did something to a token, where Django keeps what is done to people and groups."""
    assert request.user.pk is not None  # somebody is logged in
    LogEntry.objects.log_actions(request.user.pk, [token], action, what, single_object=True)


def _state(token: ApiToken) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at is not None and token.expires_at <= timezone.now():
        return "expired"
    return "active" if token.created_by is None or token.created_by.is_active else "asleep"
