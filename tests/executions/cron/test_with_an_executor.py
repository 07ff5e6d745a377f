"""Schedules with a real executor, through HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings
from wasmtime import wat2wasm

from components.services import deploy
from engine.executor import cron_run
from engine.log.events import Unlocked
from engine.log.ids import ExecutionId
from executions.journal.journal import SqlJournal
from executions.models import Execution
from executions.testing import DeployedApp, deployed
from tests.components_app.builders import activity_table, make_wasm, write_deployment
from tests.executions.api.clients import Api
from tests.executions.deployments import PING
from tests.harness.eventually import eventually

pytestmark = pytest.mark.django_db(transaction=True)

OFTEN = f'[[cron]]\nname = "often"\nffqn = "{PING}"\nschedule = "* * * * * *"\n'
ONCE = f'[[cron]]\nname = "once"\nffqn = "{PING}"\nschedule = "@once"\n'


def write(folder: Path, *tables: str) -> Path:
    toml = activity_table("ping") + "".join(tables)
    return write_deployment(folder, toml, ping=make_wasm(exports={"test:ping/api": ["ping"]}))


@pytest.fixture
def app(tmp_path: Path) -> Iterator[DeployedApp]:
    with deployed(write(tmp_path, OFTEN, ONCE)) as app:
        yield app


@pytest.fixture
def api() -> Api:
    return Api()


def cron(api: Api, name: str) -> Any:
    [found] = [each for each in api.get("crons").json if each["name"] == name]
    return found


def started_by(seed: str) -> int:
    return Execution.objects.filter(scheduled_by=seed, ffqn=PING, result_kind="ok").count()


def test_it_is_started_at_every_tick_until_it_is_paused(app: DeployedApp, api: Api) -> None:
    eventually(lambda: cron(api, "often")["status"] == "active")
    seed = cron(api, "often")["execution_id"]
    eventually(lambda: started_by(seed) >= 3)

    assert api.put("crons/often/pause").json == {"ok": "paused"}

    assert api.put("crons/often/pause").code == "illegal_state"
    assert cron(api, "often")["status"] == "paused"
    events = api.get(f"executions/{seed}/events", {"length": 4}).json["events"]
    assert [next(iter(each["event"])) for each in events] == ["created", "locked", "history_event", "unlocked"]
    assert api.put("crons/often/unpause").json == {"ok": "unpaused"}
    operations = api.get(f"executions/{seed}/operations").json["operations"]
    assert [each["operation"] for each in operations] == ["pause", "unpause"]
    count = started_by(seed)
    eventually(lambda: started_by(seed) > count)


def test_a_tick_that_is_left_out_is_not_started_and_the_next_one_is(tmp_path: Path, api: Api) -> None:
    every_other = f'[[cron]]\nname = "often"\nffqn = "{PING}"\nschedule = "*/2 * * * * *"\nmissed = "run_all"\n'
    with deployed(write(tmp_path, every_other)):
        # Soon after a tick, there is time to leave out the next one.
        eventually(lambda: cron(api, "often")["status"] == "active" and api.put("crons/often/skip").status == 200)
        seed = ExecutionId(cron(api, "often")["execution_id"])
        log = SqlJournal.for_current_connection().load_log(seed)
        [skip] = [each for each in log if isinstance(each.event, Unlocked) and "left out" in each.event.reason]
        count = started_by(seed)
        eventually(lambda: started_by(seed) > count)

    assert isinstance(skip.event, Unlocked)
    left_out = skip.event.backoff_expires_at - timedelta(seconds=2)
    starts = Execution.objects.filter(scheduled_by=seed, ffqn=PING).values_list("created_at", flat=True)
    assert not [start for start in starts if left_out <= start < skip.event.backoff_expires_at]
    operations = api.get(f"executions/{seed}/operations").json["operations"]
    assert [each["operation"] for each in operations] == ["skip_tick"]


def test_once_is_started_once_and_something_is_started_out_of_turn(app: DeployedApp, api: Api) -> None:
    eventually(lambda: cron(api, "once")["status"] == "finished")
    seed = cron(api, "once")["execution_id"]
    assert Execution.objects.filter(scheduled_by=seed).count() == 1

    answer = api.post("crons/once/trigger", None)

    eventually(lambda: api.get(f"executions/{answer.json['ok']}").status == 200)
    assert api.put("crons/once/pause").code == "illegal_state"


def test_an_unchanged_entry_survives_another_deployment_and_one_that_is_gone_ends(
    app: DeployedApp, api: Api, tmp_path: Path
) -> None:
    eventually(lambda: cron(api, "often")["status"] == "active")
    often, once = cron(api, "often")["execution_id"], cron(api, "once")["execution_id"]

    deploy(write(tmp_path, OFTEN, "# once is gone\n"))
    count = started_by(often)
    eventually(lambda: started_by(often) > count + 1)
    deploy(write(tmp_path, "# nothing\n"))

    eventually(lambda: Execution.objects.get(pk=often).result_kind == "cancelled")
    assert Execution.objects.get(pk=once).result_kind == "ok"
    deploy(write(tmp_path, OFTEN, ONCE))
    eventually(lambda: cron(api, "often")["status"] == "active")
    assert cron(api, "often")["execution_id"] != often
    assert cron(api, "once")["execution_id"] == once
    assert Execution.objects.filter(scheduled_by=once).count() == 1


def test_it_goes_on_when_its_seed_hands_over(tmp_path: Path, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cron_run, "MAX_EVENTS", 5)  # two ticks
    with deployed(write(tmp_path, OFTEN)):
        eventually(lambda: cron(api, "often")["status"] == "active")
        seeds = [cron(api, "often")["execution_id"]]
        for _ in range(2):
            eventually(lambda: cron(api, "often")["execution_id"] != seeds[-1])
            seeds.append(cron(api, "often")["execution_id"])
        assert api.put("crons/often/pause").json == {"ok": "paused"}

    assert api.get(f"executions/{seeds[1]}").json == {"ok": None}
    assert Execution.objects.get(pk=seeds[1]).scheduled_by == seeds[0]
    assert [Execution.objects.filter(scheduled_by=seed, ffqn=PING).count() for seed in seeds[:2]] == [2, 2]
    ticks = Execution.objects.filter(ffqn=PING).order_by("created_at").values_list("created_at", flat=True)
    assert len({tick.replace(microsecond=0) for tick in ticks[1:]}) == len(ticks) - 1


LOOPING = """
(component
  (core module $m (func (export "run") (result i32) (loop $l (br $l)) i32.const 0))
  (core instance $i (instantiate $m))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $api (export "loop" (func $run)))
  (export "test:busy/api" (instance $api)))
