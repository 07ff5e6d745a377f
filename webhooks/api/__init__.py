"""Deliveries over HTTP, under ``/v1/webhooks/``."""
