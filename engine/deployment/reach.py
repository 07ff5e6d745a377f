"""What a component asks to reach, and its operator lets nobody reach."""

from __future__ import annotations

from collections.abc import Sequence

from engine.deployment.host_patterns import parse_pattern
from engine.deployment.spec import AllowedHost


def denied_patterns(component: Sequence[AllowedHost], operator: Sequence[AllowedHost]) -> tuple[str, ...]:
    """Return the patterns of a component's rules of which no request can go out, whatever the guest does.

    Regular expressions are left aside: one that never matches is not found.

    Args:
        component: Its rules.
        operator: The operator's rules.
    """
    return tuple(
        rule.pattern
        for rule in component
        if rule.methods != () and not any(_overlap(rule, other) for other in operator)
    )


def _overlap(one: AllowedHost, other: AllowedHost) -> bool:
    has_common_method = one.methods is None or other.methods is None or bool({*one.methods} & {*other.methods})
    return has_common_method and parse_pattern(one.pattern).overlaps(parse_pattern(other.pattern))
