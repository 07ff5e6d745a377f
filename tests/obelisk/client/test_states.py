from __future__ import annotations

from typing import Any

import pytest

from obelisk.client.states import describe_result, describe_state, is_ok, kind_of


@pytest.mark.parametrize(
    ("state", "kind", "phrase"),
    [
        ({"status": "locked", "lock_expires_at": "..."}, "locked", "locked (running)"),
        (
            {"status": "pending_at", "scheduled_at": "2026-01-01T00:00:00Z"},
            "pending_at",
            "pending_at 2026-01-01T00:00:00Z",
        ),
        (
            {"status": "blocked_by_join_set", "join_set_id": "n:work", "closing": True},
            "blocked_by_join_set",
            "blocked_by_join_set n:work, closing",
        ),
        ({"status": "paused", "PendingAt": {}}, "paused", "paused"),
        ({"status": "finished", "result_kind": "ok"}, "ok", "ok"),
        ({"status": "finished", "result_kind": {"err": "error"}}, "error", "error"),
        (
            {"status": "finished", "result_kind": {"err": {"execution_failure": "timed_out"}}},
            "error",
            "error (timed_out)",
        ),
    ],
)
def test_a_state_is_a_phrase_and_a_kind(state: dict[str, Any], kind: str, phrase: str) -> None:
    assert (kind_of(state), describe_state(state)) == (kind, phrase)


@pytest.mark.parametrize(
    ("retval", "ok", "text"),
    [
        ({"ok": None}, True, "ok"),
        ({"ok": {"a": "ä"}}, True, '{"a": "ä"}'),
        ({"err": "no"}, False, 'error: "no"'),
        (
            {"execution_failed": {"kind": "timed_out", "reason": "too late", "detail": None}},
            False,
            "execution failed: timed_out\ntoo late",
        ),
    ],
)
def test_a_result_is_a_text(retval: Any, ok: bool, text: str) -> None:
    assert (is_ok(retval), describe_result(retval)) == (ok, text)
