"""Which events of a log are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from django.core.exceptions import BadRequest
from django.db.models import Q, QuerySet
from django.http import QueryDict

from console.parts.event_kinds import GROUPS, KINDS
from console.seeing import shows
from executions.access.scopes import Insight
from executions.models import Event

_LONGEST_TEXT: Final = 200
_DONE: Final = '"result":{"type":"ok"}'
_DELAY_ENDS: Final = ('"paused":false}}}}', '"paused":true}}}}')

# As events are written (`engine.log.event_encoding`): what people put into them stands before these ends, or quoted.
_REFUSED: Final = ~Q(payload__endswith=_DONE + "}" * 3) & ~Q(payload__endswith=_DONE + "}" * 4)
FAILURES: Final = (
    Q(variant__in=("temporarily_failed", "temporarily_timed_out"))
    | Q(variant="finished") & ~Q(payload__startswith='{"finished":{"retval":{"ok":')
    | Q(variant="component_upgrade_finished", payload__contains='"outcome":{"type":"failed"')
    | Q(history_event_type="join_set_request")
    & _REFUSED
    & ~Q(payload__endswith=_DELAY_ENDS[0])
    & ~Q(payload__endswith=_DELAY_ENDS[1])
    | Q(history_event_type__in=("schedule", "stub")) & _REFUSED
)
"""Events that tell of something that went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """What an address asks for; all of it has to hold.

    Args:
        kinds: Groups or kinds of which it is one; empty for all.
        failures: Whether only what went wrong.
        join_set: Of this join set; empty for all.
        text: What stands somewhere in it; empty for anything.
    """

    kinds: tuple[str, ...] = ()
    failures: bool = False
    join_set: str = ""
    text: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """Return the filter of an address.

        Raises:
            BadRequest: If it makes no sense.
        """
        kinds = tuple(dict.fromkeys(kind for kind in query.getlist("kind") if kind))
        if unknown := [kind for kind in kinds if kind not in GROUPS and kind not in KINDS]:
            known = ", ".join([*GROUPS, *sorted(KINDS)])
            raise BadRequest(f"There is no kind of event called {unknown[0]!r}; there are {known}.")
        join_set, text = query.get("join_set", ""), query.get("text", "")
        if "\0" in join_set + text or max(len(join_set), len(text)) > _LONGEST_TEXT:
            raise BadRequest(f"What is searched for has at most {_LONGEST_TEXT} characters, none of them NUL.")
        return cls(kinds=kinds, failures=query.get("failures") == "on", join_set=join_set, text=text)

    @property
    def is_active(self) -> bool:
        """Whether anything is left out."""
        return self != EventFilter()

    def matching(self, events: QuerySet[Event]) -> QuerySet[Event] | None:
        """Return those of an execution's events that are asked for; ``None`` for all of them."""
        if not self.is_active:
            return None
        if self.kinds:
            kinds = [each for kind in self.kinds for each in GROUPS.get(kind, (kind,))]
            events = events.filter(Q(variant__in=kinds) | Q(history_event_type__in=kinds))
        if self.join_set:
            events = events.filter(join_set_id=self.join_set)
        if self.failures:
            events = events.filter(FAILURES)
        return events.filter(self._with_text(events)) if self.text else events

    def _with_text(self, events: QuerySet[Event]) -> Q:
        if not shows(Insight.PAYLOAD):
            # Whether it is found would tell.
            return Q(pk__in=())
        # The first event also holds what nobody may see.
        created = events.filter(version=0).first()
        is_in_first = created is not None and self.text.lower() in created.public_payload.lower()
        return Q(payload__icontains=self.text, version__gt=0) | (Q(version=0) if is_in_first else Q(pk__in=()))
