"""The HTTP requests of an execution's guest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from django.db.models import QuerySet
from django.http import QueryDict
from django.template.loader import render_to_string

from console.live.messages import Row
from console.parts.runs import attempts_of
from console.parts.stored import StoredPart
from executions.models import Execution, HttpExchange

_DENIED: Final = "HTTP-request-denied: "


class HttpPart(StoredPart):
    """The HTTP requests of an execution; those of its children are on their pages.

    Args:
        query: Which of them: only those without a good answer, or all.
        keys: The ids of rows that the page shows already.
    """

    into = "http"

    def __init__(self, query: QueryDict, keys: Iterable[str] = ()) -> None:
        super().__init__(keys)
        self.failures = query.get("failures") == "on"
        self._attempts: dict[str, int] = {}

    def every(self, execution: Execution) -> QuerySet[HttpExchange]:
        """See `StoredPart`."""
        return HttpExchange.objects.filter(execution_id=execution.pk)

    def matching(self, execution: Execution) -> QuerySet[HttpExchange] | None:
        """See `StoredPart`."""
        if not self.failures:
            return None
        exchanges = self.every(execution)
        return exchanges.filter(error__isnull=False) | exchanges.filter(status__gte=400)

    def rows(self, execution: Execution, numbers: Sequence[int]) -> list[Row]:
        """See `Part`."""
        if numbers:
            self._attempts = attempts_of(execution.pk)
        return super().rows(execution, numbers)

    def html(self, row: HttpExchange, execution: Execution) -> str:
        """See `StoredPart`."""
        error = row.error or ""
        context = {
            "each": row,
            "attempt": self._attempts.get(row.run_id),
            "is_refused": error.startswith(_DENIED),
            "error": error.removeprefix(_DENIED),
            "is_bad": row.status is None or row.status >= 400,
        }
        return render_to_string("console/executions/http_row.html", context)
