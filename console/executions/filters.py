"""What the list of executions can be narrowed down by; the names in the address are those of the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.http import QueryDict

from executions.operations.listing import ExecutionFilter, ListedStatus

STATUSES = (
    (ListedStatus.UNFINISHED, "In progress"),
    (ListedStatus.PENDING, "Pending"),
    (ListedStatus.SCHEDULED, "Scheduled"),
    (ListedStatus.RETRYING, "Retrying"),
    (ListedStatus.LOCKED, "Running"),
    (ListedStatus.BLOCKED, "Blocked"),
    (ListedStatus.PAUSED, "Paused"),
    (ListedStatus.CANCELLING, "Cancelling"),
    (ListedStatus.FINISHED_OK, "OK"),
    (ListedStatus.FINISHED_ERROR, "Error"),
    (ListedStatus.FINISHED_FAILED, "Failed"),
    (ListedStatus.FINISHED_CANCELLED, "Cancelled"),
    (ListedStatus.FINISHED_EXECUTION_FAILURE, "Failed or cancelled"),
)

_LONGEST = 500
WITHIN: Final = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
"""How long ago something may have been created at most, by what stands in the address."""
_WITHIN_WORDS = (("", "any time"), ("1h", "the last hour"), ("24h", "the last 24 h"), ("7d", "the last 7 days"))
_CHIPS = ("status", "stuck", "show_derived")
_MAIN = ("execution_id_prefix", "ffqn_prefix", "label", "created_within")


def _text(label: str, placeholder: str = "", **attributes: str) -> forms.CharField:
    given = {"placeholder": placeholder, "class": "ob-input", "autocomplete": "off", **attributes}
    widget = forms.TextInput(attrs=given)
    return forms.CharField(label=label, required=False, max_length=_LONGEST, widget=widget)


def _moment(label: str) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "class": "ob-input", "step": 1})
    return forms.DateTimeField(label=label, required=False, widget=widget)


class FilterForm(forms.Form):
    """The filters, as they stand in the address."""

    status = forms.MultipleChoiceField(
        label="State",
        required=False,
        choices=[(status.value, word) for status, word in STATUSES],
        widget=forms.CheckboxSelectMultiple,
    )
    execution_id_prefix = _text("Id begins with", "E_01…")
    function = _text("Function", "ns:package/interface.function")
    ffqn_prefix = _text("Function begins with", "ns:package/", list="functions")
    component = _text("Component")
    component_digest = _text("Digest", "sha256:…")
    deployment_id = _text("Deployment", "Dep_…")
    parent = _text("Parent", "E_…")
    label = _text("Labels", "city:Rome team:a")
    created_within = forms.ChoiceField(
        label="Created", required=False, choices=_WITHIN_WORDS, widget=forms.Select(attrs={"class": "ob-input"})
    )
    created_after = _moment("Created at or after, UTC")
    created_before = _moment("Created before, UTC")
    finished_after = _moment("Ended at or after, UTC")
    finished_before = _moment("Ended before, UTC")
    submitted_by = _text("Submitted by", "user:name")
    stuck = forms.BooleanField(label="Stuck", required=False)
    show_derived = forms.BooleanField(label="Children too", required=False)

    def main_fields(self) -> list[forms.BoundField]:
        """Return the fields that are always in sight."""
        return [self[name] for name in _MAIN]

    def more_fields(self) -> list[forms.BoundField]:
        """Return the fields that are seldom needed."""
        return [field for field in self if field.name not in (*_MAIN, *_CHIPS)]

    def more_is_used(self) -> bool:
        """Tell whether one of those is filled in."""
        return any(self.data.get(field.name) for field in self.more_fields())

    def clean_label(self) -> tuple[tuple[str, str], ...]:
        """Return the labels, each ``name:value``."""
        pairs = []
        for text in self.cleaned_data["label"].split():
            name, colon, value = text.partition(":")
            if not colon or not name:
                raise forms.ValidationError(f"{text} is not name:value")
            pairs.append((name, value))
        return tuple(pairs)

    def wanted(self, now: datetime) -> ExecutionFilter:
        """Return the filter as of an instant; of fields that are wrong, as if they were empty."""
        self.is_valid()
        values: dict[str, Any] = {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}
        if within := values.pop("created_within", None):
            values["created_after"] = max(now - WITHIN[within], values.get("created_after", now - WITHIN[within]))
        statuses = tuple(ListedStatus(value) for value in values.pop("status", ()))
        return ExecutionFilter(statuses=statuses, labels=values.pop("label", ()), **values)


def without(query: QueryDict, *names: str, **values: str) -> str:
    """Return an address's query with some parameters left out and others set, with its question mark."""
    changed = query.copy()
    for name in (*names, *values):
        changed.pop(name, None)
    for name, value in values.items():
        changed[name] = value
    return f"?{changed.urlencode()}" if changed else "?"
