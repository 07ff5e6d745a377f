from __future__ import annotations

import pytest

from engine.activity.http.request_target import MAX_URL, read_target, split_url
from engine.errors import OutboundInvalid


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.test/x?y=1#z", ("https", "a.test", "/x?y=1")),
        ("HTTP://a.test", ("http", "a.test", "/")),
        ("http://a.test?y", ("http", "a.test", "/?y")),
        ("http://a.test#/../b", ("http", "a.test", "/")),
    ],
)
def test_a_url_is_taken_apart(url: str, expected: tuple[str, str, str]) -> None:
    assert split_url(url) == expected


@pytest.mark.parametrize("url", ["", "/x", "a.test/x", "http:/a.test", "javascript:alert(1)"])
def test_what_is_no_absolute_url_is_refused(url: str) -> None:
    with pytest.raises(OutboundInvalid) as caught:
        split_url(url)

    assert caught.value.code == "HTTP-request-URI-invalid"


def test_host_and_port_are_read_in_one_form() -> None:
    target, query = read_target("GET", "http", "A.test.:8080", "/x?y=1?z")

    assert (target.host, target.port, target.path, query) == ("a.test", 8080, "/x", "?y=1?z")
    assert target.authority == "a.test.:8080"
    assert read_target("GET", "https", "[::1]", "/")[0].origin == "https://[::1]"
    assert read_target("GET", "https", "a.test:443", "/")[0].origin == "https://a.test"


@pytest.mark.parametrize(
    "authority",
    [
        "",
        "user:pass@a.test",
        "a.test:",
        "a.test:0",
        "a.test:99999",
        "a b",
        "a.test/x",
        "ä.test",
        "a.test\r\nx: y",
        "[zz]",
    ],
)
def test_an_authority_that_others_could_read_in_another_way_is_refused(authority: str) -> None:
    with pytest.raises(OutboundInvalid) as caught:
        read_target("GET", "http", authority, "/")

    assert caught.value.code == "HTTP-request-URI-invalid"


@pytest.mark.parametrize("path", ["x", "/a b", "/a\r\nHost: b", "/a#b", "/ä", ""])
def test_a_path_with_anything_odd_in_it_is_refused(path: str) -> None:
    with pytest.raises(OutboundInvalid) as caught:
        read_target("GET", "http", "a.test", path)

    assert caught.value.code == "HTTP-request-URI-invalid"


@pytest.mark.parametrize("method", ["", "GE T", "CONNECT", "connect", "G\r\nET", "x" * 65])
def test_a_method_that_cannot_be_sent_is_refused(method: str) -> None:
    with pytest.raises(OutboundInvalid) as caught:
        read_target(method, "http", "a.test", "/")

    assert caught.value.code == "HTTP-request-method-invalid"


def test_a_url_has_a_largest_length() -> None:
    with pytest.raises(OutboundInvalid) as caught:
        read_target("GET", "http", "a.test", "/" + "x" * MAX_URL)

    assert caught.value.code == "HTTP-request-URI-too-long"
