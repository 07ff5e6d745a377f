from __future__ import annotations

import json

import pytest

from obelisk.json_text import dump, load

DATA = [None, True, 1, -(2**63), 0.1, 'é\n"\\ \N{BLACK STAR}', [], {}, ["a", {"b": [1, 2.5, None]}], {"Ä": ""}]


@pytest.mark.parametrize("data", DATA)
def test_text_is_that_of_the_library(data: object) -> None:
    text = dump(data)

    assert text == json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    assert load(text) == data


@pytest.mark.parametrize("data", [float("nan"), float("inf")])
def test_floats_that_json_lacks_are_refused(data: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        dump(data)


def test_what_is_no_json_data_is_refused() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        dump({"a": object()})
