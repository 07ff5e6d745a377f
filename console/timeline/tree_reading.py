"""Reading the tree of an execution: a few ranges of keys, however deep it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db import connection
from django.http import Http404

from console.timeline.tree import DelayNode, Node, Tree
from engine.log.ids import DELAY_PREFIX, EXECUTION_PREFIX

MOST_NODES: Final = 100_000

_COLUMNS: Final = """execution_id, parent_id, ffqn, component_type, created_at, due_at, result_kind,
temporary_failures, next_version, response_count"""
_ROOT: Final = f"SELECT {_COLUMNS} FROM executions_execution WHERE execution_id = %s"  # noqa: S608 - constants
# A range of the primary key.
_NODES: Final = (
    f"SELECT {_COLUMNS} FROM executions_execution "  # noqa: S608 - constants
    "WHERE execution_id > %s AND execution_id < %s ORDER BY execution_id LIMIT %s"
)
# A range of the primary key.
_DELAYS: Final = """SELECT delay_id, execution_id, join_set_id, expires_at, NULL, NULL, is_paused
FROM executions_delay WHERE delay_id > %s AND delay_id < %s LIMIT %s"""
# A range of response_delay_unique, which holds delays only.
_DELAYS_OVER: Final = """SELECT delay_id, execution_id, join_set_id, created_at, at_version, delay_cancelled, FALSE
FROM executions_joinsetresponse WHERE delay_id IS NOT NULL AND delay_id > %s AND delay_id < %s LIMIT %s"""
# Ranges of http_exchange_of_execution, which holds all that is asked for.
_REQUESTS: Final = """SELECT execution_id, COUNT(*) FROM executions_httpexchange WHERE execution_id = %s
GROUP BY execution_id UNION ALL SELECT execution_id, COUNT(*) FROM executions_httpexchange
WHERE execution_id > %s AND execution_id < %s GROUP BY execution_id LIMIT %s"""
# The same ranges as the first two.
_SIZE: Final = """SELECT COALESCE(SUM(next_version + response_count), 0) FROM executions_execution
WHERE execution_id = %s OR (execution_id > %s AND execution_id < %s)"""


def _range(execution_id: str) -> tuple[str, str]:
    # Ids of descendants begin with their ancestor's and a dot; "/" is the character behind it.
    return f"{execution_id}.", f"{execution_id}/"


def size_of(root_id: str) -> int:
    """Return what `Tree.size` of an execution's tree would be now."""
    ((size,),) = _rows(_SIZE, root_id, *_range(root_id))
    return int(size)


def read_tree(root_id: str, now: int) -> Tree:
    """Return the tree of an execution.

    Args:
        root_id: The execution.
        now: The present instant, in microseconds since the epoch.

    Raises:
        Http404: If there is no such execution any more.
    """
    for row in _rows(_ROOT, root_id):
        root = Node(*row)
        break
    else:
        raise Http404(f"There is no execution {root_id} any more; retention has removed it.")
    nodes = [Node(*row) for row in _rows(_NODES, *_range(root_id), MOST_NODES + 1)]
    delay_range = _range(DELAY_PREFIX + root_id.removeprefix(EXECUTION_PREFIX))
    delays = [
        DelayNode(delay_id, execution_id, join_set_id, until, at_version, bool(cancelled), bool(paused))
        for query in (_DELAYS_OVER, _DELAYS)
        for delay_id, execution_id, join_set_id, until, at_version, cancelled, paused in _rows(
            query, *delay_range, MOST_NODES
        )
    ]
    return Tree(
        root=root,
        nodes=nodes[:MOST_NODES],
        delays=delays,
        requests=dict(_rows(_REQUESTS, root_id, *_range(root_id), MOST_NODES)),
        is_cut=len(nodes) > MOST_NODES,
        end=_end_of(root, nodes, now),
    )


def _end_of(root: Node, nodes: Sequence[Node], now: int) -> int:
    ends = [node.end for node in (root, *nodes)]
    return max((end for end in ends if end is not None), default=now) if None not in ends else now


def _rows(sql: str, *parameters: str | int) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[Any] = cursor.fetchall()
        return rows
