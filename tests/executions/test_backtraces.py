from __future__ import annotations

import pytest

from engine.log.backtraces import CallSite, CallSites
from engine.log.ids import Version
from engine.log.return_values import JsonText
from executions.backtraces import find_backtrace
from executions.journal.journal import SqlJournal
from executions.models import CallSites as CallSitesRow
from tests.builders import make_created, make_execution_id

pytestmark = pytest.mark.django_db(transaction=True)

E1 = make_execution_id(1)


def _stack(line: int) -> JsonText:
    return JsonText(f'{{"frames":[{{"module":"app","func_name":"f\\u0000","line":{line}}}]}}')


def _store(*sites: tuple[int, int, int]) -> None:
    calls = CallSites(
        execution_id=E1,
        component_id=make_created().component_id,
        sites=tuple(CallSite(Version(first), Version(behind), _stack(line)) for first, behind, line in sites),
    )
    SqlJournal.for_current_connection().add_call_sites([calls])


def _line(version: Version | str) -> int | None:
    found = find_backtrace(E1, version)  # type: ignore[arg-type]  # the tests' own
    return None if found is None else found.stack["frames"][0]["line"]


def test_the_call_that_wrote_an_event_is_found() -> None:
    _store((2, 5, 10), (5, 8, 11), (9, 10, 10))
    _store((12, 13, 20))

    lines = [_line(Version(version)) for version in range(14)]
    assert lines == [None, None, 10, 10, 10, 11, 11, 11, None, 10, None, None, 20, None]
    assert (_line("first"), _line("last")) == (10, 20)
    found = find_backtrace(E1, Version(6))
    assert found is not None
    assert (found.first, found.behind, found.component) == (5, 8, str(make_created().component_id))


def test_the_newest_is_right_where_a_lost_run_left_others() -> None:
    _store((2, 5, 10))
    _store((3, 6, 11))

    assert [_line(Version(version)) for version in (2, 3, 5)] == [10, 11, 11]


def test_of_an_execution_without_any_there_is_none() -> None:
    SqlJournal.for_current_connection().add_call_sites([])

    assert [_line("first"), _line("last"), _line(Version(3))] == [None, None, None]


def test_calls_from_one_place_share_its_stack() -> None:
    _store(*((n, n + 1, 5) for n in range(50)))

    assert CallSitesRow.objects.get().sites.count("frames") == 1
