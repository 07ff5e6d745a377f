"""Making a token: it is shown in the answer, and never again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib.admin.models import ADDITION
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from console.access import needs_tokens, person
from console.pages import page
from console.tokens.listing import note
from executions.access.scopes import MEANINGS, Scope
from executions.access.tokens import TokenRefused, issue_token
from executions.models import ApiToken
from executions.models.api_token import MOST_NAME_CHARACTERS

_DAYS: Final = ((7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "a year"), (0, "never"))
_UNPROCESSABLE: Final = 422


class TokenForm(forms.Form):
    """What a token is for, what it allows, and until when.

    Args:
        own: The scopes of who makes it: there is no choice beyond.
    """

    name = forms.CharField(
        label="What it is for",
        max_length=MOST_NAME_CHARACTERS,
        widget=forms.TextInput(attrs={"class": "ob-input", "autocomplete": "off", "placeholder": "billing service"}),
    )
    scopes = forms.MultipleChoiceField(label="What it allows", widget=forms.CheckboxSelectMultiple)
    days = forms.TypedChoiceField(
        label="Expires after",
        choices=_DAYS,
        coerce=int,
        initial=90,
        widget=forms.Select(attrs={"class": "ob-input"}),
    )

    def __init__(self, own: frozenset[Scope], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["scopes"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(scope.value, f"{scope.value}: {MEANINGS[scope]}") for scope in Scope if scope in own]


@needs_tokens
def new(request: HttpRequest) -> HttpResponse:
    """Show the form, or make a token and show it, this once."""
    own = person(request).scopes
    if request.method != "POST":
        return _page(request, TokenForm(own, initial={"scopes": [Scope.READ.value]}))
    form = TokenForm(own, request.POST)
    if not form.is_valid():
        return _page(request, form, status=_UNPROCESSABLE)
    name, days = form.cleaned_data["name"], form.cleaned_data["days"]
    # A page that is loaded again sends its form again.
    if ApiToken.objects.usable(timezone.now()).filter(created_by=request.user.pk, name=name.strip()).exists():
        form.add_error("name", "You have a token of this name; revoke that first, or take another name.")
        return _page(request, form, status=_UNPROCESSABLE)
    scopes = [Scope(scope) for scope in form.cleaned_data["scopes"]]
    try:
        token, text = issue_token(
            name, scopes, created_by=request.user.pk, lifetime=timedelta(days=days) if days else None
        )
    except TokenRefused as refusal:
        form.add_error(None, f"{str(refusal)[0].upper()}{str(refusal)[1:]}.")
        return _page(request, form, status=_UNPROCESSABLE)
    note(request, token, ADDITION, f"made, with {', '.join(token.scopes)}")
    return page(request, "tokens/made.html", title="API token", token=token, text=text)


def _page(request: HttpRequest, form: TokenForm, *, status: int = 200) -> HttpResponse:
    return page(request, "tokens/new.html", title="New API token", form=form, status=status)
