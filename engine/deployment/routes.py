"""Routes: which endpoint answers a request.

A path is compared segment by segment, as it stands in the request, not decoded. Of several routes that match, the one
with the fewest wildcards counts, then the one with the fewest parameters, then the one whose first difference from the
left is a fixed segment. Routes that name the method come before those that name none.

Source:
    Obelisk reference, section 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from engine.deployment.webhooks import Route

Endpoint = TypeVar("Endpoint")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A route's path, taken apart.

    Args:
        segments: Fixed ones as they are; a parameter begins with ``:``.
        wildcard: The name of what the ``*`` at the end takes, which may be empty; ``None`` if there is no ``*``.
    """

    segments: tuple[str, ...]
    wildcard: str | None

    @classmethod
    def parse(cls, path: str) -> Pattern:
        """Take a path apart; `components.manifest.routes` has checked it."""
        segments = path.removeprefix("/").split("/") if path else ["*"]
        if segments[-1].startswith("*"):
            return cls(tuple(segments[:-1]), segments[-1][1:])
        return cls(tuple(segments), None)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what it captures."""
        captured = [segment[1:] for segment in self.segments if segment.startswith(":")]
        return (*captured, self.wildcard) if self.wildcard else tuple(captured)

    @property
    def shape(self) -> tuple[str, ...]:
        """What decides which paths it matches: two patterns of one shape match the same."""
        fixed = tuple(":" if segment.startswith(":") else segment for segment in self.segments)
        return fixed if self.wildcard is None else (*fixed, "*")

    @property
    def rank(self) -> tuple[int, int, tuple[int, ...]]:
        """The lower, the more it says about a path."""
        kinds = tuple(int(segment.startswith(":")) for segment in self.segments)
        return (self.wildcard is not None, sum(kinds), (*kinds, 2))

    def match(self, path: str) -> dict[str, str] | None:
        """Return what is captured from a path, or ``None`` if it is another one's."""
        given = path.removeprefix("/").split("/")
        count = len(self.segments)
        if len(given) <= count if self.wildcard is not None else len(given) != count:
            return None
        captured: dict[str, str] = {}
        for segment, text in zip(self.segments, given, strict=False):
            if not segment.startswith(":"):
                if segment != text:
                    return None
            elif text:
                captured[segment[1:]] = text
            else:
                return None
        if self.wildcard:
            captured[self.wildcard] = "/".join(given[count:])
        return captured


@dataclass(frozen=True, slots=True)
class Found(Generic[Endpoint]):
    """The endpoint that answers.

    Args:
        endpoint: Which one.
        params: What its route captured.
    """

    endpoint: Endpoint
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WrongMethod:
    """There is such a path, but not for this method.

    Args:
        allowed: The methods that it is there for.
    """

    allowed: tuple[str, ...]


class RouteTable(Generic[Endpoint]):
    """All routes of a deployment.

    Args:
        routes: Routes with their endpoints.
    """

    def __init__(self, routes: Iterable[tuple[Route, Endpoint]]) -> None:
        self._routes = sorted(
            ((Pattern.parse(route.path), route.methods, endpoint) for route, endpoint in routes),
            key=lambda entry: entry[0].rank,
        )

    def find(self, method: str, path: str) -> Found[Endpoint] | WrongMethod | None:
        """Return who answers a request; ``None`` if there is no such path."""
        fallback: Found[Endpoint] | None = None
        allowed: dict[str, None] = {}
        for pattern, methods, endpoint in self._routes:
            params = pattern.match(path)
            if params is None:
                continue
            if method in methods:
                return Found(endpoint, params)
            if not methods:
                fallback = fallback or Found(endpoint, params)
            allowed.update(dict.fromkeys(methods))
        if fallback is not None:
            return fallback
        return WrongMethod(tuple(allowed)) if allowed else None


def clashes(routes: Iterable[tuple[Route, str]]) -> list[tuple[str, Route, str]]:
    """Return the routes that match what an earlier one matches, as (component, route, earlier component).

    Args:
        routes: Routes with the names of their components, in the order of the deployment file.
    """
    taken: dict[tuple[tuple[str, ...], str], str] = {}
    found = []
    for route, component in routes:
        shape = Pattern.parse(route.path).shape
        keys = [(shape, method) for method in route.methods or ("",)]
        earlier = next((taken[key] for key in keys if key in taken), None)
        if earlier is not None:
            found.append((component, route, earlier))
        taken.update(dict.fromkeys(keys, component))
    return found
