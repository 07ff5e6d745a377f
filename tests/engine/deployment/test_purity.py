from __future__ import annotations

import pytest

from engine.deployment.purity import may_touch_world
from engine.deployment.spec import AllowedHost
from engine.wit.names import InterfaceName

ANY_HOST = AllowedHost(pattern="*", methods=None)
GET_ONLY = AllowedHost(pattern="example.com", methods=("GET",))
NOTHING = AllowedHost(pattern="*", methods=())

HTTP = "wasi:http/outgoing-handler@0.2.3"
HARMLESS = ["obelisk:log/log@1.0.0", "wasi:io/poll@0.2.3", "wasi:filesystem/types@0.2.0", "wasi:random/random@0.2.0"]


@pytest.mark.parametrize(
    ("imports", "hosts", "expected"),
    [
        ([], [], False),
        ([], [ANY_HOST], False),
        (HARMLESS, [ANY_HOST], False),
        (["testing:fibo/fibo"], [], False),
        ([HTTP], [], False),
        ([HTTP], [NOTHING], False),
        ([HTTP], [GET_ONLY], True),
        ([*HARMLESS, HTTP], [NOTHING, ANY_HOST], True),
        (["wasi:keyvalue/store@0.2.0"], [], True),
        (["obelisk:guest/http@1.0.0"], [], False),
        (["obelisk:guest/http@1.0.0"], [GET_ONLY], True),
    ],
)
def test_what_can_be_observed_counts(imports: list[str], hosts: list[AllowedHost], expected: bool) -> None:
    assert may_touch_world([InterfaceName.parse(name) for name in imports], hosts) is expected
