"""Deliveries in the admin: to look at, and to have answered once more."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from components.problems import DeploymentRefused
from components.read_only_admin import ReadOnlyAdmin
from webhooks.models import Delivery
from webhooks.replaying import ReplayRefused, replay

_SHOWN_BYTES = 20_000


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Signed deliveries, newest first."""

    list_display = ("id", "endpoint", "provider", "delivery_id", "state", "status", "attempts", "received_at")
    list_filter = ("state", "provider", "endpoint")
    search_fields = ("delivery_id", "execution_id__startswith")
    ordering = ("-id",)
    list_per_page = 50
    show_full_result_count = False
    actions = ("replay_deliveries",)
    exclude = ("body", "response_body")
    readonly_fields = ("shown_body", "shown_response", "execution")

    @admin.display(description="body")
    def shown_body(self, delivery: Delivery) -> SafeString:
        """Return the beginning of the body as text."""
        return _text(delivery.body)

    @admin.display(description="response body")
    def shown_response(self, delivery: Delivery) -> SafeString:
        """Return the beginning of the answer's body as text."""
        return _text(delivery.response_body)

    @admin.display(description="execution")
    def execution(self, delivery: Delivery) -> SafeString:
        """Return a link to the execution of the last attempt."""
        url = reverse("admin:console_execution", args=(delivery.execution_id,))
        return format_html('<a href="{}">{}</a>', url, delivery.execution_id)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Tell whether somebody may have deliveries answered again, which does whatever they did."""
        return request.user.has_perm("webhooks.add_delivery")

    @admin.action(description="Answer once more (replay)", permissions=["replay"])
    def replay_deliveries(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> None:
        """Have the chosen deliveries answered once more, oldest first."""
        for number in deliveries.order_by("id").values_list("pk", flat=True):
            try:
                again = replay(number)
            except (ReplayRefused, DeploymentRefused) as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                level = messages.SUCCESS if again.failure is None else messages.WARNING
                self.message_user(
                    request, f"Delivery {number} again as {again.pk}: {again.state} {again.status}", level
                )


def _text(content: bytes | memoryview) -> SafeString:
    return format_html("<pre>{}</pre>", bytes(content[:_SHOWN_BYTES]).decode(errors="replace"))
