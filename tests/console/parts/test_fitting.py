"""How many rows go into one frame."""

from __future__ import annotations

import pytest

from console.live.messages import Row
from console.parts.fitting import MOST_BYTES, fitting


@pytest.mark.parametrize(
    ("sizes", "fit"),
    [
        ([], 0),
        ([1, 1, 1], 3),
        ([MOST_BYTES, 1], 1),
        ([MOST_BYTES - 1, 1, 1], 2),
        ([MOST_BYTES + 1], 1),
        ([MOST_BYTES + 1, 1], 1),
    ],
)
def test_rows_go_into_one_frame_as_long_as_they_fit_and_at_least_one(sizes: list[int], fit: int) -> None:
    assert fitting([Row(into="logs", key="1", html="x" * size) for size in sizes]) == fit


def test_bytes_count_and_not_characters() -> None:
    half = Row(into="logs", key="1", html="é" * (MOST_BYTES // 4 + 1))

    assert fitting([half, half]) == 1
