from __future__ import annotations

import socket

import pytest

from obelisk.client.api import Api, ClientError, Refused, Unreachable
from tests.harness.http_servers import Answer, converse, read_head, serve

HTML = (("Content-Type", "text/html; charset=utf-8"),)


def hear_and_say_nothing(peer: socket.socket) -> None:
    read_head(peer)
    peer.recv(1)  # until the client hangs up


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://[::1", ""])
def test_an_address_is_checked_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ClientError, match=r"is no address such as http://127.0.0.1:8000 .*OBELISK_API_URL"):
        Api(url, None)


@pytest.mark.parametrize("token", ["two\nlines", "gröber", "with\x00"])
def test_a_token_that_no_header_can_hold_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(ClientError, match="characters that no token has") as caught:
        Api("http://127.0.0.1:8000", token)

    assert token not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answer(404, b'{"detail": "no such thing", "err": "not found"}'), "no such thing"),
        (Answer(404, b'{"err": "not found"}'), "not found"),
        (Answer(422, b"not like this"), "not like this"),
        (Answer(500), "the server answers with status 500"),
        (Answer(401, b"who?"), "who? (set OBELISK_API_TOKEN, or give --api-token)"),
    ],
)
def test_a_refusal_is_what_the_server_says(answer: Answer, sentence: str) -> None:
    with serve(lambda _: answer) as server, Api(server.origin, None) as api, pytest.raises(Refused) as caught:
        api.get("executions")

    assert (caught.value.status, str(caught.value)) == (answer.status, sentence)


def test_a_page_for_browsers_is_not_shown() -> None:
    with (
        serve(lambda _: Answer(404, b"<html>" + b"<p>" * 1000, HTML)) as server,
        Api(server.origin, None) as api,
        pytest.raises(
            Refused, match=r"^http://\S+/v1/executions answers with status 404 and a page for browsers; is it"
        ),
    ):
        api.get("executions")


def test_something_else_than_json_is_no_answer() -> None:
    with (
        serve(lambda _: Answer(200, b"<html>", HTML)) as server,
        Api(server.origin, None) as api,
        pytest.raises(ClientError, match="something else than JSON; is it an Obelisk server"),
    ):
        api.get("executions")


def test_a_server_that_says_nothing_is_not_waited_for_longer_than_patience() -> None:
    with (
        converse(hear_and_say_nothing) as authority,
        Api(f"http://{authority}", None, patience_s=0.2) as api,
        pytest.raises(Unreachable, match="did not answer in time"),
    ):
        api.get("executions")


def test_what_is_asked_for_is_sent_as_it_must_be() -> None:
    with serve(lambda _: Answer(200, b"[]")) as server, Api(server.origin + "/", "secret") as api:
        api.get("executions", "E_1.n:a/b", level=["info", "warn"], show_derived=True, after=None)

    (request,) = server.received
    assert request.path == "/v1/executions/E_1.n:a%2Fb?level=info&level=warn&show_derived=true"
    assert request.header("authorization") == "Bearer secret"
