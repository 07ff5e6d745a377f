"""What goes beyond Obelisk's API, over HTTP with a real executor: forks, signals, questions, schedules, retention."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from engine.guests.python.build import python_runtime
from tests.acceptance.workshops import Workshop, workshop
from tests.harness.eventually import eventually
from tests.harness.python_components import RUNTIMES

ORDER = "acme:orders/workflows.order"
ADD = "acme:orders/activities.add"
DECIDE = "acme:outside/human.decide"
FLAKY = "acme:orders/activities.flaky"
SOURCE = """
from __future__ import annotations
from datetime import timedelta
from obelisk import *

PACKAGE = "acme:orders"
seen = {"amount": 0}

@signal
def paid() -> int: ...

@activity(max_retries=0)
def add(a: int, b: int) -> int:
    if b == 13:
        raise ValueError("unlucky")
    return a + b

@activity(max_retries=1, retry_backoff=timedelta(hours=1))
def flaky() -> int:
    raise ValueError("not yet")

@workflow
def order(price: int) -> int:
    seen["amount"] = paid()
    return add(seen["amount"], price)

@query
def amount(factor: int = 1) -> int:
    return seen["amount"] * factor
"""
MANIFEST = f"""
[[python]]
name = "orders"
location = "orders.py"

[[activity_external]]
name = "decide"
ffqn = "{DECIDE}"
params = []
return_type = "result<u32, string>"

[[cron]]
name = "often"
ffqn = "{ADD}"
params = "[1, 1]"
schedule = "* * * * * *"
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    python_runtime(RUNTIMES)  # building it would take longer than a command may
    folder = tmp_path_factory.mktemp("lifecycle")
    (folder / "orders.py").write_text(SOURCE)
    (folder / "deployment.toml").write_text(MANIFEST)
    with workshop(folder, folder / "deployment.toml") as served:
        yield served


def waiting(shop: Workshop, **more: Any) -> str:
    """Start an order, and wait until it waits for its payment."""
    target = shop.submit(ORDER, [1], **more)
    shop.wait_for(target, "blocked_by_join_set")
    return target


def ended(shop: Workshop) -> str:
    target = waiting(shop)
    shop.client.send("POST", f"executions/{target}/signals", {"name": "paid", "payload": 90})
    assert shop.result(target) == {"ok": 91}
    return target


def cron(shop: Workshop) -> Any:
    (found,) = shop.client.send("GET", "crons")[1]
    return found


# --- Signals and questions --------------------------------------------------------------------------------------------


def test_a_workflow_waits_for_a_signal_that_counts_once(shop: Workshop) -> None:
    target = waiting(shop)
    path = f"executions/{target}/signals"
    signal = {"name": "paid", "payload": 90, "signal_id": "payment-1"}

    assert shop.client.ask("POST", path, {**signal, "payload": "much"}).problem[:2] == (422, "invalid_result")
    assert shop.client.ask("POST", path, {**signal, "name": "nix"}).problem[:2] == (404, "signal_unknown")
    assert shop.client.send("POST", path, signal) == (200, {"ok": "sent"})
    assert shop.client.send("POST", path, signal) == (200, {"ok": "was sent before"})
    assert shop.result(target) == {"ok": 91}
    late = shop.client.ask("POST", path, {**signal, "signal_id": "payment-2"})
    assert late.problem == (409, "already_finished", "already finished")


def test_a_signal_that_comes_first_is_kept(shop: Workshop) -> None:
    target = shop.submit(ORDER, [2], paused=True)
    shop.client.send("POST", f"executions/{target}/signals", {"name": "paid", "payload": 40})

    shop.client.send("PUT", f"executions/{target}/unpause")

    assert shop.result(target) == {"ok": 42}


