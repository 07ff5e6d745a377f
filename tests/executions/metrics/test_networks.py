from __future__ import annotations

import pytest

from executions.metrics.networks import is_within, parse_networks


def test_addresses_and_networks_are_told_apart_by_nothing_but_their_size() -> None:
    networks = parse_networks("10.0.0.0/8, 192.0.2.7,::1")

    assert is_within("10.200.3.4", networks)
    assert is_within("192.0.2.7", networks)
    assert is_within("::1", networks)
    assert not is_within("192.0.2.8", networks)


def test_nobody_is_within_nothing_and_what_is_no_address_is_nowhere() -> None:
    assert not is_within("127.0.0.1", parse_networks(""))
    assert not is_within("", parse_networks("0.0.0.0/0"))


@pytest.mark.parametrize("text", ["example.com", "10.0.0.1/8", "10.0.0.0/33"])
def test_what_is_no_network_is_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=f"got '{text}'"):
        parse_networks(f"127.0.0.1,{text}")
