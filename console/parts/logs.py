"""What guests wrote: log messages, and what they printed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import QueryDict
from django.template.loader import render_to_string

from console.parts.stored import StoredPart
from console.seeing import shows
from engine.deployment.spec import LogLevel
from executions.access.scopes import Insight
from executions.models import Execution, LogLine

LEVELS: Final = tuple(level.value for level in LogLevel)
STREAMS: Final = ("stdout", "stderr")
_LONGEST: Final = 200


class LogsPart(StoredPart):
    """The log lines of an execution, and of what it started.

    Args:
        query: Which of them.
        keys: The ids of rows that the page shows already.

    Raises:
        BadRequest: If that makes no sense.
    """

    into = "logs"

    def __init__(self, query: QueryDict, keys: Iterable[str] = ()) -> None:
        super().__init__(keys)
        self.derived = query.get("derived", "on") == "on"
        self.levels = _chosen(query, "level", LEVELS)
        self.streams = _chosen(query, "stream", STREAMS)
        self.run = _text(query, "run")
        self.text = _text(query, "text")

    @property
    def is_filtered(self) -> bool:
        """Whether anything is left out."""
        return bool(self.levels or self.streams or self.run or self.text)

    def every(self, execution: Execution) -> QuerySet[LogLine]:
        """See `StoredPart`."""
        return LogLine.objects.of(execution.pk, with_descendants=self.derived)

    def matching(self, execution: Execution) -> QuerySet[LogLine] | None:
        """See `StoredPart`."""
        if not self.is_filtered:
            return None
        lines = LogLine.objects.of(execution.pk, with_descendants=self.derived)
        if self.levels or self.streams:
            lines = lines.of_kinds(levels=self.levels, streams=self.streams)
        if self.run:
            lines = lines.filter(run_id=self.run)
        if self.text and not shows(Insight.PAYLOAD):
            # Whether it is found would tell.
            return lines.none()
        return lines.filter(message__icontains=self.text) if self.text else lines

    def html(self, row: LogLine, execution: Execution) -> str:
        """See `StoredPart`."""
        context = {"line": row, "derived": self.derived, "own": row.execution_id == execution.pk}
        return render_to_string("console/executions/log_row.html", context)


def _chosen(query: QueryDict, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(each for each in query.getlist(name) if each))
    if unknown := [each for each in chosen if each not in known]:
        raise BadRequest(f"There is no {name} called {unknown[0]!r}; there are {', '.join(known)}.")
    return chosen


def _text(query: QueryDict, name: str) -> str:
    text = query.get(name, "")
    if "\0" in text or len(text) > _LONGEST:
        raise BadRequest(f"What is searched for has at most {_LONGEST} characters, none of them NUL.")
    return text
