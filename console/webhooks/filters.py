"""What lists of deliveries are filtered by."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django import forms
from django.db.models import Q

from webhooks.models import Delivery, DeliveryQuerySet, DeliveryState

_LATE_IDS: Final = 1000
"""Deliveries that may have been numbered in another order than they came in, since several processes number them."""
_LONGEST: Final = 150


class DeliveryFilter(forms.Form):
    """Which deliveries; what is left out does not matter."""

    endpoint = forms.CharField(
        required=False,
        max_length=_LONGEST,
        widget=forms.TextInput(attrs={"class": "ob-input", "list": "endpoints", "autocomplete": "off"}),
    )
    state = forms.ChoiceField(
        required=False,
        choices=[("", "Any"), *((each.value, each.value.capitalize()) for each in DeliveryState)],
        widget=forms.Select(attrs={"class": "ob-input"}),
    )
    after = forms.DateTimeField(
        label="From (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"class": "ob-input", "type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    before = forms.DateTimeField(
        label="Until (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"class": "ob-input", "type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def matching(self) -> DeliveryQuerySet:
        """Return the deliveries that it lets through, newest first; none if it makes no sense."""
        rows = Delivery.objects.newest_first()
        if not self.is_valid():
            return rows.none()
        wanted = self.cleaned_data
        if wanted["endpoint"]:
            rows = rows.of_endpoint(wanted["endpoint"])
        if wanted["state"]:
            rows = rows.filter(state=wanted["state"])
        return rows.filter(_between(wanted["after"], wanted["before"]))


def _between(after: datetime | None, before: datetime | None) -> Q:
    """Return the condition on the time, with bounds of the id: lists are read in its order, and end where they do."""
    condition = Q()
    if after is not None:
        first = Delivery.objects.filter(received_at__gte=after).order_by("received_at").only("pk").first()
        condition &= Q(pk__in=[]) if first is None else Q(received_at__gte=after, pk__gte=first.pk - _LATE_IDS)
    if before is not None:
        last = Delivery.objects.filter(received_at__lt=before).order_by("-received_at").only("pk").first()
        condition &= Q(pk__in=[]) if last is None else Q(received_at__lt=before, pk__lte=last.pk + _LATE_IDS)
    return condition
