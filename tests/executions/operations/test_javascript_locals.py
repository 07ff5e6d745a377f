"""What the local variables of workflows in JavaScript are, at each recorded event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.log.ids import ExecutionId
from executions.journal.journal import SqlJournal
from executions.models import LogLine
from executions.operations.querying import locals_at
from executions.testing import DeployedApp, deployed
from tests.executions.scripts import SUM, write_scripts

pytestmark = pytest.mark.django_db(transaction=True)

FLOW = """import { add } from 'test:js/math';

const LIMIT = 3;

class Order {
  constructor(id) {
    this.id = id;
  }
}

function ask(order, amount) {
  const around = () => add(amount, order.id);
  return around();
}

export default async function sum(numbers) {
  let total = 0;
  const order = new Order(7);
  const seen = new Map([["a", 1n]]);
  const circular = {};
  circular.self = circular;
  for (const number of numbers) {
    const now = Date.now();
    total = add(total, number);
  }
  {
    const total = "inner";
    ask(order, LIMIT);
  }
  return total;
}
"""


def run(app: DeployedApp) -> ExecutionId:
    target = app.submit(SUM, [1, 2])
    assert app.result(target) == {"ok": 3}
    return target


def frames_of_each_call(target: ExecutionId) -> list[list[dict[str, Any]]]:
    """Return the frames at every event, without repetitions."""
    last = SqlJournal.for_current_connection().state_of(target).next_version - 1
    found: list[list[dict[str, Any]]] = []
    for version in range(1, last + 1):
        frames = locals_at(target, version)
        if not found or frames != found[-1]:
            found.append(frames)
    return found


def test_variables_are_told_at_each_call(tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path, FLOW)) as app:
        clock, first, again, second, inner, end = frames_of_each_call(run(app))

    lines = FLOW.splitlines()
    assert lines[clock[0]["line"] - 1].strip() == "const now = Date.now();", "the clock is a recorded call, too"
    assert lines[first[0]["line"] - 1].strip() == "total = add(total, number);"
    assert (first[0]["function"], first[0]["file"]) == ("sum", "flows.sum.js")
    assert first[0]["locals"]["numbers"] == "[1,2]"
    assert first[0]["locals"]["order"] == 'Order {"id":7}'
    assert first[0]["locals"]["seen"] == 'Map [["a","1n"]]'
    assert first[0]["locals"]["circular"] == "[object Object]"
    assert [frames[0]["locals"]["number"] for frames in (clock, first, again, second)] == ["1", "1", "2", "2"]
    assert [frames[0]["locals"]["total"] for frames in (clock, first, again, second)] == ["0", "0", "1", "1"]
    assert "now" not in clock[0]["locals"], "its block has not come so far"
    assert end == []
    assert [frame["function"] for frame in inner] == ["around", "ask", "sum"]
    assert inner[0]["locals"] == {"amount": "3", "order": 'Order {"id":7}'}, "of the function around it"
    assert inner[2]["locals"]["total"] == "3"
    assert inner[2]["locals"]["total (2)"] == '"inner"'


GATHER = """import { addSubmit } from 'test:js-obelisk-ext/math';

export default function sum(numbers) {
  const sums = obelisk.createJoinSet({ name: "sums" });
  const within = { sums };
  for (const number of numbers) addSubmit(sums, number, 0);
  const patience = sums.submitDelay({ days: 1 });
  let total = sums.joinNext();
  total += sums.joinNext();
  console.log(sums);
  sums.close();
  obelisk.sleep({ milliseconds: 1 });
  return total;
}
"""


def test_join_sets_tell_their_name_and_members(tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path, GATHER)) as app:
        target = run(app)
        told = [frames[0]["locals"] for frames in frames_of_each_call(target) if frames]

    sums = [local["sums"] for local in told if "sums" in local]
    assert list(dict.fromkeys(sums)) == [
        "<JoinSet n:sums: 0 open, 0 taken>",
        "<JoinSet n:sums: 1 open, 0 taken>",
        "<JoinSet n:sums: 2 open, 0 taken>",
        "<JoinSet n:sums: 3 open, 0 taken>",
        "<JoinSet n:sums: 2 open, 1 taken>",
        "<JoinSet n:sums: closed>",
    ]
    assert told[-1]["within"] == '{"sums":"<JoinSet n:sums: closed>"}'
    assert list(LogLine.objects.filter(execution_id=target).values_list("message", flat=True)) == [
        "<JoinSet n:sums: 1 open, 2 taken>"
    ]
