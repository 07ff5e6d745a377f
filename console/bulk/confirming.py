"""Confirming an operation on many: what will happen to how many, and why."""

from __future__ import annotations

import uuid

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from console.access import needs, person
from console.bulk.asking import Asked, AskRefused, read_asked
from console.bulk.words import WORDS
from console.pages import page
from executions.access.scopes import Scope
from executions.batches.keeping import TooManyBatches, start_batch
from executions.operations.bulk import COUNTED, BulkOperation
from executions.operations.recording import MOST_REASON_CHARACTERS

TYPED_ABOVE = 100
"""Beyond how many the number has to be typed."""


class ConfirmForm(forms.Form):
    """A reason, and for many their number.

    ``key`` is made with the page, so that a second click starts nothing; ``seen`` is how many it was said to be.

    Args:
        data: What was sent, if it was.
        number: How many there are now.
    """

    key = forms.UUIDField(widget=forms.HiddenInput)
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=COUNTED)
    reason = forms.CharField(
        label="Reason",
        max_length=MOST_REASON_CHARACTERS,
        widget=forms.TextInput(attrs={"class": "ob-input", "autocomplete": "off"}),
        help_text="Kept with each execution, with who did it and when.",
    )
    typed = forms.CharField(
        max_length=20,
        widget=forms.TextInput(attrs={"class": "ob-input", "autocomplete": "off", "inputmode": "numeric"}),
    )

    def __init__(self, data: object = None, *, number: int) -> None:
        super().__init__(data, initial={"key": uuid.uuid4(), "seen": number})  # type: ignore[arg-type]  # a QueryDict
        self._number = number
        self.fields["typed"].label = f"Type {number:,} to confirm"
        if number <= TYPED_ABOVE:
            del self.fields["typed"]

    def clean_typed(self) -> str:
        """Check the number; thousands may be set apart."""
        typed = "".join(each for each in self.cleaned_data["typed"] if each not in ", +")
        if typed != str(self._number):
            raise forms.ValidationError(f"That is not {self._number:,}.")
        return typed


@needs(Scope.OPERATE)
def confirm(request: HttpRequest, operation: str) -> HttpResponse:
    """Show what an operation would come to, or begin with it."""
    if operation not in set(BulkOperation):
        raise Http404(f"There is no operation {operation} on many.")
    wanted = BulkOperation(operation)
    if wanted.starts:
        return needs(Scope.SUBMIT)(_confirm)(request, wanted)  # type: ignore[return-value]  # a response
    return _confirm(request, wanted)


def _confirm(request: HttpRequest, operation: BulkOperation) -> HttpResponse:
    if request.method != "POST":
        # Which ones is not in the address.
        return redirect("admin:console_executions")
    try:
        asked = read_asked(operation, request.POST)
    except AskRefused as error:
        messages.error(request, str(error))
        return redirect(f"{reverse('admin:console_executions')}?{request.POST.get('query', '')}")
    possible = asked.prospect.possible
    if "confirmed" not in request.POST:
        return _page(request, operation, asked, ConfirmForm(number=possible))
    form = ConfirmForm(request.POST, number=possible)
    if not form.is_valid():
        return _page(request, operation, asked, form, status=422)
    if possible > (seen := form.cleaned_data["seen"]):
        again = ConfirmForm({**request.POST.dict(), "seen": possible, "typed": ""}, number=possible)
        again.add_error(None, f"Meanwhile it is {possible:,}, and not {seen:,}. Confirm again.")
        return _page(request, operation, asked, again, status=409)
    try:
        batch = start_batch(
            operation,
            asked.wanted,
            total=possible + asked.prospect.is_capped,
            actor=person(request).actor,
            reason=form.cleaned_data["reason"],
            key=str(form.cleaned_data["key"]),
        )
    except TooManyBatches as error:
        form.add_error(None, f"{error}.")
        return _page(request, operation, asked, form, status=422)
    return redirect("admin:console_batch", batch.pk)


def _page(
    request: HttpRequest, operation: BulkOperation, asked: Asked, form: ConfirmForm, *, status: int = 200
) -> HttpResponse:
    return page(
        request,
        "bulk/confirm.html",
        title=f"{WORDS[operation].title} many",
        status=status,
        operation=operation,
        words=WORDS[operation],
        asked=asked,
        prospect=asked.prospect,
        obstacles=asked.prospect.obstacles.items(),
        form=form,
        until=asked.until.isoformat(),
    )
