from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.deployment.host_patterns import normal_host, parse_pattern
from engine.errors import DeploymentError


@pytest.mark.parametrize(
    ("pattern", "scheme", "host", "port"),
    [
        ("example.com", "https", "example.com", 443),
        ("http://example.com", "http", "example.com", 80),
        ("*://example.com", "http", "example.com", 80),
        ("*://example.com", "https", "example.com", 443),
        ("http://example.com:8080", "http", "example.com", 8080),
        ("http://example.com:*", "http", "example.com", 8123),
        ("Example.COM", "https", "example.com", 443),
        ("*.example.com", "https", "a.b.example.com", 443),
        ("*", "https", "anything.at.all", 443),
        ("*://*:*", "http", "10.0.0.1", 5),
        ("http://192.168.1.*", "http", "192.168.1.77", 80),
        ("http://[::1]:8000", "http", "::1", 8000),
        ("http://[0:0:0:0:0:0:0:1]", "http", "::1", 80),
        ("https://api*", "https", "api7.test", 443),
    ],
)
def test_a_request_to_what_the_pattern_means_is_let_out(pattern: str, scheme: str, host: str, port: int) -> None:
    assert parse_pattern(pattern).matches(scheme, normal_host(host), port)


@pytest.mark.parametrize(
    ("pattern", "scheme", "host", "port"),
    [
        ("example.com", "http", "example.com", 80),
        ("example.com", "https", "example.com", 444),
        ("*://example.com", "http", "example.com", 443),
        ("example.com", "https", "example.com.evil.test", 443),
        ("example.com", "https", "notexample.com", 443),
        ("*.example.com", "https", "example.com", 443),
        ("*.example.com", "https", "example.com.evil.test", 443),
        ("http://192.168.1.*", "http", "192.168.1.evil.test", 80),
        ("http://192.168.1.*", "http", "192.168.10.1", 80),
        ("http://[::1]", "http", "::2", 80),
    ],
)
def test_a_request_to_anything_else_is_not(pattern: str, scheme: str, host: str, port: int) -> None:
    assert not parse_pattern(pattern).matches(scheme, normal_host(host), port)


@pytest.mark.parametrize(
    ("pattern", "names_host"),
    [
        ("localhost", True),
        ("http://10.0.0.1:*", True),
        ("http://192.168.1.*", True),
        ("http://*.internal", False),
        ("*", False),
        ("http://in*", False),
    ],
)
def test_only_a_pattern_that_writes_the_host_out_means_an_inside_one(pattern: str, names_host: bool) -> None:
    assert parse_pattern(pattern).names_host is names_host


@pytest.mark.parametrize("host", ["LOCALHOST.", "localhost", "LocalHost"])
def test_a_host_has_one_form(host: str) -> None:
    assert normal_host(host) == "localhost"


@pytest.mark.parametrize("pattern", ["user@example.com", "http://a@b"])
def test_credentials_are_no_part_of_a_pattern(pattern: str) -> None:
    with pytest.raises(DeploymentError, match="names no host"):
        parse_pattern(pattern)


@given(st.text(alphabet="ab.*:/[]@ 19", max_size=12))
def test_every_text_is_a_pattern_or_refused_with_a_sentence(text: str) -> None:
    with suppress(DeploymentError):
        assert "*" not in parse_pattern(text).host
