"""The simulation finds defects: engines that are broken on purpose do not get through many seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace as replace_dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from engine.activity import outcome
from engine.cron import ticks
from engine.errors import JournalUnavailable
from engine.executor import cron_run, timers
from engine.executor.child_runner import ChildRunner
from engine.executor.ticket import Ticket
from engine.executor.timers import Timers
from engine.executor.wakeups import Wakeups
from engine.executor.write_path import WritePath
from engine.journal.ledger import Ledger
from engine.journal.memory import MemoryJournal
from engine.journal.records import Append, Committed, DelayRow
from engine.log.events import LogEntry, Response
from engine.log.ids import Version
from engine.log.state import ExecutionState
from engine.simulation.__main__ import main
from engine.simulation.seeded.campaign import Variant, make_smaller
from engine.workflow.join_sets import JoinSets
from engine.workflow.run import WorkflowRun

_SEEDS = 120
_SECONDS = 1e9

Breaking = Callable[[pytest.MonkeyPatch], None]


def versions_are_not_checked(patch: pytest.MonkeyPatch) -> None:
    append = Ledger._append

    def unchecked(self: Ledger, write: Append) -> Committed:
        known = self._states.get(write.execution_id)
        if known is not None and known.next_version != write.expected and not known.is_finished:
            entries = tuple(
                LogEntry(Version(version), entry.created_at, entry.event)
                for version, entry in enumerate(write.entries, known.next_version)
            )
            write = replace(write, expected=known.next_version, entries=entries)
        return append(self, write)

    patch.setattr(Ledger, "_append", unchecked)


def locks_are_not_checked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ExecutionState, "is_held_by", lambda self, holder, now: True)


def locks_never_expire(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Timers, "_end_expired_locks", lambda self, now: 0)


def unexpired_locks_are_ended(patch: pytest.MonkeyPatch) -> None:
    expired_locks = MemoryJournal.expired_locks

    def too_many(self: MemoryJournal, now: datetime, *, limit: int) -> list[ExecutionState]:
        return expired_locks(self, now + timedelta(milliseconds=500), limit=limit)

    patch.setattr(MemoryJournal, "expired_locks", too_many)


def timeouts_do_not_count_as_failures(patch: pytest.MonkeyPatch) -> None:
    def uncounted(*args: Any, failures: int, **kwargs: Any) -> object:
        return outcome.event_after(*args, failures=0, **kwargs)

    patch.setattr(timers, "event_after", uncounted)


def delays_fire_early(patch: pytest.MonkeyPatch) -> None:
    due_delays = MemoryJournal.due_delays

    def too_many(self: MemoryJournal, now: datetime, *, limit: int) -> list[DelayRow]:
        return due_delays(self, now + timedelta(milliseconds=100), limit=limit)

    patch.setattr(MemoryJournal, "due_delays", too_many)


def responses_are_taken_newest_first(patch: pytest.MonkeyPatch) -> None:
    deliver = JoinSets.deliver

    def reversed_order(self: JoinSets, responses: Iterable[Response]) -> None:
        deliver(self, list(responses)[::-1])

    patch.setattr(JoinSets, "deliver", reversed_order)


def join_sets_are_not_closed_at_the_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(WorkflowRun, "close_all", lambda self: None)


def cancellations_are_not_driven(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Timers, "_drive_cancellations", lambda self, now: 0)


def nobody_looks_without_being_woken(patch: pytest.MonkeyPatch) -> None:
    wait_for_work = Wakeups.wait_for_work
    patch.setattr(Wakeups, "wait_for_work", lambda self, timeout_s: wait_for_work(self, _SECONDS))


def a_commit_without_an_answer_counts_as_made(patch: pytest.MonkeyPatch) -> None:
    result = Ticket.result

    def hopeful(self: Ticket) -> Committed:
        if isinstance(self.outcome, JournalUnavailable):
            return Committed(next_version=Version(0))
        return result(self)

    patch.setattr(Ticket, "result", hopeful)


def what_a_refused_write_leads_to_is_committed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ticket, "refused_before", None)


def effects_come_before_their_intent(patch: pytest.MonkeyPatch) -> None:
    run_private, flush = ChildRunner.run_private, WritePath.flush
    running: list[ChildRunner] = []

    def marked(self: ChildRunner, join_set: Any) -> bool:
        running.append(self)
        try:
            return run_private(self, join_set)
        finally:
            running.pop()

    patch.setattr(ChildRunner, "run_private", marked)
    patch.setattr(WritePath, "flush", lambda self: None if running else flush(self))


def ticks_start_too_much(patch: pytest.MonkeyPatch) -> None:
    what_is_due = ticks.what_is_due

    def too_much(*args: Any, **kwargs: Any) -> ticks.Due:
        due = what_is_due(*args, **kwargs)
        return replace_dataclass(due, count=due.count + 2)

    patch.setattr(cron_run, "what_is_due", too_much)


def a_child_ends_without_a_response(patch: pytest.MonkeyPatch) -> None:
    append = Ledger._append

    def silent(self: Ledger, write: Append) -> Committed:
        if write.holder is None and write.responses:
            write = replace(write, responses=())
        return append(self, write)

    patch.setattr(Ledger, "_append", silent)


@pytest.mark.parametrize(
    "breaking",
    [
        versions_are_not_checked,
        locks_are_not_checked,
        locks_never_expire,
        unexpired_locks_are_ended,
        timeouts_do_not_count_as_failures,
        delays_fire_early,
        responses_are_taken_newest_first,
        join_sets_are_not_closed_at_the_end,
        cancellations_are_not_driven,
        nobody_looks_without_being_woken,
        a_commit_without_an_answer_counts_as_made,
        effects_come_before_their_intent,
        what_a_refused_write_leads_to_is_committed,
        ticks_start_too_much,
        a_child_ends_without_a_response,
    ],
)
def test_an_engine_is_found_out_when(breaking: Breaking, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking(monkeypatch)

    assert any(Variant(seed=seed).run().problem for seed in range(_SEEDS))


def test_a_failing_seed_fails_again_in_the_same_way_and_with_less(monkeypatch: pytest.MonkeyPatch) -> None:
    locks_never_expire(monkeypatch)
    failing = next(variant for variant in map(_variant, range(_SEEDS)) if variant.run().problem is not None)

    assert failing.run() == failing.run()
    smaller = make_smaller(failing)
    assert len(smaller.without) > 3
    assert smaller.run().problem is not None
    assert smaller.command.startswith(f"make simulate SEED={failing.seed} ARGS='--without ")


def test_the_command_names_the_seed_that_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a_child_ends_without_a_response(monkeypatch)
    failing = next(seed for seed in range(_SEEDS) if Variant(seed=seed).run().problem is not None)

    assert main(["--seeds", f"{failing}-{failing}", "--jobs", "1"]) == 1

    said = capsys.readouterr().out
    assert "its parent does not hear of it" in said
    assert said.endswith(f"seed {failing}, as it was: make simulate SEED={failing}\n")


def _variant(seed: int) -> Variant:
    return Variant(seed=seed)
