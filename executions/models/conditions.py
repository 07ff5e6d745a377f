"""Conditions that several tables put on their rows."""

from __future__ import annotations

from django.db.models import Q


def all_or_none(*fields: str) -> Q:
    """Return the condition that all of these columns are null, or none is."""
    none, every = Q(), Q()
    for field in fields:
        none &= Q(**{f"{field}__isnull": True})
        every &= Q(**{f"{field}__isnull": False})
    return none | every
