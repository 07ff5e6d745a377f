from __future__ import annotations

import pytest

from components.manifest.hosts import host_pattern_problem


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
