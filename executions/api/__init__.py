"""The REST API: Obelisk's paths, parameters and JSON under ``/v1/``, and what goes beyond them."""

from __future__ import annotations
