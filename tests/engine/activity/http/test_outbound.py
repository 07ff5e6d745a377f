"""The way out of a run: policy, addresses, secrets and records around real requests to loopback."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.activity.http import dialling, outbound, whole_exchange
from engine.activity.http.messages import HttpRequest
from engine.activity.http.name_lookup import Endpoint
from engine.activity.http.transport import HttpTransport
from engine.deployment.spec import AllowedHost, SecretLocation
from engine.errors import (
    OutboundConnectError,
    OutboundDenied,
    OutboundError,
    OutboundInvalid,
    OutboundProtocolError,
    Trap,
)
from tests.harness.http_servers import Answer, Received, converse, read_head, serve
from tests.harness.wasi_guest import LOOPBACK, Guest

SECRET = "hunter2&co"
EVERYWHERE = AllowedHost(pattern="*://*:*", methods=None)


def ok(_received: Received) -> Answer:
    return Answer(body=b"ok")


def get(url: str, *headers: tuple[str, bytes]) -> HttpRequest:
    return HttpRequest(method="GET", url=url, headers=headers)


class Names:
    """A resolver that answers as it is told, one answer after another, and connects to loopback's port."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[Endpoint]:
        self.asked.append(host)
        found = self.answers.pop(0)
        if not found:
            raise OutboundConnectError("DNS-error", f"no address of {host} can be found")
        return [
            Endpoint(socket.AF_INET6 if ":" in text else socket.AF_INET, (text, port), ip_address(text))
            for text in found.split()
        ]


def test_what_the_policy_denies_is_not_even_looked_up() -> None:
    names = Names("1.1.1.1")
    guest = Guest(rules=(AllowedHost(pattern="http://other.test", methods=None),), resolver=names)

    with pytest.raises(OutboundDenied) as caught:
        guest.http().send(get("http://a.test/x"))

    assert caught.value.code == "HTTP-request-denied"
    assert names.asked == []
    assert len(guest.lines) == 1
    assert "HTTP request denied: GET http://a.test/x" in guest.lines[0]
    assert "allowed_host = [" in guest.lines[0]
    assert guest.traces[0].status is None
    assert "HTTP-request-denied" in (guest.traces[0].error or "")
    guest.close()


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "0.0.0.0"])
def test_a_public_name_that_leads_inside_is_refused(inside: str) -> None:
    guest = Guest(rules=(EVERYWHERE,), operator=(EVERYWHERE,), resolver=Names(inside))

    with pytest.raises(OutboundDenied) as caught:
        guest.http().send(get("http://rebind.test/"))

    assert caught.value.code == "destination-IP-prohibited"
    assert "rebind.test" in guest.lines[0]
    guest.close()


def test_a_number_that_the_system_reads_as_loopback_is_refused() -> None:
    guest = Guest(rules=(EVERYWHERE,), operator=(EVERYWHERE,))

    for host in ("2130706433", "0x7f.1", "127.1", "localhost", "[::1]", "[::ffff:7f00:1]"):
        with pytest.raises(OutboundError) as caught:
            guest.http().send(get(f"http://{host}:9/"))
        assert caught.value.code == "destination-IP-prohibited", host
    guest.close()


def test_a_host_that_both_sides_name_may_lie_inside() -> None:
    rule = AllowedHost(pattern="http://inside.test:*", methods=None)
    with serve(ok) as upstream:
        port = upstream.authority.rpartition(":")[2]
        guest = Guest(rules=(rule,), operator=(rule,), resolver=Names("127.0.0.1"))

        assert guest.http().send(get(f"http://inside.test:{port}/")).body == b"ok"
        assert upstream.received[0].header("host") == f"inside.test:{port}"
        guest.close()


def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    # A second look at the name would give an address that nothing listens on.
    names = Names("127.0.0.1", "127.0.0.2")
    rule = AllowedHost(pattern="http://inside.test:*", methods=None)
    with serve(ok) as upstream:
        port = upstream.authority.rpartition(":")[2]
        guest = Guest(rules=(rule,), operator=(rule,), resolver=names)

        guest.http().send(get(f"http://inside.test:{port}/"))

        assert names.asked == ["inside.test"]
        guest.close()


