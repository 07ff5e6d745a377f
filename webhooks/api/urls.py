"""Paths below ``/v1/webhooks/``."""

from __future__ import annotations

from django.urls import path

from webhooks.api.views import DeliveryListView, DeliveryView, RefusedListView, ReplayView

urlpatterns = [
    path("deliveries", DeliveryListView.as_view(), name="api-deliveries"),
    path("deliveries/<int:delivery_id>", DeliveryView.as_view(), name="api-delivery"),
    path("deliveries/<int:delivery_id>/replay", ReplayView.as_view(), name="api-delivery-replay"),
    path("refused", RefusedListView.as_view(), name="api-refused-requests"),
]
