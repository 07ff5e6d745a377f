"""``allowed_host`` tables: what a component may send HTTP requests to.

Source:
    Obelisk reference, section 7.1.
"""

from __future__ import annotations

import re

from components.manifest.entries import HostRule
from components.manifest.table_reader import TableReader

_METHOD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_SCHEMES = ("http", "https", "*")
_REPLACEABLE = ("headers", "params", "body")


def read_host_rules(reader: TableReader) -> tuple[HostRule, ...]:
    """Read all ``allowed_host`` tables of an entry."""
    return tuple(_read_host_rule(table) for table in reader.tables("allowed_host"))


def host_pattern_problem(pattern: str) -> str | None:
    """Return what is wrong with a ``[scheme://]host[:port]`` pattern, or ``None``."""
    scheme, separator, rest = pattern.rpartition("://")
    if separator and scheme not in _SCHEMES:
        return f'has the scheme "{scheme}"; expected http, https or *'
    if "/" in rest:
        return f'is "{pattern}"; a pattern is [scheme://]host[:port] without a path'
    host, colon, port = rest.rpartition(":") if not rest.endswith("]") else (rest, "", "")
    if not colon:
        host = rest
    elif port != "*" and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        return f'has the port "{port}"; expected 1 to 65535 or *'
    if not host or any(character.isspace() for character in host):
        return f'is "{pattern}", which names no host'
    if "*" in host[1:-1] or host.count("*") > 1:
        return f'is "{pattern}"; a host has one * at most, as its first or last character'
    return None


def _read_host_rule(table: TableReader) -> HostRule:
    pattern = table.required_string("pattern")
    if pattern and (problem := host_pattern_problem(pattern)):
        table.refuse("pattern", problem)
    rule = HostRule(pattern=pattern, methods=_read_methods(table), request_url_regex=table.string("request_url_regex"))
    for location in table.strings("replace_in"):
        if location not in _REPLACEABLE:
            table.refuse("replace_in", f'holds "{location}"; expected {", ".join(_REPLACEABLE)}')
    if table.strings("secrets"):
        table.refuse("secrets", "is not supported yet by this version")
    table.refuse_unknown_keys()
    return rule


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
