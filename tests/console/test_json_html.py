from __future__ import annotations

import json
import re
from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from console.json_html import json_tree
from tests.builders import make_execution_id


def words(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


def test_numbers_keep_their_digits() -> None:
    assert words(json_tree("18446744073709551615")) == "18446744073709551615"
    assert words(json_tree("0.10000000000000000000001")) == "0.10000000000000000000001"


def test_what_looks_like_markup_is_text() -> None:
    html = json_tree('{"<b>": "<script>alert(1)</script>"}')

    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<b>" not in html


def test_characters_that_turn_text_around_are_written_out() -> None:
    assert "\u202e" not in json_tree('"\u202egnp.exe"')
    assert "\\u202e" in json_tree('"\u202egnp.exe"')


def test_an_executions_id_leads_to_its_page() -> None:
    child = f"{make_execution_id(1)}.n:a/b_1"

    assert f'href="/admin/executions/{child}/"' in json_tree(f'["{child}"]')


def test_what_is_long_is_cut_and_says_so() -> None:
    assert "1,000 more characters" in json_tree(f'"{"x" * 17_384}"')
    assert "50 more" in json_tree(f"[{','.join(['1'] * 1_050)}]")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_anything_can_be_shown(value: object) -> None:

    json_tree(json.dumps(value))
