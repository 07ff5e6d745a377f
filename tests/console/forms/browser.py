"""What a browser sends of a form: just enough of one for the console's forms."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from django.template.loader import render_to_string

from console.forms.entry import Entry, EntryForm, problem_context

_LINE_BREAK = re.compile("\r\n|\r|\n")


def sent_by_browser(form: EntryForm, entry: Entry) -> dict[str, list[str]]:
    """Return what comes back of an entry that was shown and not touched."""
    entry, nodes = form.nodes(entry)
    context = {"entry": entry, "nodes": nodes, **problem_context(form.problems, is_final=False)}
    reader = _Inputs()
    reader.feed(render_to_string("console/forms/entry.html", context))
    reader.close()
    return {name: values for name, values in reader.sent.items() if name != "tab"}


class _Inputs(HTMLParser):
    """Collects the inputs that count, with the changes that browsers make to values."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.sent: dict[str, list[str]] = {}
        self._area: tuple[str, list[str]] | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = {name: value or "" for name, value in attrs}
        if tag == "input" and got.get("name") is not None:
            kind = got.get("type", "text")
            if kind in ("radio", "checkbox") and "checked" not in got:
                return
            value = got.get("value", "")
            self._send(got["name"], re.sub("[\r\n]", "", value) if kind == "text" else value)
        elif tag == "textarea":
            self._area = (got["name"], [])
        elif tag == "select":
            self._select = got["name"]
        elif tag == "option" and "selected" in got:
            self._send(self._select, got["value"])

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            name, parts = self._area
            # The line break behind the tag is none of the text.
            self._send(name, "".join(parts).replace("\r\n", "\n").removeprefix("\n"))
            self._area = None

    def _send(self, name: str, value: str) -> None:
        self.sent.setdefault(name, []).append(_LINE_BREAK.sub("\r\n", value.replace("\0", "\ufffd")))
