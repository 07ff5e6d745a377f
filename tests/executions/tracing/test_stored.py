"""Where a trace comes in, and where it can be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command

from engine.log.ids import ExecutionId
from engine.log.tracing import trace_id_of
from executions.operations.submitting import submit
from executions.tracing.stored import metadata_of, trace_id
from tests.executions.api.clients import Api
from tests.executions.deployments import ADD, deploy_declared

pytestmark = pytest.mark.django_db

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


@pytest.fixture(autouse=True)
def _deployed(tmp_path: Path) -> None:
    deploy_declared(tmp_path)


@pytest.fixture
def api() -> Api:
    return Api()


def test_a_submission_over_the_api_belongs_to_the_trace_of_its_header(api: Api) -> None:
    call = {"ffqn": ADD, "params": [1, []]}

    posted = api.post("executions", call, traceparent=TRACEPARENT).json["ok"]
    api.put(f"executions/{ExecutionId('E_01ARZ3NDEKTSV4RRFFQ69G5FAV')}", call, traceparent=TRACEPARENT)

    assert trace_id(posted) == trace_id("E_01ARZ3NDEKTSV4RRFFQ69G5FAV") == TRACE_ID
    assert api.get(f"executions/{posted}/status").json["trace_id"] == TRACE_ID


@pytest.mark.parametrize("header", ["rubbish", f"00-{'0' * 32}-00f067aa0ba902b7-01", "x" * 5000])
def test_a_header_that_is_none_is_as_good_as_none(api: Api, header: str) -> None:
    posted = api.post("executions", {"ffqn": ADD, "params": [1, []]}, traceparent=header).json["ok"]

    assert metadata_of([posted]) == {posted: ()}
    assert api.get(f"executions/{posted}/status").json["trace_id"] == trace_id_of(ExecutionId(posted), ())


def test_a_submission_in_python_says_it_itself() -> None:
    assert trace_id(submit(ADD, [1, []], traceparent=TRACEPARENT).execution_id) == TRACE_ID


def test_lists_do_without(api: Api) -> None:
    call_command("submit", ADD, "[1, []]")

    assert all("trace_id" not in each for each in api.get("executions").json)