def test_addresses_that_are_not_allowed_are_left_out_and_the_others_tried_in_turn() -> None:
    rule = AllowedHost(pattern="http://inside.test:*", methods=None)
    with serve(ok) as upstream:
        port = upstream.authority.rpartition(":")[2]
        guest = Guest(rules=(rule,), operator=(rule,), resolver=Names("0.0.0.0 127.0.0.9 127.0.0.1"))

        assert guest.http().send(get(f"http://inside.test:{port}/")).body == b"ok"
        guest.close()


def test_an_address_that_swallows_everything_does_not_hide_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "PATIENCE_S", 0.05)
    rule = AllowedHost(pattern="http://inside.test:*", methods=None)
    # A listener whose queue is full answers no handshake.
    with serve(ok) as upstream, socket.create_server(("127.0.0.9", 0), backlog=0) as deaf:
        deaf_port = deaf.getsockname()[1]
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.9", deaf_port))
            fillers.append(filler)
        port = int(upstream.authority.rpartition(":")[2])

        def resolver(_host: str, _port: int) -> list[Endpoint]:
            return [
                Endpoint(socket.AF_INET, ("127.0.0.9", deaf_port), ip_address("127.0.0.9")),
                Endpoint(socket.AF_INET, ("127.0.0.1", port), ip_address("127.0.0.1")),
            ]

        guest = Guest(rules=(rule,), operator=(rule,), resolver=resolver)

        assert guest.http().send(get("http://inside.test:8080/")).body == b"ok"
        guest.close()
        for filler in fillers:
            filler.close()


def test_a_kept_connection_of_somebody_who_was_allowed_more_is_not_used() -> None:
    named = AllowedHost(pattern="http://inside.test:*", methods=None)
    with serve(ok) as upstream:
        port = upstream.authority.rpartition(":")[2]
        transport = HttpTransport(resolver=Names("127.0.0.1", "127.0.0.1"))
        trusted = Guest(rules=(named,), operator=(named,), transport=transport)
        trusted.http().send(get(f"http://inside.test:{port}/"))
        other = Guest(rules=(EVERYWHERE,), operator=(EVERYWHERE,), transport=transport)

        with pytest.raises(OutboundDenied):
            other.http().send(get(f"http://inside.test:{port}/"))

        assert len(upstream.received) == 1
        trusted.close()


def test_each_hop_of_a_redirect_is_judged_anew() -> None:
    with serve(lambda _: Answer(status=302, headers=(("location", "http://10.0.0.1/"),))) as upstream:
        guest = Guest()

        response = guest.http().send(get(f"{upstream.origin}/"))
        location = dict(response.headers)["location"].decode()
        with pytest.raises(OutboundDenied):
            guest.http().send(get(location))
        guest.close()


def test_an_unknown_name_is_an_error_of_the_name_service() -> None:
    guest = Guest(rules=(EVERYWHERE,), operator=(EVERYWHERE,), resolver=Names(""))

    with pytest.raises(OutboundConnectError) as caught:
        guest.http().send(get("http://nowhere.test/"))

    assert caught.value.code == "DNS-error"
    guest.close()


def test_a_name_service_that_does_not_answer_does_not_outlast_the_run() -> None:
    answer = threading.Event()

    def slow(_host: str, _port: int) -> list[Endpoint]:
        answer.wait(10)
        return []

    guest = Guest(rules=(EVERYWHERE,), operator=(EVERYWHERE,), resolver=slow, deadline=0.05)

    with pytest.raises(Trap):
        guest.http().send(get("http://slow.test/"))
    answer.set()
    guest.close()
    assert guest.traces[0].status is None


def test_nobody_there_is_said_so() -> None:
    guest = Guest()

    with pytest.raises(OutboundConnectError) as caught:
        guest.http().send(get("http://127.0.0.1:1/"))

    assert caught.value.code == "connection-refused"
    guest.close()


def test_a_whole_request_arrives_as_it_was_given() -> None:
    with serve(ok) as upstream:
        guest = Guest()
        guest.http().send(
            HttpRequest(
                method="PATCH",
                url=f"{upstream.origin}/a%20b?c=d#e",
                headers=(("X-Twice", b"1"), ("X-Twice", b"2"), ("Connection", b"close"), ("Content-Length", b"7")),
                body=b"body",
            )
        )
        guest.close()

    received = upstream.received[0]
    assert (received.method, received.path, received.body) == ("PATCH", "/a%20b?c=d", b"body")
    assert [value for name, value in received.headers if name.lower() == "x-twice"] == ["1", "2"]
    assert received.header("connection") is None
    assert received.header("content-length") == "4"


