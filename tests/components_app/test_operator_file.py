from __future__ import annotations

import re
from pathlib import Path

import pytest

from components.operator_file import OperatorConfig, read_operator_config
from components.problems import DeploymentRefused
from engine.deployment.spec import AllowedHost, SecretLocation

FILE = """
[secrets]
TOKEN = { env = "PRODUCTION_TOKEN" }

[[outbound_http.allowed_host]]
pattern = "https://api.example.com"
methods = ["GET", "POST"]
request_url_regex = "^GET "
secrets = ["TOKEN"]
replace_in = ["headers", "params"]

[[outbound_http.allowed_host]]
pattern = "https://other.example.com"
methods = "*"

[wasm]
fuel = 5
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "server.toml"
    path.write_text(text)
    return path


def test_hosts_come_from_the_environment_and_from_the_file(tmp_path: Path) -> None:
    config = read_operator_config(["http://127.0.0.1:*"], write(tmp_path, FILE))

    assert config == OperatorConfig(
        allowed_hosts=(
            AllowedHost(pattern="http://127.0.0.1:*", methods=None),
            AllowedHost(
                pattern="https://api.example.com",
                methods=("GET", "POST"),
                request_url_regex="^GET ",
                secrets=("TOKEN",),
                replace_in=(SecretLocation.HEADERS, SecretLocation.PARAMS),
            ),
            AllowedHost(pattern="https://other.example.com", methods=None),
        ),
        secret_variables={"TOKEN": "PRODUCTION_TOKEN"},
    )


def test_without_either_nothing_is_allowed() -> None:
    assert read_operator_config([], None) == OperatorConfig()


def test_secrets_are_read_from_the_environment_and_not_shown(tmp_path: Path) -> None:
    config = read_operator_config([], write(tmp_path, FILE))

    policy = config.resolve({"PRODUCTION_TOKEN": "hunter2"})

    assert policy.secrets["TOKEN"].reveal() == "hunter2"
    assert "hunter2" not in repr(policy)


@pytest.mark.parametrize("environ", [{}, {"PRODUCTION_TOKEN": ""}])
def test_a_secret_whose_variable_is_not_set_is_an_error(tmp_path: Path, environ: dict[str, str]) -> None:
    config = read_operator_config([], write(tmp_path, FILE))

    with pytest.raises(DeploymentRefused, match="TOKEN .*PRODUCTION_TOKEN, which is not set"):
        config.resolve(environ)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = ", "is not TOML"),
        ("secrets = 5", 'key "secrets" must be a table'),
        ('[secrets]\n"a-b" = { env = "X" }', "is no name for a secret"),
        ("[secrets]\nA = {}", 'key "secrets.A.env" is missing'),
        ('[secrets]\nA = { env = "X", value = "y" }', "value"),
        ('[secrets]\nA = "y"', "must be a table"),
        ("[outbound_http]\nhosts = []", "is unknown"),
        ('[[outbound_http.allowed_host]]\npattern = "a/b"\nmethods = "*"', "without a path"),
        ('[[outbound_http.allowed_host]]\npattern = "a"\nmethods = "*"\nrequest_url_regex = "("', "regular expression"),
        ('[[outbound_http.allowed_host]]\npattern = "a"\nmethods = "*"\nsecrets = ["A"]', "replace_in"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(DeploymentRefused, match=re.escape(problem)) as caught:
        read_operator_config([], write(tmp_path, text))

    assert "server.toml" in str(caught.value)


def test_a_pattern_in_the_environment_is_checked() -> None:
    with pytest.raises(DeploymentRefused, match="OBELISK_OUTBOUND_HOSTS: a pattern .*without a path"):
        read_operator_config(["http://a/b"], None)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeploymentRefused, match="OBELISK_SERVER_CONFIG names .*missing.toml"):
        read_operator_config([], tmp_path / "missing.toml")