def test_a_workflow_is_asked_while_it_runs_and_afterwards(shop: Workshop) -> None:
    target = waiting(shop)
    path = f"executions/{target}"

    assert shop.client.send("POST", f"{path}/query", {"name": "amount"}) == (200, {"ok": 0})
    (frame, *_) = shop.client.send("GET", f"{path}/locals")[1]
    assert (frame["function"], frame["file"], frame["locals"]["price"]) == ("order", "orders.py", "1")
    _, before = shop.client.send("GET", f"{path}/events")
    shop.client.send("POST", f"{path}/signals", {"name": "paid", "payload": 7})
    shop.result(target)
    assert shop.client.send("POST", f"{path}/query", {"name": "amount", "params": [3]}) == (200, {"ok": 21})
    assert shop.client.ask("POST", f"{path}/query", {"name": "nix"}).problem[:2] == (404, "query_unknown")
    assert shop.client.send("GET", f"{path}/events?length=100")[1]["max_version"] > before["max_version"]


# --- Forks and retries ------------------------------------------------------------------------------------------------


def test_a_fork_goes_on_from_an_event_with_other_parameters_and_results(shop: Workshop) -> None:
    source = ended(shop)
    path = f"executions/{source}"
    _, responses = shop.client.send("GET", f"{path}/responses")
    children = [each["event"]["event"]["event"]["child_execution_id"] for each in responses["responses"]]
    _, before = shop.client.send("GET", f"{path}/events?length=100")
    received = next(
        each["version"]
        for each in before["events"]
        if each["event"].get("history_event", {}).get("event", {}).get("type") == "join_next"
    )

    other_result = {"version": received, "results": {children[0]: {"ok": 9}}}
    other_params = {"version": received, "params": [100]}
    forks = [shop.client.send("POST", f"{path}/fork", body) for body in (other_result, other_params)]
    dry = shop.client.send("POST", f"{path}/fork", {**other_params, "dry_run": True})

    assert [status for status, _ in forks] == [201, 201]
    assert [shop.result(document["ok"]) for _, document in forks] == [{"ok": 10}, {"ok": 190}]
    assert (dry[0], dry[1]["type"]) == (200, "advanceable")
    (child,) = dry[1]["captured_writes"][0]["child_requests"]
    assert (child["ffqn"], child["params"]) == (ADD, [90, 100])
    assert shop.client.send("GET", f"{path}/events?length=100") == (200, before)
    assert shop.client.ask("POST", f"{path}/fork", {"version": 99}).problem[:2] == (422, "fork_refused")
    assert shop.client.ask("POST", f"{path}/fork", {"version": 0, "params": ["x"]}).problem[:2] == (
        400,
        "invalid_call",
    )


def test_what_failed_is_retried(shop: Workshop) -> None:
    failed = shop.submit(ADD, [1, 13], labels={"team": "a"})
    shop.result(failed)

    status, retried = shop.client.send("POST", f"executions/{failed}/retry")

    assert status == 201
    shop.result(retried["ok"])
    assert shop.status(retried["ok"])["labels"] == {"team": "a", "retry-of": failed}
    assert shop.client.ask("POST", f"executions/{waiting(shop)}/retry").problem[:2] == (422, "illegal_state")
    body = {"operation": "retry", "filter": {"label": ["team:a"], "status": ["finished_error"]}, "dry_run": False}
    _, bulk = shop.client.send("POST", "executions/bulk", body)
    # One failed and was retried before, the other one is its retry.
    assert (len(bulk["done"]), [each["execution_id"] for each in bulk["refused"]]) == (1, [failed])