def test_a_post_without_body_says_that_it_has_none() -> None:
    with serve(ok) as upstream:
        guest = Guest()
        guest.http().send(HttpRequest(method="POST", url=f"{upstream.origin}/"))
        guest.http().send(get(f"{upstream.origin}/"))
        guest.close()

    assert [received.header("content-length") for received in upstream.received] == ["0", None]


def test_a_response_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_exchange, "MAX_WHOLE_BYTES", 1000)
    with serve(lambda _: Answer(body=bytes(2000))) as upstream:
        guest = Guest()

        with pytest.raises(OutboundProtocolError) as caught:
            guest.http().send(get(f"{upstream.origin}/"))

        assert caught.value.code == "HTTP-response-body-size"
        guest.close()


def test_headers_have_a_largest_size() -> None:
    guest = Guest()

    with pytest.raises(OutboundInvalid) as caught:
        guest.http().send(get("http://127.0.0.1:1/", ("x", bytes(outbound.MAX_HEADERS_BYTES))))

    assert caught.value.code == "HTTP-request-header-section-size"
    guest.close()


def test_a_header_that_no_request_can_hold_is_an_error_that_does_not_show_it() -> None:
    with converse(lambda peer: None) as authority:
        guest = Guest()
        with pytest.raises(OutboundInvalid) as caught:
            guest.http().send(get(f"http://{authority}/", ("x", b"a\r\nprivate: b")))
        guest.close()

    assert "private" not in str(caught.value)


def test_a_run_has_only_so_many_requests_open() -> None:
    guest = Guest()
    http = guest.http()

    def open_one() -> None:
        http.open(method="GET", scheme="http", authority="127.0.0.1:9", path="/", headers=(), body=None)

    with converse(lambda peer: None) as authority:
        for _ in range(outbound.MAX_OPEN):
            http.open(method="GET", scheme="http", authority=authority, path="/", headers=(), body=None)
        with pytest.raises(OutboundInvalid) as caught:
            open_one()
        guest.close()

    assert caught.value.code == "connection-limit-reached"
    assert len(guest.traces) == outbound.MAX_OPEN + 1


def test_every_request_is_remembered_with_status_and_sizes() -> None:
    with serve(lambda _: Answer(status=404, body=b"12345")) as upstream:
        guest = Guest()
        guest.http().send(HttpRequest(method="POST", url=f"{upstream.origin}/x?y=1", body=b"123"))
        guest.close()

    (trace,) = guest.traces
    assert (trace.method, trace.url, trace.status, trace.error) == ("POST", f"{upstream.origin}/x?y=1", 404, None)
    assert (trace.request_bytes, trace.response_bytes) == (3, 5)
    assert trace.duration > dt.timedelta()


# --- Secrets ----------------------------------------------------------------------------------------------------------


def secret_guest(origin: str, *locations: SecretLocation, operator: tuple[SecretLocation, ...] | None = None) -> Guest:
    def rule(where: tuple[SecretLocation, ...]) -> AllowedHost:
        return AllowedHost(pattern=origin, methods=None, secrets=("TOKEN",), replace_in=where)

    return Guest(
        rules=(rule(locations), LOOPBACK),
        operator=(rule(locations if operator is None else operator), LOOPBACK),
        secrets={"TOKEN": SECRET},
    )


def everywhere(placeholder: str, origin: str) -> HttpRequest:
    return HttpRequest(
        method="POST",
        url=f"{origin}/x?key={placeholder}",
        headers=(("Authorization", f"Bearer {placeholder}".encode()), ("Content-Type", b"application/json")),
        body=f'{{"token": "{placeholder}"}}'.encode(),
    )


@pytest.mark.parametrize("location", list(SecretLocation))
def test_a_secret_is_put_in_exactly_where_it_may_stand(location: SecretLocation) -> None:
    with serve(ok) as upstream:
        guest = secret_guest(upstream.origin, location)
        placeholder = guest.wasi.environment["TOKEN"]
        guest.http().send(everywhere(placeholder, upstream.origin))
        guest.close()

    received = upstream.received[0]
    found = {
        SecretLocation.HEADERS: received.header("authorization") == f"Bearer {SECRET}",
        SecretLocation.PARAMS: received.path == "/x?key=hunter2%26co",
        SecretLocation.BODY: received.body == f'{{"token": "{SECRET}"}}'.encode(),
    }
    assert found == {each: each is location for each in SecretLocation}


