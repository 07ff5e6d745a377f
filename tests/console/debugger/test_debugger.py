"""The debugger's pages, over workflows that ran for real."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import pytest
from django.test import Client

from console.debugger import stacks
from engine.log.ids import ExecutionId
from engine.log.state import Status
from executions.journal.journal import SqlJournal
from executions.models import CallSites, Event, Execution, OperationRecord
from executions.operations.querying import WorkflowDiverges
from executions.operations.replay_places import TooManyReplays
from executions.testing import DeployedApp, deployed
from tests.console.debugger.flows import CLIMB, HOSTILE, TOUR, TRIP, climbing, ended, line_of, write_trips
from tests.executions.scripts import SUM, SUM_UP, write_scripts
from tests.harness.eventually import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "_kept", stacks._Kept())


@pytest.fixture
def app(tmp_path: Path) -> Iterator[DeployedApp]:
    with deployed(write_trips(tmp_path)) as deployed_app:
        yield deployed_app


def blocked(app: DeployedApp, function: str = TRIP, *cities: str) -> ExecutionId:
    """Run a workflow until it waits for the first approval."""
    target = app.submit(function, list(cities) or ["Rome", "Oslo"])

    def is_asking() -> bool:
        return Execution.objects.filter(ffqn="acme:trips/stubs.approve", execution_id__startswith=target).exists()

    eventually(is_asking)
    journal = SqlJournal.for_current_connection()
    eventually(lambda: journal.state_of(target).status is Status.BLOCKED_BY_JOIN_SET)
    eventually(lambda: CallSites.objects.filter(execution_id__startswith=target).exists())
    return target


def panes(browser: Client, target: ExecutionId, query: str = "") -> str:
    response = browser.get(f"/admin/executions/{target}/debug/at/{query}")
    assert response.status_code == 200, response.content
    return str(response.text)


def current_line(html: str) -> int:
    (number,) = re.findall(r'aria-current="location"><td class="ob-line-number"><span>(\d+)<', html)
    return int(number)


def variables(html: str) -> dict[str, str]:
    """Return what is said of each variable; those that changed have a mark before their name."""
    pairs = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", html, re.DOTALL)
    return {" ".join(re.sub("<.*?>", " ", name).split()): unescape(text) for name, text in pairs}


def versions(target: ExecutionId, kind: str) -> list[int]:
    events = Event.objects.filter(execution_id=target, history_event_type=kind).order_by("version")
    return list(events.values_list("version", flat=True))


# --- Source, stack and variables -----------------------------------------------------------------------------------


def test_a_python_workflow_is_seen_at_each_event(operator: Client, app: DeployedApp) -> None:
    target = blocked(app)
    first, second = versions(target, "join_next")[:2]

    before, behind = panes(operator, target, f"?v={first}"), panes(operator, target, f"?v={second}")
    asking = panes(operator, target)

    assert current_line(before) == current_line(behind) == line_of("references.append(book(city))")
    assert variables(before) == {"cities": "['Rome', 'Oslo']", "references": "[]", "city": "'Rome'"}
    assert variables(behind) == {
        "cities": "['Rome', 'Oslo']",
        "● changed references": "['ref Rome']",
        "● changed city": "'Oslo'",
    }
    assert current_line(asking) == line_of("return approve(place)"), "the last call is shown if no event is named"
    assert variables(asking) == {"place": "'Rome'"}


def test_the_frames_of_a_stack_lead_to_their_line_and_variables(operator: Client, app: DeployedApp) -> None:
    target = blocked(app)

    outer = panes(operator, target, "?frame=1")

    assert current_line(outer) == line_of("ask(city)")
    assert f'class="ob-waits"><td class="ob-line-number"><span>{line_of("return approve(place)")}<' in outer
    assert variables(outer)["● changed references"] == "['ref Rome', 'ref Oslo']"


def test_a_javascript_workflow_is_seen_at_each_event(operator: Client, tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path)) as app:
        target = ended(app, SUM, [1, 2])

    first, second = (panes(operator, target, f"?v={version}") for version in versions(target, "join_next"))

    assert current_line(first) == current_line(second) == line_of("add(total, number)", SUM_UP.lstrip())
    assert variables(first) == {"numbers": "[1,2]", "total": "0", "number": "1"}
    assert variables(second) == {"numbers": "[1,2]", "● changed total": "1", "● changed number": "2"}


def test_a_compiled_workflow_is_recorded_first_and_has_frames_and_source(operator: Client, tmp_path: Path) -> None:
    with climbing(tmp_path) as app:
        target = ended(app, CLIMB, [1, 2])
    before = panes(operator, target)
    assert "Record backtraces" in before
    assert "is not recorded" in before

    asked = operator.post(f"/admin/executions/{target}/debug/record/", {"v": "3"})

    assert asked.headers["Location"] == f"/admin/executions/{target}/debug/?v=3"
    html = panes(operator, target)
    places = re.findall(r'data-move[^>]*><code class="ob-wrap">(.*?)</code><small [^>]*>(.*?)</small>', html)
    (index,) = [number for number, (_, place) in enumerate(places) if "/src/steps.rs:" in place]
    source = panes(operator, target, f"?frame={index}")
    assert places[index][1].endswith(f":{current_line(source)}")
    assert "Compiled components do not tell what their variables hold." in html
    assert not OperationRecord.objects.exists()


def test_a_compiled_workflow_without_lines_has_its_functions(operator: Client, tmp_path: Path) -> None:
    with climbing(tmp_path) as app:
        target = ended(app, CLIMB, [1])
    stack = '{"frames":[{"module":"climber","func_name":"<wasm function 7>","symbols":[]}]}'
    component = f"workflow:climber:{Execution.objects.get(pk=target).component_digest}"
    CallSites.objects.create(
        execution_id=target,
        first_version=2,
        behind_version=9,
        component=component,
        sites=f'{{"stacks":[{stack}],"sites":[[2,9,0]]}}',
    )

    html = panes(operator, target, "?v=3")

    assert "&lt;wasm function 7&gt;" in html
    assert "compiled without debug information" in html


def test_looking_changes_nothing(operator: Client, app: DeployedApp) -> None:
    target = blocked(app)
    before = list(Event.objects.order_by("pk").values()), CallSites.objects.count()

    for version in range(12):
        panes(operator, target, f"?v={version}")

    assert (list(Event.objects.order_by("pk").values()), CallSites.objects.count()) == before


def test_what_a_replay_found_is_found_once(operator: Client, app: DeployedApp, monkeypatch: pytest.MonkeyPatch) -> None:
    target = blocked(app)
    (version, *_) = versions(target, "join_next")
    found = panes(operator, target, f"?v={version}")

    def unavailable(*_: object) -> None:
        raise AssertionError("it is replayed again")

    monkeypatch.setattr(stacks, "locals_at", unavailable)

    assert panes(operator, target, f"?v={version}") == found


# --- Moving --------------------------------------------------------------------------------------------------------


def test_one_goes_to_the_events_beside_and_to_those_where_it_waits(operator: Client, app: DeployedApp) -> None:
    target = blocked(app)
    first, second, third = versions(target, "join_next")

    html = panes(operator, target, f"?v={second}")

    keys = {unescape(key): query for query, key in re.findall(r'href="(\?v=\d+)" data-move data-hotkey="(.*?)"', html)}
    assert keys == {"[": f"?v={second - 1}", "]": f"?v={second + 1}", "{": f"?v={first}", "}": f"?v={third}"}


def test_one_goes_into_children_and_back_out(operator: Client, app: DeployedApp) -> None:
    target = blocked(app, TOUR)
    (submitted,) = versions(target, "join_set_request")
    child = f"{target}.o:1-trip_1"

    html = panes(operator, target, f"?v={submitted}")
    inner = panes(operator, ExecutionId(child))

    assert f'href="/admin/executions/{child}/debug/?v=0" data-hotkey="i"' in html
    assert f'href="/admin/executions/{target}/debug/?v={submitted}" data-hotkey="o"' in inner


def test_a_wait_names_the_response_that_it_got(operator: Client, app: DeployedApp) -> None:
    target = blocked(app)
    _, second, third = versions(target, "join_next")

    assert f"/admin/executions/{target}.o:2-book_1/debug/" in panes(operator, target, f"?v={second}")
    assert "Answered by" not in panes(operator, target, f"?v={third}")


def test_an_address_that_names_no_event_shows_one_that_there_is(operator: Client, app: DeployedApp) -> None:
    target = blocked(app)

    for query in ("?v=99999", "?v=nonsense", "?v=-1", "?v=1&frame=77", "?frame=x", "?v=99999999999999"):
        assert 'aria-current="step"' in panes(operator, target, query), query


# --- Faces ---------------------------------------------------------------------------------------------------------


def test_a_page_whose_replay_nobody_waits_for_says_so_and_can_be_made_to_wait(
    operator: Client, app: DeployedApp
) -> None:
    target = blocked(app)
    path = f"/admin/executions/{target}/debug/"

    first = operator.get(path).text
    whole = operator.get(f"{path}?wait=on").text

    assert "data-pending" in first
    assert "Replaying up to event" in first
    assert current_line(whole) == line_of("return approve(place)")
    assert "&amp;wait=on" in whole, "every move waits, too"
    assert "data-pending" not in operator.get(path).text, "what is known is shown at once"


def test_the_end_of_a_workflow_has_no_stack(operator: Client, tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path)) as app:
        target = ended(app, SUM, [1])
    last = Execution.objects.get(pk=target).next_version - 1

    assert "It has ended: nothing is left on its stack." in panes(operator, target, f"?v={last}")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TooManyReplays("4 workflows are being replayed already; try again in a moment"), "Try again"),
        (WorkflowDiverges("the workflow does not follow its history: <b>x</b>"), "&lt;b&gt;x&lt;/b&gt;"),
    ],
)
def test_why_nothing_can_be_seen_is_said(
    operator: Client, app: DeployedApp, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    target = blocked(app)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(stacks, "locals_at", fail)

    html = panes(operator, target)

    assert said in html
    assert ("/debug/compare/" in html) == isinstance(error, WorkflowDiverges)


def test_a_component_that_is_stored_no_more(operator: Client, app: DeployedApp) -> None:
    target = blocked(app)
    Execution.objects.filter(pk=target).update(component_digest="sha256:" + "0" * 64)
    (version, *_) = versions(target, "join_next")

    html = panes(operator, target, f"?v={version}")

    assert "trips.py" in html, "what was recorded as it ran is there all the same"
    assert "No stored deployment has the version" in html
    CallSites.objects.all().delete()
    assert "is not recorded. No stored deployment has the version" in panes(operator, target, f"?v={version}")


def test_what_variables_hold_is_inert(operator: Client, app: DeployedApp) -> None:
    target = blocked(app, TRIP, HOSTILE)

    html = panes(operator, target)

    assert "&lt;script&gt;" in html
    assert "<script>alert" not in html
    assert "\u202e" not in html


def test_what_is_no_workflow_has_one_sentence(operator: Client, app: DeployedApp) -> None:
    target = blocked(app)
    for component_type, sentence in {
        "activity": "An activity runs once for each attempt",
        "activity_stub": "No code of a deployment runs here",
        "webhook_endpoint": "A webhook endpoint answers one request",
    }.items():
        Execution.objects.filter(pk=target).update(component_type=component_type)

        assert sentence in operator.get(f"/admin/executions/{target}/debug/").text
        assert operator.get(f"/admin/executions/{target}/debug/at/").status_code == 404


# --- Rights --------------------------------------------------------------------------------------------------------


def test_who_may_look(client_of: Callable[[str], Client], app: DeployedApp) -> None:
    target = blocked(app)
    for role, status in {"anonymous": 302, "stranger": 403, "viewer": 200, "operator": 200, "superuser": 200}.items():
        browser = client_of(role)

        for path in ("debug/", "debug/at/", "debug/compare/"):
            assert browser.get(f"/admin/executions/{target}/{path}").status_code == status, (role, path)


def test_who_may_record(client_of: Callable[[str], Client], app: DeployedApp) -> None:
    target = blocked(app)
    CallSites.objects.all().delete()
    for role, status in {"anonymous": 302, "stranger": 403, "viewer": 403, "operator": 302}.items():
        assert client_of(role).post(f"/admin/executions/{target}/debug/record/").status_code == status
        assert CallSites.objects.exists() == (role == "operator")


def test_a_viewer_is_told_who_may_record(client_of: Callable[[str], Client], tmp_path: Path) -> None:
    with climbing(tmp_path) as app:
        target = ended(app, CLIMB, [1])

    html = panes(client_of("viewer"), target)

    assert "Record backtraces" not in html
    assert "Whoever may operate executions can have it recorded here." in html


def test_without_the_rights_neither_source_nor_variables_are_shown(
    client_of: Callable[[str], Client], app: DeployedApp
) -> None:
    target = blocked(app)

    html = panes(client_of("blind viewer"), target)

    assert "You have no right to see source." in html
    assert "You have no right to see what executions hold." in html
    assert "approve(place)" not in html
    assert "Rome" not in html
