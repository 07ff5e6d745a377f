"""The corpus is taken as it should be, and a seed means the same cases for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.runtime_loads import site_runtimes
from tests.fuzz.corpus import IN_PROCESS, LEGS, WIRE, kept_cases
from tests.fuzz.judging import Finding, judge
from tests.fuzz.legs import make_case
from tests.fuzz.messages import Request, parse_request, to_api
from tests.fuzz.minimising import minimise
from tests.fuzz.sites import site_in_process
from tests.fuzz.wire import server

_FRESH = 5
"""Cases of each kind beside those that are kept; `make fuzz` sends more."""


@pytest.mark.timeout(300)  # most of it where interpreters are not built yet
@pytest.mark.django_db(transaction=True)
def test_what_was_found_once_is_taken_as_it_should_be(tmp_path: Path) -> None:
    for language in ("python", "javascript"):
        site_runtimes.begin(language).result()
    findings: dict[str, Finding] = {}
    with site_in_process(tmp_path / "site") as site:
        for leg in IN_PROCESS:
            cases = {path.name: path.read_bytes() for path in kept_cases(leg)}
            cases |= {f"{number} of seed 0": make_case(leg, 0, number) for number in range(_FRESH)}
            findings |= {f"{leg}: {name}": found for name, case in cases.items() if (found := judge(site, case))}

    assert findings == {}


@pytest.mark.timeout(300)
@pytest.mark.django_db  # it looks into the server's database
def test_a_server_takes_hostile_bytes_as_it_should(tmp_path: Path) -> None:
    with server(tmp_path) as judging:
        found = [finding for path in kept_cases(WIRE) if (finding := judging(path.read_bytes()))]

    assert found == []


@pytest.mark.parametrize("leg", LEGS)
def test_a_seed_gives_the_same_cases_and_another_seed_others(leg: str) -> None:
    first = [make_case(leg, 7, number) for number in range(20)]

    assert first == [make_case(leg, 7, number) for number in range(20)]
    assert first != [make_case(leg, 8, number) for number in range(20)]


@pytest.mark.parametrize("leg", IN_PROCESS)
def test_cases_for_this_process_are_requests(leg: str) -> None:
    for number in range(100):
        case = make_case(leg, 7, number)
        assert parse_request(case).encode() == case


def test_a_request_is_read_as_it_was_written() -> None:
    request = to_api("POST", "executions", b"a\r\n\r\nGET / HTTP/1.1\r\n\r\n", headers=[(b"X-A", b"")])

    assert parse_request(request.encode()) == request
    assert parse_request(Request(target=b"/?a b").encode()) == Request(target=b"/?a b")


def test_a_case_is_made_as_small_as_what_it_shows() -> None:
    content = b"a" * 1000 + b"!" + b"b" * 1000

    assert minimise(content, lambda smaller: b"!" in smaller, within_s=30) == b"!"
