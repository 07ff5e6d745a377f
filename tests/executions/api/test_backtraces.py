"""Where workflows made their calls, as the API tells it: of each language, stored or found by a replay."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from components.services import deploy
from engine.log.backtraces import CallSite, CallSites
from engine.log.ids import ExecutionId, Version
from engine.log.return_values import JsonText
from executions.journal.journal import SqlJournal
from executions.models import CallSites as CallSitesRow
from executions.models import Execution
from executions.operations import replay_places
from executions.operations.submitting import submit
from executions.testing import deployed
from tests.builders import make_execution_id
from tests.components_app.builders import REPOSITORY, activity_table, workflow_table, write_deployment
from tests.executions.api.clients import Api
from tests.executions.scripts import write_scripts
from tests.harness.eventually import eventually

pytestmark = pytest.mark.django_db(transaction=True)

UNKNOWN = make_execution_id(77)
COMPONENTS = REPOSITORY / "tests" / "components"
TRIPS = """
from obelisk import activity, workflow

PACKAGE = "acme:trips"

@activity
def book() -> str:
    return "Söll"

@workflow
def trip() -> str:
    return book()
"""
FLOW = """
import { nap } from './lib/naps.js';
export default function rest() {
  nap();
  return "rested";
}
"""
NAPS = """
export function nap() {
  obelisk.createJoinSet();
  obelisk.sleep({ days: 1 });
}
"""
REST = "test:js/flows.rest"
CLIMB = "test:climber/workflow.climb"


@pytest.fixture
def paused(api: Api, tmp_path: Path) -> ExecutionId:
    """A workflow of two files, in JavaScript, that has not begun; nobody would run it."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "naps.js").write_text(NAPS)
    (tmp_path / "flow.js").write_text(FLOW)
    manifest = f'[[workflow_js]]\nffqn = "{REST}"\nlocation = "flow.js"\nreturn_type = "result<string>"\n'
    deploy(write_deployment(tmp_path, manifest))
    return submit(REST, [], paused=True).execution_id


@pytest.fixture
def climbed(api: Api, tmp_path: Path) -> ExecutionId:
    """A compiled workflow of two files and three calls, with its source lines, that has ended."""
    binaries = {name: (COMPONENTS / name / f"{name}.wasm").read_bytes() for name in ("probe", "climber")}
    for name in ("lib", "steps"):
        (tmp_path / f"{name}.rs").write_bytes((COMPONENTS / "climber" / "src" / f"{name}.rs").read_bytes())
    sources = [f'backtrace.sources.".../src/{name}.rs" = "{name}.rs"' for name in ("lib", "steps")]
    toml = activity_table("probe") + workflow_table("climber", "\n".join(sources))
    with deployed(write_deployment(tmp_path, toml, **binaries)) as app:
        target = app.submit(CLIMB, [1, 2])
        app.result(target)
    return target


def lines_at(api: Api, target: ExecutionId, version: str) -> list[tuple[str, str]]:
    """Return file and line of source of every frame's symbols that have one, innermost first."""
    path = f"executions/{target}/backtrace"
    found = []
    for frame in api.get(path, {"version": version}).json["wasm_backtrace"]["frames"]:
        for symbol in frame["symbols"]:
            told = api.get(f"{path}/source", {"file": symbol["file"], "version": version})
            if told.status == 200:
                found.append((symbol["file"], told.json.splitlines()[symbol["line"] - 1].strip()))
    return found


# --- What is stored ---------------------------------------------------------------------------------------------------


