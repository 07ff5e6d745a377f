"""The framework's content negotiation, which has nothing to decide: answers choose their form themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class NoNegotiation(BaseContentNegotiation):
    """Takes whatever comes first."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """Return the first parser; none of them is used."""
        return next(iter(parsers), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        """Return the first renderer, whatever the client accepts."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type or ""
