"""Every function of WASI 0.2.12 is defined, with the type that its WIT says."""

from __future__ import annotations

import pytest

from engine.host.wasi.interfaces import ACTIVITY_WASI, WORKFLOW_WASI
from engine.wit.types import same_shape
from tests.harness.wit_files import read_package

PACKAGES = ("cli", "clocks", "filesystem", "http", "io", "random", "sockets")
EXPORTED = {("cli", "run"), ("http", "incoming-handler")}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_function_is_defined_as_wit_has_it(package: str) -> None:
    for interface, functions in read_package(package).items():
        if (package, interface) in EXPORTED:
            continue
        defined = ACTIVITY_WASI[package, interface].functions
        assert set(defined) == set(functions), interface
        for name, expected in functions.items():
            found = defined[name].type
            assert found is not None
            assert same_shape(found, expected), f"{interface}.{name}: {found} is not {expected}"


def test_a_workflow_gets_all_but_http() -> None:
    assert set(ACTIVITY_WASI) - set(WORKFLOW_WASI) == {("http", "types"), ("http", "outgoing-handler")}
    for key, interface in WORKFLOW_WASI.items():
        assert set(interface.functions) == set(ACTIVITY_WASI[key].functions)
        for name, function in interface.functions.items():
            assert function.type == ACTIVITY_WASI[key].functions[name].type
