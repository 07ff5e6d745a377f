"""Webhook endpoints behind the real server: what clients and providers meet, and what the API tells of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.api_client import PATIENCE_S, PROBLEM, Reply
from tests.acceptance.workshops import Workshop, workshop
from tests.harness.components import ADD
from tests.harness.eventually import eventually
from tests.harness.http_servers import Answer, serve

COMPONENTS = Path(__file__).parents[1] / "components"
SECRET = b"It's a Secret to Everybody"  # of GitHub's documentation
KEY = b"a key of the scheme's own"
SECRETS = {"github": ["NEW", "OLD"], "stripe": ["OLD"], "slack": ["OLD"], "standard-webhooks": ["NEW"]}
PROVIDERS = tuple(SECRETS)
JAVASCRIPT = """
export default async function handle(request) {
  return new Response(`${request.method} ${await request.text()}`, { status: 201, headers: { "X-Made-By": "us" } });
}
"""


def endpoint(name: str, *lines: str) -> str:
    allowed = 'allowed_host = [{ pattern = "http://127.0.0.1:*", methods = "*" }]'
    return "\n".join([f'[[webhook_endpoint_wasm]]\nname = "{name}"\nlocation = "doorman.wasm"', allowed, *lines, ""])


MANIFEST = "\n".join(
    [
        '[[activity_wasm]]\nname = "probe"\nlocation = "probe.wasm"',
        endpoint(
            "doorman",
            'routes = ["/do/:op", "/do/:op/:id", "/all/*", { methods = ["PUT", "POST"], route = "/only/:op" }]',
        ),
        endpoint(
            "narrow",
            'routes = ["/narrow/:op"]',
            "request = { concurrency = 1, body_bytes = 1000, timeout = { milliseconds = 1500 } }",
        ),
        *(
            endpoint(
                provider,
                f'routes = ["/{provider}/:op"]',
                f'verify = {{ provider = "{provider}", secret = {SECRETS[provider]} }}',
            )
            for provider in PROVIDERS
        ),
        endpoint(
            "any",
            'routes = ["/any/:op"]',
            'verify = { provider = "hmac", secret = "OLD", header = "X-Seal", algorithm = "sha1", encoding="base64" }',
        ),
        f"[[webhook_endpoint_js]]\nname = \"script\"\nroutes = [\"/script\"]\ncontent = '''{JAVASCRIPT}'''",
    ]
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("webhooks")
    for name in ("doorman", "probe"):
        (folder / f"{name}.wasm").write_bytes((COMPONENTS / name / f"{name}.wasm").read_bytes())
    (folder / "deployment.toml").write_text(MANIFEST)
    (folder / "server.toml").write_text('[secrets]\nNEW = { env = "HOOK_NEW" }\nOLD = { env = "HOOK_OLD" }\n')
    settings = {
        "OBELISK_SERVER_CONFIG": str(folder / "server.toml"),
        "OBELISK_OUTBOUND_HOSTS": "http://127.0.0.1:*",
        "HOOK_NEW": f"whsec_{base64.b64encode(KEY).decode()}",
        "HOOK_OLD": SECRET.decode(),
    }
    with workshop(folder, folder / "deployment.toml", settings) as served:
        yield served


def send(shop: Workshop, path: str, body: bytes | None = None, *, method: str = "POST", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection("127.0.0.1", shop.client.port, timeout=PATIENCE_S)
    with closing(connection):
        connection.request(method, f"/hooks/{path}", body, named)
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())


def send_when_free(shop: Workshop, path: str, body: bytes | None = None, *, method: str, **headers: str) -> Reply:
    """Send until an endpoint has a place: the one of a request before is free only after its last byte."""
    replies: list[Reply] = []

    def is_taken_in() -> bool:
        replies.append(send(shop, path, body, method=method, **headers))
        return replies[-1].status != 503

    eventually(is_taken_in)
    return replies[-1]


@contextmanager
def flooding(shop: Workshop) -> Iterator[http.client.HTTPResponse]:
    """Hold the only place of an endpoint with a response that does not end."""
    with ExitStack() as opened:

        def begun() -> http.client.HTTPResponse | None:
            connection = http.client.HTTPConnection("127.0.0.1", shop.client.port, timeout=PATIENCE_S)
            opened.callback(connection.close)
            connection.request("GET", "/hooks/narrow/flood")
            response = connection.getresponse()
            opened.callback(response.close)
            return response if response.status == 200 else None

        yield eventually(begun)


def requests(shop: Workshop, *filters: str) -> list[Any]:
    asked = "&".join(["executions?function=wasi:http/incoming-handler.handle&length=1000", *filters])
    listed: list[Any] = shop.client.send("GET", asked)[1]
    return listed


# --- Requests ---------------------------------------------------------------------------------------------------------


def test_a_request_reaches_the_component_of_its_route(shop: Workshop) -> None:
    before = requests(shop)

    described = send(shop, "do/describe/a%20b?x=1", b"", X_Shown="yes").body.decode().splitlines()
    script = send(shop, "script", b"hello")

    assert described[0].startswith("POST http 127.0.0.1:")
    assert described[0].endswith(" /do/describe/a%20b?x=1")
    assert described[1:] == ["id=a%20b", "op=describe", "x-shown=yes"]
    assert (script.status, script.body, script.headers["X-Made-By"]) == (201, b"POST hello", "us")
    assert send(shop, "all/whatever/it/is", method="GET").body == b"there is no "
    assert requests(shop) == before  # who only answers leaves no trace


def test_bodies_go_through_whole_in_both_directions(shop: Workshop) -> None:
    body = bytes(range(256)) * 8000

    assert send(shop, "do/echo", body).body == body
    assert send(shop, "do/empty", method="GET").status == 204


def test_a_response_streams_until_its_client_goes_away(shop: Workshop) -> None:
    with flooding(shop) as response:
        assert response.read(100_000) == b"." * 100_000

    # The only place of the endpoint is free again.
    assert eventually(lambda: send(shop, "narrow/hello", method="GET").status == 200)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "text"),
    [
        ("GET", "nowhere", None, 404, "route_not_found", "Route not found"),
        ("GET", "only/hello", None, 405, "method_not_allowed", "Method not allowed; this route takes POST, PUT"),
        ("POST", "narrow/length", b"x" * 1001, 413, "body_too_large", "The body is larger than 1000 bytes"),
        ("GET", "do/panic", None, 500, "webhook_broken", "Component Error"),
        ("GET", "do/silent", None, 500, "webhook_broken", "Component Error"),
        ("GET", "do/error-code", None, 500, "webhook_error_code", None),
        ("GET", "narrow/spin", None, 504, "webhook_timed_out", None),
        ("POST", "github/hello", b"x", 401, "signature_refused", None),
    ],
)
def test_what_no_component_answers_is_told_as_text_or_problem(
    shop: Workshop, method: str, path: str, body: bytes | None, status: int, code: str, text: str | None
) -> None:
    plain = send_when_free(shop, path, body, method=method)
    problem = send_when_free(shop, path, body, method=method, Accept="application/json")

    assert (plain.status, plain.headers["Content-Type"]) == (status, "text/plain; charset=utf-8")
    assert text is None or plain.body.decode() == text
    assert (problem.status, problem.headers["Content-Type"]) == (status, PROBLEM)
    document = problem.json
    assert (document["status"], document["code"], document["err"]) == (status, code, plain.body.decode())
    assert status != 405 or plain.headers["Allow"] == "POST, PUT"
    lines = [json.loads(line) for line in (shop.site.data_dir / "logs" / "web.log").read_text().splitlines()]
    refused = [line for line in lines if line["event"] == "webhook.refused" and line["path"] == f"/hooks/{path}"]
    assert [(line["method"], line["status"], line["code"]) for line in refused[-2:]] == [(method, status, code)] * 2


def test_too_many_requests_at_a_time_are_refused(shop: Workshop) -> None:
    with flooding(shop):
        refused = send(shop, "narrow/hello", method="GET")

    assert (refused.status, refused.body) == (503, b"Out of permits: too many requests")
    assert refused.headers["Retry-After"] == "1"


# --- What is recorded -------------------------------------------------------------------------------------------------


def test_calls_schedules_and_questions_are_recorded(shop: Workshop) -> None:
    said = send(shop, "do/call", method="GET").body.decode()
    scheduled = send(shop, "do/schedule", method="GET").body.decode()

    child = said.removeprefix("Ok(42) ")
    request, _, _ = child.rpartition(".o:1_")
    assert shop.result(request) == {"ok": None}
    assert shop.result(child) == {"ok": 42}
    assert shop.status(request)["component_type"] == "webhook_endpoint"
    (listed,) = shop.client.send("GET", f"executions?parent={request}")[1]
    assert (listed["execution_id"], listed["ffqn"]) == (child, ADD)
    assert shop.result(scheduled) == {"ok": 3}
    assert send(shop, f"do/get/{scheduled}", method="GET").body == b'Ok(Ok(Some("3")))'
    assert send(shop, f"do/try-get/{scheduled}", method="GET").body == b'Ok(Ok(Some("3")))'


def test_lines_and_requests_that_go_out_are_recorded(shop: Workshop) -> None:
    before = {each["execution_id"] for each in requests(shop)}
    send(shop, "do/log", method="GET")
    with serve(lambda received: Answer(body=b"from afar")) as upstream:
        body = b"a delivery, which has an execution however little it does"
        headers = {**_github(body, "fetching"), "X-Authority": upstream.authority}
        fetched = send(shop, "github/fetch", body, **headers)

    assert fetched.body == b"200 from afar"
    asked, logged = [each["execution_id"] for each in requests(shop) if each["execution_id"] not in before]
    lines = eventually(lambda: shop.client.send("GET", f"executions/{logged}/logs")[1])
    assert "somebody is at the door" in [line["message"] for line in lines]
    sent = eventually(lambda: shop.client.send("GET", f"executions/{asked}/http")[1]["http_exchanges"])
    assert [(each["method"], each["url"], each["status"]) for each in sent] == [
        ("GET", f"http://{upstream.authority}/fetched", 200)
    ]


# --- Signed deliveries ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signing:
    """How a provider signs a body now, and by what it tells its deliveries apart."""

    sign: Callable[[bytes, str], dict[str, str]]
    body: Callable[[str], bytes] = lambda delivery: b"Hello, World!"


def _github(body: bytes, delivery: str) -> dict[str, str]:
    seal = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={seal}", "X-GitHub-Delivery": delivery}


def _stripe(body: bytes, _delivery: str) -> dict[str, str]:
    now = int(time.time())
    seal = hmac.new(SECRET, f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={now},v1={'0' * 64},v1={seal}"}


def _slack(body: bytes, _delivery: str) -> dict[str, str]:
    now = int(time.time())
    seal = hmac.new(SECRET, f"v0:{now}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Signature": f"v0={seal}", "X-Slack-Request-Timestamp": str(now)}


def _standard(body: bytes, delivery: str) -> dict[str, str]:
    now = int(time.time())
    seal = hmac.digest(KEY, f"{delivery}.{now}.".encode() + body, "sha256")
    signature = f"v1,{base64.b64encode(seal).decode()}"
    return {"webhook-id": delivery, "webhook-timestamp": str(now), "webhook-signature": signature}


SIGNINGS = {
    "github": Signing(_github),
    "stripe": Signing(_stripe, lambda delivery: json.dumps({"id": delivery, "object": "event"}).encode()),
    "slack": Signing(_slack, lambda delivery: json.dumps({"event_id": delivery}).encode()),
    "standard-webhooks": Signing(_standard),
}


def test_githubs_documented_signature_is_accepted(shop: Workshop) -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    reply = send(shop, "github/length", b"Hello, World!", X_Hub_Signature_256=signature, X_GitHub_Delivery="documented")

    assert (reply.status, reply.body) == (200, b"13")
    forged = send(shop, "github/length", b"Hello, World?", X_Hub_Signature_256=signature, X_GitHub_Delivery="forged")
    assert forged.status == 401


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_provider_is_answered_once_for_a_delivery(shop: Workshop, provider: str) -> None:
    signing = SIGNINGS[provider]
    body = signing.body(f"{provider}-1")
    headers = signing.sign(body, f"{provider}-1")

    first, again = (send(shop, f"{provider}/id", body, **headers) for _ in range(2))
    other_body = signing.body(f"{provider}-2")
    other = send(shop, f"{provider}/id", other_body, **signing.sign(other_body, f"{provider}-2"))
    forged = send(shop, f"{provider}/id", body + b" ", **headers)

    assert [reply.status for reply in (first, again, other, forged)] == [200, 200, 200, 401]
    assert first.body == again.body != other.body
    # An answer is kept once it was sent.
    eventually(lambda: f"{provider}-2" in _answered(shop, provider))
    assert sorted(_answered(shop, provider)) == [f"{provider}-1", f"{provider}-2"]


def _failed(shop: Workshop, delivery_id: str) -> list[dict[str, Any]]:
    _, failed = shop.client.send("GET", "webhooks/deliveries?endpoint=github&state=failed")
    return [each for each in failed if each["delivery_id"] == delivery_id]


def _answered(shop: Workshop, provider: str) -> list[str]:
    _, kept = shop.client.send("GET", f"webhooks/deliveries?endpoint={provider}&state=answered")
    return [each["delivery_id"] for each in kept if each["delivery_id"] in (f"{provider}-1", f"{provider}-2")]


def test_a_generic_signature_is_accepted(shop: Workshop) -> None:
    seal = base64.b64encode(hmac.digest(SECRET, b"hello", "sha1")).decode()

    assert send(shop, "any/length", b"hello", X_Seal=seal).body == b"5"
    assert send(shop, "any/length", b"hellO", X_Seal=seal).status == 401


def test_a_delivery_is_kept_and_replayed(shop: Workshop) -> None:
    reply = send(shop, "github/panic", b"once", Authorization="Basic abc", **_github(b"once", "to-replay"))
    assert reply.status == 500

    (kept,) = eventually(lambda: _failed(shop, "to-replay"))
    _, shown = shop.client.send("GET", f"webhooks/deliveries/{kept['id']}")
    status, replayed = shop.client.send("POST", f"webhooks/deliveries/{kept['id']}/replay")

    names = [name for name, _ in shown["headers"]]
    assert "x-github-delivery" in names
    assert not {"authorization", "x-hub-signature-256"} & set(names)
    assert shown["execution_id"] in [each["execution_id"] for each in requests(shop)]
    assert (status, replayed["state"]) == (201, "failed")
    assert replayed["id"] != kept["id"]
    for number in (9999, 10**30):
        absent = shop.client.ask("POST", f"webhooks/deliveries/{number}/replay")
        assert absent.problem[:2] == (404, "delivery_not_found")


def test_a_forged_delivery_leaves_nothing_but_a_line_in_the_log_and_in_the_list_of_refusals(shop: Workshop) -> None:
    before, log = shop.contents(), shop.site.data_dir / "logs" / "web.log"
    listed = _forged(shop)
    lines = log.read_text().count('"webhook.signature_refused"') if log.exists() else 0

    replies = [
        send(shop, "github/id", b"x", X_GitHub_Delivery="forged-2"),
        send(shop, "github/id", b"x", **_github(b"y", "forged-2")),
        send(shop, "stripe/id", b"{}", Stripe_Signature=f"t={int(time.time()) - 4000},v1={'0' * 64}"),
        send(shop, "slack/id", b"{}", X_Slack_Signature="v0=00", X_Slack_Request_Timestamp="0"),
    ]

    assert [reply.status for reply in replies] == [401] * 4
    assert shop.contents() == before
    assert log.read_text().count('"webhook.signature_refused"') == lines + 4
    assert SECRET.decode() not in log.read_text()
    # At least: another test's may be listed as late as these.
    eventually(lambda: _forged(shop) >= listed + 4)


def _forged(shop: Workshop) -> int:
    """Return how many deliveries to the paths of the test above are listed as refused."""
    _, refused = shop.client.send("GET", "webhooks/refused?length=200")
    return sum(each["count"] for each in refused if each["path"].endswith("/id"))
