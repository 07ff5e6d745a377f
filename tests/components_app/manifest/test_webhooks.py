"""Tables of webhook endpoints."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from components.manifest import PythonWebhookEntry, WebhookEntry, parse_manifest
from components.problems import DeploymentRefused
from components.services import active_deployment, deploy
from components.webhook_codec import decode_webhook, encode_webhook
from engine.deployment.webhooks import (
    HmacAlgorithm,
    HmacEncoding,
    HmacScheme,
    Provider,
    RequestLimits,
    Route,
    Verification,
    WebhookMount,
)
from tests.components_app.builders import REPOSITORY, make_wasm, write_deployment

WASM = '[[webhook_endpoint_wasm]]\nname = "hook"\nlocation = "hook.wasm"\n'
PYTHON = '[[webhook_endpoint_py]]\nname = "hook"\nlocation = "hook.py"\nfiles = ["other.py"]\n'
ROUTES = 'routes = ["/a"]\n'


def mount(extra: str, table: str = WASM) -> WebhookMount:
    (entry,) = parse_manifest(table + extra, file_name="d.toml").entries
    assert isinstance(entry, WebhookEntry | PythonWebhookEntry)
    return entry.mount


def problems(extra: str) -> list[str]:
    with pytest.raises(DeploymentRefused) as caught:
        parse_manifest(WASM + extra, file_name="d.toml")
    return list(caught.value.problems)


@pytest.mark.parametrize("table", [WASM, PYTHON])
def test_routes_are_paths_or_tables_with_methods(table: str) -> None:
    routes = mount('routes = ["/a/:x", { methods = ["POST"], route = "" }]', table).routes

    assert routes == (Route(methods=(), path="/a/:x"), Route(methods=("POST",), path=""))


def test_limits_of_requests_are_read() -> None:
    limits = mount(ROUTES + "request = { body_bytes = 10, timeout = { seconds = 2 }, concurrency = 3 }").limits

    assert limits == RequestLimits(body_bytes=10, timeout=timedelta(seconds=2), concurrency=3)


def test_who_signs_is_read() -> None:
    github = mount(ROUTES + 'verify = { provider = "github", secret = "A" }').verify
    stripe = mount(ROUTES + 'verify = { provider = "stripe", secret = ["A", "B"], tolerance = { seconds = 9 } }').verify
    own = mount(
        ROUTES
        + 'verify = { provider = "hmac", secret = "A", header = "X-Sig", prefix = "v1=", algorithm = "sha512", '
        + 'encoding = "base64", delivery_header = "X-Id" }'
    ).verify

    assert github == Verification(provider=Provider.GITHUB, secrets=("A",))
    assert stripe == Verification(provider=Provider.STRIPE, secrets=("A", "B"), tolerance=timedelta(seconds=9))
    assert own is not None
    assert own.hmac == HmacScheme(
        header="x-sig",
        prefix="v1=",
        algorithm=HmacAlgorithm.SHA512,
        encoding=HmacEncoding.BASE64,
        delivery_header="x-id",
    )
    for verify in (github, stripe, own):
        stored = WebhookMount(http_server="external", routes=(), verify=verify)
        assert decode_webhook(encode_webhook(stored)) == stored


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ("", 'key "routes" must be a list of routes'),
        (ROUTES + 'verify = { secret = "A" }', 'key "verify.provider" is missing; known are "github", "stripe"'),
        (ROUTES + 'verify = { provider = "gitlab", secret = "A" }', 'key "verify.provider" must be one of "github"'),
        (ROUTES + 'verify = { provider = "github" }', 'key "verify.secret" must be the name of one'),
        (ROUTES + 'verify = { provider = "github", secret = ["A", "b c"] }', 'key "verify.secret" must be the name of'),
        (ROUTES + 'verify = { provider = "github", secret = "A", header = "X" }', 'key "verify.header" is unknown'),
        (ROUTES + 'verify = { provider = "hmac", secret = "A" }', 'key "verify.header" is missing'),
        (ROUTES + 'verify = { provider = "hmac", secret = "A", header = "a b" }', "which is no name of a header"),
        (ROUTES + "request = { timeout = { seconds = 0 } }", 'key "request.timeout" must be longer than zero'),
        (ROUTES + "request = { concurrency = 0 }", 'key "request.concurrency" must be between 1'),
        ('routes = ["/a/:x=1"]', "a name that no environment variable can have"),
    ],
)
def test_what_is_wrong_is_named(extra: str, problem: str) -> None:
    assert any(problem in found for found in problems(extra))


def test_what_has_no_effect_is_said() -> None:
    text = WASM + ROUTES + 'http_server = "inside"\n'
    text += 'verify = { provider = "github", secret = "A", tolerance = { seconds = 1 } }\n'

    warnings = parse_manifest(text, file_name="d.toml").warnings

    assert any("the routes of all servers stand under one address" in warning for warning in warnings)
    assert any("signatures of the provider github carry no time" in warning for warning in warnings)


def doorman(folder: Path, extra: str) -> Path:
    content = (REPOSITORY / "tests" / "components" / "doorman" / "doorman.wasm").read_bytes()
    probe = (REPOSITORY / "tests" / "components" / "probe" / "probe.wasm").read_bytes()
    activity = '[[activity_wasm]]\nname = "probe"\nlocation = "probe.wasm"\n'
    return write_deployment(folder, activity + WASM + extra, hook=content, probe=probe)


@pytest.mark.django_db
def test_an_endpoint_is_stored_and_read_back(tmp_path: Path) -> None:
    deploy(doorman(tmp_path, 'routes = ["/a/:x"]\nrequest = { concurrency = 3 }\n'))

    deployment = active_deployment()
    assert deployment is not None
    (component,) = [each for each in deployment.components if each.webhook is not None]
    assert component.functions == ()
    assert component.webhook == WebhookMount(
        http_server="external",
        routes=(Route(methods=(), path="/a/:x"),),
        limits=RequestLimits(concurrency=3),
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "extra",
    [
        'routes = ["/a/:HOME"]\nenv_vars = [{ key = "HOME", value = "x" }]\n',
        'routes = ["/a/*HOME"]\nenv_vars = [{ key = "HOME", value = "x" }]\n',
    ],
)
def test_a_parameter_cannot_take_a_variables_place(tmp_path: Path, extra: str) -> None:
    with pytest.raises(DeploymentRefused, match="the parameter HOME has the name of a variable in env_vars"):
        deploy(doorman(tmp_path, extra))


@pytest.mark.django_db
def test_a_component_that_answers_nothing_is_refused(tmp_path: Path) -> None:
    wasm = make_wasm(exports={"test:ping/api": ["ping"]})

    with pytest.raises(DeploymentRefused, match="exports no wasi:http/incoming-handler"):
        deploy(write_deployment(tmp_path, WASM + ROUTES, hook=wasm))
