"""The JSON of captured writes, each type of it, and what may be sent back."""

from __future__ import annotations

from typing import Any

import pytest

from engine.clock import SimulatedClock
from engine.replay.outcomes import Advanceable
from executions.operations.captured_writes import (
    CapturedWritesInvalid,
    encode_captured_write,
    is_same_write,
    paused_members,
    read_captured_writes,
)
from tests.builders import NOW
from tests.harness import steps as s
from tests.harness.components import ASK, RUN
from tests.harness.replayers import replay_here
from tests.harness.simulation import Simulation


def captured(ffqn: str, params: list[Any]) -> tuple[Simulation, str, list[dict[str, Any]]]:
    world = Simulation(clock=SimulatedClock(NOW))
    target = world.submit(ffqn, params)
    outcome = replay_here(world.journal, world.clock, world.registry, target)
    assert isinstance(outcome, Advanceable)
    return world, target, [encode_captured_write(write) for write in outcome.writes]


def of_steps(*steps: s.Step) -> tuple[Simulation, str, list[dict[str, Any]]]:
    return captured(RUN, s.params_of(steps))


def test_one_event_is_appended_and_an_end_finishes() -> None:
    _, target, (create, end) = of_steps(s.create("a"))

    event = {"history_event": {"event": {"type": "join_set_create", "join_set_id": "n:a"}}}
    assert create == {
        "type": "append",
        "execution_id": target,
        "version": 1,
        "event": {"created_at": "2026-01-01T00:00:00.000000Z", "event": event},
    }
    assert (end["type"], end["version"], list(end["retval"])) == ("append_finished", 2, ["ok"])
    assert "parent_execution_id" not in end


def test_a_call_creates_an_execution() -> None:
    _, target, (call,) = of_steps(s.call("add", 1, 2))

    assert call["type"] == "append_batch_create_new_execution"
    assert [event["event"]["history_event"]["event"]["type"] for event in call["events"]] == [
        "join_set_create",
        "join_set_request",
        "join_next",
    ]
    (request,) = call["child_requests"]
    assert request["execution_id"] == f"{target}.o:1-add_1"
    assert request["parent_execution_id"] == target
    assert request["parent_join_set_id"] == "o:1-add"
    assert (request["ffqn"], request["params"], request["paused"]) == ("test:probe/activity.add", [1, 2], False)
    assert request["component_id"]["component_type"] == "activity"


def test_a_sleep_is_a_batch_and_one_that_is_over_comes_with_its_response() -> None:
    _, target, (sleep,) = of_steps(s.sleep(s.after_ms(60_000)))
    assert (sleep["type"], len(sleep["events"])) == ("append_batch", 3)

    _, target, (over,) = of_steps(s.sleep(s.NOW))
    assert over["type"] == "append_batch_with_delay_response"
    assert (over["join_set_id"], over["delay_id"]) == ("o:1-sleep", f"Delay_{target[2:]}.o:1-sleep_1")


def test_a_stubs_result_comes_with_its_response() -> None:
    _, target, writes = captured(ASK, ["may I?"])

    stub = writes[-1]
    assert stub["type"] == "append_stub_response"
    response = stub["response"]
    assert response["parent_execution_id"] == target
    assert response["child_execution_id"].startswith(f"{target}.")
    assert response["finished_version"] == 1
    assert list(response["result"]) == ["ok"]


def test_seeds_are_nobodys_business() -> None:
    _, _, (call,) = of_steps(s.call("add", 1, 2))

    assert "obelisk-seed" not in call["child_requests"][0]["metadata"]


def test_instants_and_pauses_do_not_make_another_write() -> None:
    _, _, (call,) = of_steps(s.call("add", 1, 2))
    later = {
        **call,
        "backtraces": ["x"],
        "child_requests": [{**call["child_requests"][0], "paused": True, "scheduled_at": "2027-01-01T00:00:00Z"}],
    }

    assert is_same_write(call, later)
    assert not is_same_write(call, {**call, "version": 2})


def test_what_is_to_be_paused_is_read_and_nonsense_passed_over() -> None:
    delay = {"history_event": {"event": {"request": {"delay_id": "Delay_1", "paused": True}}}}
    writes: list[dict[str, Any]] = [
        {"child_requests": [{"execution_id": "E_1", "paused": True}, {"execution_id": "E_2", "paused": False}, 7]},
        {"events": [{"event": delay}, {"event": "paused"}, None]},
        {"event": {"event": delay}, "events": 3},
    ]

    assert paused_members(writes) == {"E_1", "Delay_1"}


@pytest.mark.parametrize("data", [None, {}, [], ["x"], [{"version": "1"}], [{"version": 1}] * 101])
def test_what_is_no_list_of_writes_is_refused(data: object) -> None:
    with pytest.raises(CapturedWritesInvalid, match="captured_writes"):
        read_captured_writes(data)
