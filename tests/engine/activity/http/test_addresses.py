from __future__ import annotations

import pytest

from engine.activity.http.addresses import inside, is_never_a_host, parse_address


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.0.3", "loopback"),
        ("::1", "loopback"),
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("192.168.0.1", "private"),
        ("100.64.0.1", "private"),
        ("169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fc00::1", "private"),
        ("fd12:3456::1", "private"),
        ("fec0::1", "private"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("2002:7f00:1::", "loopback"),
        ("0.0.0.0", "reserved"),
        ("::", "reserved"),
        ("224.0.0.1", "reserved"),
        ("ff02::1", "reserved"),
        ("255.255.255.255", "reserved"),
    ],
)
def test_an_inside_address_is_recognised_in_every_spelling(text: str, kind: str) -> None:
    assert inside(parse_address(text)) == kind


@pytest.mark.parametrize("text", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101", "::ffff:8.8.8.8"])
def test_a_public_address_is_not_inside(text: str) -> None:
    assert inside(parse_address(text)) is None


@pytest.mark.parametrize("text", ["0.0.0.0", "::", "::ffff:0.0.0.0", "239.0.0.1", "ff05::2", "240.0.0.1"])
def test_what_no_host_can_have_is_never_right(text: str) -> None:
    assert is_never_a_host(parse_address(text))


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "10.0.0.1", "fe80::1"])
def test_an_inside_address_may_be_a_hosts(text: str) -> None:
    assert not is_never_a_host(parse_address(text))
