from __future__ import annotations

import pytest

from components.decisions import Decision
from components.interface_codec import encode_interfaces
from components.models import Component, Deployment, DeploymentSwitch
from components.problems import DeploymentRefused
from components.submission import submit_deployment
from components.submitted_files import SubmittedFile
from components.switching import (
    ActiveChanged,
    DeploymentNotFound,
    activate_enqueued,
    enqueue,
    previous_deployment,
    switch_now,
)
from components.verification import verify_deployment
from engine.wit.names import InterfaceName
from engine.wit.types import FunctionType, ResultType
from tests.components_app.builders import activity_table, make_wasm

pytestmark = pytest.mark.django_db

ADDER = make_wasm(exports={"test:adder/api": ["add"]})


def submitted(extra: str = "", *, allow_unavailable: bool = False) -> str:
    files = {"adder.wasm": SubmittedFile(content=ADDER)}
    toml = activity_table("adder", extra)
    return submit_deployment(toml, files, allow_unavailable=allow_unavailable).deployment.deployment_id


def statuses() -> dict[str, str]:
    return dict(Deployment.objects.values_list("deployment_id", "status"))


def test_switching_makes_one_active_and_the_other_inactive() -> None:
    first, second = submitted(), submitted("max_retries = 1")
    switch_now(first)

    assert switch_now(second)

    assert statuses() == {first: "inactive", second: "active"}
    assert not switch_now(second)
    assert previous_deployment().deployment_id == first


def test_switching_back_goes_to_the_one_that_was_active_last() -> None:
    first, second, third = submitted(), submitted("max_retries = 1"), submitted("max_retries = 2")
    for each in (first, second, third):
        switch_now(each)

    switch_now(previous_deployment().deployment_id)

    assert statuses()[second] == "active"
    assert previous_deployment().deployment_id == third


def test_an_enqueued_deployment_is_active_from_the_next_start_on() -> None:
    first, second, third = submitted(), submitted("max_retries = 1"), submitted("max_retries = 2")
    switch_now(first)
    enqueue(second)
    enqueue(third)
    assert statuses() == {first: "active", second: "inactive", third: "enqueued"}

    activated = activate_enqueued()

    assert activated is not None
    assert activated.deployment_id == third
    assert statuses() == {first: "inactive", second: "inactive", third: "active"}
    assert activate_enqueued() is None


def test_enqueuing_what_is_active_takes_back_what_was_enqueued() -> None:
    first, second = submitted(), submitted("max_retries = 1")
    switch_now(first)
    enqueue(second)

    enqueue(first)

    assert statuses() == {first: "active", second: "inactive"}


def test_switching_to_what_was_enqueued_leaves_nothing_enqueued() -> None:
    first, second = submitted(), submitted("max_retries = 1")
    switch_now(first)
    enqueue(second)

    switch_now(second)

    assert statuses() == {first: "inactive", second: "active"}


def test_what_this_machine_lacks_stops_a_switch_and_a_start_but_not_an_enqueuing() -> None:
    first = submitted()
    switch_now(first)
    lacking = submitted('env_vars = ["NOT_SET_HERE"]', allow_unavailable=True)

    with pytest.raises(DeploymentRefused, match="NOT_SET_HERE is not set"):
        switch_now(lacking)
    with pytest.raises(DeploymentRefused, match="NOT_SET_HERE is not set"):
        enqueue(lacking)
    enqueue(lacking, allow_unavailable=True)
    with pytest.raises(DeploymentRefused, match="NOT_SET_HERE is not set"):
        activate_enqueued()

    assert statuses() == {first: "active", lacking: "enqueued"}


def test_a_secret_must_be_declared_before_a_switch() -> None:
    rule = '[[activity_wasm.allowed_host]]\npattern = "https://a.test"\nsecrets = ["KEY"]\nreplace_in = ["headers"]\n'

    lacking = submitted(rule, allow_unavailable=True)

    with pytest.raises(DeploymentRefused, match="the operator's file declares no secret KEY"):
        switch_now(lacking)


def test_what_does_not_fit_together_cannot_be_enqueued_either() -> None:
    deployment = submitted()
    gone = {InterfaceName.parse("test:gone/api"): {"f": FunctionType((), ResultType(None, None))}}
    Component.objects.update(imports=encode_interfaces(gone))

    found = verify_deployment(Deployment.objects.get(pk=deployment))

    assert found.unavailable == ()
    assert found.problems
    with pytest.raises(DeploymentRefused):
        enqueue(deployment, allow_unavailable=True)


def test_there_is_nothing_to_switch_to() -> None:
    with pytest.raises(DeploymentNotFound, match="no deployment Dep_1"):
        switch_now("Dep_1")
    with pytest.raises(DeploymentNotFound, match="no other deployment was ever active"):
        previous_deployment()


# --- Whose choice it was ----------------------------------------------------------------------------------------------

BY_ANN = Decision(actor="user:ann", reason="faster", approved=("component adder may do it",))


def decisions() -> list[tuple[str, str, str, str, str]]:
    rows = DeploymentSwitch.objects.order_by("pk")
    return [(row.deployment_id, row.kind, row.replaced, row.actor, row.reason) for row in rows]


def test_who_switched_is_kept_with_the_reason_and_what_was_replaced() -> None:
    first, second = submitted(), submitted("max_retries = 1")
    switch_now(first)

    switch_now(second, decision=BY_ANN)
    switch_now(second, decision=BY_ANN)

    assert decisions() == [
        (first, "activated", "", "", ""),
        (second, "activated", first, "user:ann", "faster"),
    ]
    [kept] = DeploymentSwitch.objects.newest_of(second, limit=9)
    assert kept.approved == ["component adder may do it"]
    assert kept.at == Deployment.objects.get(pk=second).last_active_at


def test_the_start_of_the_server_activates_in_the_name_of_who_enqueued() -> None:
    first = submitted()

    enqueue(first, decision=BY_ANN)
    activate_enqueued()

    assert decisions() == [
        (first, "enqueued", "", "user:ann", "faster"),
        (first, "activated", "", "user:ann", "faster"),
    ]


def test_what_is_replaced_must_be_what_was_seen() -> None:
    first, second, third = submitted(), submitted("max_retries = 1"), submitted("max_retries = 2")
    switch_now(first, replacing="")
    switch_now(second, replacing=first)

    with pytest.raises(ActiveChanged, match=f"{second} is active now, and no longer {first}"):
        switch_now(third, decision=BY_ANN, replacing=first)
    with pytest.raises(ActiveChanged, match="no longer nothing"):
        switch_now(third, replacing="")

    assert statuses()[second] == "active"
    assert len(decisions()) == 2
