"""The side of ``wasi:http`` that answers requests, as the host functions see it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from engine.errors import LinkError, Trap
from engine.host.wasi.http_fields import Fields, fields_from
from engine.host.wasi.http_resources import IncomingRequest, OutgoingResponse, ResponseOutparam
from engine.host.wasi.http_types import TYPES_INTERFACE
from engine.host.wasi.incoming_body import FedBody
from engine.host.wasi.incoming_handler import ReceivedRequest, give_request, handler_export
from engine.host.wasi.state import WasiState
from engine.host.wasi.streams import STREAMS_INTERFACE


class Context:
    """A run that answers a request."""

    def __init__(self) -> None:
        self.wasi = WasiState()

    def call(self, name: str, *args: object) -> Any:
        interface = STREAMS_INTERFACE if "stream." in name.partition("]")[2][:14] else TYPES_INTERFACE
        return interface.functions[name].call(self, *args)


@pytest.fixture
def context() -> Context:
    return Context()


def test_a_request_is_read(context: Context) -> None:
    body = FedBody.whole(b"hello")
    body.trailers = (("x-sum", b"9"),)
    request = IncomingRequest(
        method="post",
        scheme="HTTPS",
        authority="a.test",
        path="/x?y=1",
        headers=fields_from([("x-a", b"1")]).freeze(),
        source=body,
    )
    number = context.wasi.table.add(request)

    assert context.call("[method]incoming-request.method", number) == "post"
    assert context.call("[method]incoming-request.scheme", number) == "HTTPS"
    assert context.call("[method]incoming-request.authority", number) == "a.test"
    assert context.call("[method]incoming-request.path-with-query", number) == "/x?y=1"
    headers = context.call("[method]incoming-request.headers", number)
    assert context.call("[method]fields.entries", headers) == [["x-a", b"1"]]
    body = context.call("[method]incoming-request.consume", number)["ok"]
    assert context.call("[method]incoming-request.consume", number) == {"err": None}
    stream = context.call("[method]incoming-body.stream", body)["ok"]
    assert context.call("[method]input-stream.read", stream, 3) == {"ok": b"hel"}
    assert context.call("[method]input-stream.blocking-read", stream, 9) == {"ok": b"lo"}
    assert context.call("[method]input-stream.read", stream, 9) == {"err": "closed"}
    with pytest.raises(Trap, match="before what was made from it"):
        context.call("[static]incoming-body.finish", body)
    context.wasi.table.drop(stream)
    future = context.call("[static]incoming-body.finish", body)
    trailers = context.call("[method]future-trailers.get", future)["ok"]["ok"]
    assert context.call("[method]fields.get", trailers, "X-Sum") == [b"9"]
    assert context.call("[method]future-trailers.get", future) == {"err": None}


def test_a_response_is_given(context: Context) -> None:
    given: list[tuple[OutgoingResponse | None, object]] = []
    param = context.wasi.table.add(
        ResponseOutparam(lambda response, error: given.append((response, error)), lambda status, headers: None)
    )
    headers = context.wasi.table.add(Fields())
    response = context.call("[constructor]outgoing-response", headers)
    assert context.call("[method]outgoing-response.set-status-code", response, 99) == {"err": None}
    assert context.call("[method]outgoing-response.set-status-code", response, 201) == {"ok": None}
    body = context.call("[method]outgoing-response.body", response)["ok"]

    context.call("[static]response-outparam.set", param, {"ok": response})
    stream = context.call("[method]outgoing-body.write", body)["ok"]
    context.call("[method]output-stream.write", stream, b"made")
    context.wasi.table.drop(stream)
    assert context.call("[static]outgoing-body.finish", body, None) == {"ok": None}

    ((answered, error),) = given
    assert error is None
    assert answered is not None
    assert answered.status == 201
    assert answered.body is not None
    assert (bytes(answered.body.buffer), answered.body.is_finished) == (b"made", True)


def test_an_error_is_given_instead(context: Context) -> None:
    given: list[tuple[OutgoingResponse | None, object]] = []
    param = context.wasi.table.add(
        ResponseOutparam(lambda response, error: given.append((response, error)), lambda status, headers: None)
    )

    context.call("[static]response-outparam.set", param, {"err": {"internal_error": "no"}})

    assert given == [(None, {"internal_error": "no"})]


def test_a_guest_is_given_a_request_without_what_concerns_the_connection(context: Context) -> None:
    request = ReceivedRequest(
        method="PURGE",
        authority="a.test",
        target="/x?y",
        headers=(("connection", b"close"), ("x-a", b"1")),
        body=FedBody.whole(b""),
    )

    number, outparam = give_request(context.wasi, request, lambda response, error: None)

    assert context.call("[method]incoming-request.method", number) == {"other": "PURGE"}
    assert context.call("[method]incoming-request.scheme", number) == "HTTP"
    headers = context.call("[method]incoming-request.headers", number)
    assert context.call("[method]fields.entries", headers) == [["x-a", b"1"]]
    informational = context.wasi.table.add(Fields())
    assert context.call("[method]response-outparam.send-informational", outparam, 103, informational) == {"ok": None}


def test_a_body_that_is_fed_wakes_whoever_reads_it(context: Context) -> None:
    taken: list[int] = []
    body = FedBody(taken.append)
    body.attach(context.wasi.loop)
    feeder = threading.Timer(0.05, lambda: body.feed(b"hello"))
    feeder.start()

    context.wasi.loop.wait_until(lambda: body.available() > 0)

    assert (body.take(3), body.take(9), body.has_ended) == (b"hel", b"lo", False)
    assert taken == [3, 2]
    body.end()
    assert body.has_ended


def test_only_a_component_with_a_handler_answers() -> None:
    assert handler_export(["test:a/b", "wasi:http/incoming-handler@0.2.3"]) == "wasi:http/incoming-handler@0.2.3"
    for exports in ([], ["wasi:http/incoming-handler@0.3.0"], ["wasi:http/outgoing-handler@0.2.0"]):
        with pytest.raises(LinkError, match="answers no requests"):
            handler_export(exports)