def test_a_key_makes_a_submission_happen_once(shop: Workshop) -> None:
    call = {"ffqn": ADD, "params": [1, 2]}

    first = shop.client.ask("POST", "executions", call, Idempotency_Key="order-17")
    again = shop.client.ask("POST", "executions", call, Idempotency_Key="order-17")
    other = shop.client.ask("POST", "executions", {**call, "params": [2, 2]}, Idempotency_Key="order-17")

    assert (first.status, again.status, first.json) == (201, 201, again.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.problem[:2] == (422, "idempotency_key_reused")


def test_many_are_paused_and_go_on_at_once(shop: Workshop) -> None:
    targets = [waiting(shop, labels={"batch": "bulk"}) for _ in range(3)]
    body = {"filter": {"label": ["batch:bulk"]}, "dry_run": False, "limit": 2}

    for operation, status in (("pause", "paused"), ("unpause", "blocked_by_join_set")):
        _, first = shop.client.send("POST", "executions/bulk", {"operation": operation, **body})
        _, rest = shop.client.send(
            "POST", "executions/bulk", {"operation": operation, **body, "cursor": first["next_cursor"]}
        )
        assert sorted(first["done"] + rest["done"]) == sorted(targets)
        assert {shop.status(each)["pending_state"]["status"] for each in targets} == {status}


def test_an_external_activity_is_answered_by_whoever_does_it(shop: Workshop) -> None:
    target = shop.submit(DECIDE, [])

    assert "nobody here carries it out" in shop.status(target)["explanation"]
    assert shop.client.ask("PUT", f"executions/{target}/stub", {"ok": "x"}).problem[:2] == (422, "invalid_result")
    assert shop.client.send("PUT", f"executions/{target}/stub", {"ok": 7})[0] == 200
    assert shop.result(target) == {"ok": 7}


def test_places_of_calls_are_told_with_their_source(shop: Workshop) -> None:
    path = f"executions/{ended(shop)}/backtrace"

    _, last = shop.client.send("GET", path)
    _, first = shop.client.send("GET", f"{path}?version=first")

    assert set(last) == {
        "execution_id",
        "component_id",
        "version_min_including",
        "version_max_excluding",
        "wasm_backtrace",
    }
    assert set(last["component_id"]) == {"component_type", "name", "component_digest"}
    lines = SOURCE.splitlines()
    for backtrace, calls in ((first, "paid()"), (last, "add(")):
        (symbol,) = [
            each for frame in backtrace["wasm_backtrace"]["frames"] for each in frame["symbols"] if "line" in each
        ][:1]
        assert calls in lines[symbol["line"] - 1]
        assert symbol["file"] == "orders.py"
    assert shop.client.text("GET", f"{path}/source?file=orders.py", accept="*/*") == (200, SOURCE)
    assert shop.client.send("GET", f"{path}/source?file=orders.py") == (200, SOURCE)
    assert shop.client.ask("GET", f"{path}/source?file=other.py").problem[:2] == (404, "source_not_found")
    assert shop.client.ask("GET", f"{path}?version=0").problem[:2] == (404, "backtrace_not_found")
    assert shop.client.send("PUT", f"{path}/persist") == (200, {"persisted_backtrace_count": 0})


# --- Lists ------------------------------------------------------------------------------------------------------------


def test_lists_are_filtered_and_paged_both_ways(shop: Workshop) -> None:
    ids = [shop.submit(ADD, [n, 1], labels={"batch": "paged"}) for n in range(5)]
    for each in ids:
        shop.result(each)
    asked = "executions?label=batch:paged&status=finished_ok&length=2"

    def page(cursor: str = "") -> list[str]:
        status, listed = shop.client.send("GET", asked + cursor)
        assert status == 200, listed
        return [each["execution_id"] for each in listed]

    assert page() == ids[4:2:-1]
    assert page(f"&cursor={ids[3]}") == ids[2:0:-1]
    assert page(f"&cursor={ids[1]}") == ids[:1]
    assert page(f"&cursor={ids[1]}&direction=newer") == ids[3:1:-1]
    assert page(f"&cursor={ids[3]}&including_cursor=true") == ids[3:1:-1]
    assert f"cursor={ids[3]}" in shop.client.ask("GET", asked).headers["Link"]
    (workflow,) = shop.client.send("GET", "components?type=workflow")[1]
    name = workflow["component_id"]["name"]
    target = waiting(shop)
    for chosen in (f"component={name}", f"function={ORDER}", f"deployment_id={shop.status(target)['deployment_id']}"):
        _, listed = shop.client.send("GET", f"executions?{chosen}&status=blocked&length=100")
        assert target in [each["execution_id"] for each in listed]
        assert not {each["ffqn"] for each in listed} - {ORDER}
    created = shop.status(target)["created_at"]
    _, since = shop.client.send("GET", f"executions?created_after={created}&function={ORDER}")
    _, until = shop.client.send("GET", f"executions?created_before={created}&function={ORDER}&length=100")
    assert target in [each["execution_id"] for each in since]
    assert target not in [each["execution_id"] for each in until]


# --- Why it does not move ---------------------------------------------------------------------------------------------


def test_every_unfinished_execution_says_why_it_does_not_move(shop: Workshop) -> None:
    target = waiting(shop)
    paused = waiting(shop)
    shop.client.send("PUT", f"executions/{paused}/pause?reason=a+look")
    backing_off = shop.submit(FLAKY, [])
    eventually(lambda: "after 1 failed run" in shop.status(backing_off)["explanation"])

    assert "acme:orders/signals.paid" in shop.status(target)["explanation"]
    assert "is paused by token:" in shop.status(paused)["explanation"]
    assert "(a look)" in shop.status(paused)["explanation"]
    assert re.match(r"It is due at .* UTC after 1 failed run, the last with: ", shop.status(backing_off)["explanation"])
    assert "explanation" not in shop.status(ended(shop))
    _, recorded = shop.client.send("GET", f"executions/{paused}/operations")
    operations = {each["operation"]: each.get("reason") for each in recorded["operations"]}
    assert operations == {"submit": None, "pause": "a look"}


# --- Schedules --------------------------------------------------------------------------------------------------------


def test_a_schedule_is_paused_triggered_and_survives_another_deployment(shop: Workshop) -> None:
    eventually(lambda: cron(shop)["status"] == "active")
    seed = cron(shop)["execution_id"]

    def ticks() -> int:
        return len(shop.client.send("GET", "executions?label=cron:often&length=1000")[1])

    def started() -> int:
        rows = shop.site.query("SELECT count(*) FROM executions_execution WHERE scheduled_by = %s", seed)
        return int(rows[0][0])

    count = started()
    eventually(lambda: started() > count)
    assert shop.client.send("PUT", "crons/often/pause") == (200, {"ok": "paused"})
    assert cron(shop)["status"] == "paused"
    before = ticks()
    status, triggered = shop.client.send("POST", "crons/often/trigger")
    assert (status, shop.result(triggered["ok"]), ticks()) == (201, {"ok": 2}, before + 1)

    _, active = shop.client.send("GET", "deployment-id")
    submitted = shop.client.send_form(
        "deployments", ("deployment_toml", f"# Another.\n{MANIFEST}", None), ("file", SOURCE, "orders.py")
    ).json
    assert submitted["deployment_id"] != active
    shop.client.send("PUT", f"deployments/{submitted['deployment_id']}/switch", {"apply": True})
    assert (cron(shop)["execution_id"], cron(shop)["status"]) == (seed, "paused")
    count = started()
    assert shop.client.send("PUT", "crons/often/unpause") == (200, {"ok": "unpaused"})
    eventually(lambda: started() > count)


# --- Retention --------------------------------------------------------------------------------------------------------


def test_what_is_older_than_a_rule_allows_is_gone_with_all_that_it_started(shop: Workshop) -> None:
    old, waits = ended(shop), waiting(shop)
    (signal, *_) = shop.client.send("GET", f"executions?parent={old}")[1]

    pruned = shop.site.check("prune", "--rules", f"{ORDER} ok 0s, * any 30d")

    assert "deleted" in pruned.out
    assert shop.client.ask("GET", f"executions/{old}").problem[:2] == (404, "execution_not_found")
    assert shop.client.ask("GET", f"executions/{signal['execution_id']}").problem[:2] == (404, "execution_not_found")
    assert shop.status(waits)["pending_state"]["status"] == "blocked_by_join_set"
