"""Settings, URLs and ASGI: wires the apps together and holds no rules of its own."""

from __future__ import annotations
