"""``allowed_host`` tables: what a component may send HTTP requests to.

Source:
    Obelisk reference, section 7.1.
"""

from __future__ import annotations

import re

from components.manifest.entries import HostRule
from components.manifest.table_reader import TableReader
from engine.deployment.host_patterns import parse_pattern
from engine.deployment.spec import SecretLocation
from engine.errors import DeploymentError

_METHOD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_LOCATIONS = ", ".join(SecretLocation)
_SECRET_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_host_rules(reader: TableReader) -> tuple[HostRule, ...]:
    """Read all ``allowed_host`` tables of an entry."""
    return tuple(_read_host_rule(table) for table in reader.tables("allowed_host"))


def host_pattern_problem(pattern: str) -> str | None:
    """Return what is wrong with a ``[scheme://]host[:port]`` pattern, or ``None``."""
    try:
        parse_pattern(pattern)
    except DeploymentError as error:
        return str(error)
    return None


def _read_host_rule(table: TableReader) -> HostRule:
    pattern = table.required_string("pattern")
    if pattern and (problem := host_pattern_problem(pattern)):
        table.refuse("pattern", problem)
    rule = HostRule(
        pattern=pattern,
        methods=_read_methods(table),
        request_url_regex=table.string("request_url_regex"),
        secrets=_read_secrets(table),
        replace_in=_read_locations(table),
    )
    if rule.secrets and not table.strings("replace_in"):
        table.refuse("replace_in", f"is missing; say where secrets may stand: {_LOCATIONS}")
    if rule.replace_in and not rule.secrets:
        table.warn("replace_in", "has no effect without secrets")
    table.refuse_unknown_keys()
    return rule


def _read_secrets(table: TableReader) -> tuple[str, ...]:
    names = table.strings("secrets")
    for name in names:
        if not _SECRET_NAME.fullmatch(name):
            table.refuse("secrets", f'holds "{name}"; a secret is named like an environment variable')
    return names


def _read_locations(table: TableReader) -> tuple[SecretLocation, ...]:
    texts = table.strings("replace_in")
    for text in texts:
        if text not in set(SecretLocation):
            table.refuse("replace_in", f'holds "{text}"; expected {_LOCATIONS}')
    return tuple(SecretLocation(text) for text in texts if text in set(SecretLocation))


def _read_methods(table: TableReader) -> tuple[str, ...] | None:
    if table.value("methods") == "*":
        return None
    methods = table.strings("methods")
    if "*" in methods:
        table.refuse("methods", 'is ["*"]; write "*" to allow all methods')
    elif not methods:
        table.warn("methods", "is missing or empty, so the entry allows no request")
    elif wrong := next((method for method in methods if not _METHOD.fullmatch(method)), None):
        table.refuse("methods", f'holds "{wrong}", which is no HTTP method')
    return methods
