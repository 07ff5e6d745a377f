"""Which WASI interfaces guests of each kind get.

Source:
    Obelisk reference, section 7.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.host.wasi import cli, clocks, effectless, filesystem, http_types, outgoing_handler, random, sockets
from engine.host.wasi.io_error import ERROR_INTERFACE
from engine.host.wasi.poll import POLL_INTERFACE
from engine.host.wasi.streams import STREAMS_INTERFACE
from engine.wasm.host_functions import HostInterface

_COMMON: Mapping[tuple[str, str], HostInterface] = {
    ("io", "error"): ERROR_INTERFACE,
    ("io", "poll"): POLL_INTERFACE,
    ("io", "streams"): STREAMS_INTERFACE,
    ("cli", "environment"): cli.ENVIRONMENT_INTERFACE,
    ("cli", "exit"): cli.EXIT_INTERFACE,
    ("cli", "stdin"): cli.STDIN_INTERFACE,
    ("cli", "stdout"): cli.STDOUT_INTERFACE,
    ("cli", "stderr"): cli.STDERR_INTERFACE,
    ("cli", "terminal-input"): cli.TERMINAL_INPUT_INTERFACE,
    ("cli", "terminal-output"): cli.TERMINAL_OUTPUT_INTERFACE,
    ("cli", "terminal-stdin"): cli.TERMINAL_STDIN_INTERFACE,
    ("cli", "terminal-stdout"): cli.TERMINAL_STDOUT_INTERFACE,
    ("cli", "terminal-stderr"): cli.TERMINAL_STDERR_INTERFACE,
    ("filesystem", "types"): filesystem.FILESYSTEM_INTERFACE,
    ("filesystem", "preopens"): filesystem.PREOPENS_INTERFACE,
    ("sockets", "network"): sockets.NETWORK_INTERFACE,
    ("sockets", "instance-network"): sockets.INSTANCE_NETWORK_INTERFACE,
    ("sockets", "ip-name-lookup"): sockets.LOOKUP_INTERFACE,
    ("sockets", "tcp"): sockets.TCP_INTERFACE,
    ("sockets", "tcp-create-socket"): sockets.CREATE_TCP_INTERFACE,
    ("sockets", "udp"): sockets.UDP_INTERFACE,
    ("sockets", "udp-create-socket"): sockets.CREATE_UDP_INTERFACE,
}

ACTIVITY_WASI: Mapping[tuple[str, str], HostInterface] = {
    **_COMMON,
    ("clocks", "monotonic-clock"): clocks.MONOTONIC_INTERFACE,
    ("clocks", "wall-clock"): clocks.WALL_INTERFACE,
    ("clocks", "timezone"): clocks.TIMEZONE_INTERFACE,
    ("random", "random"): random.RANDOM_INTERFACE,
    ("random", "insecure"): random.INSECURE_INTERFACE,
    ("random", "insecure-seed"): random.SEED_INTERFACE,
    ("http", "types"): http_types.TYPES_INTERFACE,
    ("http", "outgoing-handler"): outgoing_handler.HANDLER_INTERFACE,
}
"""By package and interface, for activities and webhook endpoints."""

WORKFLOW_WASI: Mapping[tuple[str, str], HostInterface] = {
    **_COMMON,
    ("clocks", "monotonic-clock"): effectless.MONOTONIC_INTERFACE,
    ("clocks", "wall-clock"): effectless.WALL_INTERFACE,
    ("clocks", "timezone"): effectless.TIMEZONE_INTERFACE,
    ("random", "random"): effectless.RANDOM_INTERFACE,
    ("random", "insecure"): effectless.INSECURE_INTERFACE,
    ("random", "insecure-seed"): effectless.SEED_INTERFACE,
}
"""By package and interface, for workflows that ask for them."""
