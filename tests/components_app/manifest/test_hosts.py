from __future__ import annotations

import pytest

from components.manifest.entries import HostRule
from components.manifest.hosts import host_pattern_problem, read_host_rules
from components.manifest.table_reader import Findings, TableReader
from engine.deployment.spec import SecretLocation


@pytest.mark.parametrize(
    "pattern",
    ["*", "example.com", "*.example.com", "192.168.1.*", "https://example.com", "*://a:*", "http://a:8080", "[::1]:80"],
)
def test_patterns_of_the_reference_are_accepted(pattern: str) -> None:
    assert host_pattern_problem(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("ftp://a", 'has the scheme "ftp"'),
        ("a/b", "without a path"),
        ("https://a/", "without a path"),
        ("a:99999", 'has the port "99999"'),
        ("a:x", 'has the port "x"'),
        ("a.*.com", "one * at most"),
        ("*.*", "one * at most"),
        ("", "names no host"),
        ("https://:80", "names no host"),
        ("a b", "names no host"),
    ],
)
def test_a_pattern_that_means_nothing_is_refused(pattern: str, expected: str) -> None:
    problem = host_pattern_problem(pattern)

    assert problem is not None
    assert expected in problem


def read(**keys: object) -> tuple[tuple[HostRule, ...], Findings]:
    findings = Findings()
    table = TableReader({"allowed_host": [{"pattern": "a.test", "methods": "*", **keys}]}, place="x", findings=findings)
    return read_host_rules(table), findings


def test_secrets_are_read_with_the_places_where_they_may_stand() -> None:
    (rule,), findings = read(secrets=["API_TOKEN"], replace_in=["headers", "body"])

    assert findings.problems == []
    assert rule.secrets == ("API_TOKEN",)
    assert rule.replace_in == (SecretLocation.HEADERS, SecretLocation.BODY)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"secrets": ["A"]}, 'replace_in" is missing; say where secrets may stand: headers, params, body'),
        ({"secrets": ["A"], "replace_in": ["cookies"]}, 'holds "cookies"; expected headers, params, body'),
        ({"secrets": ["A B"], "replace_in": ["body"]}, "named like an environment variable"),
    ],
)
def test_secrets_that_mean_nothing_are_refused(keys: dict[str, object], problem: str) -> None:
    _, findings = read(**keys)

    assert problem in str(findings.problems[0])


def test_a_place_without_secrets_is_worth_a_warning() -> None:
    _, findings = read(replace_in=["body"])

    assert findings.problems == []
    assert "has no effect without secrets" in findings.warnings[0]
