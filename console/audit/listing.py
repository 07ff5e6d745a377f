"""The page of the audit."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse

from console.access import may_administer, needs
from console.audit.entries import LOOKED_THROUGH, Wanted, audit_page, kinds_of_operations, place_of
from console.executions.filters import without
from console.pages import page
from executions.access.scopes import Scope

PAGE: Final = 50
_LONGEST: Final = 500


def _text(label: str, placeholder: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"placeholder": placeholder, "class": "ob-input", "autocomplete": "off"})
    return forms.CharField(label=label, required=False, max_length=_LONGEST, widget=widget)


def _moment(label: str) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "class": "ob-input", "step": 1})
    return forms.DateTimeField(label=label, required=False, widget=widget)


class AuditForm(forms.Form):
    """The filters, as they stand in the address."""

    who = _text("Who", "user:ann")
    what = forms.ChoiceField(label="What", required=False, widget=forms.Select(attrs={"class": "ob-input"}))
    about = _text("Execution or deployment", "E_… or Dep_…")
    since = _moment("At or after, UTC")
    until = _moment("Before, UTC")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["what"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "anything"), *((kind, kind.replace("_", " ")) for kind in kinds_of_operations())]

    def wanted(self) -> Wanted:
        """Return what to look for; of fields that are wrong, as if they were empty."""
        self.is_valid()
        return Wanted(**{name: value for name, value in self.cleaned_data.items() if value not in ("", None)})


@needs(Scope.READ)
def audit(request: HttpRequest) -> HttpResponse:
    """Show a page of what was done."""
    form = AuditForm(request.GET)
    behind = place_of(request.GET.get("behind", ""))
    found = audit_page(form.wanted(), behind=behind, length=PAGE)
    return page(
        request,
        "audit/list.html",
        title="Audit",
        form=form,
        entries=found.entries,
        is_searching=found.is_searching,
        looked_through=LOOKED_THROUGH,
        older=None if found.behind is None else without(request.GET, behind=str(found.behind)),
        newest=None if behind is None else without(request.GET, "behind"),
        exports=without(request.GET, "behind", "format") if may_administer(request.user) else None,
    )
