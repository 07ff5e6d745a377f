"""What holds for every endpoint: forms of answers, and problems."""

from __future__ import annotations

from typing import Any

import pytest
import structlog
from django.db import OperationalError
from django.test import Client

from engine.errors import DeploymentError, JournalUnavailable
from executions.api import execution_views
from executions.api.problems import KINDS, Problem, ProblemCode
from tests.executions.api.clients import Api

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/html", "application/json"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("text/plain;q=0.5, application/json", "application/json"),
        ("nonsense", "application/json"),
    ],
)
def test_the_client_chooses_between_json_and_text(api: Api, accept: str, content_type: str) -> None:
    assert api.get("functions", Accept=accept).headers["Content-Type"] == content_type


def test_json_is_indented(api: Api) -> None:
    assert api.get("problems").text.startswith('[\n  {\n    "code": ')


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "nowhere", 404, "no_such_endpoint"),
        ("DELETE", "nowhere", 404, "no_such_endpoint"),
        ("GET", "", 404, "no_such_endpoint"),
        ("DELETE", "executions", 405, "method_not_allowed"),
        ("OPTIONS", "executions", 405, "method_not_allowed"),
        ("GET", "executions?nonsense=1", 400, "unknown_parameter"),
        ("GET", "functions?extensions=perhaps", 400, "invalid_parameter"),
        ("GET", "functions?extensions=true&extensions=false", 400, "invalid_parameter"),
        ("GET", "functions/wit", 400, "invalid_parameter"),
        ("GET", "functions/wit?ffqn=a%00b", 400, "invalid_parameter"),
        ("GET", "functions/wit?ffqn=nix", 404, "function_not_found"),
        ("GET", "functions/wit?ffqn=a:b/c.d", 404, "function_not_found"),
        ("GET", "deployments/Dep_01KBNHM5FQW81KP5Y3XMNX31K4", 404, "deployment_not_found"),
        ("GET", "executions?length=70000", 400, "invalid_parameter"),
        ("GET", "executions?length=-1", 400, "invalid_parameter"),
        ("GET", "executions?direction=up", 400, "invalid_parameter"),
        ("GET", "executions?status=asleep", 400, "invalid_parameter"),
        ("GET", "executions?label=red", 400, "invalid_parameter"),
        ("GET", "executions?created_after=2026-01-31", 400, "invalid_parameter"),
        ("GET", "executions?created_after=null", 400, "invalid_parameter"),
        ("GET", "executions?created_after=1767225600.5", 400, "invalid_parameter"),
        ("GET", "executions?cursor=nonsense", 400, "invalid_cursor"),
        ("GET", "executions?cursor=E_1", 400, "invalid_cursor"),
        ("GET", "executions?cursor=2026-01-31T12:00:00", 400, "invalid_cursor"),
        ("GET", "executions?cursor=0001-01-01T00:00:00%2B14:00", 400, "invalid_cursor"),
        ("GET", "executions?cursor=E_01KBNHM5FQW81KP5Y3XMNX31K4", 400, "invalid_cursor"),
        ("GET", "executions/nonsense", 400, "invalid_id"),
        ("GET", "executions/E_1%00", 400, "invalid_id"),
        ("GET", "executions/E_01KBNHM5FQW81KP5Y3XMNX31K4", 404, "execution_not_found"),
        ("GET", "executions/E_01KBNHM5FQW81KP5Y3XMNX31K4.n:a/b_1/status", 404, "execution_not_found"),
        (
            "GET",
            "executions/E_01KBNHM5FQW81KP5Y3XMNX31K4/events?version=9999999999999999999999",
            400,
            "invalid_parameter",
        ),
    ],
)
def test_every_wrong_request_gets_its_problem(api: Api, method: str, path: str, status: int, code: str) -> None:
    answer = api.send(method, path)

    assert (answer.status, answer.code) == (status, code)
    assert "manage.py" not in answer.text  # which only people at the server can type


def test_a_problem_says_what_where_and_how_to_go_on(api: Api) -> None:
    answer = api.get("executions?lenght=5")

    document = answer.json
    assert document.pop("detail").startswith("unknown query parameter 'lenght'; there are ffqn_prefix, ")
    assert document.pop("err").startswith("unknown query parameter 'lenght'")
    assert document == {
        "type": "/v1/problems#unknown_parameter",
        "title": "A query parameter that this endpoint does not have",
        "status": 400,
        "code": "unknown_parameter",
    }


def test_as_text_a_problem_is_its_message(api: Api) -> None:
    answer = api.get("functions/wit?ffqn=nix", Accept="text/plain")

    assert (answer.status, answer.text) == (404, "ffqn not found")


def test_a_method_that_is_not_there_is_told_with_those_that_are(api: Api) -> None:
    assert api.send("DELETE", "functions").headers["Allow"] == "GET, HEAD"


def test_a_host_that_is_none_of_ours_gets_a_problem_too(client: Client) -> None:
    answer = client.get("/v1/functions", headers={"Host": "elsewhere.example"})

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")
    assert client.get("/admin/", headers={"Host": "elsewhere.example"})["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OperationalError("disk I/O error at /secret"), 503, "database_unavailable"),
        (JournalUnavailable("the database failed"), 503, "database_unavailable"),
        (DeploymentError("a variable is not set"), 503, "deployment_unusable"),
        (ZeroDivisionError("by 7"), 500, "internal_error"),
    ],
)
def test_what_fails_here_is_told_without_its_insides(
    api: Api, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise error

    monkeypatch.setattr(execution_views, "page_of", fail)

    with structlog.testing.capture_logs() as lines:
        answer = api.get("executions")

    assert (answer.status, answer.code) == (status, code)
    assert str(error) not in answer.text
    assert lines[-1]["status"] == status


def test_every_code_is_explained(api: Api) -> None:
    documents = {each["code"]: each for each in api.get("problems").json}

    assert documents.keys() == {code.value for code in ProblemCode} == {code.value for code in KINDS}
    assert documents["throttled"]["status"] == 429


def test_a_problem_may_say_more() -> None:
    problem = Problem(ProblemCode.ILLEGAL_STATE, "no", members={"expected": 3})

    assert problem.document()["expected"] == 3


# --- The log ----------------------------------------------------------------------------------------------------------


def refusal(answer: Any) -> dict[str, Any]:
    with structlog.testing.capture_logs() as lines:
        answer()
    (line,) = [dict(line) for line in lines if line["event"] == "api.refused"]
    return line


def test_a_refused_request_is_logged_with_who_and_why(api: Api) -> None:
    line = refusal(lambda: api.get("executions?cursor=secret-value"))

    assert line["who"].startswith("token a test (")
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/executions", 400)
    assert (line["code"], line["address"], line["log_level"]) == ("invalid_cursor", "127.0.0.1", "info")
    assert "secret-value" not in str(line)


def test_a_refused_token_is_a_warning_without_the_token() -> None:
    line = refusal(lambda: Api(token="obelisk_0123456789_wrong").get("executions"))

    assert (line["log_level"], line["who"]) == ("warning", None)
    assert "wrong" not in str(line)
