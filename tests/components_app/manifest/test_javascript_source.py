from __future__ import annotations

from datetime import timedelta

import pytest

from components.manifest import FileReference, InlineSource, JavaScriptEntry, parse_manifest
from components.problems import DeploymentRefused
from engine.deployment.spec import ComponentType, LockingStrategy, LogLevel
from engine.deployment.webhooks import Route
from engine.wit.grammar import format_type


def entry(toml: str) -> JavaScriptEntry:
    """Return the only entry of a deployment file."""
    (found,) = parse_manifest(toml, file_name="d.toml").entries
    assert isinstance(found, JavaScriptEntry)
    return found


def problems(toml: str) -> list[str]:
    """Return what is wrong with a deployment file."""
    with pytest.raises(DeploymentRefused) as caught:
        parse_manifest(toml, file_name="d.toml")
    return [str(problem) for problem in caught.value.problems]


def test_an_activity_with_nothing_but_what_it_needs() -> None:
    found = entry('[[activity_js]]\nffqn = "ns:math/ops.add"\nlocation = "js/add.js"')

    assert (found.component_type, found.name) == (ComponentType.ACTIVITY, "ops.add")
    assert found.source == FileReference(path="js/add.js", content_digest=None, key="location")
    assert found.function is not None
    assert (str(found.function.name), found.function.type.params) == ("ns:math/ops.add", ())
    assert found.function.type.result is not None
    assert format_type(found.function.type.result) == "result"
    assert (found.retry.max_retries, found.exec.lock_expiry) == (5, timedelta(seconds=1))
    assert found.log_level is LogLevel.DEBUG


def test_an_activity_with_everything() -> None:
    found = entry("""
        [[activity_js]]
        name = "adder"
        ffqn = "ns:math/ops@1.0.0.add"
        content = "export default (a, b) => a + b;"
        params = [{ name = "first_one", type = "u8" }, { name = "b", type = "list<u8>" }]
        return_type = "result<u16, string>"
        exec.lock_expiry.seconds = 10
        max_retries = 2
        retry_exp_backoff.milliseconds = 5
        env_vars = ["HOME", { key = "A", value = "${B:-c}" }]
        allowed_host = [{ pattern = "https://example.com", methods = ["GET"] }]
        forward_stdout = "none"
        forward_stderr = "stderr"
        logs_store_min_level = "warn"
        component_files = { "adder.js" = "sha256:%s" }
        """ % ("0" * 64))  # fmt: skip

    assert found.source == InlineSource(path="adder.js", text="export default (a, b) => a + b;")
    assert found.function is not None
    assert [(param.name, format_type(param.type)) for param in found.function.type.params] == [
        ("first-one", "u8"),
        ("b", "list<u8>"),
    ]
    assert found.retry.max_retries == 2
    assert [variable.key for variable in found.env_vars] == ["HOME", "A"]
    assert found.allowed_hosts[0].pattern == "https://example.com"
    assert found.file_digests == {"adder.js": "sha256:" + "0" * 64}


def test_a_workflow() -> None:
    found = entry("""
        [[workflow_js]]
        ffqn = "ns:math/flows.run-cancellable"
        location = "${DEPLOYMENT_DIR}/flow.js"
        blocking_strategy = "interrupt"
        lock_extension = false
        """)

    assert (found.component_type, found.name) == (ComponentType.WORKFLOW, "flows.run-cancellable")
    assert isinstance(found.source, FileReference)
    assert found.source.path == "flow.js"
    assert found.policy is not None
    assert not found.policy.lock_extension
    assert found.exec.locking_strategy is LockingStrategy.AUTO
    assert found.retry.max_retries is None


def test_a_webhook_endpoint() -> None:
    found = entry("""
        [[webhook_endpoint_js]]
        name = "hook"
        location = "hook.js"
        routes = ["/all/*", { methods = ["POST", "PUT"], route = "/hook/:id" }, ""]
        http_server = "inner"
        env_vars = ["TOKEN"]
        """)

    assert found.webhook is not None
    assert found.function is None
    assert found.webhook.http_server == "inner"
    assert found.webhook.routes == (
        Route(methods=(), path="/all/*"),
        Route(methods=("POST", "PUT"), path="/hook/:id"),
        Route(methods=(), path=""),
    )


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ('[[activity_js]]\nlocation = "a.js"', 'd.toml: [[activity_js]] #1: key "ffqn" is missing'),
        (
            '[[activity_js]]\nffqn = "ns:a/b.c"',
            'd.toml: [[activity_js]] #1 "ns:a/b.c": key "location" is missing',
        ),
        (
            '[[activity_js]]\nffqn = "ns:a/b.c"\nlocation = "a.js"\ncontent = "x"',
            'd.toml: [[activity_js]] #1 "ns:a/b.c": key "location" stands beside "content"; an entry has one of them',
        ),
        (
            '[[activity_js]]\nffqn = "ns:a/b.c"\ncontent = " "',
            'd.toml: [[activity_js]] #1 "ns:a/b.c": key "content" is empty',
        ),
        (
            '[[activity_js]]\nffqn = "ns:a/b.c"\ncontent = "x"\nreturn_type = "u8,"',
            'd.toml: [[activity_js]] #1 "ns:a/b.c": key "return_type" is not a type: ',
        ),
        (
            '[[workflow_js]]\nffqn = "ns:a/b.c"\ncontent = "x"\nmax_retries = 3',
            'd.toml: [[workflow_js]] #1 "ns:a/b.c": key "max_retries" is unknown',
        ),
        (
            '[[workflow_js]]\nffqn = "ns:a/b.c"\ncontent = "x"\nenv_vars = ["A"]',
            'd.toml: [[workflow_js]] #1 "ns:a/b.c": key "env_vars" is unknown',
        ),
        (
            '[[workflow_js]]\nffqn = "ns:a/b.c"\ncontent = "x"\nwit = "wit"',
            'd.toml: [[workflow_js]] #1 "ns:a/b.c": key "wit" names "wit", which cannot be read',
        ),
        (
            '[[webhook_endpoint_js]]\nname = "h"\ncontent = "x"',
            'd.toml: [[webhook_endpoint_js]] #1 "h": key "routes" must be a list of routes',
        ),
        (
            '[[webhook_endpoint_js]]\nname = "h"\ncontent = "x"\nroutes = ["hook"]',
            'd.toml: [[webhook_endpoint_js]] #1 "h": key "routes[1]" is "hook"; a route begins with "/", or is empty',
        ),
        (
            '[[webhook_endpoint_js]]\nname = "h"\ncontent = "x"\nroutes = ["/*/a"]',
            'd.toml: [[webhook_endpoint_js]] #1 "h": key "routes[1]" is "/*/a"; a * stands at the end of a route only',
        ),
        (
            '[[webhook_endpoint_js]]\nname = "h"\ncontent = "x"\nroutes = ["/:a/:a"]',
            'd.toml: [[webhook_endpoint_js]] #1 "h": key "routes[1]" is "/:a/:a", where two parameters have the same',
        ),
        (
            '[[webhook_endpoint_js]]\nname = "h"\ncontent = "x"\nroutes = [{ method = "GET", route = "/" }]',
            'd.toml: [[webhook_endpoint_js]] #1 "h": key "routes[1]" must be a path, or a table such as',
        ),
    ],
)
def test_mistakes_are_named_with_their_place(toml: str, problem: str) -> None:
    (found,) = problems(toml)

    assert found.startswith(problem)
