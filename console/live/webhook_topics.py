"""Webhooks: endpoints and how they do, deliveries, and one of them."""

from __future__ import annotations

from django.conf import settings
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import timezone

from console.live.messages import Row, Sub
from console.live.rows_topic import RowsTopic
from console.live.topics import Cursor, Update, Waker
from console.webhooks.delivery import cursor_of, facts_of
from console.webhooks.filters import DeliveryFilter
from console.webhooks.refused import refused_lately
from console.webhooks.routes import shown_endpoints
from console.webhooks.shown import UNSHOWN, shown_deliveries
from engine.errors import DeploymentError
from executions.watching import CommitWatch
from webhooks.models import Delivery

_COUNTED = 99
"""How far new deliveries are counted."""


class WebhooksTopic(RowsTopic):
    """The endpoints that a page shows, by their names."""

    interval_s = 1.0

    def read(self, cursor: Cursor, *, hidden: bool) -> Update | None:
        """See `Topic`."""
        if hidden:
            return None
        now = timezone.now()
        try:
            shown = {each.endpoint.name: each for each in shown_endpoints(now)}
        except DeploymentError:
            return None  # the page says why when it is loaded again
        at = {**{name: each.fingerprint for name, each in shown.items()}, "other": int(set(shown) != set(self.keys))}
        if at == {"other": 0, **cursor}:
            return None
        context = {"prefix": settings.OBELISK_WEBHOOK_PREFIX.rstrip("/"), "now": now}
        rows = [
            Row(
                into="endpoints",
                key=name,
                html=render_to_string("console/webhooks/endpoint.html", {"each": shown[name], **context}),
            )
            for name in self.changed(cursor, at)
        ]
        other = render_to_string("console/webhooks/other.html", {"is_other": at["other"]})
        return Update(cursor=at, rows=rows, regions={"other-endpoints": other})


class DeliveriesTopic(RowsTopic):
    """The deliveries that a page shows, by their numbers; those that come are only told of.

    Args:
        sub: The subscription; its view is the filter, as in the page's address.
    """

    def __init__(self, sub: Sub) -> None:
        super().__init__(sub)
        self.keys = [key for key in self.keys if key.isascii() and key.isdigit() and len(key) < 19]
        self._filter = sub.view

    def read(self, cursor: Cursor, *, hidden: bool) -> Update | None:
        """See `Topic`."""
        newest = cursor.get("newest", 0)
        new = DeliveryFilter(QueryDict(self._filter)).matching().filter(pk__gt=newest)[: _COUNTED + 1].count()
        rows = list(Delivery.objects.filter(pk__in=self.keys).defer(*UNSHOWN))
        shown = {str(each.row.pk): each for each in shown_deliveries(rows)}
        now = timezone.now()
        refused = refused_lately(now).total()
        at = {
            "newest": newest,
            "new": new,
            "refused": refused,
            **{key: each.fingerprint for key, each in shown.items()},
        }
        if at == {"new": 0, **cursor}:
            return None
        changed = (
            []
            if hidden
            else [
                Row(
                    into="deliveries",
                    key=key,
                    html=render_to_string("console/webhooks/row.html", {"each": shown[key], "now": now}),
                )
                for key in self.changed(cursor, at)
                if key in shown
            ]
        )
        regions: dict[str, str] = {
            "new-deliveries": render_to_string("console/webhooks/new.html", {"count": new, "most": _COUNTED}),
            "refused-lately": render_to_string("console/webhooks/refused_lately.html", {"refused": refused}),
        }
        return Update(cursor=at, rows=changed, regions=regions)


class DeliveryTopic:
    """One delivery: its answer, and who had it answered once more.

    Args:
        sub: The subscription; its subject is the number.

    Raises:
        ValueError: If it is none.
    """

    interval_s = 0.25
    remembers = False

    def __init__(self, sub: Sub) -> None:
        if not (sub.subject.isascii() and sub.subject.isdigit() and len(sub.subject) < 19):
            raise ValueError("that is no delivery")
        self._id = int(sub.subject)

    def waker(self) -> Waker:
        """See `Topic`."""
        return CommitWatch()

    def read(self, cursor: Cursor, *, hidden: bool) -> Update | None:
        """See `Topic`."""
        row = Delivery.objects.filter(pk=self._id).first()
        if row is None:
            gone = render_to_string("console/webhooks/gone.html", {"number": self._id})
            return Update(cursor=cursor, regions={"delivery": gone}, final=True)
        at = cursor_of(row)
        if at == dict(cursor):
            return None
        html = render_to_string("console/webhooks/facts.html", facts_of(row))
        return Update(cursor=at, regions={"delivery": html})
