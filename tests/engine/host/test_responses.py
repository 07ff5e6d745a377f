from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.deployment.registry import DeployedFunction
from engine.host.responses import write_id, write_json_result, write_member, write_mismatch
from engine.log.events import ChildFinished, DelayFinished, Response
from engine.log.ids import DelayId, ExecutionId, JoinSetId, Version
from engine.log.return_values import CANCELLED, JsonText, Returned, ReturnValue, TypedValue
from engine.wit.options import JsonValue
from tests.harness.components import ADD, PROBE, deploy

CHILD, DELAY = ExecutionId("E_1.n:a_1"), DelayId("Delay_1.n:a_1")


def _response(event: ChildFinished | DelayFinished) -> Response:
    return Response(
        execution_id=ExecutionId("E_1"),
        join_set_id=JoinSetId("n:a"),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        event=event,
    )


def _child(retval: ReturnValue) -> Response:
    return _response(ChildFinished(child_execution_id=CHILD, finished_version=Version(2), retval=retval))


def _function(name: str) -> DeployedFunction:
    function = deploy().find(f"{PROBE}.{name}")
    assert function is not None
    return function


def test_ids_are_records_of_their_text() -> None:
    assert write_id(CHILD) == {"id": CHILD}
    assert write_member(CHILD) == {"execution_id": {"id": CHILD}}
    assert write_member(DELAY) == {"delay_id": {"id": DELAY}}
    assert write_member(None) is None


@pytest.mark.parametrize(
    ("response", "value"),
    [
        (_response(DelayFinished(delay_id=DELAY)), {"ok": None}),
        (_response(DelayFinished(delay_id=DELAY, cancelled=True)), {"err": None}),
        (_child(Returned(True, TypedValue("u32", JsonText("3")))), {"ok": "3"}),
        (_child(Returned(False, TypedValue("string", JsonText('"no"')))), {"err": '"no"'}),
        (_child(Returned(True, None)), {"ok": None}),
        (_child(Returned(False, None)), {"err": None}),
    ],
)
def test_a_response_is_the_json_of_its_payload(response: Response, value: JsonValue) -> None:
    assert write_json_result(response, _function("add")) == value


@pytest.mark.parametrize(
    ("name", "projected"),
    [
        ("add", None),  # result<u32>
        ("fail-string", '"execution_failed"'),  # result<_, string>
        ("fail-variant", '"execution_failed"'),  # result<_, variant { execution-failed, .. }>
    ],
)
def test_a_platform_failure_is_projected_into_the_error_type(name: str, projected: str | None) -> None:
    assert write_json_result(_child(CANCELLED), _function(name)) == {"err": projected}


def test_a_platform_failure_of_a_function_that_is_gone_is_projected_all_the_same() -> None:
    assert write_json_result(_child(CANCELLED), None) == {"err": '"execution_failed"'}


def test_a_mismatch_names_what_was_asked_for_what_came_and_from_whom() -> None:
    other = f"{PROBE}.nothing"

    assert write_mismatch(ADD, other, _child(Returned(True, None))) == {
        "specified_function": {"interface_name": PROBE, "function_name": "add"},
        "actual_function": {"interface_name": PROBE, "function_name": "nothing"},
        "actual_id": {"execution_id": {"id": CHILD}},
    }
    assert write_mismatch(ADD, None, _response(DelayFinished(delay_id=DELAY))) == {
        "specified_function": {"interface_name": PROBE, "function_name": "add"},
        "actual_function": None,
        "actual_id": {"delay_id": {"id": DELAY}},
    }
