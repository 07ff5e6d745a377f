from __future__ import annotations

import json
from typing import Any

import pytest

from components.interface_codec import decode_interfaces, encode_interfaces
from engine.errors import DeploymentError
from engine.wit.names import InterfaceName
from engine.wit.obelisk_types import JOIN_SET, NAMED_TYPES, WEBHOOK_SUPPORT, WORKFLOW_SUPPORT_BACKTRACE
from engine.wit.types import U8, FunctionType, Param, ResultType

API = InterfaceName.parse("test:a/api@1.0.0")
TYPES = InterfaceName.parse("test:a/types")
STORED = {
    "version": 1,
    "interfaces": [
        {
            "name": "test:a/api@1.0.0",
            "functions": [
                {"name": "run", "params": [{"name": "n", "wit_type": "u8"}], "return_type": "result<u8>"},
                {"name": "log", "params": [], "return_type": None},
            ],
        },
        {"name": "test:a/types", "functions": []},
    ],
}


def test_the_stored_form_never_changes() -> None:
    interfaces = {API: {"run": FunctionType((Param("n", U8),), ResultType(U8)), "log": FunctionType(())}, TYPES: {}}

    assert encode_interfaces(interfaces) == STORED
    assert decode_interfaces(STORED) == interfaces


@pytest.mark.parametrize("functions", [JOIN_SET, WORKFLOW_SUPPORT_BACKTRACE, WEBHOOK_SUPPORT])
def test_host_interfaces_are_read_back(functions: dict[str, FunctionType]) -> None:
    interfaces = {API: dict(functions)}

    assert decode_interfaces(json.loads(json.dumps(encode_interfaces(interfaces)))) == interfaces


def test_every_named_type_is_read_back() -> None:
    interfaces = {
        interface: {name: FunctionType((Param("value", wit_type),)) for name, wit_type in types.items()}
        for interface, types in NAMED_TYPES.items()
    }

    assert decode_interfaces(encode_interfaces(interfaces)) == interfaces


@pytest.mark.parametrize(
    "stored",
    [
        None,
        {"version": 2, "interfaces": []},
        {"version": 1},
        {"version": 1, "interfaces": [{"name": "nonsense", "functions": []}]},
        {
            "version": 1,
            "interfaces": [{"name": "a:b/c", "functions": [{"name": "f", "params": [], "return_type": "u9"}]}],
        },
    ],
)
def test_what_cannot_be_read_is_said(stored: Any) -> None:
    with pytest.raises(DeploymentError, match="stored interfaces"):
        decode_interfaces(stored)