def test_another_host_gets_the_placeholder() -> None:
    with serve(ok) as trusted, serve(ok) as other:
        guest = secret_guest(trusted.origin, *SecretLocation)
        placeholder = guest.wasi.environment["TOKEN"]
        guest.http().send(everywhere(placeholder, other.origin))
        guest.close()

    received = other.received[0]
    assert received.header("authorization") == f"Bearer {placeholder}"
    assert SECRET not in repr(received)


def test_a_location_that_only_one_side_lists_gets_the_placeholder() -> None:
    with serve(ok) as upstream:
        guest = secret_guest(upstream.origin, *SecretLocation, operator=(SecretLocation.PARAMS,))
        guest.http().send(everywhere(guest.wasi.environment["TOKEN"], upstream.origin))
        guest.close()

    assert upstream.received[0].header("authorization") == f"Bearer {guest.wasi.environment['TOKEN']}"


def test_nothing_that_is_kept_or_said_holds_the_secret() -> None:
    def echo(received: Received) -> Answer:
        return Answer(body=received.body, headers=(("x-echo", str(received.header("authorization"))),))

    with serve(echo) as upstream:
        guest = secret_guest(upstream.origin, *SecretLocation)
        placeholder = guest.wasi.environment["TOKEN"]
        response = guest.http().send(everywhere(placeholder, upstream.origin))
        # The server sent it back; what the guest does with it must not be stored either.
        returned = dict(response.headers)["x-echo"].decode().removeprefix("Bearer ")
        assert returned == SECRET
        with pytest.raises(OutboundError) as invalid:
            guest.http().send(get(f"{upstream.origin}/{returned} "))
        with pytest.raises(OutboundError) as denied:
            guest.http().send(get("http://elsewhere.test/hunter2%26co"))
        with pytest.raises(OutboundError) as hung_up:
            guest.http().send(everywhere(placeholder, "http://127.0.0.1:1"))
        guest.close()

    said = [
        *map(repr, guest.traces),
        *guest.lines,
        *(str(error.value) + repr(error.value) for error in (invalid, denied, hung_up)),
        repr(guest.known),
        repr(guest.http()),
    ]
    assert not [text for text in said if SECRET in text or "hunter2%26co" in text]


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of secure.test, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "secure.test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("secure.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "secure.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def secure_port(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def script(peer: socket.socket) -> None:
        try:
            secured = context.wrap_socket(peer, server_side=True)
        except OSError:
            return
        with secured:
            for _ in range(2):
                if not read_head(secured):
                    return
                secured.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n" + bytes(200_000))

    with converse(script) as authority:
        yield authority.rpartition(":")[2]


def tls_guest(trusted: Path | None) -> Guest:
    rules = tuple(AllowedHost(pattern=f"https://{host}:*", methods=None) for host in ("secure.test", "wrong.test"))
    context = ssl.create_default_context(cafile=trusted)
    return Guest(
        rules=rules, operator=rules, transport=HttpTransport(resolver=Names("127.0.0.1", "127.0.0.1"), tls=context)
    )


def test_https_is_spoken_with_a_host_that_proves_its_name(certificate: Path, secure_port: str) -> None:
    guest = tls_guest(certificate)

    responses = [guest.http().send(get(f"https://secure.test:{secure_port}/")) for _ in range(2)]

    assert [len(response.body) for response in responses] == [200_000] * 2
    guest.close()


def test_a_host_with_another_name_is_not_spoken_with(certificate: Path, secure_port: str) -> None:
    guest = tls_guest(certificate)

    with pytest.raises(OutboundConnectError) as caught:
        guest.http().send(get(f"https://wrong.test:{secure_port}/"))

    assert caught.value.code == "TLS-certificate-error"
    guest.close()


def test_a_certificate_that_nobody_vouches_for_is_refused(secure_port: str) -> None:
    guest = tls_guest(None)

    with pytest.raises(OutboundConnectError) as caught:
        guest.http().send(get(f"https://secure.test:{secure_port}/"))

    assert caught.value.code == "TLS-certificate-error"
    guest.close()


def test_a_server_without_tls_is_a_protocol_error() -> None:
    def script(peer: socket.socket) -> None:
        peer.recv(100)
        peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with converse(script) as authority:
        guest = tls_guest(None)
        with pytest.raises(OutboundConnectError) as caught:
            guest.http().send(get(f"https://secure.test:{authority.rpartition(':')[2]}/"))
        guest.close()

    assert caught.value.code == "TLS-protocol-error"
