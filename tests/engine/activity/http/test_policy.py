from __future__ import annotations

import pytest

from engine.activity.http.addresses import parse_address
from engine.activity.http.policy import Allowed, Denied, address_problem, make_policy
from engine.activity.http.request_target import read_target, split_url
from engine.deployment.spec import AllowedHost, SecretLocation

ANY = AllowedHost(pattern="*://*:*", methods=None)


def rule(pattern: str, *methods: str, regex: str | None = None) -> AllowedHost:
    return AllowedHost(pattern=pattern, methods=methods or None, request_url_regex=regex)


def check(
    url: str, *component: AllowedHost, method: str = "GET", operator: tuple[AllowedHost, ...] = (ANY,)
) -> Allowed | Denied:
    target, _ = read_target(method, *split_url(url))
    return make_policy(component, operator).check(target)


def test_nothing_is_allowed_where_nothing_is_written() -> None:
    assert isinstance(check("https://example.com/"), Denied)
    assert isinstance(check("https://example.com/", ANY, operator=()), Denied)


def test_both_sides_must_allow() -> None:
    mine, theirs = rule("https://a.test"), rule("https://b.test")

    assert isinstance(check("https://a.test/", mine, operator=(mine, theirs)), Allowed)
    assert isinstance(check("https://a.test/", mine, operator=(theirs,)), Denied)
    assert isinstance(check("https://b.test/", mine, operator=(theirs,)), Denied)


def test_one_of_several_entries_is_enough() -> None:
    assert isinstance(check("https://b.test/", rule("https://a.test"), rule("https://b.test")), Allowed)


@pytest.mark.parametrize(("method", "is_allowed"), [("GET", True), ("POST", False), ("get", False)])
def test_methods_are_compared_as_they_are(method: str, is_allowed: bool) -> None:
    decision = check("https://a.test/", rule("https://a.test", "GET", "PUT"), method=method)

    assert isinstance(decision, Allowed) is is_allowed


def test_an_entry_without_methods_allows_nothing() -> None:
    assert isinstance(check("https://a.test/", AllowedHost(pattern="https://a.test", methods=())), Denied)


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://a.test/v1/users", True),
        ("https://a.test/v1/users?id=1", True),
        ("https://a.test/v2/users", False),
        ("https://a.test/?x=GET https://a.test/v1/", False),
    ],
)
def test_the_expression_is_searched_in_method_and_url_without_the_query(url: str, is_allowed: bool) -> None:
    decision = check(url.replace(" ", "%20"), rule("https://a.test", regex="^GET https://a[.]test/v1/"))

    assert isinstance(decision, Allowed) is is_allowed


def test_a_denial_says_who_and_what_to_write() -> None:
    decision = check("http://a.test:8080/x?secret=1", rule("https://b.test"), method="POST")

    assert isinstance(decision, Denied)
    assert decision.reason == "POST http://a.test:8080/x is not allowed by the component's allowed_host entries"
    assert 'allowed_host = [{ pattern = "http://a.test:8080", methods = ["POST"] }]' in decision.remedy
    assert "OBELISK_OUTBOUND_HOSTS" not in decision.remedy


def test_a_denial_by_the_operator_says_so() -> None:
    decision = check("https://a.test/", rule("https://a.test"), operator=())

    assert isinstance(decision, Denied)
    assert "the operator's list of hosts" in decision.reason
    assert "the component's" not in decision.reason
    assert "OBELISK_OUTBOUND_HOSTS=https://a.test" in decision.remedy
    assert "[outbound_http]" in decision.remedy


def test_a_secret_goes_only_where_both_sides_list_it() -> None:
    headers, params = SecretLocation.HEADERS, SecretLocation.PARAMS
    mine = AllowedHost(pattern="https://a.test", methods=None, secrets=("A", "B"), replace_in=(headers, params))
    theirs = AllowedHost(pattern="https://*.test", methods=None, secrets=("A",), replace_in=(headers,))
    elsewhere = AllowedHost(pattern="https://b.test", methods=None, secrets=("B",), replace_in=(headers,))

    decision = check("https://a.test/", mine, operator=(theirs, elsewhere))

    assert isinstance(decision, Allowed)
    assert decision.secrets == {("A", headers)}


@pytest.mark.parametrize(
    ("mine", "theirs", "names_host"),
    [
        ("http://in.test", "http://in.test", True),
        ("http://in.test", "*://*:*", False),
        ("*://*:*", "http://in.test", False),
        ("http://*.test", "http://*.test", False),
    ],
)
def test_an_inside_address_needs_both_sides_to_name_the_host(mine: str, theirs: str, names_host: bool) -> None:
    decision = check("http://in.test/", rule(mine), operator=(rule(theirs),))

    assert isinstance(decision, Allowed)
    assert decision.names_host is names_host
    problem = address_problem(parse_address("127.0.0.1"), decision, "in.test")
    assert (problem is None) is names_host


def test_a_public_address_is_fine_and_one_of_no_host_never() -> None:
    assert address_problem(parse_address("1.1.1.1"), Allowed(names_host=False), "a.test") is None
    assert address_problem(parse_address("0.0.0.0"), Allowed(names_host=True), "a.test") is not None
