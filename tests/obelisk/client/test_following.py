from __future__ import annotations

from typing import Any

from rich.console import Console

from obelisk.client.following import draw

ROOT = "E_01KBNHM5FQW81KP5Y3XMNX31K4"


def execution(name: str, state: dict[str, Any]) -> dict[str, Any]:
    return {"execution_id": f"{ROOT}{name}", "ffqn": "acme:app/activities.pay", "pending_state": state}


def lines(*executions: dict[str, Any]) -> list[str]:
    console = Console(width=120, color_system=None)
    with console.capture() as captured:
        console.print(draw(list(executions), 3.2))
    return captured.get().splitlines()


def test_children_stand_below_their_parents() -> None:
    root, child, grandchild = lines(
        execution("", {"status": "locked"}),
        execution(".n:work_1", {"status": "blocked_by_join_set", "join_set_id": "o:1-pay"}),
        execution(".n:work_1.o:1-pay_1", {"status": "locked"}),
    )

    assert root == f"locked (running)  activities.pay  {ROOT}  3 s"
    assert child == "└── blocked_by_join_set o:1-pay  activities.pay  n:work_1"
    assert grandchild == "    └── locked (running)  activities.pay  o:1-pay_1"


def test_of_what_has_finished_the_newest_are_shown() -> None:
    ok = {"status": "finished", "result_kind": "ok"}
    children = [execution(f".n:work_{number}", ok) for number in range(1, 9)]

    shown = lines(execution("", {"status": "locked"}), *children)

    assert [line.split("  ")[-1] for line in shown[1:-1]] == [f"n:work_{number}" for number in range(4, 9)]
    assert shown[-1] == "└── and 3 more that finished"
