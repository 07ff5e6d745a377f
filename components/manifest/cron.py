"""``[[cron]]``: functions that are started by the clock.

Source:
    Obelisk reference, sections 1.2 and 5.12; ``timezone``, ``missed`` and ``overlap`` are ours.
"""

from __future__ import annotations

from components.manifest.entries import CronEntry
from components.manifest.shared_keys import read_exec, read_name
from components.manifest.single_function import default_name, read_ffqn
from components.manifest.table_reader import TableReader
from engine.cron.schedule import CronSchedule
from engine.cron.ticks import MissedTicks, Overlap
from engine.errors import CronSyntaxError

_MAX_LENGTH = 200
_STAND_IN = CronSchedule("@daily")


def read_cron(reader: TableReader) -> CronEntry:
    """Read a ``[[cron]]`` table."""
    target = read_ffqn(reader)
    policy = read_exec(reader, is_workflow=False)
    exec_table = reader.table("exec")
    if exec_table is not None and exec_table.has("locking_strategy"):
        exec_table.refuse("locking_strategy", "cannot be chosen for a cron entry; leave it out")
    entry = CronEntry(
        place=reader.place,
        name=read_name(reader, default=default_name(target)),
        target=target,
        params=reader.string("params") or "[]",
        schedule=_read_schedule(reader),
        missed=reader.choice("missed", MissedTicks, default=MissedTicks.RUN_ONCE),
        overlap=reader.choice("overlap", Overlap, default=Overlap.ALLOW),
        lock_expiry=policy.lock_expiry,
    )
    reader.refuse_unknown_keys()
    return entry


def _read_schedule(reader: TableReader) -> CronSchedule:
    text, timezone = reader.required_string("schedule"), reader.string("timezone")
    if not text:
        return _STAND_IN
    if len(text) > _MAX_LENGTH:
        reader.refuse("schedule", f"is longer than {_MAX_LENGTH} characters")
        return _STAND_IN
    try:
        return CronSchedule.parse(text, "UTC" if timezone is None else timezone)
    except CronSyntaxError as error:
        reader.refuse("schedule" if timezone is None else "schedule or timezone", f"cannot be used: {error}")
        return _STAND_IN
