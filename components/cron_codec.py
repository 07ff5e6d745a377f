"""The stored form of what a deployment starts by the clock, written out by hand as `components.config_codec` is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from components.manifest import CronEntry
from engine.cron.schedule import CronSchedule
from engine.cron.seeds import cron_digest
from engine.cron.ticks import MissedTicks, Overlap
from engine.deployment.spec import ComponentId, ComponentType, CronSpec
from engine.errors import DeploymentError
from engine.wit.names import FunctionName

CRON_VERSION = 1


def cron_spec(entry: CronEntry) -> CronSpec:
    """Return what an entry of a deployment file says."""
    digest = cron_digest(entry.name, str(entry.target), entry.params, entry.schedule)
    return CronSpec(
        id=ComponentId(component_type=ComponentType.CRON, name=entry.name, digest=digest),
        target=entry.target,
        params=entry.params,
        schedule=entry.schedule,
        missed=entry.missed,
        overlap=entry.overlap,
        lock_expiry=entry.lock_expiry,
    )


def encode_cron(cron: CronSpec) -> dict[str, Any]:
    """Return the JSON form of an entry; its identity is stored beside it."""
    return {
        "version": CRON_VERSION,
        "target": str(cron.target),
        "params": cron.params,
        "schedule": cron.schedule.text,
        "timezone": cron.schedule.timezone,
        "missed": cron.missed.value,
        "overlap": cron.overlap.value,
        "lock_expiry_ms": cron.lock_expiry // timedelta(milliseconds=1),
    }


def decode_cron(stored: Any, *, name: str, digest: str) -> CronSpec:
    """Read the JSON form back.

    Raises:
        DeploymentError: If it is of a version that this one cannot read, or incomplete.
    """
    if not isinstance(stored, dict) or stored.get("version") != CRON_VERSION:
        raise DeploymentError(f"a stored cron entry is not of version {CRON_VERSION}, the one this program reads")
    try:
        return CronSpec(
            id=ComponentId(component_type=ComponentType.CRON, name=name, digest=digest),
            target=FunctionName.parse(stored["target"]),
            params=stored["params"],
            # A time zone that this machine does not know is found out by whoever needs it.
            schedule=CronSchedule(stored["schedule"], stored["timezone"]),
            missed=MissedTicks(stored["missed"]),
            overlap=Overlap(stored["overlap"]),
            lock_expiry=timedelta(milliseconds=stored["lock_expiry_ms"]),
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise DeploymentError(f"a stored cron entry cannot be read: {exc!r}") from exc
