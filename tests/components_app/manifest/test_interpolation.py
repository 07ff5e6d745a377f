from __future__ import annotations

import pytest

from components.manifest.interpolation import UnresolvedReference, interpolate

ENVIRON = {"NAME": "world", "EMPTY": "", "NESTED": "${NAME}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("hello ${NAME}!", "hello world!"),
        ("${NAME}${NAME}", "worldworld"),
        ("${UNSET:-x}", "x"),
        ("${EMPTY:-x}", "x"),
        ("${UNSET-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${UNSET:-}", ""),
        ("${UNSET:-a-b}", "a-b"),
        ("${UNSET:-${NAME}}", "world"),
        ("${UNSET:-${ALSO_UNSET:-deep}}.", "deep."),
        ("${NAME:-${UNSET}}", "world"),
        ("$NAME", "$NAME"),
        ("${NAME", "${NAME"),
        ("${NAME} ${", "world ${"),
        ("${UNSET:-${NAME}", "${UNSET:-${NAME}"),
        ("${NESTED}", "${NAME}"),
    ],
)
def test_references_are_replaced(text: str, expected: str) -> None:
    assert interpolate(text, ENVIRON) == expected


@pytest.mark.parametrize("text", ["${UNSET}", "${EMPTY:-${UNSET}}", "x${}"])
def test_a_variable_without_value_and_default_is_missing(text: str) -> None:
    with pytest.raises(UnresolvedReference, match="is not set"):
        interpolate(text, ENVIRON)


def test_defaults_that_are_nested_too_deeply_are_refused() -> None:
    with pytest.raises(UnresolvedReference, match="nested more than 50 deep"):
        interpolate("${A:-" * 5000 + "x" + "}" * 5000, {})
