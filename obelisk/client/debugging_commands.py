"""``obelisk execution replay|advance|upgrade``: what would a workflow do, a step of it, and another version of it."""

from __future__ import annotations

import json
from typing import Any

import click

from obelisk.client.api import ClientError, Refused
from obelisk.client.arguments import execution_argument
from obelisk.client.command import FAILED, Client, with_client
from obelisk.client.execution_commands import execution_group
from obelisk.client.states import describe_result, describe_state

_MOVED_ON = ("version_mismatch", "replay_mismatch", "transient")


@execution_group.command("replay")
@execution_argument
@with_client
def replay(client: Client, execution_id: str) -> None:
    """Run a workflow against its history, without effect.

    The exit status tells whether it follows it (0) or not (1).
    """
    outcome = _replay(client, execution_id)
    failed = outcome["type"] == "replay_failed"
    if client.out.as_json:
        client.out.document(outcome)
    else:
        client.out.line(_describe(outcome), "error" if failed else "ok")
        for write in outcome.get("captured_writes", ()):
            client.out.line(f"  {_describe_write(write)}")
    if failed:
        raise SystemExit(FAILED)


def _replay(client: Client, execution_id: str) -> Any:
    try:
        return client.api.put("executions", execution_id, "replay")
    except Refused as refusal:
        if refusal.kind == "replay_failed":
            return refusal.document
        raise


def _describe(outcome: Any) -> str:
    match outcome:
        case {"type": "finished", "retval": retval}:
            return f"follows its history to the end: {describe_result(retval)}"
        case {"type": "blocked"}:
            return "follows its history and waits"
        case {"type": "advanceable", "captured_writes": writes}:
            return f"follows its history and would go on with {len(writes)} writes"
        case {"type": "replay_failed", "error": error}:
            return f"does not follow its history: {error}"
        case _:
            return json.dumps(outcome)


def _describe_write(write: dict[str, Any]) -> str:
    events = write.get("events") or [write.get("event")]
    what = ", ".join(_describe_event(event) for event in events if event is not None)
    return f"{write['type']} at version {write['version']}{': ' if what else ''}{what}"


def _describe_event(event: Any) -> str:
    if isinstance(event, dict) and "history_event" in event:
        inner = event["history_event"].get("event", event["history_event"])
        return str(inner.get("type", "history_event"))
    return event if isinstance(event, str) else str(next(iter(event), event))


@execution_group.command("advance")
@execution_argument
@click.option("--trim", type=click.IntRange(0), default=0, metavar="N", help="Leave out the last N writes.")
@click.option("--pause-all", "-p", is_flag=True, help="Create children and delays paused.")
@click.option("--pause-submitted-executions", is_flag=True, help="Create children paused.")
@click.option("--pause-delays", is_flag=True, help="Create delays paused.")
@with_client
def advance(
    client: Client,
    execution_id: str,
    trim: int,
    *,
    pause_all: bool,
    pause_submitted_executions: bool,
    pause_delays: bool,
) -> None:
    """Let a paused workflow take the steps of a replay."""
    outcome = _replay(client, execution_id)
    if outcome["type"] == "replay_failed":
        raise ClientError(_describe(outcome))
    writes = outcome.get("captured_writes") or []
    writes = writes[: len(writes) - trim] if trim else writes
    if not writes:
        raise ClientError(f"there is nothing to advance: the workflow {_describe(outcome)}")
    for write in writes:
        _pause(write, children=pause_all or pause_submitted_executions, delays=pause_all or pause_delays)
    try:
        answer = client.api.put("executions", execution_id, "advance", body={"captured_writes": writes})
    except Refused as refusal:
        if refusal.kind in _MOVED_ON:
            raise ClientError(f"the workflow moved on meanwhile ({refusal.kind}); try again") from refusal
        raise
    is_finished = answer["type"] == "finished"
    client.out.answer(
        answer, describe_result(answer["value"]) if is_finished else describe_state(answer["pending_state"])
    )


def _pause(write: dict[str, Any], *, children: bool, delays: bool) -> None:
    for request in write.get("child_requests") or ():
        request["paused"] = request.get("paused", False) or children
    for event in [*(write.get("events") or ()), write.get("event")]:
        delay = _delay_request(event)
        if delay is not None:
            delay["paused"] = delay.get("paused", False) or delays


def _delay_request(event: Any) -> dict[str, Any] | None:
    """Return the part of an event that requests a delay, if it does."""
    if not isinstance(event, dict):
        return None
    if event.get("type") == "delay_request":
        return event
    for value in event.values():
        if (found := _delay_request(value)) is not None:
            return found
    return None


@execution_group.command("upgrade")
@execution_argument
@click.option("--to", "digest", metavar="DIGEST", help="The other version; default: the deployed one.")
@click.option("--skip-determinism-check", is_flag=True, help="Do not replay its history on the other version first.")
@with_client
def upgrade(client: Client, execution_id: str, digest: str | None, *, skip_determinism_check: bool) -> None:
    """Let another version of its component run a workflow."""
    status = client.api.get("executions", execution_id, "status")
    new = digest or _deployed_digest(client, status["ffqn"])
    reply = client.api.put(
        "executions",
        execution_id,
        "upgrade",
        body={"old": status["component_digest"], "new": new, "skip_determinism_check": skip_determinism_check},
    )
    client.out.message(reply)


def _deployed_digest(client: Client, ffqn: str) -> str:
    components = client.api.get("components", ffqn=ffqn)
    if not components:
        raise ClientError(f"no deployed component exports {ffqn}")
    return str(components[0]["component_id"]["component_digest"])
