"""Webhook endpoints: components mounted at a URL path, which serve HTTP and start or await executions."""

from __future__ import annotations
