"""Hosts of their own on this machine: network namespaces, each with a link to one hub that can be cut."""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, TypeVar

import pytest

T = TypeVar("T")

HUB: Final = "10.213.0.1"
"""The hub's address, as its hosts see it; nobody else sees any of them."""
_CLONE_NEWNET: Final = 0x40000000


def skip_without_networks() -> None:
    """Skip the test where no network namespaces can be made."""
    if shutil.which("ip") is None:
        pytest.skip("ip is not installed (Debian: apt install iproute2)")
    name = f"obk{secrets.token_hex(3)}"
    if subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True).returncode:
        pytest.skip("network namespaces may not be made here; root may")
    _ip("netns", "delete", name)


class Network:
    """A hub and its hosts; a context manager that takes all of it down."""

    def __init__(self) -> None:
        self._tag = f"obk{secrets.token_hex(3)}"
        self._places: dict[str, ThreadPoolExecutor] = {}

    def __enter__(self) -> Network:
        self._add_place("hub")
        hub = self._name("hub")
        _ip("-n", hub, "link", "add", "bridge", "type", "bridge")
        _ip("-n", hub, "address", "add", f"{HUB}/24", "dev", "bridge")
        _ip("-n", hub, "link", "set", "bridge", "up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for place, thread in self._places.items():
            thread.shutdown()
            _ip("netns", "delete", self._name(place))

    def add_host(self, host: str) -> None:
        """Add a host, linked to the hub.

        Args:
            host: A short word.
        """
        number = len(self._places) + 1
        self._add_place(host)
        hub, name = self._name("hub"), self._name(host)
        _ip("-n", hub, "link", "add", host, "type", "veth", "peer", "name", "uplink", "netns", name)
        _ip("-n", hub, "link", "set", host, "master", "bridge", "up")
        _ip("-n", name, "address", "add", f"10.213.0.{number}/24", "dev", "uplink")
        _ip("-n", name, "link", "set", "uplink", "up")

    def cut(self, host: str) -> None:
        """Take a host's link down: what is sent is lost, and nobody is told."""
        _ip("-n", self._name("hub"), "link", "set", host, "down")

    def mend(self, host: str) -> None:
        """Take a host's link up again."""
        _ip("-n", self._name("hub"), "link", "set", host, "up")

    def at(self, place: str, function: Callable[[], T]) -> T:
        """Call a function on a thread of a host, or of ``hub``; sockets and processes that it makes are there for good.

        The thread lives as long as this network does, for processes that are to end with who started them.
        """
        return self._places[place].submit(function).result()

    def _add_place(self, place: str) -> None:
        name = self._name(place)
        _ip("netns", "add", name)
        _ip("-n", name, "link", "set", "lo", "up")
        self._places[place] = ThreadPoolExecutor(1, initializer=_enter, initargs=(name,))

    def _name(self, place: str) -> str:
        return f"{self._tag}-{place}"


def _enter(name: str) -> None:
    """Move the calling thread into a network namespace."""
    descriptor = os.open(Path("/run/netns") / name, os.O_RDONLY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(descriptor, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns to {name}")
    finally:
        os.close(descriptor)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
