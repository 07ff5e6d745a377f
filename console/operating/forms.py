"""The forms of operations."""

from __future__ import annotations

from copy import copy
from typing import Any, Final

from django import forms

from components.switching import find_deployment
from engine.deployment.registry import Registry
from engine.errors import DeploymentError, ValueMismatch
from engine.executor.signalling import signals_of
from engine.wit.grammar import format_type
from engine.wit.json_values import load_json
from executions.component_versions import registry_of
from executions.deployed import deployed_registry
from executions.models import Execution
from executions.operations.recording import MOST_REASON_CHARACTERS

_LARGEST_JSON: Final = 1 << 20


class JsonField(forms.CharField):
    """JSON text; its value is the data.

    Numbers are read as they are written: a browser never turns them into its own.
    """

    widget = forms.Textarea(attrs={"class": "ob-input ob-code", "rows": 4, "spellcheck": "false"})

    def to_python(self, value: Any) -> Any:
        """Return the data."""
        text = super().to_python(value)
        if not text:
            return None
        if len(text) > _LARGEST_JSON:
            raise forms.ValidationError("That is more than 1 MB of JSON.")
        try:
            return load_json(text)
        except ValueMismatch as error:
            raise forms.ValidationError(f"That is no JSON: {error}") from error


def line(label: str, *, required: bool = False, text: str = "", longest: int = 256) -> forms.CharField:
    """Return a field of one line."""
    widget = forms.TextInput(attrs={"class": "ob-input", "autocomplete": "off"})
    return forms.CharField(label=label, required=required, help_text=text, max_length=longest, widget=widget)


class ReasonForm(forms.Form):
    """What everything that people do asks for.

    ``seen`` is how things stood on the page: what was confirmed on a page out of date is shown again.
    """

    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=200)
    reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=MOST_REASON_CHARACTERS,
        widget=forms.TextInput(attrs={"class": "ob-input", "autocomplete": "off"}),
        help_text="Kept with the record of who did it and when.",
    )

    def shown_fields(self) -> list[forms.BoundField]:
        """Return the fields that people fill in, the reason last."""
        own = [field for field in self.visible_fields() if field.name != "reason"]
        return [*own, self["reason"]] if "reason" in self.fields else own

    def ask_again(self, seen: str) -> None:
        """Have the form, as it was filled in, confirmed for things as they stand now."""
        before = self.cleaned_data["seen"]
        data: Any = copy(self.data)  # what was sent cannot be changed, but a copy of it can
        data["seen"] = seen
        self.data = data
        self.add_error(None, f"Meanwhile it has changed: {before}, and now {seen}. Confirm again.")


class OperationForm(ReasonForm):
    """What every operation on an execution asks for."""

    def __init__(self, row: Execution, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.row = row


class QuestionForm(OperationForm):
    """What is asked without changing anything needs no reason."""

    reason = None  # type: ignore[assignment]  # how forms leave a field of their parent out


class SignalForm(OperationForm):
    """A signal to a workflow."""

    name = forms.ChoiceField(label="Signal", widget=forms.Select(attrs={"class": "ob-input"}))
    payload = JsonField(label="Payload, as JSON", required=False, help_text="Empty where the function returns nothing.")
    signal_id = line("Signal id", text="If you give one, sending it again changes nothing.")

    def __init__(self, row: Execution, *args: Any, **kwargs: Any) -> None:
        super().__init__(row, *args, **kwargs)
        package = row.ffqn.partition("/")[0]
        signals = signals_of(deployed_registry())
        own_first = sorted(signals, key=lambda each: str(each.name).partition("/")[0] != package)
        self.fields["name"].choices = [  # type: ignore[attr-defined]  # it is a ChoiceField
            (str(each.name), f"{each.name}: {format_type(each.type.result)}")
            for each in own_first
            if each.type.result is not None
        ]


class QueryForm(QuestionForm):
    """A question to a workflow."""

    name = line("Query", required=True, text="A @query function of the workflow's file.")
    params = JsonField(label="Parameters, as a JSON array", required=False, initial="[]")


class UpgradeForm(OperationForm):
    """Another version of the component."""

    skip_determinism_check = forms.BooleanField(
        label="Do without the replay",
        required=False,
        help_text="A version that cannot follow the history then fails the execution when it is run.",
    )


class ExcludeForm(OperationForm):
    """From which deployment; its value is that deployment's functions."""

    deployment = line("Deployment that shall not run it", required=True)

    def clean_deployment(self) -> Registry:
        """Return the deployment's functions."""
        try:
            return registry_of(find_deployment(self.cleaned_data["deployment"]))
        except DeploymentError as error:
            raise forms.ValidationError(f"{error}.") from error


class ForkForm(OperationForm):
    """From where, and what is to be different."""

    version = forms.IntegerField(
        label="Last event that is kept",
        min_value=0,
        max_value=2**31 - 1,
        widget=forms.TextInput(attrs={"class": "ob-input", "inputmode": "numeric"}),
    )
    params = JsonField(label="Other parameters, as a JSON array", required=False, help_text="Empty keeps the old ones.")
    results = JsonField(
        label="Other results of children, as JSON",
        required=False,
        help_text='By child id: {"E_…": {"ok": 1}}. Empty keeps the old ones.',
    )
    paused = forms.BooleanField(label="Start paused", required=False)
    dry_run = forms.BooleanField(
        label="Only try", required=False, help_text="Tells what it would do, with recorded answers; starts nothing."
    )
