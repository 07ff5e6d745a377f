from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.linking import linked
from tests.builders import make_execution_id

E1 = make_execution_id(1)
ULID = E1[2:]


@pytest.mark.parametrize(
    ("identifier", "url"),
    [
        (E1, f"/admin/executions/{E1}/"),
        (f"{E1}.n:a/b_12", f"/admin/executions/{E1}.n:a/b_12/"),
        (f"Delay_{ULID}.o:1-sleep_1", f"/admin/go/Delay_{ULID}.o:1-sleep_1/"),
        (f"Dep_{ULID}", f"/admin/go/Dep_{ULID}/"),
        (f"Exr_{ULID}", f"/admin/go/Exr_{ULID}/"),
    ],
)
def test_ids_within_text_lead_to_what_they_name(identifier: str, url: str) -> None:
    html = linked(f"see <b>{identifier}, then")

    assert f'see &lt;b&gt;<a href="{url}">' in html
    assert re.sub("<[^>]*>", "", html) == f"see &lt;b&gt;{identifier}, then"


@pytest.mark.parametrize(
    ("identifier", "shown"),
    [(f"sha256:{'ab' * 32}", "sha256:abababababab"), (f"Dep_{ULID}", f"Dep_{ULID[:4]}"), (E1, E1)],
)
def test_of_what_is_long_and_not_telling_the_middle_is_out_of_sight(identifier: str, shown: str) -> None:
    assert f">{shown}<" in linked(f"{identifier} <")


@pytest.mark.parametrize("text", [f"x{E1}", f"{E1}0", "E_1", f"sha256:{'ab' * 31}", f"Dep_{ULID[:-1]}"])
def test_what_only_looks_like_one_is_text(text: str) -> None:
    assert linked(text) == text


def test_characters_that_turn_text_around_are_written_out() -> None:
    assert linked(f"\u202e{E1}").startswith("\\u202e<a ")


@given(st.text(alphabet=st.sampled_from("<>&\"'aE_01")))
def test_nothing_in_a_text_becomes_a_tag(text: str) -> None:
    assert "<" not in linked(text).replace("&lt;", "")
