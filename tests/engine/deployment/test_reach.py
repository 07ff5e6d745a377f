from __future__ import annotations

import pytest

from engine.deployment.reach import denied_patterns
from engine.deployment.spec import AllowedHost


def rule(pattern: str, *methods: str) -> AllowedHost:
    return AllowedHost(pattern=pattern, methods=methods or None)


@pytest.mark.parametrize(
    ("component", "operator"),
    [
        ("api.test", "api.test"),
        ("https://api.test", "api.test"),
        ("*://api.test", "http://api.test"),
        ("api.test:8443", "api.test:*"),
        ("*://api.test:443", "api.test"),
        ("*.test", "api.test"),
        ("api.test", "*"),
        ("*.eu.test", "*.test"),
        ("*.test", "*.eu.test"),
        ("http://10.0.*", "http://10.0.1.*"),
        ("api*", "*.test"),
    ],
)
def test_patterns_that_have_a_request_in_common_are_in_reach(component: str, operator: str) -> None:
    assert denied_patterns([rule(component)], [rule("http://other.test:1"), rule(operator)]) == ()


@pytest.mark.parametrize(
    ("component", "operator"),
    [
        ("api.test", "other.test"),
        ("api.test", "http://api.test"),
        ("api.test", "api.test:8443"),
        ("*://api.test:80", "api.test"),
        ("test", "*.test"),
        ("*.test", "*.example"),
        ("http://10.0.1.*", "http://10.0.2.*"),
        ("http://10.0.1.*", "http://10.0.1.test"),
    ],
)
def test_patterns_without_a_common_request_are_out_of_reach(component: str, operator: str) -> None:
    assert denied_patterns([rule(component)], [rule(operator)]) == (component,)


def test_an_operator_who_allows_nothing_denies_every_pattern() -> None:
    assert denied_patterns([rule("a.test"), rule("b.test")], []) == ("a.test", "b.test")


def test_methods_must_meet_as_well() -> None:
    assert denied_patterns([rule("a.test", "GET")], [rule("a.test", "POST")]) == ("a.test",)
    assert denied_patterns([rule("a.test", "GET")], [rule("a.test", "POST", "GET")]) == ()
    assert denied_patterns([rule("a.test", "GET")], [rule("a.test")]) == ()


def test_a_rule_that_lets_nothing_out_anyway_is_not_the_operators_doing() -> None:
    assert denied_patterns([AllowedHost(pattern="a.test", methods=())], []) == ()
