from __future__ import annotations

import pytest

from engine.deployment.routes import Found, RouteTable, WrongMethod, clashes
from engine.deployment.webhooks import Route


def table(*routes: str | tuple[str, str]) -> RouteTable[str]:
    """Return a table of routes that lead to themselves; with a method in front where there is one."""
    pairs = [("", route) if isinstance(route, str) else route for route in routes]
    return RouteTable(
        (Route(methods=tuple(method.split()), path=path), f"{method} {path}".strip()) for method, path in pairs
    )


def found(routes: RouteTable[str], path: str, method: str = "GET") -> tuple[str, dict[str, str]] | None:
    match = routes.find(method, path)
    return (match.endpoint, dict(match.params)) if isinstance(match, Found) else None


@pytest.mark.parametrize(
    ("route", "path", "params"),
    [
        ("/", "/", {}),
        ("/path", "/path", {}),
        ("/path", "/path/", None),
        ("/path", "/", None),
        ("/", "/path", None),
        ("/path/*", "/path/", {}),
        ("/path/*", "/path/a/b", {}),
        ("/path/*", "/path", None),
        ("/path/*rest", "/path/a/b", {"rest": "a/b"}),
        ("/status/:a/:b", "/status/1/2", {"a": "1", "b": "2"}),
        ("/status/:a/:b", "/status/1/", None),
        ("/status/:a", "/status/a%20b", {"a": "a%20b"}),
        ("/status/:a", "/status/1/2", None),
        ("", "/", {}),
        ("", "/any/thing", {}),
        ("/*", "/", {}),
        ("/Path", "/path", None),
    ],
)
def test_a_route_matches_paths(route: str, path: str, params: dict[str, str] | None) -> None:
    expected = None if params is None else (route, params)

    assert found(table(route), path) == expected


def test_the_route_that_says_most_counts() -> None:
    routes = table("", "/a/*", "/a/:x", "/a/b", "/:y/b")

    assert found(routes, "/a/b") == ("/a/b", {})
    assert found(routes, "/a/c") == ("/a/:x", {"x": "c"})
    assert found(routes, "/c/b") == ("/:y/b", {"y": "c"})
    assert found(routes, "/a/b/c") == ("/a/*", {})
    assert found(routes, "/c") == ("", {})


def test_the_leftmost_fixed_segment_decides_between_equals() -> None:
    assert found(table("/:y/b", "/a/:x"), "/a/b") == ("/a/:x", {"x": "b"})


def test_a_route_of_the_method_comes_before_one_of_none() -> None:
    routes = table("/a", ("POST PUT", "/a"), ("GET", "/*"))

    assert found(routes, "/a", "POST") == ("POST PUT /a", {})
    assert found(routes, "/a", "GET") == ("GET /*", {})
    assert found(routes, "/a", "DELETE") == ("/a", {})
    assert found(routes, "/b", "get") is None


def test_a_path_without_the_method_names_those_it_has() -> None:
    routes = table(("POST", "/a"), ("PUT POST", "/:x"), ("GET", "/b"))

    assert routes.find("DELETE", "/a") == WrongMethod(("POST", "PUT"))
    assert routes.find("GET", "/c/d") is None


def test_routes_that_match_the_same_clash() -> None:
    routes = [
        (Route(methods=(), path="/a/:x"), "one"),
        (Route(methods=("POST",), path="/a/:x"), "two"),
        (Route(methods=("GET", "POST"), path="/a/:y"), "three"),
        (Route(methods=(), path="/a/:z"), "four"),
        (Route(methods=(), path="/a/*"), "five"),
        (Route(methods=(), path=""), "six"),
        (Route(methods=(), path="/*rest"), "six"),
    ]

    assert [(name, earlier) for name, _, earlier in clashes(routes)] == [
        ("three", "two"),
        ("four", "one"),
        ("six", "six"),
    ]
