"""Pages of what one execution's tables hold, by a number that rows are in order of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from django.db.models import Model, QuerySet

from executions.operations.listing import Direction

Row = TypeVar("Row", bound=Model)


def numbered_page(
    rows: QuerySet[Row],
    column: str,
    *,
    cursor: int | None,
    direction: Direction,
    including: bool,
    length: int,
) -> Sequence[Row]:
    """Return a page of rows, oldest first.

    Args:
        rows: All that may be in it.
        column: The number.
        cursor: Where the page begins; at the end that the direction leads away from by default.
        direction: Which way it goes from there.
        including: Whether the row at the cursor belongs to it.
        length: Most rows.
    """
    newer = direction is Direction.NEWER
    if cursor is not None:
        operator = ("gt" if newer else "lt") + ("e" if including else "")
        rows = rows.filter(**{f"{column}__{operator}": cursor})
    found = list(rows.order_by(column if newer else f"-{column}")[:length])
    return found if newer else found[::-1]
