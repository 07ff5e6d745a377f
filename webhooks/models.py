"""Signed deliveries of webhooks: what came in, and what became of it; and what was refused."""
# ruff: noqa: DJ001 - null means "there is none"; an empty string would be an id like any other

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from engine.deployment.webhooks import Provider
from executions.instants import InstantField


class DeliveryState(models.TextChoices):
    """What became of a delivery."""

    RUNNING = "running"
    """A component answers it."""
    ANSWERED = "answered"
    """A component answered it. The provider, if it sends it again, gets the same answer."""
    FAILED = "failed"
    """There was no answer, or one that says that the server failed. If it is sent again, it is tried again."""


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Questions about deliveries."""

    def newest_first(self) -> DeliveryQuerySet:
        """In the order of lists."""
        return self.order_by("-id")

    def of_endpoint(self, endpoint: str) -> DeliveryQuerySet:
        """Those that one endpoint received."""
        return self.filter(endpoint=endpoint)

    def prune(self, before: datetime) -> DeliveryQuerySet:
        """Those that are over and were received before an instant: nobody needs them for anything but looking back.

        A provider that sends one of them again after it was deleted has it answered anew.
        """
        over = self.filter(received_at__lt=before).exclude(state=DeliveryState.RUNNING)
        return over.order_by("received_at")


class Delivery(models.Model):
    """One request that a provider signed, and the answer to it.

    Headers that may hold secrets, the signature among them, are left out on purpose: whoever may see deliveries may not
    therefore send some.
    """

    id = models.BigAutoField(primary_key=True)
    endpoint = models.TextField()
    """Name of the component."""
    provider = models.TextField(choices=[(provider.value, provider.value) for provider in Provider])
    delivery_id = models.TextField(null=True, blank=True)
    """By what the provider tells its deliveries apart; null if it does not, and in replays."""
    replay_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replays")
    """The delivery that a person or a program had answered once more by this one."""
    received_at = models.DateTimeField()

    method = models.TextField()
    target = models.TextField()
    """Path, as the component sees it, and query."""
    headers = models.JSONField()
    """List of name and value."""
    body = models.BinaryField()
    """As much of it as is kept."""
    body_size = models.PositiveBigIntegerField()
    """All of it, in bytes."""

    state = models.TextField(choices=DeliveryState)
    attempts = models.PositiveIntegerField(default=1)
    """How often it was handed to a component."""
    started_at = models.DateTimeField()
    """When the last of them began."""
    execution_id = models.TextField()
    """The execution of the last one."""
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    """HTTP status of the answer; null while there is none."""
    response_headers = models.JSONField(default=list)
    response_body = models.BinaryField(default=bytes)
    response_size = models.PositiveBigIntegerField(default=0)
    failure = models.TextField(null=True, blank=True)
    """Why it failed, in one sentence."""

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            # One delivery, however often it is sent: the index also finds what was sent before.
            UniqueConstraint(
                fields=["endpoint", "delivery_id"], condition=Q(delivery_id__isnull=False), name="delivery_once"
            ),
            CheckConstraint(condition=Q(state__in=DeliveryState.values), name="delivery_state_is_known"),
            CheckConstraint(
                condition=~Q(state=DeliveryState.ANSWERED) | Q(status__isnull=False),
                name="delivery_answered_has_status",
            ),
        ]
        indexes = [
            # Lists of one endpoint.
            Index(fields=["endpoint", "id"], name="delivery_of_endpoint"),
            # Those whose web process may have died: nearly always none.
            Index(fields=["started_at"], condition=Q(state=DeliveryState.RUNNING), name="delivery_running"),
            # Lists of those that failed, among many that did not.
            Index(fields=["id"], condition=Q(state=DeliveryState.FAILED), name="delivery_failed"),
            # Retention, and numbers of the last hour.
            Index(fields=["received_at"], name="delivery_received"),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.delivery_id or self.pk} ({self.state})"

    @property
    def is_whole(self) -> bool:
        """Whether all of the body is kept."""
        return len(self.body) == self.body_size

    @property
    def is_response_whole(self) -> bool:
        """Whether all of the answer's body is kept."""
        return len(self.response_body) == self.response_size


class RefusedRequestQuerySet(models.QuerySet["RefusedRequest"]):
    """Questions about refused requests."""

    def prune(self, before: datetime) -> RefusedRequestQuerySet:
        """Those of before an instant."""
        return self.filter(last_at__lt=before).order_by("last_at")


class RefusedRequest(models.Model):
    """Requests to an endpoint that were refused before any component ran; those that are alike share a row.

    Best effort, and bounded: see `webhooks.refusals`. Bodies, headers and queries are left out on purpose: whoever may
    not send something here must not be able to have it kept, and what they hold may be somebody's secret.
    """

    id = models.BigAutoField(primary_key=True)
    first_at = InstantField()
    last_at = InstantField()
    count = models.PositiveBigIntegerField()
    """How many there were."""
    endpoint = models.TextField()
    """Name of the component that none of them reached."""
    provider = models.TextField()
    """Who should have signed them; empty where nobody has to."""
    method = models.TextField()
    path = models.TextField()
    """As the component would have seen it, without the query; the beginning of a long one."""
    client = models.TextField()
    """Address of who connected, or for whom a trusted proxy did (``OBELISK_TRUSTED_PROXIES``); empty if the server does
    not know."""
    status = models.PositiveSmallIntegerField()
    """HTTP status that they were answered with."""
    code = models.TextField()
    """That of the problem: ``signature_refused``."""
    reason = models.TextField()
    """Why, in one sentence."""

    objects = RefusedRequestQuerySet.as_manager()

    class Meta:
        indexes = [
            # Lists of one endpoint.
            Index(fields=["endpoint", "id"], name="refused_request_of_endpoint"),
            # How many rows a day there were already.
            Index(fields=["first_at"], name="refused_request_first"),
            # Numbers of the last hour, and retention.
            Index(fields=["last_at"], name="refused_request_last"),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.status} {self.code} ({self.count})"