"""


def test_a_tick_waits_for_no_slot(tmp_path: Path, settings: Settings) -> None:
    settings.OBELISK_SLOTS = 1
    busy = activity_table("busy", "exec.lock_expiry.seconds = 30")
    file = write(tmp_path, busy, OFTEN)
    (tmp_path / "busy.wasm").write_bytes(wat2wasm(LOOPING))

    with deployed(file) as app:
        loop = app.submit("test:busy/api.loop")
        eventually(lambda: Execution.objects.get(pk=loop).status == "locked")
        before = Execution.objects.filter(ffqn=PING).count()
        eventually(lambda: Execution.objects.filter(ffqn=PING).count() >= before + 2)
        assert Execution.objects.get(pk=loop).status == "locked"


def test_the_command_lists_starts_and_pauses(app: DeployedApp, api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    eventually(lambda: cron(api, "once")["status"] == "finished")

    def run(*arguments: str) -> str:
        call_command("cron", *arguments)
        return capsys.readouterr().out

    run("pause", "often")
    assert run("list").splitlines() == [
        f"often  * * * * * * UTC  {PING}  paused",
        f"once  @once UTC  {PING}  over",
    ]
    run("unpause", "often")
    assert app.result(ExecutionId(run("trigger", "once").strip())) == {"ok": None}
    with pytest.raises(CommandError, match=r"^nothing named weekly is started by the clock; there are often, once$"):
        run("trigger", "weekly")
