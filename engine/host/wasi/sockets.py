"""``wasi:sockets``: refused. A guest reaches the outside by HTTP, where each request can be judged."""

from __future__ import annotations

from engine.host.wasi.definition import Definition
from engine.host.wasi.io_error import ERROR
from engine.host.wasi.poll import POLLABLE
from engine.host.wasi.state import WasiContext
from engine.host.wasi.streams import INPUT_STREAM, OUTPUT_STREAM
from engine.wasm.host_functions import HostResource
from engine.wit.options import JsonValue


def _drop(context: WasiContext, number: int) -> None:
    context.wasi.table.drop(number)


class Network:
    """The network that a guest may name, and not use."""


NETWORK = HostResource(name="network", drop=_drop)
TCP_SOCKET = HostResource(name="tcp-socket")
UDP_SOCKET = HostResource(name="udp-socket")
INCOMING_DATAGRAMS = HostResource(name="incoming-datagram-stream")
OUTGOING_DATAGRAMS = HostResource(name="outgoing-datagram-stream")
ADDRESSES = HostResource(name="resolve-address-stream")

_ADDRESS_V4 = "tuple<u8, u8, u8, u8>"
_ADDRESS_V6 = "tuple<u16, u16, u16, u16, u16, u16, u16, u16>"
_TYPES = {
    "error-code": "enum { unknown, access-denied, not-supported, invalid-argument, out-of-memory, timeout, "
    "concurrency-conflict, not-in-progress, would-block, invalid-state, new-socket-limit, address-not-bindable, "
    "address-in-use, remote-unreachable, connection-refused, connection-reset, connection-aborted, "
    "datagram-too-large, name-unresolvable, temporary-resolver-failure, permanent-resolver-failure }",
    "family": "enum { ipv4, ipv6 }",
    "ip-address": f"variant {{ ipv4({_ADDRESS_V4}), ipv6({_ADDRESS_V6}) }}",
    "address": f"variant {{ ipv4(record {{ port: u16, address: {_ADDRESS_V4} }}), "
    f"ipv6(record {{ port: u16, flow-info: u32, address: {_ADDRESS_V6}, scope-id: u32 }}) }}",
    "shutdown": "enum { receive, send, both }",
    "incoming-datagram": "record { data: list<u8>, remote-address: $address }",
    "outgoing-datagram": "record { data: list<u8>, remote-address: option<$address> }",
}

