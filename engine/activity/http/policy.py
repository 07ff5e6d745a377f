"""Whether a guest's HTTP request may go out: both the deployment and the operator must allow it.

Pure: the decision is made on the request as the guest wrote it, and on the addresses that its host turned out to have.

Source:
    Obelisk reference, section 7.1; the check of addresses is ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from engine.activity.http.addresses import Address, inside, is_never_a_host
from engine.deployment.host_patterns import DEFAULT_PORTS, HostPattern, parse_pattern
from engine.deployment.spec import AllowedHost, SecretLocation

SecretUse = tuple[str, SecretLocation]
"""A secret's name, and where it may stand in a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a request goes.

    Args:
        method: Its method.
        scheme: ``http`` or ``https``.
        host: As `normal_host` gives it.
        port: The port.
        authority: Host and port as the guest wrote them, in lower case.
        path: Path without query, beginning with ``/``.
    """

    method: str
    scheme: str
    host: str
    port: int
    authority: str
    path: str

    @property
    def origin(self) -> str:
        """The shortest pattern that names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{'' if self.port == DEFAULT_PORTS[self.scheme] else f':{self.port}'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The request may go out.

    Args:
        names_host: Whether both sides name the host itself, so that an inside address is meant.
        secrets: What the request may carry.
    """

    names_host: bool
    secrets: frozenset[SecretUse] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The request stays here.

    Args:
        reason: One sentence: what was asked, and who does not allow it.
        remedy: What to write where, ready to be pasted; may have several lines.
    """

    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: HostPattern
    methods: frozenset[str] | None
    regex: re.Pattern[str] | None
    secrets: frozenset[SecretUse]

    def matches(self, target: Target, line: str) -> bool:
        return (
            (self.methods is None or target.method in self.methods)
            and self.pattern.matches(target.scheme, target.host, target.port)
            and (self.regex is None or self.regex.search(line) is not None)
        )


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """The rules of one component under one operator; `make_policy` makes it."""

    component: tuple[_Rule, ...] = field(repr=False)
    operator: tuple[_Rule, ...] = field(repr=False)

    def check(self, target: Target) -> Allowed | Denied:
        """Decide on a request, and again on each that a redirect leads to."""
        line = f"{target.method} {target.scheme}://{target.authority}{target.path}"
        mine = [rule for rule in self.component if rule.matches(target, line)]
        operators = [rule for rule in self.operator if rule.matches(target, line)]
        if not mine or not operators:
            return _denied(target, line, by_component=not mine, by_operator=not operators)
        return Allowed(
            names_host=any(rule.pattern.names_host for rule in mine)
            and any(rule.pattern.names_host for rule in operators),
            secrets=_uses(mine) & _uses(operators),
        )


@lru_cache(maxsize=256)
def make_policy(component: tuple[AllowedHost, ...], operator: tuple[AllowedHost, ...]) -> OutboundPolicy:
    """Return the policy of a component's rules and the operator's.

    Raises:
        DeploymentError: If a pattern is none.
        re.error: If a regular expression is none.
    """
    return OutboundPolicy(tuple(map(_rule, component)), tuple(map(_rule, operator)))


def address_problem(address: Address, allowed: Allowed, host: str) -> str | None:
    """Return why a connection to one of a host's addresses is refused, or ``None``.

    Args:
        address: What the host's name stands for now; the connection must go to this very address.
        allowed: What the policy said of the request.
        host: The host, for the message.
    """
    if is_never_a_host(address):
        return f"{host} is at {address}, which is no host's address"
    kind = inside(address)
    if kind is None or allowed.names_host:
        return None
    return (
        f"{host} is at the {kind} address {address}; requests into the own network need a pattern without * that "
        "names the host, in the deployment file and in the operator's list"
    )


def _rule(entry: AllowedHost) -> _Rule:
    return _Rule(
        pattern=parse_pattern(entry.pattern),
        methods=None if entry.methods is None else frozenset(entry.methods),
        regex=None if entry.request_url_regex is None else re.compile(entry.request_url_regex),
        secrets=frozenset((name, location) for name in entry.secrets for location in entry.replace_in),
    )


def _uses(rules: Iterable[_Rule]) -> frozenset[SecretUse]:
    return frozenset(use for rule in rules for use in rule.secrets)


def _denied(target: Target, line: str, *, by_component: bool, by_operator: bool) -> Denied:
    who = [
        *(["the component's allowed_host entries"] if by_component else []),
        *(["the operator's list of hosts"] if by_operator else []),
    ]
    entry = f'{{ pattern = "{target.origin}", methods = ["{target.method}"] }}'
    remedies = [
        *([f"in the component's entry of the deployment file:\nallowed_host = [{entry}]"] if by_component else []),
        *(
            [
                "in the operator's file (OBELISK_SERVER_CONFIG):\n"
                f"[outbound_http]\nallowed_host = [{entry}]\n"
                f"or, for all methods, in the environment:\nOBELISK_OUTBOUND_HOSTS={target.origin}"
            ]
            if by_operator
            else []
        ),
    ]
    return Denied(reason=f"{line} is not allowed by {' nor by '.join(who)}", remedy="\n".join(remedies))
