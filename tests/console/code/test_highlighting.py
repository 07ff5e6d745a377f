from __future__ import annotations

import re
from html import unescape

import pytest

from console.code.highlighting import MOST_HIGHLIGHTED, highlighted_lines

HOSTILE = 'x = "</span><script>alert(1)</script>" # \u202eevil & <b>\n"""two\nlines"""\n'


@pytest.mark.parametrize("path", ["a.py", "a.js", "a.ts", "a.rs", "a.toml", "a.json", "a.wit", "a.unknown", "a"])
def test_lines_hold_the_text_and_nothing_of_it_is_markup(path: str) -> None:
    lines = highlighted_lines(HOSTILE, path)

    text = "\n".join(unescape(re.sub(r"<[^>]*>", "", line)) for line in lines)
    assert text.rstrip("\n") == HOSTILE.replace("\u202e", "\\u202e").rstrip("\n")
    assert "<script" not in "".join(lines)
    assert all(line.count("<span") == line.count("</span>") for line in lines)


def test_words_are_told_apart_by_classes() -> None:
    assert '<span class="k">def</span>' in highlighted_lines("def f(): pass", "a.py")[0]


def test_long_text_has_no_colours() -> None:
    assert highlighted_lines("def f(): pass\n" * (MOST_HIGHLIGHTED // 10), "a.py")[0] == "def f(): pass"
