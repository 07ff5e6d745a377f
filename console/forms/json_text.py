"""Canonical values as JSON text that people edit, and back."""

from __future__ import annotations

import orjson

from engine.wit.json_values import dump_json
from engine.wit.options import JsonValue


def pretty(value: JsonValue) -> str:
    """Return a value as JSON text of several lines; numbers keep all their digits."""
    return orjson.dumps(orjson.loads(dump_json(value)), option=orjson.OPT_INDENT_2).decode()
