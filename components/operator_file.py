"""The operator's file: what all deployments together may reach, and the secrets.

It is Obelisk's ``server.toml``, of which ``[secrets]``, ``[[outbound_http.allowed_host]]`` and
``allow_exec_activities`` are read; the rest of that is set by environment variables here.

Source:
    Obelisk reference, sections 7.1 and 11.1.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from components.manifest.files import UnusableFile, read_file
from components.manifest.hosts import host_pattern_problem, read_host_rules
from components.manifest.shared_keys import read_digest
from components.manifest.table_reader import Findings, TableReader
from components.problems import DeploymentRefused
from engine.activity.secret_values import OperatorPolicy, SecretValue
from engine.deployment.spec import AllowedHost

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorConfig:
    """What the operator configured; holds no secret itself.

    Args:
        allowed_hosts: Where requests may go.
        secret_variables: The environment variable of each secret, by the secret's name.
        programs: Digests of the native programs that may be run, by component name; ``None`` allows every one.
    """

    allowed_hosts: tuple[AllowedHost, ...] = ()
    secret_variables: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[str, str] | None = field(default_factory=dict)

    def resolve(self, environ: Mapping[str, str]) -> OperatorPolicy:
        """Return the policy with the secrets' values.

        Raises:
            DeploymentRefused: If a variable is not set or empty; names the variables, no values.
        """
        missing = [
            f"the secret {name} is to be read from the environment variable {variable}, which is not set"
            for name, variable in self.secret_variables.items()
            if not environ.get(variable)
        ]
        if missing:
            raise DeploymentRefused(missing)
        return OperatorPolicy(
            allowed_hosts=self.allowed_hosts,
            secrets={name: SecretValue(environ[variable]) for name, variable in self.secret_variables.items()},
            programs=self.programs,
        )


def read_operator_config(patterns: Sequence[str], file: Path | None) -> OperatorConfig:
    """Read the operator's list of hosts, and the file if there is one.

    Args:
        patterns: Hosts that may be reached by every method.
        file: The file.

    Raises:
        DeploymentRefused: If a pattern is none, or the file cannot be used; carries every problem.
    """
    findings = Findings()
    for pattern in patterns:
        if problem := host_pattern_problem(pattern):
            findings.refuse("OBELISK_OUTBOUND_HOSTS", f"a pattern {problem}")
    hosts = [AllowedHost(pattern=pattern, methods=None) for pattern in patterns]
    variables: dict[str, str] = {}
    programs: Mapping[str, str] | None = {}
    if file is not None:
        document = TableReader(_load(file), place=str(file), findings=findings)
        hosts += _read_hosts(document)
        variables = _read_secrets(document)
        programs = _read_programs(document)
    if findings.problems:
        raise DeploymentRefused(findings.problems)
    return OperatorConfig(allowed_hosts=tuple(hosts), secret_variables=variables, programs=programs)


def _load(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(read_file(file).decode())
    except UnusableFile as error:
        raise DeploymentRefused([f"OBELISK_SERVER_CONFIG names {file}, which {error}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeploymentRefused([f"{file}: this is not TOML: {error}"]) from error


def _read_hosts(document: TableReader) -> list[AllowedHost]:
    table = document.table("outbound_http")
    if table is None:
        return []
    rules = read_host_rules(table)
    table.refuse_unknown_keys()
    hosts = []
    for number, rule in enumerate(rules, start=1):
        try:
            re.compile(rule.request_url_regex or "")
        except re.error as error:
            table.refuse(f"allowed_host[{number}].request_url_regex", f"is not a regular expression: {error}")
        hosts.append(
            AllowedHost(
                pattern=rule.pattern,
                methods=rule.methods,
                request_url_regex=rule.request_url_regex,
                secrets=rule.secrets,
                replace_in=rule.replace_in,
            )
        )
    return hosts


def _read_programs(document: TableReader) -> Mapping[str, str] | None:
    """Read which native programs may be run: none, every one, or those of the digests given by component name."""
    value = document.value("allow_exec_activities")
    if value is None or value is False:
        return {}
    if value is True:
        return None
    if not isinstance(value, dict):
        document.refuse("allow_exec_activities", "must be true, false, or a table of digests by component name")
        return {}
    table = document.table("allow_exec_activities")
    assert table is not None
    digests = {name: read_digest(table, name) for name in value}
    return {name: digest for name, digest in digests.items() if digest is not None}


def _read_secrets(document: TableReader) -> dict[str, str]:
    table = document.table("secrets")
    if table is None:
        return {}
    variables: dict[str, str] = {}
    for name in table.keys():  # noqa: SIM118 - a reader of a table, no mapping
        if not _NAME.fullmatch(name):
            table.refuse(name, "is no name for a secret; it is named like an environment variable")
        secret = table.table(name)
        if secret is not None:
            variables[name] = secret.required_string("env")
            secret.refuse_unknown_keys()
    return variables
