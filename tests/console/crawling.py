"""Looking at everything that somebody can get to with links alone."""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass
from html import unescape
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from django.db import connection
from django.test import Client

_LINK: Final = re.compile(r'(?:href|src|data-url|action)="([^"#]+)')
_STATIC: Final = ("/static/",)
_MOST: Final = 600
_MOST_QUERIES: Final = 3
"""Of one page: filters can be put together without end."""


@dataclass(frozen=True, slots=True)
class Found:
    """What an address answered, as text, and whether browsers take it for a page."""

    text: str
    is_page: bool


def crawl(browser: Client, begin: str = "/admin/executions/") -> dict[str, Found]:
    """Follow every link by GET, also those of forms, from a page on; return what each address answered."""
    seen: dict[str, Found] = {}
    queries: Counter[str] = Counter()
    waiting = deque([begin])
    while waiting:
        path = waiting.popleft()
        if path in seen or queries[urlsplit(path).path] == _MOST_QUERIES:
            continue
        queries[urlsplit(path).path] += 1
        assert len(seen) < _MOST, f"too many pages, such as {path}"
        response: Any = browser.get(path)
        assert response.status_code < 500, path
        content = b"".join(response.streaming_content) if response.streaming else response.content
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        seen[path] = Found(content.decode(errors="replace"), is_page)
        if "Location" in response.headers:
            waiting.append(urljoin(path, response.headers["Location"]))
        if is_page:
            waiting.extend(_links(path, seen[path].text))
    return seen


def _links(path: str, page: str) -> list[str]:
    found = (urljoin(path, unescape(link)) for link in _LINK.findall(page))
    parts = (urlsplit(link) for link in found if not link.startswith(_STATIC))
    return [link.geturl() for link in parts if not link.netloc and link.scheme == ""]


def contents() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table but those of sessions, which say when somebody was last seen."""
    with connection.cursor() as cursor:
        tables = [name for name in connection.introspection.table_names(cursor) if name != "django_session"]
        found = {}
        for name in tables:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(name)}")
            found[name] = sorted(cursor.fetchall(), key=repr)
        return found