def test_places_of_calls_are_told_where_they_are_known(api: Api, ended: ExecutionId) -> None:
    journal = SqlJournal.for_current_connection()
    stacks = [JsonText(f'{{"frames":[{{"module":"m","func_name":"f{number}","symbols":[]}}]}}') for number in (1, 2)]
    sites = tuple(CallSite(Version(first), Version(first + 2), stacks[first // 4]) for first in (2, 4))
    component_id = journal.state_of(ended).component_id
    journal.add_call_sites([CallSites(execution_id=ended, component_id=component_id, sites=sites)])

    found = [api.get(f"executions/{ended}/backtrace{query}").json for query in ("", "?version=first", "?version=3")]

    assert [each["version_min_including"] for each in found] == [4, 2, 2]
    assert found[0]["version_max_excluding"] == 6
    assert found[0]["component_id"]["component_digest"] == component_id.digest
    assert found[0]["wasm_backtrace"]["frames"][0]["func_name"] == "f2"
    events = api.get(f"executions/{ended}/events?include_backtrace_id=true&length=7").json["events"]
    assert [event.get("backtrace_id") for event in events] == [None, None, 2, 2, 4, 4, None]
    assert api.get(f"executions/{ended}/backtrace?version=1").code == "backtrace_not_found"
    assert api.get(f"executions/{ended}/backtrace?version=middle").code == "invalid_parameter"


def test_the_source_of_a_place_is_told_as_it_was_deployed(api: Api, tmp_path: Path) -> None:
    (tmp_path / "trips.py").write_text(TRIPS)
    with deployed(write_deployment(tmp_path, '[[python]]\nname = "trips"\nlocation = "trips.py"\n')) as app:
        target = app.submit("acme:trips/workflows.trip")
        app.result(target)
        eventually(lambda: api.get(f"executions/{target}/backtrace").status == 200)
    deploy(write_scripts(tmp_path))
    path = f"executions/{target}/backtrace"
    (frame,) = api.get(path).json["wasm_backtrace"]["frames"]
    (symbol,) = frame["symbols"]

    told = api.get(f"{path}/source", {"file": symbol["file"], "version": "last"}, Accept="*/*")

    assert (told.status, told.text) == (200, TRIPS)
    assert told.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert told.text.splitlines()[symbol["line"] - 1].strip() == "return book()"
    assert api.get(f"{path}/source", {"file": symbol["file"]}, Accept="application/json").json == TRIPS
    assert api.get(f"{path}/source", {"file": "/etc/passwd"}).code == "source_not_found"
    assert api.get(f"{path}/source", {"file": symbol["file"], "version": "1"}).code == "backtrace_not_found"
    assert api.get(f"{path}/source").code == "invalid_parameter"
    assert api.get(f"executions/{UNKNOWN}/backtrace/source", {"file": "x"}).code == "execution_not_found"


# --- What a replay finds ----------------------------------------------------------------------------------------------


def test_the_places_of_a_scripts_calls_are_found_when_one_is_asked_for(api: Api, ended: ExecutionId) -> None:
    (file,) = {file for file, _ in lines_at(api, ended, "5")}

    assert lines_at(api, ended, "5") == [(file, "for (const number of numbers) total = add(total, number);")]
    events = api.get(f"executions/{ended}/events?include_backtrace_id=true").json["events"]
    assert [event.get("backtrace_id") for event in events] == [None, None, 2, 2, 2, 5, 5, 5, 8, 8, 8, None]
    assert api.put(f"executions/{ended}/backtrace/persist").json == {"persisted_backtrace_count": 0}


def test_the_places_of_all_calls_are_found_at_once(api: Api, ended: ExecutionId) -> None:
    path = f"executions/{ended}/backtrace"

    assert api.put(f"{path}/persist").json == {"persisted_backtrace_count": 3}
    assert api.put(f"{path}/persist").json == {"persisted_backtrace_count": 0}
    assert api.get(f"{path}?version=first").json["version_min_including"] == 2
    assert api.get(path).json["version_min_including"] == 8


def test_the_lines_of_compiled_code_are_found(api: Api, climbed: ExecutionId) -> None:
    path = f"executions/{climbed}/backtrace"
    last = api.get(path).json

    assert last["component_id"]["name"] == "climber"
    assert CallSitesRow.objects.count() == 1
    lines = lines_at(api, climbed, "last")
    assert ("climber/src/steps.rs", "total = add(total, *number)?;") in lines
    assert ("climber/src/lib.rs", "steps::sum_up(&numbers)") in lines
    assert ("climber/src/lib.rs", "let _ = sleep(ScheduleAt::Now, None);") in lines_at(api, climbed, "2")
    assert api.put(f"{path}/persist").json == {"persisted_backtrace_count": 1}
    assert api.put(f"{path}/persist").json == {"persisted_backtrace_count": 0}
    assert api.get(path).json == last


def test_what_no_call_wrote_has_no_place(api: Api, ended: ExecutionId) -> None:
    child = next(iter(Execution.objects.filter(parent_id=ended))).execution_id

    for target, version in ((ended, "0"), (ended, "1"), (ended, "11"), (ended, "99"), (child, "last")):
        assert api.get(f"executions/{target}/backtrace", {"version": version}).code == "backtrace_not_found"
    assert CallSitesRow.objects.count() == 0


def test_what_is_known_needs_no_replay(api: Api, ended: ExecutionId, monkeypatch: pytest.MonkeyPatch) -> None:
    api.put(f"executions/{ended}/backtrace/persist")
    monkeypatch.setattr(replay_places, "_PATIENCE_S", 0.01)
    monkeypatch.setattr(replay_places, "_places", threading.BoundedSemaphore(1))
    with replay_places._places:
        known = api.get(f"executions/{ended}/backtrace")
        unknown = api.get(f"executions/{ended}/backtrace?version=1")

    assert (known.status, unknown.code) == (200, "busy")


# --- Captured writes --------------------------------------------------------------------------------------------------


def test_captured_writes_say_where_they_are_made(api: Api, paused: ExecutionId) -> None:
    path = f"executions/{paused}"
    create, sleep = api.put(f"{path}/replay").json["captured_writes"]

    for write, count in ((create, 1), (sleep, 3)):
        (backtrace,) = write["backtraces"]
        assert backtrace["execution_id"] == paused
        assert backtrace["component_id"]["component_type"] == "workflow"
        assert backtrace["version_min_including"] == write["version"]
        assert backtrace["version_max_excluding"] == write["version"] + count
        assert [frame["func_name"] for frame in backtrace["wasm_backtrace"]["frames"]] == ["nap", "rest"]
    assert CallSitesRow.objects.count() == 0


def test_an_advance_stores_the_places_of_what_it_applied_if_it_is_told_to(api: Api, paused: ExecutionId) -> None:
    path = f"executions/{paused}"
    create, sleep = api.put(f"{path}/replay").json["captured_writes"]

    first = api.put(f"{path}/advance", {"captured_writes": [create]})
    second = api.put(f"{path}/advance", {"captured_writes": [sleep], "persist_backtrace": True})

    assert (first.status, second.status) == (200, 200)
    assert [api.get(f"{path}/backtrace", {"version": version}).json for version in ("first", "last")] == [
        *sleep["backtraces"],
        *sleep["backtraces"],
    ]
    assert lines_at(api, paused, "last") == [("lib/naps.js", "obelisk.sleep({ days: 1 });"), ("flow.js", "nap();")]
    assert lines_at(api, paused, str(create["version"]))[0] == ("lib/naps.js", "obelisk.createJoinSet();")


def test_an_advance_stores_the_places_of_compiled_code_too(api: Api, climbed: ExecutionId) -> None:
    target = submit(CLIMB, [[3]], paused=True).execution_id
    path = f"executions/{target}"
    writes: Any = api.put(f"{path}/replay").json["captured_writes"]
    assert "backtraces" not in writes[0]

    assert api.put(f"{path}/advance", {"captured_writes": writes, "persist_backtrace": True}).status == 200

    assert CallSitesRow.objects.filter(execution_id=target).count() == 1
    assert ("climber/src/lib.rs", "rest();") in lines_at(api, target, "last")
