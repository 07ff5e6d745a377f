from __future__ import annotations

from typing import ClassVar

from django.db import models


class Sample(models.Model):
    """What an activity wrote."""

    text = models.CharField(max_length=100, unique=True)

    # The site's settings, which types are checked with, do not have this app.
    objects: ClassVar[models.Manager[Sample]] = models.Manager()

    def __str__(self) -> str:
        return self.text