_network = Definition(
    "network-error-code(err: borrow<error>) -> option<$error-code>",
    types=_TYPES,
    resources={"network": NETWORK, "error": ERROR},
)
_instance_network = Definition("instance-network() -> own<network>", resources={"network": NETWORK})
_lookup = Definition(
    """
    resolve-addresses(network: borrow<network>, name: string) -> result<own<resolve-address-stream>, $error-code>
    resolve-address-stream.resolve-next-address() -> result<option<$ip-address>, $error-code>
    resolve-address-stream.subscribe() -> own<pollable>
    """,
    types=_TYPES,
    resources={"network": NETWORK, "pollable": POLLABLE, "resolve-address-stream": ADDRESSES},
)
_tcp = Definition(
    """
    tcp-socket.start-bind(network: borrow<network>, local-address: $address) -> result<_, $error-code>
    tcp-socket.finish-bind() -> result<_, $error-code>
    tcp-socket.start-connect(network: borrow<network>, remote-address: $address) -> result<_, $error-code>
    tcp-socket.finish-connect() -> result<tuple<own<input-stream>, own<output-stream>>, $error-code>
    tcp-socket.start-listen() -> result<_, $error-code>
    tcp-socket.finish-listen() -> result<_, $error-code>
    tcp-socket.accept() -> result<tuple<own<tcp-socket>, own<input-stream>, own<output-stream>>, $error-code>
    tcp-socket.local-address() -> result<$address, $error-code>
    tcp-socket.remote-address() -> result<$address, $error-code>
    tcp-socket.is-listening() -> bool
    tcp-socket.address-family() -> $family
    tcp-socket.set-listen-backlog-size(value: u64) -> result<_, $error-code>
    tcp-socket.keep-alive-enabled() -> result<bool, $error-code>
    tcp-socket.set-keep-alive-enabled(value: bool) -> result<_, $error-code>
    tcp-socket.keep-alive-idle-time() -> result<u64, $error-code>
    tcp-socket.set-keep-alive-idle-time(value: u64) -> result<_, $error-code>
    tcp-socket.keep-alive-interval() -> result<u64, $error-code>
    tcp-socket.set-keep-alive-interval(value: u64) -> result<_, $error-code>
    tcp-socket.keep-alive-count() -> result<u32, $error-code>
    tcp-socket.set-keep-alive-count(value: u32) -> result<_, $error-code>
    tcp-socket.hop-limit() -> result<u8, $error-code>
    tcp-socket.set-hop-limit(value: u8) -> result<_, $error-code>
    tcp-socket.receive-buffer-size() -> result<u64, $error-code>
    tcp-socket.set-receive-buffer-size(value: u64) -> result<_, $error-code>
    tcp-socket.send-buffer-size() -> result<u64, $error-code>
    tcp-socket.set-send-buffer-size(value: u64) -> result<_, $error-code>
    tcp-socket.subscribe() -> own<pollable>
    tcp-socket.shutdown(shutdown-type: $shutdown) -> result<_, $error-code>
    """,
    types=_TYPES,
    resources={
        "tcp-socket": TCP_SOCKET,
        "network": NETWORK,
        "pollable": POLLABLE,
        "input-stream": INPUT_STREAM,
        "output-stream": OUTPUT_STREAM,
    },
)
_create_tcp = Definition(
    "create-tcp-socket(address-family: $family) -> result<own<tcp-socket>, $error-code>",
    types=_TYPES,
    resources={"tcp-socket": TCP_SOCKET, "network": NETWORK},
)
_udp = Definition(
    """
    udp-socket.start-bind(network: borrow<network>, local-address: $address) -> result<_, $error-code>
    udp-socket.finish-bind() -> result<_, $error-code>
    udp-socket.stream(remote-address: option<$address>) -> result<tuple<own<incoming-datagram-stream>, own<outgoing-datagram-stream>>, $error-code>
    udp-socket.local-address() -> result<$address, $error-code>
    udp-socket.remote-address() -> result<$address, $error-code>
    udp-socket.address-family() -> $family
    udp-socket.unicast-hop-limit() -> result<u8, $error-code>
    udp-socket.set-unicast-hop-limit(value: u8) -> result<_, $error-code>
    udp-socket.receive-buffer-size() -> result<u64, $error-code>
    udp-socket.set-receive-buffer-size(value: u64) -> result<_, $error-code>
    udp-socket.send-buffer-size() -> result<u64, $error-code>
    udp-socket.set-send-buffer-size(value: u64) -> result<_, $error-code>
    udp-socket.subscribe() -> own<pollable>
    incoming-datagram-stream.receive(max-results: u64) -> result<list<$incoming-datagram>, $error-code>
    incoming-datagram-stream.subscribe() -> own<pollable>
    outgoing-datagram-stream.check-send() -> result<u64, $error-code>
    outgoing-datagram-stream.send(datagrams: list<$outgoing-datagram>) -> result<u64, $error-code>
    outgoing-datagram-stream.subscribe() -> own<pollable>
    """,  # noqa: E501 - a signature is one line
    types=_TYPES,
    resources={
        "udp-socket": UDP_SOCKET,
        "incoming-datagram-stream": INCOMING_DATAGRAMS,
        "outgoing-datagram-stream": OUTGOING_DATAGRAMS,
        "network": NETWORK,
        "pollable": POLLABLE,
    },
)
_create_udp = Definition(
    "create-udp-socket(address-family: $family) -> result<own<udp-socket>, $error-code>",
    types=_TYPES,
    resources={"udp-socket": UDP_SOCKET, "network": NETWORK},
)


@_network.call("network-error-code")
def _network_error_code(_context: WasiContext, _error: int) -> None:
    """No error of a stream comes from a socket."""


@_instance_network.call("instance-network")
def _get_network(context: WasiContext) -> int:
    return context.wasi.table.add(Network())


@_lookup.call("resolve-addresses")
def _resolve_addresses(_context: WasiContext, _network: int, _name: str) -> JsonValue:
    return {"err": "permanent_resolver_failure"}


@_create_tcp.call("create-tcp-socket")
@_create_udp.call("create-udp-socket")
def _create_socket(_context: WasiContext, _family: str) -> JsonValue:
    return {"err": "access_denied"}


for _definition in (_lookup, _tcp, _udp):
    _definition.refuse_rest("the sandbox has no sockets")

NETWORK_INTERFACE = _network.finish()
INSTANCE_NETWORK_INTERFACE = _instance_network.finish()
LOOKUP_INTERFACE = _lookup.finish()
TCP_INTERFACE = _tcp.finish()
CREATE_TCP_INTERFACE = _create_tcp.finish()
UDP_INTERFACE = _udp.finish()
CREATE_UDP_INTERFACE = _create_udp.finish()
