"""How templates link the parts of a deployment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.utils.http import urlencode

from components.models import Component
from console.code.shown import Shown
from console.visible import visible
from engine.deployment.limits import MIB
from engine.wit.names import FunctionName
from executions.models import RehearsalReport

register = template.Library()


@register.simple_tag
def component_url(shown: Shown, row: Component) -> str:
    """Return where a component's page is."""
    return shown.component_url(row)


@register.simple_tag
def wit_url(shown: Shown, interface: object) -> str:
    """Return where an interface's page is."""
    return shown.wit_url(interface)


@register.simple_tag
def function_url(shown: Shown, ffqn: str) -> str:
    """Return where a function stands among the types of its interface."""
    return f"{shown.wit_url(FunctionName.parse(ffqn).interface)}#{ffqn}"


@register.simple_tag
def query(kept: Mapping[str, str], **values: str) -> str:
    """Return an address's query of what is kept, and of some values."""
    return urlencode({**kept, **values})


@register.filter
def amount(number: int | None, key: str) -> str:
    """Return a limit's number with its unit, whole; ``key`` is the one that sets it in a deployment file."""
    if number is None:
        return "not counted"
    if not key.endswith(("_bytes", "_mib")):
        return f"{number:,}"
    return f"{number // MIB:,} MiB" if number % MIB == 0 else f"{number:,} bytes"


@register.filter
def config_value(value: Any) -> str:
    """Return a value of a configuration as JSON; nothing, if it is not there."""
    return visible("" if value is None else json.dumps(value, ensure_ascii=False))


@register.simple_tag
def lost(report: RehearsalReport, now: datetime) -> bool:
    """Tell whether a rehearsal ended without a word."""
    return report.is_lost(now)
