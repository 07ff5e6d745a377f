"""What the shop keeps."""

from __future__ import annotations

from django.db import models


class Receipt(models.Model):
    """One order that was paid. Its number is its id, and no number is given away by an attempt that failed."""

    order = models.CharField(max_length=100, unique=True)
    customer = models.EmailField()
    cents = models.PositiveIntegerField()
    execution_id = models.CharField(max_length=200)
    """The activity that wrote it: `manage.py execution show ID` tells the rest."""

    def __str__(self) -> str:
        return f"receipt {self.pk} for order {self.order}"
